internal import Crypto
internal import Encodings
internal import FoundationEssentials
internal import SwiftASN1
package import Trust
internal import X509

/// One certificate of a chain, read.
package struct ChainCertificate: Sendable, Hashable {
  package let der: [UInt8]
  package let key: PublicKey
  /// `C=DE, O=Example, CN=root`, in the order of the certificate.
  package let subject: String
  package let issuer: String
  /// Seconds since the epoch, both inclusive.
  package let notBefore: Int64
  package let notAfter: Int64
  /// Lower-case hexadecimal.
  package let serial: String
  let parsed: Certificate

  /// - Parameter position: in its chain, for errors; the leaf is 1.
  init(der: [UInt8], position: Int) throws(IssuanceError) {
    guard der.count <= CertificateChain.maxCertificateBytes else {
      throw .certificateTooLong(position: position, bytes: der.count, limit: CertificateChain.maxCertificateBytes)
    }
    do { parsed = try Certificate(derEncoded: der) } catch {
      throw .badCertificate(position: position, why: "it is no X.509 certificate with a key and signature algorithm known here (RSA PKCS#1 v1.5, ECDSA on P-256, P-384, P-521)")
    }
    do {
      var serializer = DER.Serializer()
      try serializer.serialize(parsed.publicKey)
      key = try PublicKey(spki: serializer.serializedBytes)
    } catch let error as TrustError {
      throw .badCertificate(position: position, why: error.description)
    } catch {
      throw .badCertificate(position: position, why: "its public key cannot be read")
    }
    self.der = der
    subject = SubjectName(parsed.subject).text
    issuer = SubjectName(parsed.issuer).text
    notBefore = Int64(parsed.notValidBefore.timeIntervalSince1970)
    notAfter = Int64(parsed.notValidAfter.timeIntervalSince1970)
    serial = Hex.encode(parsed.serialNumber.bytes)
  }

  /// SHA-256 of the DER, lower-case hexadecimal.
  package var fingerprint: String { Hex.encode(SHA256.hash(data: der)) }

  /// Whether it is allowed to issue others: basicConstraints cA and, if keyUsage is there, keyCertSign.
  package var isAuthority: Bool {
    guard case .isCertificateAuthority? = try? parsed.extensions.basicConstraints else { return false }
    guard let usage = try? parsed.extensions.keyUsage else { return true }
    return usage.keyCertSign
  }

  func isSigned(by issuer: ChainCertificate) -> Bool { issuer.parsed.publicKey.isValidSignature(parsed.signature, for: parsed) }
}
