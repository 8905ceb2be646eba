import Clocks
import Outbound
import Signing

/// What failed calls and probes say about whether a service can be reached.
enum ReachReading {
  /// The attempts behind an error, oldest first. Waits between them are not known and count as nothing, so the time they span is never too long.
  static func attempts(_ error: any Error, _ question: ReachAttempt.Question, now: Instant) -> [ReachAttempt] {
    guard let error = error as? OutboundError, !error.attempts.isEmpty else {
      return [ReachAttempt(at: now.nanoseconds, milliseconds: 0, question: question, outcome: .inconclusive(String(String(describing: error).prefix(300))))]
    }
    var code: String?
    if case .refused(let refusal) = error { code = refusal.code }
    var at = now.nanoseconds
    var result: [ReachAttempt] = []
    for attempt in error.attempts.reversed() {
      result.append(
        ReachAttempt(
          at: at, milliseconds: attempt.milliseconds, question: question, outcome: outcome(attempt, code: result.isEmpty ? code : nil),
          requestID: attempt.requestID))
      at -= attempt.milliseconds * 1_000_000
    }
    return result.reversed()
  }

  private static func outcome(_ attempt: RequestAttempt, code: String?) -> ReachAttempt.Outcome {
    if let status = attempt.status { return .init(status: status, code: code) }
    return outcome(attempt.failure ?? .dropped("no answer"))
  }

  static func outcome(_ failure: TransportError) -> ReachAttempt.Outcome {
    switch failure {
    case .notConnected(let why): .notConnected(why)
    case .timedOut: .timedOut
    case .dropped(let why): .dropped(why)
    case .untrustedServer(let why): .untrusted(why)
    case .replyTooLarge(let limit): .inconclusive("the answer is larger than \(limit) bytes")
    }
  }
}

/// Asks a service whether somebody is there: one request without a token, which a living service answers with 401.
struct ReachProbe: Sendable {
  /// A probe that takes longer has timed out.
  static let timeout = Duration.seconds(5)

  let address: ServiceAddress
  private let transport: HTTPTransport
  private let clock: TimeSource

  init(_ store: String, settings: ConnectionSettings, clock: TimeSource = .system) throws {
    address = try ServiceAddress(store)
    var authorities = settings.ca ?? settings.environment["HALLMARK_CA"]
    if authorities == nil, let path = settings.profilePath { authorities = try AdministratorProfile(directory: path).ca }
    transport = try HTTPTransport(extraAuthorities: authorities)
    self.clock = clock
  }

  func ask() async -> ReachAttempt {
    let start = clock.now()
    let outcome: ReachAttempt.Outcome
    var requestID: String?
    do {
      let reply = try await transport.perform(
        OutboundRequest("GET", "\(address.url)/keys?api-version=7.4&maxresults=1", timeout: Self.timeout, maxReplyBytes: 1 << 20))
      outcome = .init(status: reply.status)
      requestID = reply.header("x-ms-request-id")
    } catch { outcome = ReachReading.outcome(error) }
    let end = clock.now()
    return ReachAttempt(
      at: end.nanoseconds, milliseconds: (end.nanoseconds - start.nanoseconds) / 1_000_000, question: .probe, outcome: outcome, requestID: requestID)
  }

  /// Asks until the watch has an opinion: an outage that meets the rules, or an answer.
  func watch(_ rules: StandbyRules) async throws -> (attempts: [ReachAttempt], assessment: OutageWatch.Assessment) {
    var watch = OutageWatch(store: address.url, rules: rules)
    var attempts: [ReachAttempt] = []
    while true {
      guard case .ask(let milliseconds) = watch.assessment else { return (attempts, watch.assessment) }
      try await Task.sleep(for: .milliseconds(milliseconds))
      let attempt = await ask()
      attempts.append(attempt)
      watch.saw(attempt)
    }
  }
}
