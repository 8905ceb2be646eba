package import Encodings

/// Which of the two HSMs.
package enum StandbyRole: String, Sendable, Hashable, CaseIterable {
  case primary
  case standby

  package var other: StandbyRole { self == .primary ? .standby : .primary }
}

/// Two keys in two HSMs, either of which verifiers accept.
package struct StandbyPair: Sendable, Hashable {
  package var primary: KeyReference
  package var standby: KeyReference

  /// - Throws: `.samePlace` when both are the same key of the same store.
  package init(primary: KeyReference, standby: KeyReference) throws(StandbyError) {
    guard primary.store != standby.store || primary.name.lowercased() != standby.name.lowercased() else {
      throw .samePlace(primary.name)
    }
    self.primary = primary
    self.standby = standby
  }

  package subscript(role: StandbyRole) -> KeyReference { role == .primary ? primary : standby }
}

/// Whether and when the standby may sign in place of the primary without anybody's approval: the `standby:` section of a signing policy.
package struct StandbyRules: Sendable, Hashable {
  package enum Fallback: String, Sendable, Hashable, CaseIterable {
    case never
    /// When the primary is proven unreachable.
    case unreachable
  }

  package var fallback: Fallback
  /// Failed attempts in a row that make a proof, 1…64.
  package var attempts: Int
  /// Seconds that they must span, 0…3600.
  package var seconds: Int64
  /// Seconds since the epoch, inclusive, between which fallback is allowed; nil: no bound.
  package var from: Int64?
  package var until: Int64?

  package init(fallback: Fallback = .never, attempts: Int = 3, seconds: Int64 = 10, from: Int64? = nil, until: Int64? = nil) {
    self.fallback = fallback
    self.attempts = attempts
    self.seconds = seconds
    self.from = from
    self.until = until
  }

  package static let members = ["fallback", "attempts", "seconds", "from", "until"]

  /// Reads the section after YAML or JSON became a tree; scalars may be texts. Unknown members are errors.
  package static func parse(_ value: JSONValue, path: String = "standby") throws(StandbyError) -> StandbyRules {
    let reader = try StandbyReader(value, path: path, allowed: members)
    guard let fallback = Fallback(rawValue: try reader.text("fallback")) else {
      throw reader.bad("fallback", "\(Fallback.allCases.map(\.rawValue).joined(separator: " or ")) expected")
    }
    var rules = StandbyRules(fallback: fallback)
    if reader.has("attempts") { rules.attempts = Int(try reader.integer("attempts", 1...Int64(OutageWatch.maxAttempts))) }
    if reader.has("seconds") { rules.seconds = try reader.integer("seconds", 0...3600) }
    rules.from = try reader.time("from")
    rules.until = try reader.time("until")
    if let from = rules.from, let until = rules.until, from > until { throw reader.bad("until", "it lies before from") }
    return rules
  }

  package var json: JSONValue {
    var object: JSONObject = ["fallback": .string(fallback.rawValue), "attempts": .integer(attempts), "seconds": .integer(seconds)]
    object.set("from", ifPresent: from.map { .string(ISO8601.format(seconds: $0)) })
    object.set("until", ifPresent: until.map { .string(ISO8601.format(seconds: $0)) })
    return .object(object)
  }

  /// Why fallback is not allowed at this time, whatever the primary does; nil when it is.
  ///
  /// - Parameter now: seconds since the epoch.
  package func objection(at now: Int64) -> StandbyRefusal? {
    guard fallback == .unreachable else { return .policyForbids }
    if let from, now < from { return .outsideWindow("before \(ISO8601.format(seconds: from))") }
    if let until, now > until { return .outsideWindow("after \(ISO8601.format(seconds: until))") }
    return nil
  }

  /// Both rules at once: the stricter of each.
  package func and(_ other: StandbyRules) -> StandbyRules {
    func later(_ a: Int64?, _ b: Int64?) -> Int64? { a.flatMap { a in b.map { max(a, $0) } } ?? a ?? b }
    func earlier(_ a: Int64?, _ b: Int64?) -> Int64? { a.flatMap { a in b.map { min(a, $0) } } ?? a ?? b }
    return StandbyRules(
      fallback: fallback == .unreachable && other.fallback == .unreachable ? .unreachable : .never,
      attempts: max(attempts, other.attempts), seconds: max(seconds, other.seconds), from: later(from, other.from),
      until: earlier(until, other.until))
  }
}

/// Which key signs, and why.
package enum StandbyDecision: Sendable, Hashable {
  case usePrimary
  case useStandby(StandbyReason)
  case refuse(StandbyRefusal)
}

/// Why the standby signs: written into results and ledgers.
package enum StandbyReason: Sendable, Hashable, CustomStringConvertible {
  case unreachable(OutageProof)
  /// An approved runbook made the standby the active key.
  case promoted(runbook: String)

  package var description: String {
    switch self {
    case .unreachable(let proof): "the standby signs because \(proof.text); the policy allows it after \(proof.rules.attempts) attempts over \(proof.rules.seconds) s"
    case .promoted(let runbook): "the standby signs because runbook \(runbook) made it the active key"
    }
  }

  package var json: JSONValue {
    switch self {
    case .unreachable(let proof): ["schema": "hallmark.standby-reason/v1", "kind": "unreachable", "text": .string(description), "outage": proof.json]
    case .promoted(let runbook): ["schema": "hallmark.standby-reason/v1", "kind": "promoted", "text": .string(description), "runbook": .string(runbook)]
    }
  }
}

/// Why the standby may not sign in place of the primary.
package enum StandbyRefusal: Sendable, Hashable, CustomStringConvertible {
  case policyForbids
  case outsideWindow(String)
  /// The primary is there: it refused, throttled, or answered otherwise.
  case primaryAnswers(ReachAttempt)
  case unproven(attempts: Int, seconds: Int64)
  /// The standby failed too.
  case standbyFailed(String)

  package var description: String {
    switch self {
    case .policyForbids: "the policy does not allow fallback (standby: fallback: never, or no such section)"
    case .outsideWindow(let when): "the policy does not allow fallback \(when)"
    case .primaryAnswers(let attempt): "the primary is not unreachable: a \(attempt.question.rawValue) request \(attempt.outcome.description)"
    case .unproven(let attempts, let seconds): "\(attempts) failed attempts over \(seconds) s do not prove that the primary is unreachable"
    case .standbyFailed(let why): "the standby cannot sign either: \(why)"
    }
  }

  package var code: String {
    switch self {
    case .policyForbids: "policy-forbids"
    case .outsideWindow: "outside-window"
    case .primaryAnswers: "primary-answers"
    case .unproven: "unproven"
    case .standbyFailed: "standby-failed"
    }
  }
}

extension StandbyRules {
  /// Decides after a failure of the primary; nil while more must be asked.
  package func decide(_ watch: OutageWatch.Assessment, at now: Int64) -> StandbyDecision? {
    if let objection = objection(at: now) { return .refuse(objection) }
    switch watch {
    case .ask: return nil
    case .proven(let proof): return .useStandby(.unreachable(proof))
    case .disproven(let attempt): return .refuse(.primaryAnswers(attempt))
    case .unproven(let attempts, let seconds): return .refuse(.unproven(attempts: attempts, seconds: seconds))
    }
  }
}
