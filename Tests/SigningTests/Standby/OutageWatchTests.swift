import Encodings
import Signing
import Testing

@Suite("Proof of an outage")
struct OutageWatchTests {
  private let rules = StandbyRules(fallback: .unreachable, attempts: 3, seconds: 10)

  private func assess(_ attempts: [ReachAttempt]) -> OutageWatch.Assessment {
    var watch = OutageWatch(store: "https://a.example", rules: rules)
    for attempt in attempts { watch.saw(attempt) }
    return watch.assessment
  }

  private func isProven(_ attempts: [ReachAttempt]) -> Bool {
    if case .proven = assess(attempts) { true } else { false }
  }

  @Test("Every kind of silence and fault counts, and enough of them over enough time are a proof", arguments: Attempts.outages)
  func proven(_ outcome: ReachAttempt.Outcome) throws {
    let attempts = [0, 5, 10].map { Attempts.at($0, outcome) }
    guard case .proven(let proof) = assess(attempts) else {
      Issue.record("not proven")
      return
    }
    #expect(proof.attempts == attempts && proof.seconds == 10 && proof.lostSignatures == 0)
    #expect(proof.text.contains("3 attempts over 10 s"))
  }

  @Test("A single answer of any kind, wherever it stands, is no outage", arguments: Attempts.answers, 0..<4)
  func answered(_ outcome: ReachAttempt.Outcome, _ place: Int) {
    var attempts = [0, 5, 10].map { Attempts.at($0, Attempts.refused) }
    attempts.insert(Attempts.at([0, 3, 8, 12][place], outcome), at: place)
    guard place < 3 else {
      // A proof that was complete before the answer is judged at its end.
      #expect(!isProven(attempts))
      return
    }
    #expect(assess(attempts) == .disproven(attempts[place]))
  }

  @Test("Too few attempts, or enough in too short a time, ask for more")
  func unfinished() {
    for attempts in [[], [0], [0, 30], [0, 1, 2], [0, 3, 6, 9]] as [[Double]] {
      guard case .ask(let milliseconds) = assess(attempts.map { Attempts.at($0, Attempts.refused) }) else {
        Issue.record("\(attempts) did not ask")
        continue
      }
      #expect((0...5000).contains(milliseconds))
    }
  }

  @Test("The watch ends: attempts that never span the time are given up")
  func bounded() {
    var watch = OutageWatch(store: "https://a.example", rules: rules)
    for _ in 0..<500 { watch.saw(Attempts.at(0, Attempts.refused)) }
    #expect(watch.assessment == .unproven(attempts: 64, seconds: 0))
  }

  @Test("A sign request that was sent and not answered is counted as perhaps performed, a refused connection is not")
  func lost() {
    let attempts = [
      Attempts.at(0, .dropped("reset"), .sign), Attempts.at(1, .timedOut, .sign), Attempts.at(2, .serverFault(status: 503), .sign),
      Attempts.at(3, Attempts.refused, .sign), Attempts.at(4, .dropped("reset"), .lookUp), Attempts.at(11, .timedOut, .probe),
    ]
    guard case .proven(let proof) = assess(attempts) else {
      Issue.record("not proven")
      return
    }
    #expect(proof.lostSignatures == 3)
    #expect(proof.text.contains("3 sign requests may have been performed"))
  }

  @Test("Attempts that were written down prove the same when read again, and nothing when out of order")
  func reread() throws {
    let attempts = [Attempts.at(0, Attempts.refused), Attempts.at(6, .timedOut), Attempts.at(12, .serverFault(status: 503), .sign)]
    let read = try attempts.map { try ReachAttempt(json: $0.json, path: "x") }
    #expect(read == attempts)
    #expect(OutageWatch.prove(read, store: "https://a.example", rules: rules) != nil)
    #expect(OutageWatch.prove(read.reversed(), store: "https://a.example", rules: rules) == nil)
    #expect(OutageWatch.prove([], store: "https://a.example", rules: rules) == nil)
    #expect(OutageWatch.prove(read + [Attempts.at(13, .answered(status: 403, code: nil))], store: "https://a.example", rules: rules) == nil)
  }

  @Test("Whatever is read of an attempt, finer times, no words or very many, is written such that it reads the same")
  func stable() throws {
    for at in ["2026-11-23T22:00:00.123456789Z", "1969-12-31T23:59:59.9999Z", "2026-11-23T22:00:00+01:00"] {
      for why in [nil, "x", String(repeating: "ä", count: 900)] {
        var object: JSONObject = ["at": .string(at), "milliseconds": 1, "question": "probe", "outcome": "dropped"]
        object.set("why", ifPresent: why.map { .string($0) })
        let read = try ReachAttempt(json: .object(object), path: "x")
        #expect(try ReachAttempt(json: read.json, path: "x") == read)
      }
    }
  }

