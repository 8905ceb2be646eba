package import Clocks

/// Chooses between a primary and a standby signer: either alone, one in place of the other, or both.
///
/// Jobs may ask concurrently. A switch to the standby holds for the life of this value: the primary is not tried again, so that one run is
/// not signed by turns. The first failure of the primary is watched until it is decided; other jobs that fail meanwhile wait for that decision.
package actor StandbySigning: SignerChooser {
  package enum Mode: String, Sendable, Hashable {
    /// The active key signs, alone.
    case single
    /// The primary signs; the standby when the primary is proven unreachable and the rules allow it.
    case fallback
    /// Both sign everything.
    case dual
  }

  /// What the component needs of the world. Time is asked for, never assumed.
  package struct Surroundings: Sendable {
    package var clock: TimeSource
    /// Asks the primary something harmless, without retries and within a few seconds.
    package var probe: @Sendable () async -> ReachAttempt
    /// What a failed call says about the service, oldest first; one inconclusive attempt when it says nothing.
    package var reading: @Sendable (any Error, ReachAttempt.Question) -> [ReachAttempt]
    package var pause: @Sendable (_ milliseconds: Int64) async throws -> Void
    /// Told of the switch before the standby signs anything; when it throws, the standby does not sign.
    package var record: @Sendable (StandbyReason) async throws -> Void

    package init(
      clock: TimeSource, probe: @escaping @Sendable () async -> ReachAttempt,
      reading: @escaping @Sendable (any Error, ReachAttempt.Question) -> [ReachAttempt],
      pause: @escaping @Sendable (_ milliseconds: Int64) async throws -> Void,
      record: @escaping @Sendable (StandbyReason) async throws -> Void
    ) {
      self.clock = clock
      self.probe = probe
      self.reading = reading
      self.pause = pause
      self.record = record
    }
  }

  private let mode: Mode
  private let active: StandbyRole
  private let promotion: String?
  private let rules: StandbyRules
  /// `https://host[:port]` of the primary, for the proof.
  private let primaryStore: String
  private let seat: @Sendable (StandbyRole) async throws -> SeatedSigner
  private let surroundings: Surroundings

  private var seats: [StandbyRole: SeatedSigner] = [:]
  private var decision: StandbyDecision?
  private var isDeciding = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// - Parameters:
  ///   - active: who signs in `single` mode, and first in `fallback` mode.
  ///   - promotion: the runbook that made the standby active, for the record.
  ///   - seat: looks a key up and finds its chain; called once for each role. The signer's name must be the role's.
  package init(
    mode: Mode, active: StandbyRole = .primary, promotion: String? = nil, rules: StandbyRules, primaryStore: String,
    surroundings: Surroundings, seat: @escaping @Sendable (StandbyRole) async throws -> SeatedSigner
  ) {
    self.mode = mode
    self.active = active
    self.promotion = promotion
    self.rules = rules
    self.primaryStore = primaryStore
    self.surroundings = surroundings
    self.seat = seat
  }

  /// Why the standby signs, once it does; nil while the primary does, and in dual mode.
  package var reason: StandbyReason? {
    guard case .useStandby(let reason) = decision else { return nil }
    return reason
  }

  /// What was decided, nil while nothing had to be.
  package var outcome: StandbyDecision? { decision }

  package func signers() async throws -> [SeatedSigner] {
    switch mode {
    case .dual:
      var both: [SeatedSigner] = []
      for role in StandbyRole.allCases {
        do { both.append(try await seated(role)) } catch { throw StandbyError.dualNeedsBoth(role, why: String(describing: error)) }
      }
      return both
    case .single, .fallback:
      if active == .standby, decision == nil {
        let reason = StandbyReason.promoted(runbook: promotion ?? "(unnamed)")
        try await surroundings.record(reason)
        decision = .useStandby(reason)
      }
      if case .useStandby = decision { return [try await seated(.standby)] }
      return [try await primary()]
    }
  }

  package func replacement(for signer: Signer, after failure: any Error) async -> Substitution? {
    guard mode == .fallback, active == .primary, signer.name == StandbyRole.primary.rawValue else { return nil }
    guard case .useStandby(let reason) = await decided(after: surroundings.reading(failure, .sign)) else { return nil }
    do { return Substitution(try await seated(.standby), why: reason.description) } catch {
      decision = .refuse(.standbyFailed(String(describing: error)))
      return nil
    }
  }

  /// The primary's seat, or in fallback mode the standby's when the primary cannot even be asked for its key.
  private func primary() async throws -> SeatedSigner {
    if let held = seats[.primary] { return held }
    guard mode == .fallback, rules.objection(at: surroundings.clock.now().seconds) == nil else { return try await seated(.primary) }
    // A short question first: a primary that hangs would otherwise cost every retry of a look-up.
    let first = await surroundings.probe()
    var failures = [first]
    var failure = first.outcome.description
    if !first.isOutage {
      do { return try await seated(.primary) } catch {
        failures = surroundings.reading(error, .lookUp)
        failure = String(describing: error)
      }
    }
    switch await decided(after: failures) {
    case .useStandby: return try await seated(.standby)
    case .refuse(let refusal): throw StandbyError.refused(refusal, primary: failure)
    case .usePrimary: return try await seated(.primary)
    }
  }

  /// The decision after these failures; one watch at a time, and once the standby signs it stays so.
  private func decided(after failures: [ReachAttempt]) async -> StandbyDecision {
    while isDeciding { await withCheckedContinuation { waiting.append($0) } }
    if let decision, case .useStandby = decision { return decision }
    isDeciding = true
    var watch = OutageWatch(store: primaryStore, rules: rules)
    for attempt in failures { watch.saw(attempt) }
    var result = await watchUntilDecided(&watch)
    if case .useStandby(let reason) = result {
      do { try await surroundings.record(reason) } catch {
        result = .refuse(.standbyFailed("the reason could not be recorded: \(error)"))
      }
    }
    decision = result
    isDeciding = false
    for waiter in waiting { waiter.resume() }
    waiting = []
    return result
  }

  private func watchUntilDecided(_ watch: inout OutageWatch) async -> StandbyDecision {
    while true {
      let assessment = watch.assessment
      if let decision = rules.decide(assessment, at: surroundings.clock.now().seconds) { return decision }
      guard case .ask(let milliseconds) = assessment else { return .refuse(.policyForbids) }
      do { try await surroundings.pause(milliseconds) } catch {
        return .refuse(.primaryAnswers(ReachAttempt(
          at: surroundings.clock.now().nanoseconds, milliseconds: 0, question: .probe, outcome: .inconclusive("cancelled while waiting"))))
      }
      watch.saw(await surroundings.probe())
    }
  }

  private func seated(_ role: StandbyRole) async throws -> SeatedSigner {
    if let held = seats[role] { return held }
    let made = try await seat(role)
    seats[role] = made
    return made
  }
}
