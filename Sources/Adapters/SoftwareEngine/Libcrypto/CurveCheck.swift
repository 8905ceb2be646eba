import CLibcrypto

/// Checks of signatures by public keys alone, on the curve that swift-crypto does not know.
package enum P256KCheck {
  /// - Parameters:
  ///   - der: `ECDSA-Sig-Value` (RFC 3279 §2.2.3); the caller has checked that its form is strict.
  ///   - digest: 32 bytes; it is not hashed again.
  ///   - spki: DER SubjectPublicKeyInfo, at most 4 KiB.
  /// - Returns: nil when libcrypto cannot use the key.
  package static func isValid(der: [UInt8], digest: [UInt8], spki: [UInt8]) -> Bool? {
    guard digest.count == 32, spki.count <= 4096 else { return nil }
    defer { ERR_clear_error() }
    let key: OpaquePointer? = spki.withUnsafeBufferPointer { bytes in
      var start = bytes.baseAddress
      return d2i_PUBKEY(nil, &start, bytes.count)
    }
    guard let key else { return nil }
    defer { EVP_PKEY_free(key) }
    // The group is checked here as well: a key of another curve must never be judged by this rule.
    var name = [CChar](repeating: 0, count: 64)
    var count = 0
    guard EVP_PKEY_get_group_name(key, &name, name.count, &count) == 1, name.prefix(count).elementsEqual("secp256k1".utf8.map { CChar($0) }),
      let context = EVP_PKEY_CTX_new_from_pkey(nil, key, nil)
    else { return nil }
    defer { EVP_PKEY_CTX_free(context) }
    guard EVP_PKEY_verify_init(context) == 1 else { return nil }
    return EVP_PKEY_verify(context, der, der.count, digest, digest.count) == 1
  }
}
