import Crypto
import Encodings
import Foundation
import NotaryFormats
import SwiftASN1
import X509

/// A certificate to be made for a test: everything right, until a test changes one thing.
struct CertificatePlan {
  var subject = "signer"
  var key = P256.Signing.PrivateKey()
  var notBefore: Int64 = 1_700_000_000
  var notAfter: Int64 = 1_900_000_000
  var constraints: BasicConstraints? = .notCertificateAuthority
  var constraintsCritical = true
  var usage: KeyUsage? = KeyUsage(digitalSignature: true)
  var usageCritical = true
  var purposes: [ExtendedKeyUsage.Usage] = [.codeSigning]
  /// Another public key than P-256's, for the leaf's kind.
  var publicKey: Certificate.PublicKey?

  static func authority(_ name: String, pathLength: Int? = nil) -> CertificatePlan {
    CertificatePlan(
      subject: name, constraints: .isCertificateAuthority(maxPathLength: pathLength), usage: KeyUsage(keyCertSign: true, cRLSign: true), purposes: [])
  }

  var name: DistinguishedName {
    get throws { try DistinguishedName { CountryName("US"); StateOrProvinceName("WA"); OrganizationName("Example"); CommonName(subject) } }
  }

  /// DER, signed by the issuer, or by its own key.
  func certificate(issuer: CertificatePlan? = nil) throws -> [UInt8] {
    let by = issuer ?? self
    var extensions: [Certificate.Extension] = []
    if let constraints { extensions.append(try Certificate.Extension(constraints, critical: constraintsCritical)) }
    if let usage { extensions.append(try Certificate.Extension(usage, critical: usageCritical)) }
    if !purposes.isEmpty { extensions.append(try Certificate.Extension(ExtendedKeyUsage(purposes), critical: false)) }
    let certificate = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: publicKey ?? .init(key.publicKey),
      notValidBefore: Date(timeIntervalSince1970: Double(notBefore)), notValidAfter: Date(timeIntervalSince1970: Double(notAfter)),
      issuer: by.name, subject: name, signatureAlgorithm: .ecdsaWithSHA256, extensions: Certificate.Extensions(extensions),
      issuerPrivateKey: .init(by.key))
    var serializer = DER.Serializer()
    try serializer.serialize(certificate)
    return serializer.serializedBytes
  }

  /// Leaf first, every one issued by the next, the last by itself.
  static func chain(_ plans: [CertificatePlan]) throws -> [[UInt8]] {
    try plans.enumerated().map { try $1.certificate(issuer: $0 + 1 < plans.count ? plans[$0 + 1] : nil) }
  }
}
