import Clocks
import Synchronization

/// Principals of tokens that were validated, by the SHA-256 of the token: never the token, never a decision.
///
/// Bounded in two halves: when the young half is full it becomes the old one and the old one is dropped, so the cost of keeping
/// it bounded is constant. An entry used from the old half moves to the young one.
final class TokenCache: Sendable {
  struct Entry: Sendable {
    let principal: Principal
    /// The earliest of the token's end and the cache's own bound.
    let expires: Instant
    /// What the token itself says; never prolonged.
    let directory: UInt64
    /// The foreign issuer and the generation of its keys; nil for our own tokens.
    let issuer: (name: String, keys: UInt64)?
  }

  private struct Halves {
    var young: [TokenDigest: Entry] = [:]
    var old: [TokenDigest: Entry] = [:]
  }

  private let capacity: Int
  private let halves = Mutex(Halves())

  init(capacity: Int) { self.capacity = max(2, capacity) }

  func entry(_ digest: TokenDigest) -> Entry? {
    halves.withLock { halves in
      if let entry = halves.young[digest] { return entry }
      guard let entry = halves.old.removeValue(forKey: digest) else { return nil }
      insert(entry, digest, &halves)
      return entry
    }
  }

  func insert(_ entry: Entry, _ digest: TokenDigest) {
    halves.withLock { insert(entry, digest, &$0) }
  }

  func remove(_ digest: TokenDigest) {
    halves.withLock { halves in
      halves.young[digest] = nil
      halves.old[digest] = nil
    }
  }

  var count: Int { halves.withLock { $0.young.count + $0.old.count } }

  private func insert(_ entry: Entry, _ digest: TokenDigest, _ halves: inout Halves) {
    if halves.young.count >= capacity / 2 {
      halves.old = halves.young
      halves.young = [:]
    }
    halves.young[digest] = entry
  }
}
