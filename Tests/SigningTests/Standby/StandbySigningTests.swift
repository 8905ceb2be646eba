import Signing
import Synchronization
import Testing

@Suite("Choosing between primary and standby")
struct StandbySigningTests {
  private func names(_ signing: StandbySigning) async throws -> [String] { try await signing.signers().map(\.signer.name) }

  @Test("A healthy primary signs alone, the standby is not even looked up")
  func healthy() async throws {
    let world = World()
    let signing = world.signing(.fallback)
    #expect(try await names(signing) == ["primary"])
    #expect(try await names(signing) == ["primary"])
    #expect(world.state.withLock { $0.seatings } == [.primary])
    #expect(await signing.reason == nil)
  }

  @Test("A dead primary is replaced after the proof, once, and the reason is recorded before anything is signed", arguments: Attempts.outages)
  func dead(_ outcome: ReachAttempt.Outcome) async throws {
    let world = World(probes: [outcome])
    let signing = world.signing(.fallback)
    #expect(try await names(signing) == ["standby"])
    #expect(try await names(signing) == ["standby"])
    let (records, waited, seatings) = world.state.withLock { ($0.records, $0.waited, $0.seatings) }
    #expect(records.count == 1 && seatings == [.standby])
    #expect((9000...20000).contains(waited))
    guard case .unreachable(let proof) = records.first else { Issue.record("no proof"); return }
    #expect(proof.attempts.count >= 3 && proof.seconds >= 10)
    #expect(await signing.reason == records.first)
  }

  @Test("A primary that answers, whatever it answers, is not replaced", arguments: Attempts.answers)
  func refusing(_ outcome: ReachAttempt.Outcome) async throws {
    let world = World { $0.failures[.primary] = [outcome] }
    await #expect(throws: StandbyError.self) { try await names(world.signing(.fallback)) }
    let (records, seatings) = world.state.withLock { ($0.records, $0.seatings) }
    #expect(records.isEmpty && seatings == [.primary])
  }

  @Test("A primary that comes back during the watch is not replaced")
  func recovering() async throws {
    let world = World(probes: [Attempts.refused, Attempts.refused, .answered(status: 401, code: nil)])
    await #expect(throws: StandbyError.self) { try await names(world.signing(.fallback)) }
    #expect(world.state.withLock { $0.records.isEmpty && $0.seatings.isEmpty })
  }

  @Test("Without permission a dead primary is a failure, found without a watch")
  func forbidden() async throws {
    let world = World(probes: [Attempts.refused]) { $0.failures[.primary] = [Attempts.refused] }
    await #expect(throws: World.Failure.self) { try await names(world.signing(.fallback, rules: StandbyRules())) }
    #expect(world.state.withLock { $0.waited == 0 && $0.probed == 0 && $0.seatings == [.primary] })
  }

  @Test("A sign call that fails because the primary died is taken over by the standby, with what may have been signed")
  func duringSigning() async throws {
    let world = World(probes: [.answered(status: 401, code: nil), Attempts.refused])
    let signing = world.signing(.fallback)
    let primary = try #require(try await signing.signers().first).signer
    let failure = World.Failure(outcomes: [.dropped("reset"), Attempts.refused])
    let substitution = try #require(await signing.replacement(for: primary, after: failure))
    #expect(substitution.seated.signer.name == "standby")
    #expect(substitution.why.contains("1 sign request may have been performed"))
    #expect(try await names(signing) == ["standby"])
    #expect(await signing.replacement(for: substitution.seated.signer, after: failure) == nil)
  }

  @Test("A sign call that was refused or throttled is not taken over", arguments: Attempts.answers)
  func refusedSigning(_ outcome: ReachAttempt.Outcome) async throws {
    let world = World(probes: [.answered(status: 401, code: nil)])
    let signing = world.signing(.fallback)
    let primary = try #require(try await signing.signers().first).signer
    #expect(await signing.replacement(for: primary, after: World.Failure(outcomes: [outcome])) == nil)
    guard case .refuse(.primaryAnswers) = await signing.outcome else { Issue.record("not refused for that"); return }
  }

  @Test("Many jobs that fail together cost one watch and one record")
  func together() async throws {
    let world = World(probes: [.answered(status: 401, code: nil), Attempts.refused])
    let signing = world.signing(.fallback)
    let primary = try #require(try await signing.signers().first).signer
    let names = await withTaskGroup(of: String?.self) { group in
      for _ in 0..<20 { group.addTask { await signing.replacement(for: primary, after: World.Failure(outcomes: [.timedOut]))?.seated.signer.name } }
      return await group.reduce(into: [String?]()) { $0.append($1) }
    }
    #expect(names == Array(repeating: "standby", count: 20))
    #expect(world.state.withLock { $0.records.count == 1 && $0.probed < 10 })
  }

  @Test("When the reason cannot be recorded the standby does not sign")
  func unrecorded() async throws {
    let world = World(probes: [Attempts.refused]) { $0.recordFails = true }
    await #expect(throws: StandbyError.self) { try await names(world.signing(.fallback)) }
    #expect(world.state.withLock { $0.seatings.isEmpty })
  }

  @Test("Both sign in dual mode, and when one cannot, nothing is begun", arguments: StandbyRole.allCases)
  func dual(_ role: StandbyRole) async throws {
    #expect(try await names(World().signing(.dual)) == ["primary", "standby"])
    let world = World { $0.failures[role] = [Attempts.refused] }
    await #expect(throws: StandbyError.self) { try await names(world.signing(.dual)) }
    let signing = World().signing(.dual)
    let first = try #require(try await signing.signers().first).signer
    #expect(await signing.replacement(for: first, after: World.Failure(outcomes: [.timedOut])) == nil)
  }

  @Test("A promoted standby signs by the runbook's word, recorded, and the primary is left alone")
  func promoted() async throws {
    let world = World()
    let signing = world.signing(.single, active: .standby, rules: StandbyRules())
    #expect(try await names(signing) == ["standby"])
    #expect(world.state.withLock { $0.records } == [.promoted(runbook: "book-of-sixteen-characters")])
    #expect(world.state.withLock { $0.seatings == [.standby] && $0.probed == 0 })
  }
}
