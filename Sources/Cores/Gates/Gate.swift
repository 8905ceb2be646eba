internal import Estate
package import Plans

/// The gates together.
package enum Gate {
  /// Every rule that is asked, in the order of the report.
  package static let rules: [any GateRule] = [GateOne(), GateTwo(), GateThree(), InputCompleteness(), SideEffects()]

  /// Judges a change. Cost: linear in the resources of the change and in the inventory.
  package static func evaluate(_ input: GateInput, rules: [any GateRule] = Gate.rules) -> GateResult {
    if let reason = input.changes.compactMap(\.errored).first {
      return GateResult(verdict: .invalid, reason: reason, input: input.sources)
    }
    let change = EstateChange(input)
    var outcome = GateOutcome()
    for rule in rules { outcome.add(rule.evaluate(change)) }
    var undecided = change.undecided + outcome.undecided
    var seen: Set<MissingFact> = []
    undecided = undecided.filter { seen.insert($0).inserted }
    let findings = WaiverDecisions(waivers: input.intent.waivers, options: input.options).applied(to: outcome.findings)
    return GateResult(
      verdict: verdict(findings: findings, undecided: undecided), input: input.sources, findings: findings,
      standing: outcome.standing, undecided: undecided, coverage: change.coverage, memory: remembered(input.options.memory, outcome.pending))
  }

  /// A block outweighs what could not be seen, and that outweighs a warning.
  package static func verdict(findings: [Finding], undecided: [MissingFact]) -> GateResult.Verdict {
    let open = findings.filter { $0.waived?.accepted != true }
    if open.contains(where: { $0.verdict == .block }) { return .block }
    if !undecided.isEmpty || open.contains(where: { $0.verdict == .undecidable }) { return .undecidable }
    return open.contains { $0.verdict == .warn } ? .warn : .pass
  }

  /// What earlier runs remembered, and what this one adds. A fact stays until somebody takes it out of the file: only people know that a move is over.
  private static func remembered(_ memory: GateMemory?, _ pending: [PendingFact]) -> GateMemory? {
    guard var memory else { return nil }
    for fact in pending where !memory.facts.contains(where: { $0.kind == fact.kind && $0.address == fact.address && $0.key == fact.key }) { memory.facts.append(fact) }
    return memory
  }
}
