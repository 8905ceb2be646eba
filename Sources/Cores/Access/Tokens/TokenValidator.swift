package import Clocks
import Encodings
package import JOSE

/// Why a bearer token was not accepted. Carries nothing of the token but what its issuer is called.
package enum TokenRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  case tooLong(limit: Int)
  case malformed
  /// `none`, something symmetric, or an algorithm this issuer is not allowed.
  case algorithmRefused
  case unknownIssuer
  /// The issuer is trusted, but for federated assertions only.
  case issuerMayNotIssueAccessTokens
  case unknownKey
  case badSignature
  case expired
  case notYetValid
  case wrongAudience
  case wrongTenant
  case noObjectID
  /// A foreign issuer named a principal of the embedded tenant.
  case foreignClaimToLocalPrincipal
  case principalUnknownOrDisabled

  package var description: String {
    switch self {
    case .tooLong(let limit): "the token is longer than \(limit) bytes"
    case .malformed: "the token is malformed"
    case .algorithmRefused: "the token's algorithm is not allowed"
    case .unknownIssuer: "the token's issuer is not trusted"
    case .issuerMayNotIssueAccessTokens: "the token's issuer is trusted for federated sign-in only, not for access tokens"
    case .unknownKey: "the token is signed with an unknown key"
    case .badSignature: "the token's signature does not verify"
    case .expired: "the token is expired"
    // The words clients were seen to report.
    case .notYetValid: "Token not yet valid"
    case .wrongAudience: "the token is for another audience"
    case .wrongTenant: "the token is of another tenant"
    case .noObjectID: "the token names no object id"
    case .foreignClaimToLocalPrincipal: "the token of a foreign issuer claims a principal of the embedded tenant"
    case .principalUnknownOrDisabled: "the principal does not exist any more or is disabled"
    }
  }
}

/// What became of a bearer token.
package enum Authentication<Request: Sendable>: Sendable {
  case authenticated(Authenticated<Request>)
  case refused(TokenRefusal)
  /// The issuer's keys are unknown or too old: fetch its key set, `install` it (or `fetchFailed`) in the keyring, and ask again.
  case needsKeyRefresh(TrustedIssuer)
}

