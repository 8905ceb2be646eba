package import Encodings

/// That a service could not be reached: which attempts, over which time, and what came of each.
///
/// Made only by `OutageWatch`, so holding one means that the rules it was judged by were met.
package struct OutageProof: Sendable, Hashable {
  /// `https://host[:port]` of the service.
  package let store: String
  /// At least one, oldest first, every one an outage.
  package let attempts: [ReachAttempt]
  /// The rules it met.
  package let rules: StandbyRules

  fileprivate init(store: String, attempts: [ReachAttempt], rules: StandbyRules) {
    self.store = store
    self.attempts = attempts
    self.rules = rules
  }

  /// Seconds from the start of the first attempt to the end of the last.
  package var seconds: Int64 { Self.span(attempts) / 1_000_000_000 }
  /// When the last attempt ended, nanoseconds since the epoch.
  package var lastAt: Int64 { attempts.last?.at ?? 0 }
  /// Sign requests that the service may have performed although nobody received the signature.
  package var lostSignatures: Int { attempts.filter(\.mayHaveSigned).count }

  static func span(_ attempts: [ReachAttempt]) -> Int64 {
    guard let first = attempts.first, let last = attempts.last else { return 0 }
    return last.at - first.at + first.milliseconds * 1_000_000
  }

  /// One sentence for people and records.
  package var text: String {
    var counts: [(String, Int)] = []
    for attempt in attempts {
      let text = attempt.outcome.description
      if let index = counts.firstIndex(where: { $0.0 == text }) { counts[index].1 += 1 } else { counts.append((text, 1)) }
    }
    let list = counts.map { "\($0.1) x \($0.0)" }.joined(separator: ", ")
    var text = "\(store) was not reached in \(attempts.count) attempts over \(seconds) s until \(ISO8601.format(nanoseconds: lastAt)): \(list)"
    if lostSignatures > 0 {
      text += "; \(lostSignatures) sign \(lostSignatures == 1 ? "request" : "requests") may have been performed there, its audit log tells"
    }
    return text
  }

  package var json: JSONValue {
    [
      "store": .string(store), "seconds": .integer(seconds), "mayHaveSigned": .integer(lostSignatures), "text": .string(text),
      "attempts": .array(attempts.map(\.json)),
    ]
  }
}

/// Watches a service that failed until it is proven unreachable, or has answered: a state machine that neither sends nor waits.
package struct OutageWatch: Sendable {
  package enum Assessment: Sendable, Hashable {
    /// Ask once more after this many milliseconds.
    case ask(afterMilliseconds: Int64)
    case proven(OutageProof)
    /// This attempt shows that the service is there, or shows nothing: not an outage.
    case disproven(ReachAttempt)
    /// Asked as often as the rules allow; the attempts do not amount to a proof.
    case unproven(attempts: Int, seconds: Int64)
  }

  /// Attempts kept and made at most.
  package static let maxAttempts = 64

  package let store: String
  private let rules: StandbyRules
  private var attempts: [ReachAttempt] = []
  private var spoken: ReachAttempt?

  package init(store: String, rules: StandbyRules) {
    self.store = store
    self.rules = rules
  }

  /// Takes one attempt, in the order they ended. Any answer ends the watch: an outage is an unbroken row of failures.
  package mutating func saw(_ attempt: ReachAttempt) {
    if attempt.isOutage {
      if attempts.count < Self.maxAttempts { attempts.append(attempt) }
    } else if spoken == nil {
      spoken = attempt
    }
  }

  /// Attempts that may have signed, whatever the watch came to.
  package var lostSignatures: Int { attempts.filter(\.mayHaveSigned).count + (spoken?.mayHaveSigned == true ? 1 : 0) }

  package var assessment: Assessment {
    if let spoken { return .disproven(spoken) }
    let span = OutageProof.span(attempts) / 1_000_000
    let isLongEnough = span >= rules.seconds * 1000
    if attempts.count >= rules.attempts, isLongEnough {
      return .proven(OutageProof(store: store, attempts: attempts, rules: rules))
    }
    guard attempts.count < Self.maxAttempts else { return .unproven(attempts: attempts.count, seconds: span / 1000) }
    // What is left of the time is spread over the attempts that are left; after that, twice a second at most.
    let left = max(0, rules.seconds * 1000 - span)
    let missing = Int64(max(1, rules.attempts - attempts.count))
    return .ask(afterMilliseconds: attempts.isEmpty ? 0 : max(200, min(left / missing, 5000)))
  }

  /// Judges attempts that somebody wrote down: the same rules, no further questions.
  package static func prove(_ attempts: [ReachAttempt], store: String, rules: StandbyRules) -> OutageProof? {
    var watch = OutageWatch(store: store, rules: rules)
    var last = Int64.min
    for attempt in attempts {
      guard attempt.at >= last else { return nil }
      last = attempt.at
      watch.saw(attempt)
    }
    guard case .proven(let proof) = watch.assessment else { return nil }
    return proof
  }
}
