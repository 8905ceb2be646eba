import Encodings
import Estate
import Plans

/// Rights that an identity which only needs to sign gains, and those it has had all along.
struct RightsGained {
  private let review: RightsReview
  /// Principals that a finding blocks.
  private(set) var blocked: Set<String> = []

  init(_ review: RightsReview) { self.review = review }

  mutating func evaluate() -> GateOutcome {
    var outcome = GateOutcome()
    for (id, decision) in review.signOnly() {
      let had = review.before.rights(of: id)
      let has = review.after.rights(of: id)
      if has.isEmpty { continue }
      let gained = gained(had, has)
      for (attribution, rights) in grouped(gained) {
        outcome.add(judge(id, decision, attribution, rights))
      }
      for finding in standing(id, decision, had, has) { outcome.standing.append(finding) }
    }
    blocked = Set(outcome.findings.filter { $0.verdict == .block }.compactMap { $0.principal?.objectId ?? $0.principal?.name })
    return outcome
  }

  /// What is new. A right to whatever lies below a scope does not cover a store that was there and did not heed it.
  private func gained(_ had: [EffectiveRight], _ has: [EffectiveRight]) -> [EffectiveRight] {
    let isOld: (EffectiveRight) -> Bool = { right in right.store.map { review.storeModes.before[$0.lowercased()] != nil } ?? false }
    return EffectiveRight.gained(before: had.filter { $0.store != nil }, after: has.filter(isOld))
      + EffectiveRight.gained(before: had, after: has.filter { !isOld($0) })
  }

  /// Rights that come from one thing belong into one finding. In order of what made them.
  private func grouped(_ rights: [EffectiveRight]) -> [(RightAttribution, [EffectiveRight])] {
    var order: [RightAttribution] = []
    var groups: [RightAttribution: [EffectiveRight]] = [:]
    for right in rights {
      let attribution = RightAttribution(right, review)
      if groups[attribution] == nil { order.append(attribution) }
      groups[attribution, default: []].append(right)
    }
    return order.map { ($0, groups[$0] ?? []) }
  }

  private func judge(
    _ id: String, _ decision: IntentRegister.PurposeDecision, _ attribution: RightAttribution, _ rights: [EffectiveRight]
  ) -> GateOutcome {
    let certain = rights.filter(\.doubts.isEmpty)
    let all = certain.reduce(into: Set<Capability>()) { $0.formUnion($1.capabilities) }
    let doubtful = rights.reduce(into: Set<Capability>()) { $0.formUnion($1.capabilities) }
    let forbidden = all.forbidden
    let dangerous = all.dangerous
    let name = review.name(id, decision)
    if forbidden.isEmpty, !doubtful.forbidden.isEmpty || (all.isEmpty && doubtful.isEmpty) {
      let doubts = Set(rights.flatMap(\.doubts)).sorted()
      return GateOutcome(undecided: [
        MissingFact(
          address: attribution.address,
          missing: "what \(name) gains: \(doubts.joined(separator: "; ")); supply an inventory that shows it")
      ])
    }
    if forbidden.isEmpty, dangerous.isEmpty { return scopeFinding(id, decision, attribution, certain) }
    let blocks = !forbidden.isEmpty || review.change.options.strict
    let words = FindingWords(review, rights: certain, name: name, of: attribution)
    let gained = forbidden.union(dangerous)
    var finding = words.finding(
      rule: attribution.rule(gained: gained), verdict: blocks ? .block : .warn, id: id, attribution: attribution, gained: gained)
    finding.severity = forbidden.isEmpty ? .medium : forbidden.of(.grant).isEmpty && !certain.allSatisfy(\.latent) ? .critical : .high
    finding.before = ["capabilities": .array(words.before(id).canonical.map { .string($0.rawValue) })]
    finding.after = ["capabilities": .array(words.after(id).canonical.map { .string($0.rawValue) })]
    return GateOutcome(findings: [finding])
  }

  /// Sign on more than one key, or on a key that the register does not give it, is more than it needs.
  private func scopeFinding(
    _ id: String, _ decision: IntentRegister.PurposeDecision, _ attribution: RightAttribution, _ rights: [EffectiveRight]
  ) -> GateOutcome {
    let signs = rights.filter { $0.capabilities.contains(.sign) && !$0.scope.hasPrefix(ScopeResolver.unknownScope) }
    guard let first = signs.first else { return GateOutcome() }
    let name = review.name(id, decision)
    let words = FindingWords(review, rights: signs, name: name, of: attribution)
    let wide = signs.contains { $0.key == nil && $0.via != .accessPolicy }
    let foreign = first.key.map { key in decision.entry.map { !$0.allows(key: key) } ?? false } ?? false
    guard wide || foreign else { return GateOutcome() }
    var finding = words.finding(rule: GateOneRule.scope, verdict: .warn, id: id, attribution: attribution, gained: [.sign])
    finding.severity = .medium
    finding.reason =
      wide
      ? "\(name) may sign with every key \(words.place) reaches, though it needs one."
      : "\(name) may sign with key \(first.key ?? ""), which the register does not list among its keys."
    finding.fix =
      wide ? "Assign the role at /keys/NAME of the one key it signs with." : "Add the key to the register's entry of \(name), or drop the grant."
    return GateOutcome(findings: [finding])
  }

  /// What it may do before and after and should not: shown, not failed for.
  private func standing(
    _ id: String, _ decision: IntentRegister.PurposeDecision, _ had: [EffectiveRight], _ has: [EffectiveRight]
  ) -> [Finding] {
    let old = had.filter { !$0.capabilities.forbidden.isEmpty && $0.doubts.isEmpty }
    if old.isEmpty { return [] }
    let kept = has.filter { right in
      !right.capabilities.forbidden.isEmpty
        && old.contains { $0.store == right.store && ($0.key == nil || $0.key == right.key) && $0.capabilities.isSuperset(of: right.capabilities.forbidden) && (right.latent || !$0.latent) }
    }
    return grouped(kept).map { attribution, rights in
      let name = review.name(id, decision)
      let words = FindingWords(review, rights: rights, name: name, of: attribution)
      let gained = rights.reduce(into: Set<Capability>()) { $0.formUnion($1.capabilities.forbidden.union($1.capabilities.dangerous)) }
      var finding = words.finding(rule: attribution.rule(gained: gained), verdict: .note, id: id, attribution: attribution, gained: gained)
      finding.reason = "Already before this change: " + finding.reason
      return finding
    }
  }
}
