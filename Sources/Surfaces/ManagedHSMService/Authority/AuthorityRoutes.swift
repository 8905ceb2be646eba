package import Access
import Audit
import Clocks
import Dispatch
import Encodings
import ManagedHSMWire
import NIOHTTP1

/// The token authority over HTTP: discovery, keys, token and device endpoints, and the metadata document that `az` and terraform read.
///
/// Paths are `/<tenant>/…` as Entra's are; the v1 endpoints answer like the v2 ones.
struct AuthorityRoutes: Sendable {
  let identity: ServiceIdentity
  let authority: TokenAuthority
  let refresh: KeyRefresh
  let audit: AuditTrail
  let clock: TimeSource
  let metrics: ServiceMetrics

  enum Endpoint: Sendable {
    case openIDConfiguration, keys, token, deviceCode, deviceLogin, instanceDiscovery, metadata
  }

  /// - Returns: nil when the path belongs to the data plane.
  func endpoint(_ path: Substring) -> Endpoint? {
    if path == "/metadata/endpoints" { return .metadata }
    if path == "/devicelogin" || path == "/common/oauth2/deviceauth" { return .deviceLogin }
    if path == "/common/discovery/instance" { return .instanceDiscovery }
    let segments = path.split(separator: "/", omittingEmptySubsequences: true)
    guard segments.count >= 2, segments.count <= 5, isTenant(segments[0]) else { return nil }
    switch segments.dropFirst().joined(separator: "/").lowercased() {
    case "v2.0/.well-known/openid-configuration", ".well-known/openid-configuration": return .openIDConfiguration
    case "discovery/v2.0/keys", "discovery/keys": return .keys
    case "oauth2/v2.0/token", "oauth2/token": return .token
    case "oauth2/v2.0/devicecode", "oauth2/devicecode": return .deviceCode
    default: return nil
    }
  }

  private func isTenant(_ segment: Substring) -> Bool {
    let folded = segment.lowercased()
    return folded == identity.tenant.text || ["organizations", "common", "adfs"].contains(folded)
  }

