package import Clocks
package import Encodings
package import JOSE
import Synchronization

/// A successful answer of the token endpoint.
package struct IssuedToken: Sendable {
  /// Who signed in, with the claims that matter: for the audit record.
  package let principal: Principal
  /// A secret: goes into the answer and nowhere else.
  package let accessToken: String
  package let expiresInSeconds: Int64
  package let scope: String
  package let refreshToken: String?
  package let idToken: String?
  package let clientInfo: String?

  /// The body of the answer.
  package func json() -> JSONObject {
    var object: JSONObject = [
      "token_type": "Bearer", "scope": .string(scope), "expires_in": .integer(expiresInSeconds),
      "ext_expires_in": .integer(expiresInSeconds), "access_token": .string(accessToken),
    ]
    object.set("refresh_token", ifPresent: refreshToken.map { .string($0) })
    object.set("id_token", ifPresent: idToken.map { .string($0) })
    object.set("client_info", ifPresent: clientInfo.map { .string($0) })
    return object
  }
}

/// What became of a token request.
package enum TokenOutcome: Sendable {
  case issued(IssuedToken)
  case refused(OAuthError)
  /// As `Authentication.needsKeyRefresh`.
  case needsKeyRefresh(TrustedIssuer)
}

/// A started device sign-in.
package struct DeviceAuthorization: Sendable {
  package let userCode: String
  package let deviceCode: String
  package let verificationURI: String
  package let expiresInSeconds: Int64
  package let intervalSeconds: Int64

  package func json() -> JSONObject {
    [
      "user_code": .string(userCode), "device_code": .string(deviceCode), "verification_uri": .string(verificationURI),
      "expires_in": .integer(expiresInSeconds), "interval": .integer(intervalSeconds),
      "message": .string(
        "To sign in, have somebody who is already signed in run 'hallmark identity confirm \(userCode)' or open \(verificationURI) and enter the code \(userCode)."),
    ]
  }
}

