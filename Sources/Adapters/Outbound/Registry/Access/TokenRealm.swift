internal import Encodings
internal import OCI

/// The token server that a registry names in its Bearer challenge, and how it is asked.
struct TokenRealm: Sendable, Hashable {
  let realm: RegistryAddress
  let service: String?

  /// - Throws: `.badAnswer` for a challenge without usable realm, `.insecure` when it lies in the clear where nobody asked for that.
  init(_ challenge: AuthenticationChallenge, from registry: RegistryAddress, settings: RegistrySettings) throws(RegistryError) {
    guard let text = challenge.parameters["realm"], let realm = RegistryAddress(text) else {
      throw .badAnswer(place: registry.place, why: "its challenge names no token server by an absolute URL")
    }
    try settings.check(realm, from: registry)
    self.realm = realm
    service = challenge.parameters["service"]
  }

  /// Whether the registry's password may be sent there: the registry's own host, one of the same parent domain, or one the settings name.
  ///
  /// Parent domain: the registry's name without its first label, when two or more labels are left. A registry of another owner below a
  /// public suffix of two labels is not told apart; the secret at stake is only the one this very registry would be shown anyway.
  func mayHaveSecret(of registry: RegistryAddress, named name: String, settings: RegistrySettings) -> Bool {
    if realm.host == registry.host { return true }
    if settings.trustedRealms[name]?.contains(realm.authority) == true || settings.trustedRealms[name]?.contains(realm.host) == true { return true }
    let labels = registry.host.split(separator: ".")
    guard labels.count >= 3, !labels.allSatisfy({ $0.allSatisfy(\.isNumber) }) else { return false }
    let parent = labels.dropFirst().joined(separator: ".")
    return realm.host == parent || realm.host.hasSuffix(".\(parent)")
  }

  /// What a token was wanted for, in one order.
  static func merged(_ wanted: [String], _ challenge: String?) -> [String] {
    let asked = (challenge ?? "").split(separator: " ").map(String.init).filter { $0.utf8.count <= 512 }.prefix(16)
    // `repository:a:pull` and `repository:a:pull,push` are one scope.
    var actions: [String: Set<String>] = [:]
    for scope in wanted + asked {
      guard let colon = scope.lastIndex(of: ":") else { continue }
      let names = scope[scope.index(after: colon)...].split(separator: ",").map(String.init)
      actions[String(scope[..<colon]), default: []].formUnion(names)
    }
    return actions.map { "\($0.key):\($0.value.sorted().joined(separator: ","))" }.sorted()
  }

  /// The request for a token. Secrets stand in a header or the body only.
  func request(scopes: [String], credential: RegistryCredential) -> OutboundRequest {
    let fields: [(name: String, value: String)] = (service.map { [("service", $0)] } ?? []) + scopes.map { ("scope", $0) }
    switch credential {
    case .identityToken(let token):
      let form = [("grant_type", "refresh_token"), ("client_id", "hallmark")] + (service.map { [("service", $0)] } ?? [])
        + [("scope", scopes.joined(separator: " ")), ("refresh_token", token)]
      return OutboundRequest(
        "POST", realm.url, headers: [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")],
        body: Array(URLText.form(form.map { (name: $0.0, value: $0.1) }).utf8), maxReplyBytes: 256 << 10)
    case .password(let username, let password):
      return OutboundRequest(
        "GET", realm.adding(query: URLText.form(fields)).url,
        headers: [("accept", "application/json"), ("authorization", Self.basic(username, password))], maxReplyBytes: 256 << 10)
    case .anonymous, .registryToken:
      return OutboundRequest("GET", realm.adding(query: URLText.form(fields)).url, headers: [("accept", "application/json")], maxReplyBytes: 256 << 10)
    }
  }

  static func basic(_ username: String, _ password: String) -> String { "Basic \(Base64.encode("\(username):\(password)".utf8))" }

  /// Seconds a token lives when its server does not say (distribution, Token Authentication).
  static let defaultLifetime: Int64 = 60

  /// Reads a token answer: `token` or `access_token`, `expires_in`.
  func token(_ reply: OutboundReply, now: Int64) throws(RegistryError) -> AccessToken {
    guard let value = try? JSONValue.parse(reply.body, limits: JSONLimits(maxBytes: 256 << 10, maxDepth: 8, maxElements: 1000)),
      let text = value["token"]?.string ?? value["access_token"]?.string
    else { throw .badAnswer(place: realm.place, why: "there is no token in it") }
    let lifetime = max(1, min(value["expires_in"]?.int64 ?? Self.defaultLifetime, 86_400))
    do throws(CredentialError) { return try AccessToken(text, expires: now + lifetime) } catch {
      throw .badAnswer(place: realm.place, why: error.description)
    }
  }
}
