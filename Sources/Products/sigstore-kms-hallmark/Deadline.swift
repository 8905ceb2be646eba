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
    let (rest, overflow) = nanoseconds.subtractingReportingOverflow(clock.now().nanoseconds)
    return overflow ? (nanoseconds < 0 ? .zero : Self.longest) : min(Self.longest, .nanoseconds(rest))
  }

  /// Runs the body and cancels it when the time is over.
  ///
  /// - Parameter late: called the moment the time is over: a connection attempt may take some seconds to notice that it was cancelled.
  /// - Throws: `Passed`, or what the body threw.
  func run<Result: Sendable>(
    _ body: @escaping @Sendable () async throws -> Result, late: @escaping @Sendable () -> Void
  ) async throws -> Result {
    let left = left
    guard left > .zero else { throw Passed() }
    return try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask { try await body() }
      group.addTask {
        try await Task.sleep(for: left)
        late()
        return nil
      }
      defer { group.cancelAll() }
      guard let first = try await group.next(), let result = first else { throw Passed() }
      return result
    }
  }
}
