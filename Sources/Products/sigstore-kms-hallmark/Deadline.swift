import Clocks

/// The time by which the caller wants an answer.
struct Deadline: Sendable {
  /// No request and no retry waits longer than this when the caller names no time.
  static let longest: Duration = .seconds(180)

  struct Passed: Error {}

  /// Nanoseconds since the epoch; nil when the caller names none.
  let nanoseconds: Int64?
  let clock: TimeSource

  private var left: Duration {
    guard let nanoseconds else { return Self.longest }
    return min(Self.longest, .nanoseconds(nanoseconds - clock.now().nanoseconds))
  }

  /// Runs the body and cancels it when the time is over.
  ///
  /// - Throws: `Passed`, or what the body threw.
  func run<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
    let left = left
    guard left > .zero else { throw Passed() }
    return try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask { try await body() }
      group.addTask {
        try await Task.sleep(for: left)
        return nil
      }
      defer { group.cancelAll() }
      guard let first = try await group.next(), let result = first else { throw Passed() }
      return result
    }
  }
}
