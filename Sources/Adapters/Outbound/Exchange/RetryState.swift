/// What may be sent twice.
package enum Replay: Sendable, Hashable {
  /// Doing it twice is doing it once, or does no harm that is not recorded: reads, deletes, signing.
  case harmless
  /// Each performed request makes something new (create, rotate): sent again only when the first was surely not performed.
  case onlyIfNotPerformed
}

/// How long and how often to try.
package struct RetryPolicy: Sendable, Hashable {
  package var maxAttempts = 4
  /// Waits grow from this, doubling, with jitter.
  package var firstWait: Duration = .milliseconds(200)
  package var longestWait: Duration = .seconds(10)
  /// A `Retry-After` beyond this is an answer, not a wait.
  package var longestRetryAfter: Duration = .seconds(60)
  /// No attempt starts after this much time since the first one.
  package var budget: Duration = .seconds(120)

  package init() {}
}

/// One attempt and how it ended.
package struct RequestAttempt: Sendable, Hashable {
  /// Nil when no answer came.
  package var status: Int?
  package var requestID: String?
  package var failure: TransportError?
  package var milliseconds: Int64
}

/// The retry decision as a state machine: it is told how each attempt ended and says what to do next. It neither sends nor waits.
package struct RetryState: Sendable {
  package enum Step: Sendable, Hashable {
    /// Take the last outcome as the answer.
    case stop
    /// Send again after this wait.
    case wait(Duration)
  }

  private let policy: RetryPolicy
  private let replay: Replay
  package private(set) var attempts: [RequestAttempt] = []

  package init(_ policy: RetryPolicy, replay: Replay) {
    self.policy = policy
    self.replay = replay
  }

  /// - Parameters:
  ///   - elapsed: since the first attempt began.
  ///   - jitter: 0…1, uniform.
  package mutating func ended(
    _ outcome: Result<OutboundReply, TransportError>, took: Duration, elapsed: Duration, jitter: Double
  ) -> Step {
    let wait: Duration?
    switch outcome {
    case .success(let reply):
      attempts.append(
        RequestAttempt(status: reply.status, requestID: reply.header("x-ms-request-id"), milliseconds: took.milliseconds))
      guard mayRepeat(status: reply.status) else { return .stop }
      guard let asked = retryAfter(reply) else { return .stop }
      wait = asked == .zero ? nil : asked
    case .failure(let error):
      attempts.append(RequestAttempt(failure: error, milliseconds: took.milliseconds))
      guard mayRepeat(error) else { return .stop }
      wait = nil
    }
    guard attempts.count < policy.maxAttempts else { return .stop }
    let delay = wait ?? backoff(jitter)
    guard elapsed + delay <= policy.budget else { return .stop }
    return .wait(delay)
  }

  private func mayRepeat(status: Int) -> Bool {
    switch status {
    case 429: true
    case 408, 500, 502, 503, 504: replay == .harmless
    default: false
    }
  }

  private func mayRepeat(_ error: TransportError) -> Bool {
    switch error {
    case .notConnected: true
    case .dropped, .timedOut: replay == .harmless
    case .untrustedServer, .replyTooLarge: false
    }
  }

  /// What the server asks for: zero when it names no time, nil when it asks for more than we wait. An HTTP date (RFC 9110 §10.2.3)
  /// is treated as no time: clocks differ.
  private func retryAfter(_ reply: OutboundReply) -> Duration? {
    if let text = reply.header("retry-after-ms") ?? reply.header("x-ms-retry-after-ms"), let milliseconds = Int64(text), milliseconds >= 0 {
      let wait = Duration.milliseconds(min(milliseconds, 86_400_000))
      return wait <= policy.longestRetryAfter ? wait : nil
    }
    guard let text = reply.header("retry-after"), let seconds = Int64(text), seconds >= 0 else { return .zero }
    let wait = Duration.seconds(min(seconds, 86_400))
    return wait <= policy.longestRetryAfter ? wait : nil
  }

  private func backoff(_ jitter: Double) -> Duration {
    let doubled = policy.firstWait * (1 << min(attempts.count - 1, 16))
    return min(doubled, policy.longestWait) * (0.5 + 0.5 * max(0, min(1, jitter)))
  }
}

/// Waits. A test replaces it.
package struct Pause: Sendable {
  package let wait: @Sendable (Duration) async throws -> Void

  package init(_ wait: @escaping @Sendable (Duration) async throws -> Void) { self.wait = wait }

  package static let system = Pause { try await Task.sleep(for: $0) }
}

/// Sends with retries: the thin shell around `RetryState`.
package struct RetryingExchange: Sendable {
  package let transport: any Transport
  package let policy: RetryPolicy
  private let pause: Pause
  private let jitter: @Sendable () -> Double

  package init(
    _ transport: any Transport, policy: RetryPolicy = RetryPolicy(), pause: Pause = .system,
    jitter: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }
  ) {
    self.transport = transport
    self.policy = policy
    self.pause = pause
    self.jitter = jitter
  }

  /// - Returns: the last answer, whatever its status, and every attempt made.
  /// - Throws: `.unreachable` when the last attempt had no answer, or the wait was cancelled.
  package func send(
    _ request: OutboundRequest, replay: Replay
  ) async throws(OutboundError) -> (reply: OutboundReply, attempts: [RequestAttempt]) {
    var state = RetryState(policy, replay: replay)
    let clock = ContinuousClock()
    let start = clock.now
    while true {
      let began = clock.now
      let outcome: Result<OutboundReply, TransportError>
      do { outcome = .success(try await transport.perform(request)) } catch { outcome = .failure(error) }
      let step = state.ended(outcome, took: clock.now - began, elapsed: clock.now - start, jitter: jitter())
      switch (step, outcome) {
      case (.stop, .success(let reply)): return (reply, state.attempts)
      case (.stop, .failure(let error)):
        throw .unreachable(url: request.place, why: error.description, attempts: state.attempts)
      case (.wait(let delay), _):
        do { try await pause.wait(delay) } catch {
          throw .unreachable(url: request.place, why: "cancelled while waiting to try again", attempts: state.attempts)
        }
      }
    }
  }
}
