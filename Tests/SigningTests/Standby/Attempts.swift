import Signing

/// Attempts by their outcome, one second apart from a start, each of 100 ms.
enum Attempts {
  static let start: Int64 = 1_790_000_000_000_000_000

  static func at(_ second: Double, _ outcome: ReachAttempt.Outcome, _ question: ReachAttempt.Question = .probe) -> ReachAttempt {
    ReachAttempt(at: start + Int64(second * 1e9), milliseconds: 100, question: question, outcome: outcome)
  }

  static let refused = ReachAttempt.Outcome.notConnected("refused")
  static let outages: [ReachAttempt.Outcome] = [
    refused, .timedOut, .dropped("reset"), .serverFault(status: 500), .serverFault(status: 502), .serverFault(status: 503), .serverFault(status: 504),
  ]
  static let answers: [ReachAttempt.Outcome] = [
    .answered(status: 200, code: nil), .answered(status: 401, code: nil), .answered(status: 403, code: "Forbidden"), .answered(status: 404, code: "KeyNotFound"),
    .answered(status: 409, code: nil), .answered(status: 429, code: "Throttled"), .answered(status: 501, code: nil), .untrusted("unknown CA"),
    .inconclusive("no token"),
  ]
}
