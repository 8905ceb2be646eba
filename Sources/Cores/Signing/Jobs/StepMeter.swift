package import Clocks
package import Encodings
internal import Synchronization

/// The places where signing spends time.
package enum SigningHop: String, Sendable, Hashable, CaseIterable {
  case hash
  case token
  case key
  case certificate
  case cache
  case hsm = "HSM"
  case envelope
  case log
  case registry
  case write
}

/// What each hop took, summed over a run: time and count. Work done in parallel adds up to more than the wall clock shows.
package final class StepMeter: Sendable {
  package struct Total: Sendable, Hashable {
    package var count = 0
    package var nanoseconds: Int64 = 0
    package var longest: Int64 = 0

    package init() {}
  }

  @TaskLocal private static var inner: Inner?

  /// Time of hops inside a hop: it is theirs alone.
  private final class Inner: Sendable {
    let nanoseconds = Mutex<Int64>(0)
  }

  private let clock: TimeSource
  private let totals = Mutex<[SigningHop: Total]>([:])

  package init(clock: TimeSource = .system) { self.clock = clock }

  package func measure<Value>(
    _ hop: SigningHop, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value
  ) async rethrows -> Value {
    let start = clock.now().nanoseconds
    let outer = Self.inner
    let own = Inner()
    defer {
      let took = clock.now().nanoseconds - start
      outer?.nanoseconds.withLock { $0 += took }
      add(hop, took - own.nanoseconds.withLock { $0 })
    }
    return try await Self.$inner.withValue(own) { try await body() }
  }

  package func measure<Value, Failure: Error>(_ hop: SigningHop, _ body: () throws(Failure) -> Value) throws(Failure) -> Value {
    let start = clock.now().nanoseconds
    defer {
      let took = clock.now().nanoseconds - start
      Self.inner?.nanoseconds.withLock { $0 += took }
      add(hop, took)
    }
    return try body()
  }

  package func add(_ hop: SigningHop, _ nanoseconds: Int64) {
    totals.withLock { totals in
      var total = totals[hop] ?? Total()
      total.count += 1
      total.nanoseconds += max(0, nanoseconds)
      total.longest = max(total.longest, nanoseconds)
      totals[hop] = total
    }
  }

  package subscript(hop: SigningHop) -> Total { totals.withLock { $0[hop] ?? Total() } }

  /// The hop that took most in sum; nil before anything was measured.
  package var slowest: SigningHop? {
    totals.withLock { $0 }.max { ($0.value.nanoseconds, $1.key.rawValue) < ($1.value.nanoseconds, $0.key.rawValue) }?.key
  }

  private var shown: [SigningHop] {
    // The hops every signing job may have are named even when they did not occur, so that their absence is seen.
    SigningHop.allCases.filter { self[$0].count > 0 || ![.cache, .key, .write].contains($0) }
  }

  package var json: JSONValue {
    [
      "hops": .array(
        shown.map { hop in
          let total = self[hop]
          return [
            "hop": .string(hop.rawValue), "count": .integer(total.count), "microseconds": .integer(total.nanoseconds / 1000),
            "longestMicroseconds": .integer(total.longest / 1000),
          ]
        }),
      "slowest": slowest.map { .string($0.rawValue) } ?? .null,
    ]
  }

  /// Columns: hop, count, total, mean, longest, and a mark on the slowest.
  package var rows: [[String]] {
    let slowest = slowest
    return [["hop", "count", "total", "mean", "longest", ""]]
      + shown.map { hop in
        let total = self[hop]
        guard total.count > 0 else { return [hop.rawValue, "0", "-", "-", "-", ""] }
        return [
          hop.rawValue, "\(total.count)", Self.milliseconds(total.nanoseconds), Self.milliseconds(total.nanoseconds / Int64(total.count)),
          Self.milliseconds(total.longest), hop == slowest ? "<- slowest" : "",
        ]
      }
  }

  /// With one decimal: sign calls take a few milliseconds.
  private static func milliseconds(_ nanoseconds: Int64) -> String {
    let tenths = (nanoseconds + 50_000) / 100_000
    return "\(tenths / 10).\(tenths % 10) ms"
  }
}
