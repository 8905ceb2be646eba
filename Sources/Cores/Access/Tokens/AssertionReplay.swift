import Clocks
import Synchronization

/// The client assertions used within their lifetime: RFC 7523 §3, point 7.
final class AssertionReplay: Sendable {
  static let capacity = 50_000
  private let used = Mutex<[TokenDigest: Int64]>([:])

  enum Answer { case first, replayed, full }

  /// Remembers the assertion until `expiry` (seconds).
  func use(_ client: String, jti: String, expiry: Int64, now: Int64) -> Answer {
    let digest = TokenDigest(client + "\n" + jti, domain: 0x4A)
    return used.withLock { used in
      if let until = used[digest], now <= until { return .replayed }
      if used.count >= Self.capacity {
        used = used.filter { now <= $0.value }
        // Refusing is the safe side: forgetting one would let it be used again.
        if used.count >= Self.capacity { return .full }
      }
      used[digest] = expiry
      return .first
    }
  }
}
