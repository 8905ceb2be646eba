internal import Crypto
internal import CryptoExtras
internal import Encodings
internal import FoundationEssentials
internal import SwiftASN1
internal import X509

/// The certificates of one signature, read: leaf first, root last. Whether they are acceptable is `NotaryCertificateProfile`'s question.
package struct NotaryCertificateChain: Sendable, Hashable {
  package struct Certificate: Sendable, Hashable {
    package let der: [UInt8]
    /// SHA-256 of `der`.
    package let thumbprint: [UInt8]
    package let subject: NotaryDistinguishedName
    package let issuer: NotaryDistinguishedName
    /// DER SubjectPublicKeyInfo.
    package let publicKey: [UInt8]
    /// Nil when the key makes no Notary signatures.
    package let keySpec: NotaryKeySpec?
    /// Seconds since the epoch, both inclusive.
    package let notBefore: Int64
    package let notAfter: Int64
    let parsed: X509.Certificate

    package static func == (a: Certificate, b: Certificate) -> Bool { a.der == b.der }
    package func hash(into hasher: inout Hasher) { hasher.combine(der) }
  }

  /// At least one.
  package let certificates: [Certificate]

  package var leaf: Certificate { certificates[0] }
  package var root: Certificate { certificates[certificates.count - 1] }
  package var der: [[UInt8]] { certificates.map(\.der) }
  /// The spec of the leaf's key.
  package var keySpec: NotaryKeySpec? { leaf.keySpec }

  /// Reads DER certificates. Fuzz entry point.
  ///
  /// - Throws: `.badChain` when there are none or too many, or one cannot be read (RSASSA-PSS signatures and secp256k1 keys cannot).
  package init(der chain: [[UInt8]]) throws(NotaryError) {
    guard (1...NotaryEnvelope.Limits.chainLength).contains(chain.count) else {
      throw .badChain("\(chain.count) certificates where 1 to \(NotaryEnvelope.Limits.chainLength) are wanted")
    }
    var read: [Certificate] = []
    for (i, der) in chain.enumerated() { read.append(try Certificate(der: der, position: i + 1)) }
    certificates = read
  }

  /// Reads PEM `CERTIFICATE` blocks in the order of the file; other blocks are refused.
  package init(pem: some Sequence<UInt8>) throws(NotaryError) {
    let blocks: [PEM.Block]
    do { blocks = try PEM.parse(pem) } catch { throw .badChain("PEM: \(error.description)") }
    if let other = blocks.first(where: { $0.label != "CERTIFICATE" }) {
      throw .badChain("a \(other.label.prefix(40)) block where only certificates are wanted")
    }
    try self.init(der: blocks.map(\.bytes))
  }

  package var pem: String { certificates.map { PEM.encode($0.der, label: "CERTIFICATE") }.joined() }
}

extension NotaryCertificateChain.Certificate {
  init(der: [UInt8], position: Int) throws(NotaryError) {
    guard der.count <= NotaryEnvelope.Limits.certificateBytes else {
      throw .tooLong(what: "certificate \(position)", limit: NotaryEnvelope.Limits.certificateBytes)
    }
    let parsed: X509.Certificate
    do { parsed = try X509.Certificate(derEncoded: der) } catch {
      throw .badChain("certificate \(position) is no DER certificate of a known key and signature algorithm")
    }
    self.der = der
    self.parsed = parsed
    thumbprint = Array(SHA256.hash(data: der))
    subject = NotaryDistinguishedName(parsed.subject)
    issuer = NotaryDistinguishedName(parsed.issuer)
    notBefore = Int64(parsed.notValidBefore.timeIntervalSince1970)
    notAfter = Int64(parsed.notValidAfter.timeIntervalSince1970)
    (publicKey, keySpec) = Self.key(parsed.publicKey)
  }

  private static func key(_ key: X509.Certificate.PublicKey) -> (spki: [UInt8], spec: NotaryKeySpec?) {
    if let key = P256.Signing.PublicKey(key) { return (Array(key.derRepresentation), .ec256) }
    if let key = P384.Signing.PublicKey(key) { return (Array(key.derRepresentation), .ec384) }
    if let key = P521.Signing.PublicKey(key) { return (Array(key.derRepresentation), .ec521) }
    if let key = _RSA.Signing.PublicKey(key) { return (Array(key.derRepresentation), NotaryKeySpec(rsaBits: key.keySizeInBits)) }
    var serializer = DER.Serializer()
    guard (try? serializer.serialize(key)) != nil else { return ([], nil) }
    return (serializer.serializedBytes, nil)
  }
}
