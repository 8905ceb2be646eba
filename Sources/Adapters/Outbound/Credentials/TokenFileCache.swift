package import Clocks
internal import Crypto
internal import Encodings
internal import Synchronization

/// Keeps access tokens between short-lived processes of one user: a plugin that is started five times for one signature asks once.
///
/// A token is kept until `margin` before its expiry and never longer than `longestLife`, so that a changed right or identity is noticed
/// within minutes. Within one process it is handed out once: being asked again means that the service refused it, and a new one is got.
package final class TokenFileCache: Credential {
  /// Not used any more this long before expiry, seconds.
  package static let margin: Int64 = 180
  /// Seconds.
  package static let longestLife: Int64 = 600

  private let credential: any Credential
  private let cache: PrivateCache
  private let identity: [String]
  private let clock: TimeSource
  private let asked = Mutex<Set<TokenRequest>>([])

  /// - Parameters:
  ///   - identity: everything that decides whose token it is, besides the credential's name and the request: addresses, client ids, the
  ///     platform's own request token. Kept as a SHA-256 only.
  package init(_ credential: any Credential, cache: PrivateCache, identity: [String], clock: TimeSource = .system) {
    self.credential = credential
    self.cache = cache
    self.identity = identity
    self.clock = clock
  }

  package var name: String { credential.name }

  package func token(_ request: TokenRequest) async throws(CredentialError) -> AccessToken {
    let name = fileName(request)
    let isFirst = asked.withLock { $0.insert(request).inserted }
    // A claims challenge is about the tokens there were so far.
    if isFirst, request.claims == nil, let held = held(name) { return held }
    let fresh = try await credential.token(request)
    keep(fresh, as: name)
    return fresh
  }

  private func held(_ name: String) -> AccessToken? {
    guard let bytes = cache.read(name), let value = try? JSONValue.parse(bytes), value["schema"]?.string == "hallmark.token-cache/v1",
      let text = value["token"]?.string, let expires = value["expires"]?.int64, let stored = value["stored"]?.int64
    else { return nil }
    let now = clock.now().seconds
    // A time of storing that lies ahead means that the clock was set back: nothing is known about the age then.
    guard stored <= now, now < stored + Self.longestLife, now < expires - Self.margin else { return nil }
    return try? AccessToken(text, expires: expires)
  }

  private func keep(_ token: AccessToken, as name: String) {
    let now = clock.now().seconds
    guard let expires = token.expires, expires - Self.margin > now else { return cache.remove(name) }
    let text = token.headerValue.dropFirst("Bearer ".count)
    let value: JSONValue = [
      "schema": "hallmark.token-cache/v1", "token": .string(String(text)), "expires": .integer(expires), "stored": .integer(now),
    ]
    cache.write(name, value.serialized())
  }

  /// Each part with its length, so that no two identities share a text.
  private func fileName(_ request: TokenRequest) -> String {
    let parts = [credential.name, request.scope, request.tenant ?? "", request.claims ?? ""] + identity
    let text = parts.map { "\($0.utf8.count):\($0)" }.joined(separator: "\n")
    return "token-\(Hex.encode(SHA256.hash(data: Array(text.utf8)))).json"
  }
}
