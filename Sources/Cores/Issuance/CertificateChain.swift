internal import Clocks
internal import Encodings
internal import SwiftASN1
package import Trust
internal import X509

/// The certificates from a key's own to the root, leaf first, root included: what Notary signatures carry.
///
/// Made only from certificates of which each was signed by the next and the last by itself. Says nothing about trust, time or purpose:
/// `check(at:for:)` does, and whether the root is trusted is a policy's matter.
package struct CertificateChain: Sendable, Hashable {
  package static let maxCertificates = 16
  package static let maxCertificateBytes = 64 << 10
  /// Longest text that is read at all: base64 of the largest chain, with line ends and labels.
  package static let maxTextBytes = 2 << 20

  /// Leaf first, at least one.
  package let certificates: [ChainCertificate]

  /// - Parameter der: each certificate in DER, leaf first.
  /// - Cost: one signature check per certificate.
  package init(der: [[UInt8]]) throws(IssuanceError) {
    guard der.count <= Self.maxCertificates else { throw .tooManyCertificates(limit: Self.maxCertificates) }
    for (index, bytes) in der.enumerated() where bytes.count > Self.maxCertificateBytes {
      throw .certificateTooLong(position: index + 1, bytes: bytes.count, limit: Self.maxCertificateBytes)
    }
    guard !der.isEmpty else { throw .notCertificates(why: "it is empty") }
    var certificates: [ChainCertificate] = []
    for (index, bytes) in der.enumerated() {
      guard !der[..<index].contains(bytes) else { throw .badCertificate(position: index + 1, why: "it is there twice") }
      certificates.append(try ChainCertificate(der: bytes, position: index + 1))
    }
    try self.init(certificates)
  }

  init(_ certificates: [ChainCertificate]) throws(IssuanceError) {
    for (index, certificate) in certificates.enumerated() {
      let position = index + 1
      guard position < certificates.count else {
        guard certificate.parsed.issuer == certificate.parsed.subject else { throw .rootMissing(issuer: certificate.issuer) }
        guard certificate.isSigned(by: certificate) else { throw .badSignature(position: position, issuer: certificate.issuer) }
        break
      }
      let issuer = certificates[index + 1]
      guard certificate.parsed.issuer == issuer.parsed.subject else {
        throw .wrongOrder(position: position, issuer: certificate.issuer, next: issuer.subject)
      }
      guard certificate.isSigned(by: issuer) else { throw .badSignature(position: position, issuer: issuer.subject) }
    }
    self.certificates = certificates
  }

  /// Reads PEM text or DER certificates one after the other. Other PEM blocks than CERTIFICATE are refused: a private key has no
  /// business in such a file.
  package init(bytes: [UInt8]) throws(IssuanceError) {
    guard bytes.count <= Self.maxTextBytes else { throw .notCertificates(why: "longer than \(Self.maxTextBytes) bytes") }
    if bytes.first == 0x30 {
      try self.init(der: Self.split(bytes))
      return
    }
    let blocks: [PEM.Block]
    do { blocks = try PEM.parse(bytes, maxBytes: Self.maxTextBytes, maxBlocks: Self.maxCertificates) } catch {
      if case .malformed(let expected, _) = error, expected.hasPrefix("at most") { throw .tooManyCertificates(limit: Self.maxCertificates) }
      throw .notCertificates(why: error.description)
    }
    guard !blocks.isEmpty else { throw .notCertificates(why: "it has no PEM block") }
    if let other = blocks.first(where: { $0.label != "CERTIFICATE" }) {
      throw .notCertificates(why: "it has a PEM block \(other.label.prefix(40))")
    }
    try self.init(der: blocks.map(\.bytes))
  }

  package var leaf: ChainCertificate { certificates[0] }
  package var root: ChainCertificate { certificates[certificates.count - 1] }
  package var der: [[UInt8]] { certificates.map(\.der) }
  package var pem: String { certificates.map { PEM.encode($0.der, label: "CERTIFICATE") }.joined() }

  /// When the first of the certificates ends: seconds since the epoch.
  package var expires: Int64 { certificates.map(\.notAfter).min() ?? 0 }

  /// - Throws: `.otherKey` unless the leaf is for exactly this key.
  package func check(key: PublicKey) throws(IssuanceError) {
    guard leaf.key == key else { throw .otherKey(chainKey: leaf.key.fingerprintHex, wanted: key.fingerprintHex) }
  }

  /// The bytes of DER elements standing one after the other, by their outer lengths alone.
  private static func split(_ bytes: [UInt8]) throws(IssuanceError) -> [[UInt8]] {
    var rest = bytes[...]
    var result: [[UInt8]] = []
    while !rest.isEmpty {
      guard result.count < maxCertificates else { throw .tooManyCertificates(limit: maxCertificates) }
      let position = result.count + 1
      guard rest.first == 0x30, rest.count >= 2 else { throw .badCertificate(position: position, why: "it is no DER sequence") }
      var index = rest.startIndex + 1
      var length = Int(rest[index])
      index += 1
      if length >= 0x80 {
        let octets = length & 0x7F
        guard (1...3).contains(octets), rest.endIndex - index >= octets else { throw .badCertificate(position: position, why: "its DER length is not valid") }
        length = rest[index..<index + octets].reduce(0) { $0 << 8 | Int($1) }
        index += octets
      }
      guard rest.endIndex - index >= length else { throw .badCertificate(position: position, why: "it is cut off") }
      guard index + length - rest.startIndex <= maxCertificateBytes else {
        throw .certificateTooLong(position: position, bytes: index + length - rest.startIndex, limit: maxCertificateBytes)
      }
      result.append(Array(rest[..<(index + length)]))
      rest = rest[(index + length)...]
    }
    return result
  }
}
