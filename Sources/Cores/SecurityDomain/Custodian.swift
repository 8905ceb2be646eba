package import Encodings
package import JOSE

/// One holder of a share: the certificate whose private key opens it.
package struct Custodian: Sendable, Hashable {
  /// The certificate's DER bytes.
  package let certificate: [UInt8]
  /// base64url(SHA-256(DER)), unpadded: how the file names this custodian.
  package let digest: String
  package let key: RSAEncryptionKey
  /// The `kid` that the request gave; it is repeated in the share's header.
  package let kid: String

  /// - Throws: `.badCertificate`, `.unsupportedKey`, `.keySizeRefused` (an RSA key of 2048 bits at least).
  package init(certificate der: [UInt8], kid: String = "not used") throws(JOSEError) {
    key = try RSAEncryptionKey(certificate: der)
    certificate = der
    digest = CertificateThumbprint.sha256(der)
    self.kid = kid
  }
}

/// The body of `POST /securitydomain/download`, checked: 3 to 10 different custodians and a quorum among them.
///
/// Only `x5c` of each certificate is believed. `x5t`, `x5t#S256`, `n`, `e`, `kty`, `key_ops` and `alg` are ignored: clients fill them in
/// different and partly wrong ways.
package struct DownloadRequest: Sendable {
  package static let custodianRange = 3...10
  package let custodians: [Custodian]
  package let required: Int

  package init(custodians: [Custodian], required: Int) throws(SecurityDomainError) {
    guard Self.custodianRange.contains(custodians.count) else { throw .badCustodianCount(custodians.count) }
    guard required >= 2, required <= custodians.count else {
      throw .badQuorum(required: required, custodians: custodians.count)
    }
    for (index, custodian) in custodians.enumerated() {
      guard !custodians[..<index].contains(where: { $0.digest == custodian.digest || $0.key == custodian.key }) else {
        throw .duplicateCustodian(index: index)
      }
    }
    self.custodians = custodians
    self.required = required
  }

  package static func parse(_ body: [UInt8]) throws(SecurityDomainError) -> DownloadRequest {
    let limit = 256 << 10
    let value: JSONValue
    do { value = try JSONValue.parse(body, limits: JSONLimits(maxBytes: limit, maxDepth: 8, maxElements: 2000)) } catch {
      throw .badJSON(error)
    }
    return try parse(value)
  }

  package static func parse(_ value: JSONValue) throws(SecurityDomainError) -> DownloadRequest {
    guard let entries = value["certificates"]?.array else { throw .badMember("certificates") }
    guard custodianRange.contains(entries.count) else { throw .badCustodianCount(entries.count) }
    guard let required = value["required"]?.int else { throw .badMember("required") }
    var custodians: [Custodian] = []
    for (index, entry) in entries.enumerated() {
      guard let text = entry["x5c"]?.array?.first?.string, text.utf8.count <= 1 << 16,
        let der = try? Base64.decode(text)
      else { throw .badMember("certificates[\(index)].x5c") }
      var kid = "not used"
      if let given = entry["kid"]?.string, !given.isEmpty, given.utf8.count <= 256 { kid = given }
      do { custodians.append(try Custodian(certificate: der, kid: kid)) } catch {
        throw .badCertificate(index: index, error)
      }
    }
    return try DownloadRequest(custodians: custodians, required: required)
  }
}
