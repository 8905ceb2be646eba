package import Clocks
package import JOSE
import Synchronization

/// The verification keys of foreign issuers, as last fetched. The surface fetches; this remembers, and says when to fetch.
///
/// A set is used for at most `maxAgeSeconds`; an unknown key id asks for a fetch, but not more often than every `retrySeconds` per
/// issuer, so that forged key ids cannot make us hammer an issuer.
package final class IssuerKeyring: Sendable {
  package static let maxAgeSeconds: Int64 = 24 * 3600
  package static let retrySeconds: Int64 = 30
  static let maxKeys = 64

  struct KeySet: Sendable {
    var keys: [(kid: String?, key: VerificationKey)] = []
    var jwks: [JWK.PublicPart] = []
    var fetchedAt: Instant?
    var attemptedAt: Instant?
    /// Grows when the keys differ from those before: cached principals of older keys die.
    var generation: UInt64 = 0
  }

  enum Lookup: Sendable {
    case keys([VerificationKey], generation: UInt64)
    case needsRefresh
    case unknown
  }

  private let time: TimeSource
  private let sets = Mutex<[String: KeySet]>([:])

  package init(time: TimeSource) { self.time = time }

  /// Takes over a fetched key set. Keys that cannot verify signatures are left out.
  package func install(issuer: String, keys: [JWK]) {
    let now = time.now()
    let usable = keys.prefix(Self.maxKeys).compactMap { jwk -> (JWK, VerificationKey)? in
      guard jwk.use ?? "sig" == "sig", let key = try? VerificationKey(jwk) else { return nil }
      return (jwk, key)
    }
    sets.withLock { sets in
      var set = sets[issuer, default: KeySet()]
      let parts = usable.map(\.0.publicPart)
      if set.jwks != parts || set.keys.map(\.kid) != usable.map(\.0.kid) { set.generation += 1 }
      set.jwks = parts
      set.keys = usable.map { ($0.0.kid, $0.1) }
      set.fetchedAt = now
      set.attemptedAt = now
      sets[issuer] = set
    }
  }

  /// Notes that a fetch failed; the next is asked for after `retrySeconds`. Old keys stay until they are too old.
  package func fetchFailed(issuer: String) {
    let now = time.now()
    sets.withLock { $0[issuer, default: KeySet()].attemptedAt = now }
  }

  func lookUp(_ issuer: TrustedIssuer, kid: String?) -> Lookup {
    if case .inline(let parts, let ids) = issuer.keys {
      let matching = zip(parts, ids).filter { kid == nil || $0.1 == nil || $0.1 == kid }.compactMap { try? VerificationKey(JWK($0.0)) }
      return matching.isEmpty ? .unknown : .keys(matching, generation: 0)
    }
    let now = time.now()
    return sets.withLock { sets in
      let set = sets[issuer.issuer, default: KeySet()]
      let mayFetch = set.attemptedAt.map { now >= $0.advanced(bySeconds: Self.retrySeconds) } ?? true
      guard let fetchedAt = set.fetchedAt, now < fetchedAt.advanced(bySeconds: Self.maxAgeSeconds) else {
        return mayFetch ? .needsRefresh : .unknown
      }
      // Without a key id, the few keys of the issuer are tried one after the other.
      let matching = kid == nil ? Array(set.keys.prefix(8)) : set.keys.filter { $0.kid == kid }
      guard matching.isEmpty else { return .keys(matching.map(\.key), generation: set.generation) }
      return mayFetch ? .needsRefresh : .unknown
    }
  }

  func generation(of issuer: String) -> UInt64 { sets.withLock { $0[issuer]?.generation ?? 0 } }
}
