import CLibcrypto
import Custody
import Secrets

/// A key pair in libcrypto.
///
/// Thread safety, the proof behind `@unchecked Sendable`: the pointer is set once and freed once, in `deinit`, when no other
/// reference exists. After the initialiser nothing here changes the EVP_PKEY; signing and verifying make a context of their own
/// per call and only read the key. OpenSSL documents such use as safe (openssl-threads(7): objects may be read by several threads
/// at once if none writes) and guards what it builds lazily behind a key (provider copies, RSA blinding, Montgomery
/// contexts) with locks of its own.
final class PKey: @unchecked Sendable {
  let pointer: OpaquePointer

  /// Takes ownership of one reference. `EVP_PKEY_free` clears private integers (BN_clear_free) with the last one.
  init(owning pointer: OpaquePointer) { self.pointer = pointer }

  deinit { EVP_PKEY_free(pointer) }

  /// Reads PKCS#8 DER (RFC 5208), nothing else.
  convenience init(pkcs8: SecretBytes) throws(EngineFailure) {
    let key: OpaquePointer? = pkcs8.withUnsafeBytes { bytes in
      var start = bytes.bindMemory(to: UInt8.self).baseAddress
      guard let container = d2i_PKCS8_PRIV_KEY_INFO(nil, &start, bytes.count) else { return nil }
      defer { PKCS8_PRIV_KEY_INFO_free(container) }
      return EVP_PKCS82PKEY(container)
    }
    guard let key else { throw libraryFailure("load PKCS#8") }
    self.init(owning: key)
  }
}

extension PKey: ExportableKey {
  func plainForm() throws(EngineFailure) -> SecretBytes {
    guard let container = EVP_PKEY2PKCS8(pointer) else { throw libraryFailure("export PKCS#8") }
    defer { PKCS8_PRIV_KEY_INFO_free(container) }
    var der: UnsafeMutablePointer<UInt8>?
    let count = Int(i2d_PKCS8_PRIV_KEY_INFO(container, &der))
    guard count > 0, let der else { throw libraryFailure("export PKCS#8") }
    let plain = SecretBytes(copying: UnsafeRawBufferPointer(start: der, count: count))
    hallmark_clear_free(der, count)
    return plain
  }

  func publicKey(of spec: KeySpec) throws(EngineFailure) -> PublicKey {
    switch spec {
    case .rsa: return .rsa(modulus: try integer(OSSL_PKEY_PARAM_RSA_N), exponent: try integer(OSSL_PKEY_PARAM_RSA_E))
    case .ec(let curve):
      guard let x = fixedWidth(try integer(OSSL_PKEY_PARAM_EC_PUB_X), curve.coordinateLength),
        let y = fixedWidth(try integer(OSSL_PKEY_PARAM_EC_PUB_Y), curve.coordinateLength)
      else { throw .libraryFailed(step: "public point", code: 0) }
      return .ec(curve, x: x, y: y)
    case .oct: throw .unsupported(spec)
    }
  }

  /// A public integer, big-endian without leading zeros.
  private func integer(_ name: String) throws(EngineFailure) -> [UInt8] {
    var number: OpaquePointer?
    guard EVP_PKEY_get_bn_param(pointer, name, &number) == 1, let number else { throw libraryFailure("public part") }
    defer { BN_free(number) }
    var bytes = [UInt8](repeating: 0, count: (Int(BN_num_bits(number)) + 7) / 8)
    BN_bn2bin(number, &bytes)
    return bytes
  }
}

/// The newest error of this thread's queue, which is emptied.
func libraryFailure(_ step: String) -> EngineFailure {
  let code = UInt64(ERR_peek_last_error())
  ERR_clear_error()
  return .libraryFailed(step: step, code: code)
}

extension Curve {
  /// The name libcrypto knows the curve by.
  var groupName: String {
    switch self {
    case .p256: "P-256"
    case .p384: "P-384"
    case .p521: "P-521"
    case .p256K: "secp256k1"
    }
  }
}
