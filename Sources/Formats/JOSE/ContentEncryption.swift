import Crypto
import CryptoExtras
import FoundationEssentials
import Secrets

/// A256CBC-HS512 (RFC 7518 §5.2.5): AES-256-CBC with PKCS#7 padding, then HMAC-SHA-512 cut to 32 bytes.
///
/// The key has 64 bytes: the first half authenticates, the second encrypts.
enum A256CBCHS512 {
  static let keySize = 64
  static let tagSize = 32
  static let ivSize = 16

  struct Sealed {
    var iv: [UInt8]
    var ciphertext: [UInt8]
    var tag: [UInt8]
  }

  static func seal(
    _ plaintext: SecretBytes, key: SecretBytes, iv: [UInt8], authenticating aad: [UInt8]
  ) throws(JOSEError) -> Sealed {
    guard key.count == keySize, iv.count == ivSize else { throw .badKey("content encryption key") }
    do {
      let (mac, encryption) = halves(of: key)
      let vector = try AES._CBC.IV(ivBytes: iv)
      let ciphertext = Array(
        try plaintext.withUnsafeBytes { try AES._CBC.encrypt($0, using: encryption, iv: vector) })
      return Sealed(iv: iv, ciphertext: ciphertext, tag: tag(mac, aad, iv, ciphertext))
    } catch { throw .badKey("content encryption key") }
  }

  /// Checks the tag in constant time, and only then decrypts.
  static func open(_ sealed: Sealed, key: SecretBytes, authenticating aad: [UInt8]) throws(JOSEError) -> SecretBytes {
    guard key.count == keySize, sealed.iv.count == ivSize, sealed.tag.count == tagSize else { throw .decryptionFailed }
    let (mac, encryption) = halves(of: key)
    guard constantTimeEqual(tag(mac, aad, sealed.iv, sealed.ciphertext), sealed.tag) else { throw .decryptionFailed }
    guard let vector = try? AES._CBC.IV(ivBytes: sealed.iv),
      var plaintext = try? AES._CBC.decrypt(sealed.ciphertext, using: encryption, iv: vector)
    else { throw .decryptionFailed }
    return SecretBytes(wiping: &plaintext)
  }

  private static func halves(of key: SecretBytes) -> (SymmetricKey, SymmetricKey) {
    key.withUnsafeBytes { bytes in
      (
        SymmetricKey(data: UnsafeRawBufferPointer(rebasing: bytes[..<32])),
        SymmetricKey(data: UnsafeRawBufferPointer(rebasing: bytes[32...]))
      )
    }
  }

  /// The first 32 bytes of HMAC(aad ‖ iv ‖ ciphertext ‖ BE64(bits of aad)).
  private static func tag(_ key: SymmetricKey, _ aad: [UInt8], _ iv: [UInt8], _ ciphertext: [UInt8]) -> [UInt8] {
    var mac = HMAC<SHA512>(key: key)
    mac.update(data: aad)
    mac.update(data: iv)
    mac.update(data: ciphertext)
    let bits = UInt64(aad.count) * 8
    mac.update(data: (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) })
    return Array(mac.finalize().prefix(tagSize))
  }
}