  /// Runs on the state lane: issuing verifies and signs, and a refresh token is a durable row.
  func answer(_ endpoint: Endpoint, _ call: Call, _ sink: ReplySink) {
    switch (endpoint, call.request.method) {
    case (.openIDConfiguration, .GET): sink.send(document(openIDConfiguration))
    case (.keys, .GET): sink.send(document(authority.keySet()))
    case (.instanceDiscovery, .GET):
      sink.send(document([
        "tenant_discovery_endpoint": .string("\(identity.authority)/\(identity.tenant)/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1", "metadata": [],
      ]))
    case (.metadata, .GET): sink.send(document(metadata))
    case (.deviceLogin, .GET):
      sink.send(
        OpenReply(
          WireReply(
            status: 200, headers: [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")],
            body: Array("To confirm a device code, somebody who is already signed in runs: hallmark identity confirm <code>\n".utf8)),
          because: .publicDocument))
    case (.token, .POST): token(call, sink)
    case (.deviceCode, .POST): deviceCode(call, sink)
    default:
      sink.send(OpenReply(WireReply(status: 405, headers: Self.headers, body: Array("{}".utf8)), because: .publicDocument))
    }
  }

  // MARK: - Public documents

  private static let headers: [(name: String, value: String)] = [
    ("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
  ]

  private func document(_ object: JSONObject) -> OpenReply {
    OpenReply(WireReply(status: 200, headers: Self.headers, body: JSONValue.object(object).serialized()), because: .publicDocument)
  }

  private var openIDConfiguration: JSONObject {
    let base = "\(identity.authority)/\(identity.tenant)"
    return [
      "token_endpoint": .string("\(base)/oauth2/v2.0/token"), "token_endpoint_auth_methods_supported": ["private_key_jwt"],
      "jwks_uri": .string("\(base)/discovery/v2.0/keys"), "response_modes_supported": ["query"], "subject_types_supported": ["pairwise"],
      "id_token_signing_alg_values_supported": ["ES256"], "response_types_supported": ["id_token", "token"],
      "scopes_supported": ["openid", "profile", "offline_access"], "issuer": .string(authority.settings.issuer),
      "authorization_endpoint": .string("\(base)/oauth2/v2.0/authorize"), "device_authorization_endpoint": .string("\(base)/oauth2/v2.0/devicecode"),
      "grant_types_supported": ["client_credentials", "urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
      "claims_supported": ["sub", "iss", "aud", "exp", "nbf", "iat", "tid", "oid", "appid", "name", "preferred_username"], "tenant_region_scope": nil,
    ]
  }

  /// What `az cloud register --endpoint-resource-manager`, `ARM_CLOUD_METADATA_URL` and terraform's `metadata_host` read.
  private var metadata: JSONObject {
    let suffix = String(identity.resource.dropFirst("https://".count))
    return [
      "name": "Hallmark", "resourceManager": .string(identity.authority), "portal": .string(identity.authority),
      "authentication": [
        "loginEndpoint": .string(identity.authority), "audiences": [.string(identity.authority), .string("\(identity.authority)/")],
        "tenant": .string(identity.tenant.text), "identityProvider": "AAD",
      ],
      "graphAudience": .string(ServiceResources.graph(identity)), "graph": .string(ServiceResources.graph(identity)),
      "microsoftGraphResourceId": .string(ServiceResources.graph(identity)),
      "suffixes": ["keyVaultDns": .string("vault.\(suffix)"), "mhsmDns": .string(suffix), "storage": .string("storage.\(suffix)")],
    ]
  }

  // MARK: - Tokens

  private func token(_ call: Call, _ sink: ReplySink) {
    let request: TokenRequest
    do { request = try TokenRequest.parse(form: call.body) } catch { return refuse(call, nil, error, sink) }
    switch authority.redeem(request) {
    case .issued(let token): issued(call, token, sink)
    case .refused(let error): refuse(call, request.clientID, error, sink)
    case .needsKeyRefresh(let issuer):
      let accepted = refresh.run(issuer) { [self] in
        switch authority.redeem(request) {
        case .issued(let token): issued(call, token, sink)
        case .refused(let error): refuse(call, request.clientID, error, sink)
        case .needsKeyRefresh(let issuer): refuse(call, request.clientID, .assertionKeysUnavailable(issuer.issuer), sink)
        }
      }
      if !accepted { refuse(call, request.clientID, .busy, sink) }
    }
  }

  private func deviceCode(_ call: Call, _ sink: ReplySink) {
    do {
      let device = try authority.startDevice(try TokenRequest.parse(form: call.body))
      sink.send(OpenReply(WireReply(status: 200, headers: Self.headers, body: JSONValue.object(device.json()).serialized()), because: .publicDocument))
    } catch {
      refuse(call, nil, error, sink)
    }
  }

  private func issued(_ call: Call, _ token: IssuedToken, _ sink: ReplySink) {
    let reply = WireReply(status: 200, headers: Self.headers, body: JSONValue.object(token.json()).serialized())
    record(call, token.principal.auditForm, denied: false, reason: "for \(token.scope)", reply, sink)
  }

  private func refuse(_ call: Call, _ clientID: String?, _ error: OAuthError, _ sink: ReplySink) {
    var body = error.json()
    body["trace_id"] = .string(call.id)
    body["correlation_id"] = .string(call.clientRequestID ?? call.id)
    let reply = WireReply(status: error.status, headers: Self.headers, body: JSONValue.object(body).serialized())
    // Polling is no refusal: it would fill the trail with one line per five seconds.
    if error == .authorizationPending || error == .slowDown { return sink.send(OpenReply(reply, because: .publicDocument)) }
    record(call, nil, denied: true, reason: "client \(clientID?.prefix(64) ?? "unnamed"): \(error)", reply, sink)
  }

  private func record(_ call: Call, _ principal: AuditPrincipal?, denied: Bool, reason: String, _ reply: WireReply, _ sink: ReplySink) {
    let elapsed = DispatchTime.now().uptimeNanoseconds &- call.request.arrived
    metrics.count(.tokenIssue, status: reply.status, nanoseconds: elapsed)
    let entry = AuditEntry(
      time: call.time, requestID: call.id, clientRequestID: call.clientRequestID, principal: principal, operation: .tokenIssue, store: identity.name,
      decision: denied ? .deny : .allow, reason: reason, status: reply.status, durationMilliseconds: Int(elapsed / 1_000_000),
      callerAddress: call.request.peer.isEmpty ? nil : call.request.peer)
    audit.record(entry, reply: reply) { result in
      switch result {
      case .success(let audited): sink.send(audited)
      case .failure:
        let body: JSONObject = ["error": "temporarily_unavailable", "error_description": "The token request could not be recorded; try again."]
        sink.send(OpenReply(WireReply(status: 503, headers: Self.headers, body: JSONValue.object(body).serialized()), because: .notServed))
      }
    }
  }
}

/// The audiences that the embedded authority issues tokens for.
package enum ServiceResources {
  static func graph(_ identity: ServiceIdentity) -> String { "\(identity.authority)/graph" }

  /// az asks for tokens of the resource manager at sign-in, for Graph after a role assignment, and for the HSM.
  package static func all(_ identity: ServiceIdentity, acceptPublicAudience: Bool) -> [TokenResource] {
    var resources = [TokenResource(identity.resource, .hsm), TokenResource(graph(identity), .graph)]
    // The authority's own URL is the resource manager's audience; when it equals the HSM's resource, one token serves both.
    resources.append(TokenResource(identity.authority, .resourceManager))
    if identity.resource == identity.authority { resources.append(TokenResource(identity.resource, .graph)) }
    if acceptPublicAudience { resources.append(TokenResource(ManagedHSMWire.publicAudience, .hsm)) }
    return resources
  }
}
