import Encodings
import Estate
import Plans

/// A setting that named a key of a Managed HSM and will name what only the apply knows: a reference to a vault key of the same change (2.5).
struct ConsumersByReference {
  private let change: EstateChange
  private let material: SigningMaterial
  private static let maxValues = 100_000

  init(_ change: EstateChange, _ material: SigningMaterial) {
    self.change = change
    self.material = material
  }

  func evaluate() -> GateOutcome {
    var outcome = GateOutcome()
    for resource in change.resources where !resource.change.isData && !resource.change.isDrift && (resource.action == .update || resource.action == .replace) {
      switch resource.after { case .key?, .vault?, .managedHSM?, .assignment?, .role?, .policies?: continue; default: break }
      guard let before = resource.change.before, let after = resource.change.after, let (old, unknown) = Self.pair(before, after) else { continue }
      outcome.add(judge(resource, old, unknown))
    }
    return outcome
  }

  private func judge(_ resource: PlannedResource, _ old: String, _ unknown: UnknownValue) -> GateOutcome {
    let was = ConsumersRepointed.place(old)
    if let store = was.store, let key = was.key {
      let listed = change.inventoryKeys(StoreHandle(id: store.lowercased(), name: store, kind: .managedHsm)).filter { $0.name.lowercased() == key.lowercased() }
      if !listed.isEmpty, !listed.contains(where: material.isSigning) { return GateOutcome() }
    }
    let behind = change.index.matches(unknown).map { change.resources[$0] }
    for target in behind {
      guard case .key(let key)? = target.after, key.kind == .vault else { continue }
      let vault = change.store(key.store, kind: .vault)?.name ?? "that the plan names"
      return GateOutcome(findings: [
        Finding(
          rule: GateTwoRule.repointed, gate: .two, verdict: .block, severity: .critical, address: resource.address, store: was.store, key: was.key,
          before: ["key": was.key.map { .string($0) } ?? .null, "store": was.store.map { .string($0) } ?? .null],
          after: ["key": key.name.value.map { .string($0) } ?? .null, "store": .string(vault)],
          reason: "\(resource.address) used key \(was.key ?? "") of the Managed HSM \(was.store ?? "") and is pointed at \(target.address), a key of the standard vault \(vault).",
          fix: "Leave the consumer at the Managed HSM, or at another Managed HSM.", location: resource.location)
      ])
    }
    // What the provider itself computes from nothing the configuration says is no choice of anybody.
    guard !unknown.references.isEmpty || unknown.missing != nil else { return GateOutcome() }
    if behind.contains(where: { if case .key? = $0.after { true } else if case .managedHSM? = $0.after { true } else { false } }) { return GateOutcome() }
    return GateOutcome(undecided: [
      MissingFact(address: resource.address, missing: unknown.description(of: "what \(resource.address) will use instead of key \(was.key ?? "") of the Managed HSM \(was.store ?? "")"))
    ])
  }

  /// The first key of a Managed HSM that becomes unknown at the same place.
  private static func pair(_ before: PlanValue, _ after: PlanValue) -> (String, UnknownValue)? {
    var waiting = [(before, after)]
    var seen = 0
    while let (old, new) = waiting.popLast(), seen < maxValues {
      seen += 1
      switch (old, new) {
      case (.string(let text), .unknown(let unknown)):
        let folded = text.lowercased()
        if folded.contains(".managedhsm."), folded.contains("/keys/") || folded.contains("azurekms:") || folded.contains("hallmark:") { return (text, unknown) }
      case (.list(let a), .list(let b)): waiting += Array(zip(a, b))
      case (.object(let a), .object(let b)): for (name, value) in a { if let other = b[name] { waiting.append((value, other)) } }
      default: break
      }
    }
    return nil
  }
}
