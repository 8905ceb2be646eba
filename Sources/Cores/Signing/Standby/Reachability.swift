package import Encodings

/// One attempt to reach a service, as the side that signs saw it.
package struct ReachAttempt: Sendable, Hashable {
  /// What was asked for.
  package enum Question: String, Sendable, Hashable, CaseIterable {
    /// Anything that answers without a right: does somebody speak there?
    case probe
    case lookUp = "look-up"
    case sign
    case token
  }

  package enum Outcome: Sendable, Hashable {
    /// Refused, no route, no such name, or the TLS handshake did not end: nothing of the request was sent.
    case notConnected(String)
    case timedOut
    /// The connection broke after the request may have been sent.
    case dropped(String)
    /// 500, 502, 503 or 504.
    case serverFault(status: Int)
    /// Every other answer, 429 among them: somebody is there and has spoken.
    case answered(status: Int, code: String?)
    /// A server with a certificate that is not trusted is not an absent one.
    case untrusted(String)
    /// The attempt ended on our side, or in an answer that makes no sense: it says nothing about the service.
    case inconclusive(String)
  }

  /// Nanoseconds since the epoch when it ended.
  package var at: Int64
  package var milliseconds: Int64
  package var question: Question
  package var outcome: Outcome
  /// The service's own id of the request, when it answered.
  package var requestID: String?

  package init(at: Int64, milliseconds: Int64, question: Question, outcome: Outcome, requestID: String? = nil) {
    self.at = at
    self.milliseconds = milliseconds
    self.question = question
    self.outcome = outcome
    self.requestID = requestID
  }

  /// Whether it counts towards an outage.
  package var isOutage: Bool {
    switch outcome {
    case .notConnected, .timedOut, .dropped, .serverFault: true
    case .answered, .untrusted, .inconclusive: false
    }
  }

  /// Whether the service may have made a signature that nobody received.
  package var mayHaveSigned: Bool {
    guard question == .sign else { return false }
    switch outcome {
    case .timedOut, .dropped, .serverFault: return true
    case .answered(let status, _): return (200..<300).contains(status) || status == 408
    case .notConnected, .untrusted, .inconclusive: return false
    }
  }
}

extension ReachAttempt.Outcome: CustomStringConvertible {
  /// The statuses that count as a fault of the service.
  package static let faultStatuses = [500, 502, 503, 504]

  /// What an HTTP status says.
  package init(status: Int, code: String? = nil) {
    self = Self.faultStatuses.contains(status) ? .serverFault(status: status) : .answered(status: status, code: code)
  }

  package var description: String {
    switch self {
    case .notConnected(let why): "could not connect (\(why))"
    case .timedOut: "no answer in time"
    case .dropped(let why): "the connection broke (\(why))"
    case .serverFault(let status): "answered \(status)"
    case .answered(let status, let code): "answered \(status)\(code.map { " \($0)" } ?? "")"
    case .untrusted(let why): "its certificate is not trusted (\(why))"
    case .inconclusive(let why): why
    }
  }

  var name: String {
    switch self {
    case .notConnected: "not-connected"
    case .timedOut: "timed-out"
    case .dropped: "dropped"
    case .serverFault: "server-fault"
    case .answered: "answered"
    case .untrusted: "untrusted"
    case .inconclusive: "inconclusive"
    }
  }
}

extension ReachAttempt {
  /// Characters of a text that somebody else wrote.
  static let maxWords = 300

  package var json: JSONValue {
    var object: JSONObject = [
      "at": .string(ISO8601.format(nanoseconds: at)), "milliseconds": .integer(milliseconds), "question": .string(question.rawValue),
      "outcome": .string(outcome.name),
    ]
    switch outcome {
    case .notConnected(let why), .dropped(let why), .untrusted(let why), .inconclusive(let why):
      if !why.isEmpty { object["why"] = .string(String(why.prefix(Self.maxWords))) }
    case .serverFault(let status): object["status"] = .integer(status)
    case .answered(let status, let code):
      object["status"] = .integer(status)
      object.set("code", ifPresent: code.map { .string(String($0.prefix(Self.maxWords))) })
    case .timedOut: break
    }
    object.set("requestId", ifPresent: requestID.map { .string(String($0.prefix(Self.maxWords))) })
    return .object(object)
  }

  /// Reads what `json` writes; times to the millisecond.
  package init(json: JSONValue, path: String) throws(StandbyError) {
    let reader = try StandbyReader(
      json, path: path, allowed: ["at", "milliseconds", "question", "outcome", "why", "status", "code", "requestId"])
    // Floor: what is written has milliseconds.
    let nanoseconds = try reader.nanoseconds("at")
    at = nanoseconds - ((nanoseconds % 1_000_000) + 1_000_000) % 1_000_000
    milliseconds = try reader.integer("milliseconds", 0...86_400_000)
    guard let question = Question(rawValue: try reader.text("question")) else { throw reader.bad("question", "not one that is asked") }
    self.question = question
    requestID = try reader.optionalText("requestId").map { String($0.prefix(Self.maxWords)) }
    let why = String((try reader.optionalText("why") ?? "").prefix(Self.maxWords))
    switch try reader.text("outcome") {
    case "not-connected": outcome = .notConnected(why)
    case "timed-out": outcome = .timedOut
    case "dropped": outcome = .dropped(why)
    case "untrusted": outcome = .untrusted(why)
    case "inconclusive": outcome = .inconclusive(why)
    case let name where name == "server-fault" || name == "answered":
      let status = Int(try reader.integer("status", 100...599))
      outcome = Outcome(status: status, code: try reader.optionalText("code").map { String($0.prefix(Self.maxWords)) })
      guard outcome.name == name else { throw reader.bad("outcome", "\(name) does not go with status \(status)") }
    default: throw reader.bad("outcome", "not one that is known")
    }
  }
}
