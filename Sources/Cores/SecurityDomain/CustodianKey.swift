package import Clocks
import Crypto
import CryptoExtras
import Encodings
import JOSE
import FoundationEssentials
package import Secrets
import SwiftASN1
import X509

/// A custodian's fresh RSA key and its self-signed certificate.
package struct CustodianKey: Sendable {
  /// PKCS#8 DER.
  package let privateKey: SecretBytes
  /// DER.
  package let certificate: [UInt8]

  /// How long the certificate says it is valid. Nobody checks it: a custodian's key opens its share for ever.
  static let validDays: Int64 = 3650

  /// - Parameter bits: 2048, 3072 or 4096 (from 0.1 to about 2 seconds).
  package static func generate(
    commonName: String, bits: Int = 2048, entropy: Entropy, clock: TimeSource
  ) throws(SecurityDomainError) -> CustodianKey {
    guard [2048, 3072, 4096].contains(bits) else { throw .jose(.keySizeRefused(bits: bits)) }
    do {
      let key = try _RSA.Signing.PrivateKey(keySize: .init(bitCount: bits))
      let name = try DistinguishedName { CommonName(commonName) }
      var serial = entropy.bytes(16)
      serial[0] = serial[0] & 0x3F | 0x40
      let start = clock.now().seconds
      let certificate = try Certificate(
        version: .v3, serialNumber: .init(bytes: serial), publicKey: .init(key.publicKey),
        notValidBefore: Date(timeIntervalSince1970: Double(start)),
        notValidAfter: Date(timeIntervalSince1970: Double(start + validDays * 86_400)), issuer: name, subject: name,
        signatureAlgorithm: .sha256WithRSAEncryption,
        extensions: try Certificate.Extensions {
          Critical(BasicConstraints.notCertificateAuthority)
          Critical(KeyUsage(keyEncipherment: true))
        },
        issuerPrivateKey: .init(key))
      var serializer = DER.Serializer()
      try serializer.serialize(certificate)
      var der = key.pkcs8DERRepresentation
      return CustodianKey(privateKey: SecretBytes(wiping: &der), certificate: serializer.serializedBytes)
    } catch { throw .certificateNotMade }
  }

  package var certificatePEM: String { PEM.encode(certificate, label: "CERTIFICATE") }

  /// The private key as an unencrypted PKCS#8 text, to be written where only the custodian reads it.
  package var privateKeyPEM: SecretBytes {
    privateKey.withUnsafeBytes { der in
      var text = Array(PEM.encode(der, label: "PRIVATE KEY").utf8)
      return SecretBytes(wiping: &text)
    }
  }
}
