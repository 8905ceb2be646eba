import Clocks
import Encodings
import JOSE

extension TokenAuthority {
  /// Checks a client assertion: signed by the client itself (iss = sub = client_id, RFC 7523 §3), or by a federated issuer.
  ///
  /// - Returns: the workload behind a federated assertion; nil for a client's own key.
  func proof(_ assertion: String, of entry: DirectoryEntry, clientID: String) throws(Interruption) -> Workload? {
    let token: UnverifiedJWT
    do throws(JOSEError) { token = try UnverifiedJWT.parse(assertion, maxBytes: 32 << 10) } catch {
      throw .refused(.assertionMalformed(Self.words(error)))
    }
    guard let issuer = token.claimedIssuer else { throw .refused(.assertionMalformed("iss is missing")) }
    if issuer.lowercased() == clientID.lowercased() {
      try checkOwnKey(token, entry, clientID)
      return nil
    }
    return try federated(token, issuer, entry)
  }

  private func checkOwnKey(_ token: UnverifiedJWT, _ entry: DirectoryEntry, _ clientID: String) throws(Interruption) {
    let now = time.now()
    let header = token.jws.header
    let usable = entry.keys.filter { key in key.expires.map { now < $0 } ?? true }
    // A header may name the key by certificate digest or key id; naming none, or one in a form we do not know, tries them all.
    let named = usable.filter { key in
      let certificate = key.certificate
      return certificate.map { header["x5t#S256"]?.string == CertificateThumbprint.sha256($0) } == true
        || certificate.map { header["x5t"]?.string == CertificateThumbprint.sha1($0) } == true
        || token.kid != nil && token.kid == JWK(key.key).thumbprint
    }
    var verified: VerifiedJWT?
    for key in named.isEmpty ? usable : named {
      guard let candidate = try? VerificationKey(JWK(key.key)) else { continue }
      if let result = try? token.verified(with: candidate) {
        verified = result
        break
      }
    }
    guard let verified else { throw .refused(.assertionSignatureInvalid) }
    guard verified.subject?.lowercased() == clientID.lowercased() else { throw .refused(.assertionNotAboutClient) }
    try checkTimes(verified)
    guard let expiry = verified.expiry, expiry <= now.seconds + Self.maxAssertionSeconds + Self.skewSeconds else {
      throw .refused(.assertionLifetimeTooLong(maxSeconds: Self.maxAssertionSeconds))
    }
    let accepted = settings.assertionAudiences.map { TokenResource.trimmed($0) }
    guard verified.audiences.contains(where: { accepted.contains(TokenResource.trimmed($0)) }) else {
      throw .refused(.assertionAudienceWrong)
    }
    guard let jti = verified.claims["jti"]?.string, (1...256).contains(jti.utf8.count) else { throw .refused(.assertionReplayed) }
    try useOnce(entry.objectID.text, jti: jti, expiry: expiry)
  }

  private func federated(_ token: UnverifiedJWT, _ issuer: String, _ entry: DirectoryEntry) throws(Interruption) -> Workload {
    guard let trusted = directory.issuer(issuer) else { throw .refused(.assertionIssuerUntrusted(String(issuer.prefix(200)))) }
    // Looked at before any key is fetched: only an issuer this application trusts is worth a fetch.
    let credentials = entry.federated.filter { $0.issuer.utf8.elementsEqual(issuer.utf8) }
    guard !credentials.isEmpty else {
      throw .refused(.noMatchingFederatedCredential(issuer: String(issuer.prefix(200)), subject: String((token.claims["sub"]?.string ?? "").prefix(300)), audiences: []))
    }
    guard trusted.algorithms.contains(token.jws.algorithm) else {
      throw .refused(.assertionMalformed("algorithm \(token.jws.algorithm.rawValue) is not allowed for this issuer"))
    }
    let keys: [VerificationKey]
    switch keyring.lookUp(trusted, kid: token.kid) {
    case .needsRefresh: throw .needsKeyRefresh(trusted)
    case .unknown: throw .refused(.assertionKeysUnavailable(issuer))
    case .keys(let found, _): keys = found
    }
    guard let verified = keys.lazy.compactMap({ try? token.verified(with: $0, allowing: trusted.algorithms) }).first else {
      throw .refused(.assertionSignatureInvalid)
    }
    try checkTimes(verified)
    let audiences = verified.audiences
    let matches = credentials.contains { credential in
      credential.audiences.contains { wanted in audiences.contains { $0.utf8.elementsEqual(wanted.utf8) } }
        && credential.subject.matches { verified.claims[$0]?.string }
    }
    guard matches else {
      throw .refused(
        .noMatchingFederatedCredential(
          issuer: issuer, subject: String((verified.subject ?? "").prefix(300)), audiences: audiences.prefix(4).map { String($0.prefix(200)) }))
    }
    return Workload(
      issuer: issuer, subject: AuditClaims.bounded(verified.subject ?? ""), claims: AuditClaims.pick(verified.claims))
  }

  private func checkTimes(_ token: VerifiedJWT) throws(Interruption) {
    do throws(JOSEError) { try token.checkTimes(now: time.now(), leewaySeconds: Self.skewSeconds) } catch {
      switch error {
      case .expired: throw .refused(.assertionExpired)
      case .notYetValid: throw .refused(.assertionEarly)
      case .missing: throw .refused(.assertionLifetimeTooLong(maxSeconds: Self.maxAssertionSeconds))
      default: throw .refused(.assertionMalformed(Self.words(error)))
      }
    }
  }

  private static func words(_ error: JOSEError) -> String {
    switch error {
    case .tooLong(let limit): "it is longer than \(limit) bytes"
    case .wrongNumberOfParts: "it is not a compact JWS"
    case .algorithmRefused: "its algorithm is not allowed"
    case .criticalHeader: "it has critical header extensions"
    case .missing(let name): "\(name) is missing"
    case .badMember(let name): "\(name) is wrong"
    default: "it is not a JWT"
    }
  }
}