  @Test("A written attempt whose outcome and status disagree is refused")
  func forged() {
    let good = Attempts.at(0, .serverFault(status: 503)).json
    for (name, value) in [("status", 403), ("status", 42), ("outcome", "proven"), ("at", "yesterday"), ("question", "maybe"), ("milliseconds", -1)]
      as [(String, JSONValue)]
    {
      var object = good.object ?? [:]
      object[name] = value
      #expect(throws: StandbyError.self) { try ReachAttempt(json: .object(object), path: "x") }
    }
    var extra = good.object ?? [:]
    extra["note"] = "x"
    #expect(throws: StandbyError.self) { try ReachAttempt(json: .object(extra), path: "x") }
  }
}

@Suite("Rules of fallback")
struct StandbyRulesTests {
  private let now: Int64 = 1_790_000_000
  private func proof() -> OutageWatch.Assessment {
    var watch = OutageWatch(store: "https://a.example", rules: StandbyRules(fallback: .unreachable))
    for second in [0.0, 5, 10] { watch.saw(Attempts.at(second, Attempts.refused)) }
    return watch.assessment
  }

  @Test("Without permission a proof is worth nothing")
  func forbidden() throws {
    let never = StandbyRules()
    #expect(never.decide(proof(), at: now) == .refuse(.policyForbids))
    var late = StandbyRules(fallback: .unreachable, until: now - 1)
    guard case .refuse(.outsideWindow) = late.decide(proof(), at: now) else { Issue.record("allowed after its end"); return }
    late = StandbyRules(fallback: .unreachable, from: now + 1)
    guard case .refuse(.outsideWindow) = late.decide(proof(), at: now) else { Issue.record("allowed before its begin"); return }
  }

  @Test("With permission a proof is enough, and half a proof asks on")
  func allowed() {
    let rules = StandbyRules(fallback: .unreachable, from: now, until: now)
    guard case .useStandby(.unreachable) = rules.decide(proof(), at: now) else { Issue.record("refused"); return }
    #expect(rules.decide(.ask(afterMilliseconds: 5), at: now) == nil)
    #expect(rules.decide(.unproven(attempts: 64, seconds: 3), at: now) == .refuse(.unproven(attempts: 64, seconds: 3)))
  }

  @Test("Two sets of rules together are the stricter of both")
  func both() {
    let a = StandbyRules(fallback: .unreachable, attempts: 5, seconds: 1, from: 10)
    let b = StandbyRules(fallback: .unreachable, attempts: 2, seconds: 30, from: 20, until: 40)
    #expect(a.and(b) == StandbyRules(fallback: .unreachable, attempts: 5, seconds: 30, from: 20, until: 40))
    #expect(a.and(StandbyRules()).fallback == .never)
    #expect(StandbyRules().and(a).fallback == .never)
  }

  @Test("The section is read with numbers or texts and writes itself again")
  func parsed() throws {
    let text: JSONValue = ["fallback": "unreachable", "attempts": "4", "seconds": "20", "until": "2026-12-01T00:00:00Z"]
    let rules = try StandbyRules.parse(text)
    #expect(rules == StandbyRules(fallback: .unreachable, attempts: 4, seconds: 20, until: 1_796_083_200))
    #expect(try StandbyRules.parse(rules.json) == rules)
  }

  @Test(
    "A section with unknown members, bad numbers or a window that ends before it begins is refused",
    arguments: [
      #"{}"#, #"{"fallback":"always"}"#, #"{"fallback":"unreachable","attempt":3}"#, #"{"fallback":"unreachable","attempts":0}"#,
      #"{"fallback":"unreachable","attempts":65}"#, #"{"fallback":"unreachable","seconds":-1}"#, #"{"fallback":"unreachable","seconds":1.5}"#,
      #"{"fallback":"unreachable","seconds":3601}"#, #"{"fallback":"unreachable","from":"tomorrow"}"#, #"[]"#, #"{"fallback":true}"#,
      #"{"fallback":"unreachable","from":"2026-12-02T00:00:00Z","until":"2026-12-01T00:00:00Z"}"#,
    ])
  func refused(_ text: String) throws {
    let value = try JSONValue.parse(Array(text.utf8))
    #expect(throws: StandbyError.self) { try StandbyRules.parse(value) }
  }
}