/// Turns a bearer token into an authenticated request.
///
/// Synchronous, and no I/O. A token seen before costs one SHA-256 of it and two look-ups; its cached principal dies at `exp`, after
/// `cacheSeconds`, and with any change of the directory or of the issuer's keys.
package final class TokenValidator: Sendable {
  package static let maxBytes = 16 << 10
  /// Clocks differ: fresh tokens of the real authority were seen to start minutes in the future.
  package static let notBeforeSkewSeconds: Int64 = 300

  private let settings: AuthoritySettings
  private let ownKeys: [(kid: String?, key: VerificationKey)]
  private let directory: Directory
  private let keyring: IssuerKeyring
  private let time: TimeSource
  private let cache: TokenCache
  private let cacheSeconds: Int64

  /// - Parameter publicKeys: the authority's signing keys, the present one and those whose tokens may still be under way.
  package init(
    settings: AuthoritySettings, publicKeys: [JWK], directory: Directory, keyring: IssuerKeyring, time: TimeSource,
    cacheCapacity: Int = 20_000, cacheSeconds: Int64 = 3600
  ) throws(JOSEError) {
    self.settings = settings
    var keys: [(kid: String?, key: VerificationKey)] = []
    for jwk in publicKeys { keys.append((jwk.kid ?? jwk.thumbprint, try VerificationKey(jwk))) }
    ownKeys = keys
    self.directory = directory
    self.keyring = keyring
    self.time = time
    cache = TokenCache(capacity: cacheCapacity)
    self.cacheSeconds = cacheSeconds
  }

  /// - Parameter bearer: the token alone, without `Bearer `.
  package func authenticate<Request: Sendable>(
    _ request: Request, bearer: String, for surface: TokenSurface = .hsm
  ) -> Authentication<Request> {
    var bearer = bearer
    return bearer.withUTF8 { authenticate(request, bearer: UnsafeRawBufferPointer($0), for: surface) }
  }

  package func authenticate<Request: Sendable>(
    _ request: Request, bearer: UnsafeRawBufferPointer, for surface: TokenSurface = .hsm
  ) -> Authentication<Request> {
    guard bearer.count <= Self.maxBytes else { return .refused(.tooLong(limit: Self.maxBytes)) }
    let digest = TokenDigest(bearer, domain: surface.rawValue)
    let directory = self.directory.snapshot
    let now = time.now()
    if let entry = cache.entry(digest) {
      let isFresh =
        entry.directory == directory.generation && now < entry.expires
        && entry.issuer.map { keyring.generation(of: $0.name) == $0.keys } ?? true
      if isFresh { return .authenticated(Authenticated(request: request, principal: entry.principal)) }
      cache.remove(digest)
    }
    switch validate(bearer, surface, directory, now) {
    case .valid(let entry):
      cache.insert(entry, digest)
      return .authenticated(Authenticated(request: request, principal: entry.principal))
    case .refused(let refusal): return .refused(refusal)
    case .needsKeyRefresh(let issuer): return .needsKeyRefresh(issuer)
    }
  }

  private enum Verdict {
    case valid(TokenCache.Entry)
    case refused(TokenRefusal)
    case needsKeyRefresh(TrustedIssuer)
  }

  private func validate(
    _ bearer: UnsafeRawBufferPointer, _ surface: TokenSurface, _ directory: Directory.Snapshot, _ now: Instant
  ) -> Verdict {
    let token: UnverifiedJWT
    do throws(JOSEError) { token = try UnverifiedJWT.parse(bearer, maxBytes: Self.maxBytes) } catch {
      if case .algorithmRefused = error { return .refused(.algorithmRefused) }
      return .refused(.malformed)
    }
    guard let issuer = token.claimedIssuer else { return .refused(.unknownIssuer) }
    do throws(TokenRefusal) {
      if issuer == settings.issuer { return .valid(try own(token, surface, directory, now)) }
      guard let trusted = directory.issuers[issuer] else { throw .unknownIssuer }
      guard let external = trusted.accessTokens else { throw .issuerMayNotIssueAccessTokens }
      guard trusted.algorithms.contains(token.jws.algorithm) else { throw .algorithmRefused }
      switch keyring.lookUp(trusted, kid: token.kid) {
      case .needsRefresh: return .needsKeyRefresh(trusted)
      case .unknown: throw .unknownKey
      case .keys(let keys, let generation):
        let verified = try Self.verify(token, keys, trusted.algorithms)
        return .valid(try foreign(verified, trusted, external, generation, surface, directory, now))
      }
    } catch { return .refused(error) }
  }

  private func own(
    _ token: UnverifiedJWT, _ surface: TokenSurface, _ directory: Directory.Snapshot, _ now: Instant
  ) throws(TokenRefusal) -> TokenCache.Entry {
    let keys = ownKeys.filter { token.kid == nil || $0.kid == token.kid }.map(\.key)
    guard !keys.isEmpty else { throw .unknownKey }
    let verified = try Self.verify(token, keys, Set(JWSAlgorithm.allCases))
    let expires = try checkTimes(verified, now)
    try checkAudience(verified, surface, extra: [])
    guard verified.claims["tid"]?.string.flatMap({ TenantID($0) }) == settings.tenantID else { throw .wrongTenant }
    guard let id = verified.claims["oid"]?.string.flatMap({ PrincipalID($0) }) else { throw .noObjectID }
    let workload = verified.claims["hallmark_workload"]?.object
    var claims: [String: String] = [:]
    for member in workload?["claims"]?.object?.members ?? [] { claims[member.name] = member.value.string }
    claims["uti"] = verified.claims["uti"]?.string
    guard
      let principal = directory.principal(
        id, tenant: settings.tenantID, issuer: workload?["iss"]?.string ?? settings.issuer,
        subject: workload?["sub"]?.string ?? id.text, claims: claims)
    else { throw .principalUnknownOrDisabled }
    // A person may hold a token that az asked for: the application is the token's, not the entry's.
    let client = verified.claims["appid"]?.string.flatMap { ApplicationID($0) } ?? principal.clientID
    return TokenCache.Entry(
      principal: Principal(
        objectID: id, tenantID: principal.tenantID, clientID: client, kind: principal.kind, displayName: principal.displayName,
        groups: principal.groups, issuer: principal.issuer, subject: principal.subject, claims: principal.claims),
      expires: min(expires, now.advanced(bySeconds: cacheSeconds)), directory: directory.generation, issuer: nil)
  }

  private func foreign(
    _ token: VerifiedJWT, _ issuer: TrustedIssuer, _ external: ExternalTenant, _ keys: UInt64, _ surface: TokenSurface,
    _ directory: Directory.Snapshot, _ now: Instant
  ) throws(TokenRefusal) -> TokenCache.Entry {
    let expires = try checkTimes(token, now)
    try checkAudience(token, surface, extra: surface == .hsm ? external.audiences : [])
    if let claim = external.tenantClaim {
      guard token.claims[claim]?.string.flatMap({ TenantID($0) }) == external.tenantID else { throw .wrongTenant }
    }
    guard let id = token.claims[external.objectIDClaim]?.string.flatMap({ PrincipalID($0) }) else { throw .noObjectID }
    guard directory.entries[id] == nil else { throw .foreignClaimToLocalPrincipal }
    let client = external.applicationClaims.lazy.compactMap { token.claims[$0]?.string.flatMap { ApplicationID($0) } }.first
    let name = ["upn", "preferred_username", "unique_name", "name", "app_displayname"].lazy.compactMap { token.claims[$0]?.string }.first
    let isApplication = token.claims["idtyp"]?.string == "app" || token.claims["scp"] == nil && name == nil
    // A foreign issuer speaks for its own groups only.
    let groups = (token.claims["groups"]?.array ?? []).prefix(200).compactMap { $0.string.flatMap { PrincipalID($0) } }
      .filter { directory.entries[$0] == nil }
    let principal = Principal(
      objectID: id, tenantID: external.tenantID, clientID: client, kind: isApplication ? .servicePrincipal : .user,
      displayName: AuditClaims.bounded(name ?? client?.text ?? id.text), groups: groups, issuer: issuer.issuer,
      subject: AuditClaims.bounded(token.subject ?? id.text), claims: AuditClaims.pick(token.claims))
    return TokenCache.Entry(
      principal: principal, expires: min(expires, now.advanced(bySeconds: cacheSeconds)), directory: directory.generation,
      issuer: (issuer.issuer, keys))
  }

  /// Tries the few keys that may be meant; any failure is the same answer.
  private static func verify(
    _ token: UnverifiedJWT, _ keys: [VerificationKey], _ algorithms: Set<JWSAlgorithm>
  ) throws(TokenRefusal) -> VerifiedJWT {
    var refusal = TokenRefusal.algorithmRefused
    for key in keys {
      do throws(JOSEError) { return try token.verified(with: key, allowing: algorithms) } catch {
        if error == .badSignature { refusal = .badSignature }
      }
    }
    throw refusal
  }

  /// `exp` to the second, `nbf` and `iat` with the skew. Returns the end.
  private func checkTimes(_ token: VerifiedJWT, _ now: Instant) throws(TokenRefusal) -> Instant {
    do throws(JOSEError) { try token.checkTimes(now: now, leewaySeconds: Self.notBeforeSkewSeconds) } catch {
      switch error {
      case .expired: throw .expired
      case .notYetValid: throw .notYetValid
      default: throw .malformed
      }
    }
    guard let expiry = token.expiry, now.seconds < expiry else { throw .expired }
    // A bound on the far future keeps the arithmetic of instants in range.
    return Instant(seconds: min(expiry, now.seconds + 366 * 86_400))
  }

  private func checkAudience(_ token: VerifiedJWT, _ surface: TokenSurface, extra: [String]) throws(TokenRefusal) {
    let audiences = token.audiences.map { TokenResource.trimmed($0) }
    let wanted = settings.resources.filter { $0.surface == surface }.map(\.audience) + extra.map { TokenResource.trimmed($0) }
    guard audiences.contains(where: { wanted.contains($0) }) else { throw .wrongAudience }
  }
}
