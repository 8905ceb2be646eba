internal import Crypto
internal import Encodings
package import NotaryFormats
internal import SwiftASN1
internal import X509

/// A named store of certificates that chains may end in, or pass through, and whose subjects are believed (Notary Project trust store).
package struct CertificateRoot: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// Certificates of people and services that sign for themselves; serves the scheme `notary.x509`.
    case ca
    /// Services that are trusted to state the time as well; serves `notary.x509.signingAuthority`.
    case signingAuthority
  }

  package var name: String
  package var kind: Kind
  /// DER. A chain is trusted when one of its certificates is byte for byte one of these.
  package var certificates: [[UInt8]]
  /// Whose certificates under this root are believed; empty: all of them, which the file must say with `"*"`.
  package var identities: [NotaryDistinguishedName]
  package var channel: TrustPolicy.Channel

  package static let maxCertificates = 64
  package static let maxPEMBytes = 256 << 10

  package init(
    name: String, kind: Kind, certificates: [[UInt8]], identities: [NotaryDistinguishedName] = [], channel: TrustPolicy.Channel = .release
  ) {
    self.name = name
    self.kind = kind
    self.certificates = certificates
    self.identities = identities
    self.channel = channel
  }

  /// Reads a PEM text with 1 to 64 `CERTIFICATE` blocks and nothing else. Each must be a CA's or self-signed: another end-entity certificate
  /// in a trust store makes other verifiers fail on all of it.
  package static func certificates(pem: some Sequence<UInt8>) throws(TrustError) -> [[UInt8]] {
    let blocks: [PEM.Block]
    do { blocks = try PEM.parse(pem, maxBytes: maxPEMBytes, maxBlocks: maxCertificates) } catch { throw .badCertificate("PEM: \(error.description)") }
    guard !blocks.isEmpty else { throw .badCertificate("the text has no CERTIFICATE block") }
    for (i, block) in blocks.enumerated() {
      guard block.label == "CERTIFICATE" else { throw .badCertificate("block \(i) is no CERTIFICATE") }
      guard !blocks[..<i].contains(where: { $0.bytes == block.bytes }) else { throw .badCertificate("certificate \(i) stands there twice") }
      let certificate: Certificate
      do { certificate = try Certificate(derEncoded: block.bytes) } catch { throw .badCertificate("certificate \(i) is not valid DER") }
      let isAuthority =
        switch (try? certificate.extensions.basicConstraints) ?? .notCertificateAuthority {
        case .isCertificateAuthority: true
        case .notCertificateAuthority: false
        }
      guard isAuthority || certificate.issuer == certificate.subject else {
        throw .badCertificate("certificate \(i) is neither a CA's nor self-signed: pin the certificate that issued it")
      }
    }
    return blocks.map(\.bytes)
  }

  package static func thumbprint(_ der: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: der)) }
}