/// Turns proofs into access tokens: the embedded authority without its HTTP.
///
/// Synchronous; signs through a `JWSSigner`. Access tokens are JWTs of its own, opaque to clients.
package final class TokenAuthority: Sendable {
  /// The longest lifetime of a signed client assertion.
  package static let maxAssertionSeconds: Int64 = 3600
  static let skewSeconds: Int64 = 120

  package let settings: AuthoritySettings
  let directory: Directory
  let keyring: IssuerKeyring
  let time: TimeSource
  let entropy: Entropy
  private let signer: any JWSSigner
  private let publicKeys: [JWK]
  private let replay = AssertionReplay()
  private let devices = Mutex(DeviceCodes())
  private let sessions: RefreshSessions

  /// - Parameters:
  ///   - signer: signs access tokens; its public key is the first of `publicKeys`.
  ///   - publicKeys: what the JWKS document shows.
  package init(
    settings: AuthoritySettings, directory: Directory, rows: SealedRows, keyring: IssuerKeyring, signer: any JWSSigner,
    publicKeys: [JWK], time: TimeSource, entropy: Entropy
  ) throws(AccessError) {
    self.settings = settings
    self.directory = directory
    self.keyring = keyring
    self.signer = signer
    self.publicKeys = publicKeys
    self.time = time
    self.entropy = entropy
    sessions = try RefreshSessions(rows: rows, time: time, entropy: entropy)
  }

  /// The key set document (RFC 7517 §5).
  package func keySet() -> JSONObject {
    [
      "keys": .array(
        publicKeys.map { jwk in
          var shown = jwk
          shown.use = "sig"
          shown.kid = jwk.kid ?? jwk.thumbprint
          return .object(shown.publicJSON())
        })
    ]
  }

  // MARK: The token endpoint

  package func redeem(_ request: TokenRequest) -> TokenOutcome {
    do throws(Interruption) {
      // Before anything else, so that nobody learns what else would have been wrong.
      guard !request.hasSecret else { throw .refused(.secretRefused) }
      switch request.grant {
      case nil: throw .refused(.malformedRequest("grant_type is missing"))
      case .other(let grant): throw .refused(.unsupportedGrant(grant))
      case .clientCredentials: return .issued(try clientCredentials(request))
      case .deviceCode: return .issued(try deviceCode(request))
      case .refreshToken: return .issued(try refresh(request))
      }
    } catch {
      switch error {
      case .refused(let refusal): return .refused(refusal)
      case .needsKeyRefresh(let issuer): return .needsKeyRefresh(issuer)
      }
    }
  }

  /// The two ways in which a request does not end in a token.
  enum Interruption: Error {
    case refused(OAuthError)
    case needsKeyRefresh(TrustedIssuer)
  }

  private func resource(_ request: TokenRequest) throws(Interruption) -> (TokenResource, scope: String) {
    if let scope = request.scope {
      guard let resource = settings.resource(ofScope: scope) else { throw .refused(.unknownResource(String(scope.prefix(200)))) }
      return (resource, resource.audience + "/.default")
    }
    guard let name = request.resource else { throw .refused(.malformedRequest("scope is missing")) }
    guard let resource = settings.resource(named: name) else { throw .refused(.unknownResource(String(name.prefix(200)))) }
    return (resource, resource.audience + "/.default")
  }

  private func clientCredentials(_ request: TokenRequest) throws(Interruption) -> IssuedToken {
    guard let assertion = request.assertion, let type = request.assertionType else { throw .refused(.noCredential) }
    guard type == TokenRequest.jwtBearer else { throw .refused(.malformedRequest("client_assertion_type is not jwt-bearer")) }
    guard let clientID = request.clientID else { throw .refused(.malformedRequest("client_id is missing")) }
    let (resource, scope) = try resource(request)
    let snapshot = directory.snapshot
    guard let entry = client(clientID, in: snapshot) else { throw .refused(.unknownClient) }
    guard entry.enabled else { throw .refused(.clientDisabled) }
    let workload = try proof(assertion, of: entry, clientID: clientID)
    return try issue(
      entry, resource, scope: scope, client: entry.clientID ?? ApplicationID(entry.objectID.text), workload: workload,
      clientInfo: request.wantsClientInfo)
  }

  /// An application by its application id, or a person by the object id.
  private func client(_ text: String, in snapshot: Directory.Snapshot) -> DirectoryEntry? {
    if let client = ApplicationID(text), let id = snapshot.byClient[client] { return snapshot.entries[id] }
    guard let id = PrincipalID(text), let entry = snapshot.entries[id], entry.kind == .user else { return nil }
    return entry
  }

  private func deviceCode(_ request: TokenRequest) throws(Interruption) -> IssuedToken {
    guard let code = request.deviceCode, code.utf8.count <= 256 else { throw .refused(.malformedRequest("device_code is missing")) }
    let client = try publicClient(request)
    let digest = TokenDigest(code, domain: 0x44)
    switch devices.withLock({ $0.poll(digest, client: client, now: time.now()) }) {
    case .unknown: throw .refused(.deviceCodeUnknown)
    case .pending: throw .refused(.authorizationPending)
    case .slowDown: throw .refused(.slowDown)
    case .expired: throw .refused(.deviceCodeExpired)
    case .denied: throw .refused(.deviceCodeDenied)
    case .signedIn(let principal, let scope):
      guard let resource = settings.resource(ofScope: scope) else { throw .refused(.unknownResource(String(scope.prefix(200)))) }
      guard let entry = directory.entry(principal), entry.enabled, entry.kind == .user else { throw .refused(.clientDisabled) }
      let refresh: String
      do throws(OAuthError) { refresh = try sessions.begin(principal, client: client, lifetime: settings.refreshSeconds) } catch {
        throw .refused(error)
      }
      return try issue(
        entry, resource, scope: resource.audience + "/.default", client: client, refreshToken: refresh, withIDToken: true,
        clientInfo: true)
    }
  }

  private func refresh(_ request: TokenRequest) throws(Interruption) -> IssuedToken {
    guard let token = request.refreshToken, token.utf8.count <= 256 else {
      throw .refused(.malformedRequest("refresh_token is missing"))
    }
    let client = try publicClient(request)
    let (resource, scope) = try resource(request)
    do throws(OAuthError) {
      let (principal, next) = try sessions.redeem(token, client: client)
      guard let entry = directory.entry(principal), entry.enabled, entry.kind == .user else { throw .clientDisabled }
      do throws(Interruption) {
        return try issue(
          entry, resource, scope: scope, client: client, refreshToken: next, withIDToken: true, clientInfo: true)
      } catch { throw OAuthError.signingFailed }
    } catch { throw .refused(error) }
  }

  private func publicClient(_ request: TokenRequest) throws(Interruption) -> ApplicationID {
    guard let client = request.clientID.flatMap({ ApplicationID($0) }), settings.publicClients.contains(client) else {
      throw .refused(.unknownClient)
    }
    return client
  }

  // MARK: Devices

  /// Starts a device sign-in for a public client.
  package func startDevice(_ request: TokenRequest) throws(OAuthError) -> DeviceAuthorization {
    guard let client = request.clientID.flatMap({ ApplicationID($0) }), settings.publicClients.contains(client) else {
      throw .unknownClient
    }
    guard let scope = request.scope, scope.utf8.count <= 1024, settings.resource(ofScope: scope) != nil else {
      throw .unknownResource(String((request.scope ?? "").prefix(200)))
    }
    let code = Base64URL.encode(entropy.bytes(32))
    let userCode = DeviceCodes.userCode(entropy)
    let digest = TokenDigest(code, domain: 0x44)
    let started = devices.withLock {
      $0.start(
        digest, userCode: userCode, client: client, scope: scope, now: time.now(), lifetime: settings.deviceCodeSeconds,
        interval: settings.devicePollSeconds)
    }
    guard started else { throw .busy }
    return DeviceAuthorization(
      userCode: userCode, deviceCode: code, verificationURI: settings.verificationURI,
      expiresInSeconds: settings.deviceCodeSeconds, intervalSeconds: settings.devicePollSeconds)
  }

  /// What waits under a user code: which application asks, for which scope. nil if nothing does.
  package func waitingDevice<Request: Sendable>(
    _ userCode: String, seenBy: Authenticated<Request>
  ) -> (client: ApplicationID, scope: String)? {
    guard let code = DeviceCodes.canonical(userCode) else { return nil }
    return devices.withLock { $0.waiting(code, now: time.now()) }.map { ($0.client, $0.scope) }
  }

  /// Confirms a device for a person: for oneself, or for another with a permit for `roleAssignments/write/action` at `/`.
  ///
  /// - Throws: `.deviceCodeUnknown`; `.deviceCodeDenied` without the right; `.unknownClient` if `person` is none.
  package func confirmDevice<Request: Sendable>(
    _ userCode: String, for person: PrincipalID, by confirmer: Authenticated<Request>, permit: Permit? = nil
  ) throws(OAuthError) {
    let mayForOthers =
      permit.map { $0.principal.objectID == confirmer.principal.objectID && $0.allows(.roleAssignmentsWrite, at: .root) } ?? false
    guard person == confirmer.principal.objectID || mayForOthers else { throw .deviceCodeDenied }
    guard let entry = directory.entry(person), entry.enabled, entry.kind == .user else { throw .unknownClient }
    try decideDevice(userCode, .confirmed(person))
  }

  /// Refuses a device: anybody signed in may.
  package func denyDevice<Request: Sendable>(_ userCode: String, by refuser: Authenticated<Request>) throws(OAuthError) {
    try decideDevice(userCode, .denied)
  }

  private func decideDevice(_ userCode: String, _ decision: DeviceCodes.State) throws(OAuthError) {
    guard let code = DeviceCodes.canonical(userCode), devices.withLock({ $0.decide(code, decision, now: time.now()) }) else {
      throw .deviceCodeUnknown
    }
  }

  // MARK: Without a request

  /// An access token for a principal, made by whoever holds the authority itself (`hallmark dev`, `hallmark init`).
  package func mint(_ id: PrincipalID, resource: TokenResource, lifetimeSeconds: Int64) throws(OAuthError) -> IssuedToken {
    guard let entry = directory.entry(id), entry.kind != .group else { throw .unknownClient }
    guard entry.enabled else { throw .clientDisabled }
    do throws(Interruption) {
      return try issue(
        entry, resource, scope: resource.audience + "/.default", client: entry.clientID ?? ApplicationID(id.text),
        lifetime: lifetimeSeconds)
    } catch { throw .signingFailed }
  }

  /// A request in the name of a principal of the directory, inside this process: seeds and local commands of whoever runs the
  /// authority, who could issue the token as well. Rights are still asked of `AccessControl`.
  package func actLocally<Request: Sendable>(as id: PrincipalID, _ request: Request) -> Authenticated<Request>? {
    directory.principal(id).map { Authenticated(request: request, principal: $0) }
  }

  /// Ends every sign-in of a principal that rests on refresh tokens.
  package func endSessions(of id: PrincipalID) throws(OAuthError) { try sessions.end(id) }

  // MARK: Issuing

  /// What a foreign token proved of a workload.
  struct Workload {
    let issuer: String
    let subject: String
    let claims: [String: String]
  }

  private func issue(
    _ entry: DirectoryEntry, _ resource: TokenResource, scope: String, client: ApplicationID?, workload: Workload? = nil,
    refreshToken: String? = nil, withIDToken: Bool = false, clientInfo: Bool = false, lifetime: Int64? = nil
  ) throws(Interruption) -> IssuedToken {
    let now = time.now().seconds
    let lifetime = lifetime ?? settings.accessTokenSeconds
    var claims: JSONObject = [
      "aud": .string(resource.audience), "iss": .string(settings.issuer), "iat": .integer(now), "nbf": .integer(now),
      "exp": .integer(now + lifetime), "tid": .string(settings.tenantID.text), "oid": .string(entry.objectID.text),
      "sub": .string(entry.objectID.text), "idtyp": .string(entry.kind == .user ? "user" : "app"), "ver": "2.0",
      "uti": .string(Base64URL.encode(entropy.bytes(16))),
    ]
    claims.set("appid", ifPresent: client.map { .string($0.text) })
    claims.set("azp", ifPresent: client.map { .string($0.text) })
    claims["name"] = .string(entry.displayName)
    if entry.kind == .user {
      let name = entry.userPrincipalName ?? entry.displayName
      claims["upn"] = .string(name)
      claims["preferred_username"] = .string(name)
    }
    let groups = directory.groups(of: entry.objectID)
    if !groups.isEmpty { claims["groups"] = .array(groups.map { .string($0.text) }) }
    if let workload {
      var picked = JSONObject()
      for (name, value) in workload.claims.sorted(by: { $0.key < $1.key }) { picked[name] = .string(value) }
      claims["hallmark_workload"] = ["iss": .string(workload.issuer), "sub": .string(workload.subject), "claims": .object(picked)]
    }
    let accessToken = try sign(claims)
    var idToken: String?
    if withIDToken, let client {
      let name = entry.userPrincipalName ?? entry.displayName
      idToken = try sign([
        "aud": .string(client.text), "iss": .string(settings.issuer), "iat": .integer(now), "nbf": .integer(now),
        "exp": .integer(now + lifetime), "tid": .string(settings.tenantID.text), "oid": .string(entry.objectID.text),
        "sub": .string(entry.objectID.text), "name": .string(entry.displayName), "preferred_username": .string(name), "ver": "2.0",
      ])
    }
    var info: String?
    if clientInfo {
      let value: JSONValue = ["uid": .string(entry.objectID.text), "utid": .string(settings.tenantID.text)]
      info = Base64URL.encode(value.serialized())
    }
    let principal = Principal(
      objectID: entry.objectID, tenantID: settings.tenantID, clientID: client, kind: entry.kind, displayName: entry.displayName,
      groups: groups, issuer: workload?.issuer ?? settings.issuer, subject: workload?.subject ?? entry.objectID.text,
      claims: workload?.claims ?? [:])
    return IssuedToken(
      principal: principal, accessToken: accessToken, expiresInSeconds: lifetime, scope: scope, refreshToken: refreshToken,
      idToken: idToken, clientInfo: info)
  }

  private func sign(_ claims: JSONObject) throws(Interruption) -> String {
    do throws(JOSEError) { return try JWS.compact(JSONValue.object(claims).serialized(), by: signer, extra: ["typ": "JWT"]) } catch {
      throw .refused(.signingFailed)
    }
  }

  /// Remembers a `jti`.
  func useOnce(_ client: String, jti: String, expiry: Int64) throws(Interruption) {
    switch replay.use(client, jti: jti, expiry: expiry, now: time.now().seconds - Self.skewSeconds) {
    case .first: return
    case .replayed: throw .refused(.assertionReplayed)
    case .full: throw .refused(.busy)
    }
  }
}
