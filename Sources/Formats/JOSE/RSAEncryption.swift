import Crypto
import CryptoExtras
import Encodings
import FoundationEssentials
package import Secrets
import SwiftASN1
import X509

/// An RSA public key to encrypt to: RSA-OAEP with SHA-256 and an empty label.
package struct RSAEncryptionKey: Sendable, Hashable {
  /// The key as SubjectPublicKeyInfo. The library's key type is not `Sendable`, so it is made for each use.
  private let spki: [UInt8]
  /// Bits of the modulus.
  package let bits: Int

  /// Takes the RSA key out of a certificate, of 2048 to 8192 bits.
  package init(certificate der: [UInt8]) throws(JOSEError) {
    guard der.count <= 1 << 16, let certificate = try? Certificate(derEncoded: der) else { throw .badCertificate }
    guard let key = _RSA.Signing.PublicKey(certificate.publicKey) else { throw .unsupportedKey("certificate") }
    try self.init(key)
  }

  init(_ key: _RSA.Signing.PublicKey) throws(JOSEError) {
    guard JWK.modulusBitRange.contains(key.keySizeInBits) else { throw .keySizeRefused(bits: key.keySizeInBits) }
    spki = Array(key.derRepresentation)
    bits = key.keySizeInBits
  }

  func wrap(_ key: SecretBytes) throws(JOSEError) -> [UInt8] {
    do {
      let publicKey = try _RSA.Encryption.PublicKey(derRepresentation: spki)
      return Array(try key.withUnsafeBytes { try publicKey.encrypt($0, padding: .PKCS1_OAEP_SHA256) })
    } catch { throw .badKey("RSA") }
  }
}

/// An RSA private key that decrypts what `RSAEncryptionKey` encrypted.
package struct RSADecryptionKey: Sendable {
  private let der: SecretBytes
  /// The matching public key.
  package let publicKey: RSAEncryptionKey
  /// Modulus and exponent of the public key.
  package let jwk: JWK

  /// Reads the first private key of a PEM text (PKCS#8 or PKCS#1, unencrypted). The text itself is the caller's to wipe.
  package init(pem: [UInt8]) throws(JOSEError) {
    guard var blocks = try? PEM.parse(pem, maxBytes: 1 << 16),
      let index = blocks.firstIndex(where: { $0.label == "PRIVATE KEY" || $0.label == "RSA PRIVATE KEY" })
    else { throw .badKey("PEM") }
    try self.init(der: SecretBytes(wiping: &blocks[index].bytes))
  }

  /// Reads PKCS#8 or PKCS#1 DER.
  package init(der: SecretBytes) throws(JOSEError) {
    let key: _RSA.Signing.PrivateKey
    do { key = try der.withUnsafeBytes { try _RSA.Signing.PrivateKey(derRepresentation: $0) } } catch { throw .badKey("RSA") }
    self.der = der
    publicKey = try RSAEncryptionKey(key.publicKey)
    jwk = try JWK(key.publicKey)
  }

  /// Nil when it does not unwrap.
  func unwrap(_ encryptedKey: [UInt8]) -> SecretBytes? {
    guard let key = try? der.withUnsafeBytes({ try _RSA.Encryption.PrivateKey(derRepresentation: $0) }),
      var bytes = try? key.decrypt(encryptedKey, padding: .PKCS1_OAEP_SHA256)
    else { return nil }
    return SecretBytes(wiping: &bytes)
  }
}
