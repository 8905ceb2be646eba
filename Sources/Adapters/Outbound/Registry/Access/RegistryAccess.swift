internal import Clocks
internal import OCI

/// Knows, for each registry, how it wants to be convinced, and holds what convinces it: credentials, and tokens by registry and sorted scopes.
///
/// Concurrent callers that want the same token wait for one request.
actor RegistryAccess {
  private struct TokenKey: Hashable {
    let registry: String
    let scopes: [String]
  }

  private enum Scheme {
    case basic
    case bearer(TokenRealm)
  }

  /// Renewed this long before it expires, at most.
  static let margin: Int64 = 10

  private let sources: [any RegistryCredentialSource]
  private let settings: RegistrySettings
  private let exchange: RetryingExchange
  private let clock: TimeSource
  private var schemes: [String: Scheme] = [:]
  private var credentials: [String: RegistryCredential] = [:]
  private var tokens: [TokenKey: (token: AccessToken, renewAt: Int64)] = [:]
  /// Work that is under way, by name, and who waits for its end.
  private var underWay: [String: [CheckedContinuation<Void, Never>]] = [:]

  init(sources: [any RegistryCredentialSource], settings: RegistrySettings, exchange: RetryingExchange, clock: TimeSource) {
    self.sources = sources
    self.settings = settings
    self.exchange = exchange
    self.clock = clock
  }

  /// The `Authorization` header for these scopes; nil as long as the registry asked for none.
  func header(_ registry: String, scopes: [String]) async throws(RegistryError) -> String? {
    switch schemes[registry] {
    case nil: return nil
    case .basic:
      guard case .password(let username, let password) = try await credential(registry) else { return nil }
      return TokenRealm.basic(username, password)
    case .bearer(let realm): return try await token(registry, realm, scopes: TokenRealm.merged(scopes, nil)).headerValue
    }
  }

  /// Learns from a 401.
  ///
  /// - Parameter rejected: the header that was sent with the refused request.
  /// - Returns: the header to try next.
  /// - Throws: `.unauthorized` when there is nothing else to try.
  func answer(
    _ reply: OutboundReply, from base: RegistryAddress, registry: String, scopes: [String], rejected: String?
  ) async throws(RegistryError) -> String {
    var challenges: [AuthenticationChallenge] = []
    for header in reply.headers where header.name == "www-authenticate" {
      do throws(OCIError) { challenges += try AuthenticationChallenge.parse(header.value) } catch {
        throw .badAnswer(place: base.place, why: error.description)
      }
    }
    if let challenge = challenges.first(where: { $0.scheme == "bearer" }) {
      let realm = try TokenRealm(challenge, from: base, settings: settings)
      schemes[registry] = .bearer(realm)
      let own = TokenKey(registry: registry, scopes: TokenRealm.merged(scopes, nil))
      let wanted = TokenKey(registry: registry, scopes: TokenRealm.merged(scopes, challenge.parameters["scope"]))
      for key in [own, wanted] where tokens[key]?.token.headerValue == rejected { tokens[key] = nil }
      let token = try await token(registry, realm, scopes: wanted.scopes)
      // Later calls ask by their own scopes: the wider token serves them too.
      tokens[own] = tokens[wanted]
      return token.headerValue
    }
    guard challenges.contains(where: { $0.scheme == "basic" }) else {
      throw .unauthorized(registry: registry, why: "it names no way to authenticate that is known here (Basic, Bearer)")
    }
    guard case .password(let username, let password) = try await credential(registry) else {
      throw .unauthorized(registry: registry, why: "it wants a user name and a password, and none are known for it; run `docker login \(registry)`")
    }
    schemes[registry] = .basic
    let header = TokenRealm.basic(username, password)
    guard header != rejected else { throw .unauthorized(registry: registry, why: "user name or password are wrong") }
    return header
  }

  private func token(_ registry: String, _ realm: TokenRealm, scopes: [String]) async throws(RegistryError) -> AccessToken {
    let key = TokenKey(registry: registry, scopes: scopes)
    let name = "token \(registry) \(scopes.joined(separator: " "))"
    while true {
      if let held = tokens[key], clock.now().seconds < held.renewAt { return held.token }
      guard underWay[name] != nil else { break }
      await withCheckedContinuation { underWay[name, default: []].append($0) }
    }
    underWay[name] = []
    defer { for waiting in underWay.removeValue(forKey: name) ?? [] { waiting.resume() } }
    let fresh = try await fetch(registry, realm, scopes: scopes)
    let now = clock.now().seconds
    let lifetime = (fresh.expires ?? now + TokenRealm.defaultLifetime) - now
    tokens[key] = (fresh, now + max(1, lifetime - min(Self.margin, lifetime / 4)))
    return fresh
  }

  private func fetch(_ registry: String, _ realm: TokenRealm, scopes: [String]) async throws(RegistryError) -> AccessToken {
    let credential = try await credential(registry)
    if case .registryToken(let text) = credential {
      do throws(CredentialError) { return try AccessToken(text, expires: nil) } catch { throw .credential(registry: registry, why: error.description) }
    }
    let base = settings.base(of: registry)
    if credential != .anonymous, !realm.mayHaveSecret(of: base, named: registry, settings: settings) {
      throw .insecure(
        place: realm.realm.place,
        why: "\(registry) names it as its token server, but it is of another domain; its password is not sent there unless the settings trust it")
    }
    let reply: OutboundReply
    do throws(OutboundError) {
      reply = try await exchange.send(realm.request(scopes: scopes, credential: credential), replay: .harmless).reply
    } catch { throw RegistryError(error, place: realm.realm.place) }
    switch reply.status {
    case 200: return try realm.token(reply, now: clock.now().seconds)
    case 400, 401, 403:
      // A token or password that was good earlier may have been replaced: the next call asks its source again.
      credentials[registry] = nil
      let said = RegistryErrorDocument(reply.body)?.entries.first.map { " (\($0.code)\($0.message.map { ": \($0)" } ?? ""))" } ?? ""
      throw .unauthorized(
        registry: registry,
        why: credential == .anonymous
          ? "its token server gives nothing to anonymous callers\(said); run `docker login \(registry)`"
          : "its token server \(realm.realm.host) did not accept the \(credential == .anonymous ? "caller" : "credentials")\(said)")
    default: throw .refused(place: realm.realm.place, status: reply.status, codes: [], message: nil)
    }
  }

  private func credential(_ registry: String) async throws(RegistryError) -> RegistryCredential {
    let name = "credential \(registry)"
    while true {
      if let known = credentials[registry] { return known }
      guard underWay[name] != nil else { break }
      await withCheckedContinuation { underWay[name, default: []].append($0) }
    }
    underWay[name] = []
    defer { for waiting in underWay.removeValue(forKey: name) ?? [] { waiting.resume() } }
    for source in sources {
      guard let found = try await source.credential(for: registry) else { continue }
      credentials[registry] = found
      return found
    }
    credentials[registry] = .anonymous
    return .anonymous
  }
}
