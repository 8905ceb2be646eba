import Encodings
import Estate
import Plans

/// Guards beside the store itself: locks (3.9), Azure Policy (3.15), diagnostic settings (3.19).
struct StandingGuards {
  private let change: EstateChange
  private let material: SigningMaterial

  init(_ change: EstateChange, _ material: SigningMaterial) {
    self.change = change
    self.material = material
  }

  /// Azure Policy definitions that guard purge protection, soft delete and logs (§3.12).
  private static let definitions: Set<String> = [
    "0b60c0b2-2dc2-4e1c-b5c9-abbed971de53", "c39ba22d-4428-4149-b981-70acb31fc383", "1e66c121-a66a-4b1f-9b83-0fd99bf0fc2d", "a2a5b911-5617-447e-a49e-59dbe0e0434b",
    "cf820ca0-f99e-4f3e-84fb-66e913812d21",
  ]

  func evaluate() -> GateOutcome {
    var outcome = GateOutcome()
    for resource in change.resources where !resource.change.isData && !resource.change.isDrift && resource.action != .noOp {
      switch (resource.before, resource.after) {
      case (.lock(let old)?, let new): outcome.add(lock(old, new, resource))
      case (.diagnostics(let old)?, let new): outcome.add(diagnostics(old, new, resource))
      case (.guardrail(let old)?, let new): outcome.add(guardrail(old, new, resource))
      case (nil, .guardrail(let new)?) where new.isExemption: outcome.add(exemption(new, resource))
      default: continue
      }
    }
    return outcome
  }

  /// Stores at or below a scope, with why they matter; known says whether the scope itself could be told.
  private func stores(under scope: Planned<String>) -> (hit: [(name: String, why: String)], isKnown: Bool) {
    if let handle = change.store(scope) {
      switch material.holds(handle) {
      case .yes(let why): return ([(handle.name, why)], true)
      case .no: return ([], true)
      case .unknown: return handle.kind == .managedHsm ? ([(handle.name, "Managed HSMs hold keys")], true) : ([], false)
      }
    }
    guard let text = scope.value else { return ([], false) }
    var hit: [(name: String, why: String)] = []
    for store in change.inventory?.stores ?? [] where StoresLeaving.isIn([text], store.armId) {
      let handle = StoreHandle(id: store.id.lowercased(), name: store.id, kind: store.kind, armId: store.armId)
      if case .yes(let why) = material.holds(handle) { hit.append((store.id, why)) }
    }
    return (hit, change.inventory != nil)
  }

  private func lock(_ old: PlannedLock, _ new: EstateObject?, _ resource: PlannedResource) -> GateOutcome {
    var what = ""
    var verdict = Finding.Verdict.block
    var hidden: Set<String> = []
    // A change of level or scope is planned as a replacement: what comes counts.
    if resource.action == .delete || resource.action == .forget {
      what = resource.action == .forget ? "is left unmanaged" : "is removed"
      if resource.action == .forget { verdict = .warn }
    } else if case .lock(let now)? = new {
      let covered = stores(under: old.scope).hit
      if case .unknown(let unknown) = now.scope, !covered.isEmpty {
        return GateOutcome(undecided: [MissingFact(address: resource.address, missing: unknown.description(of: "the scope of the lock"))])
      }
      let still = Set(stores(under: now.scope).hit.map(\.name))
      if now.scope.value != old.scope.value, covered.contains(where: { !still.contains($0.name) }) {
        what = "no longer covers it"
        hidden = still
      } else if old.level.value?.lowercased() == "readonly", now.level.value?.lowercased() == "cannotdelete" {
        what = "is weakened from ReadOnly to CanNotDelete"
        verdict = .warn
      }
    }
    guard !what.isEmpty else { return GateOutcome() }
    let (hit, isKnown) = stores(under: old.scope)
    if let first = hit.first(where: { !hidden.contains($0.name) }) {
      return GateOutcome(findings: [
        finding(GateThreeRule.lock, verdict, verdict == .block ? .high : .medium, resource, first.name, "The lock on \(first.name) \(what), and \(first.why).", "Keep a CanNotDelete lock on stores with signing keys.")
      ])
    }
    guard !isKnown else { return GateOutcome() }
    return GateOutcome(undecided: [MissingFact(address: resource.address, missing: "whether a store with signing keys lies under the scope of this lock, which \(what); give an inventory")])
  }

  private func diagnostics(_ old: PlannedDiagnostics, _ new: EstateObject?, _ resource: PlannedResource) -> GateOutcome {
    var isLost = resource.leaves && resource.action != .replace
    if case .diagnostics(let now)? = new {
      let categories = now.categories.words()
      isLost = categories.unknown == nil && !Self.audits(categories.known) && Self.audits(old.categories.words().known)
    }
    guard isLost, let handle = change.store(old.target) else { return GateOutcome() }
    if case .no = material.holds(handle) { return GateOutcome() }
    return GateOutcome(findings: [
      finding(
        GateThreeRule.diagnostics, .warn, .medium, resource, handle.name, "The audit log of \(handle.name) is no longer sent anywhere by this setting: what is done with its keys will not be seen.",
        "Keep at least one sink with the audit category for stores with signing keys.")
    ])
  }

  private static func audits(_ categories: [String]) -> Bool { categories.contains { ["auditevent", "audit", "alllogs"].contains($0.lowercased()) } }

  private func guardrail(_ old: PlannedGuardrail, _ new: EstateObject?, _ resource: PlannedResource) -> GateOutcome {
    guard !old.isExemption, isOurs(old.definition) else { return GateOutcome() }
    var what = resource.leaves && resource.action != .replace ? "is removed" : ""
    if case .guardrail(let now)? = new, now.enforced.value == false, old.enforced.value != false { what = "is no longer enforced" }
    guard !what.isEmpty else { return GateOutcome() }
    return GateOutcome(findings: [
      finding(GateThreeRule.policy, .warn, .medium, resource, nil, "An Azure Policy that guards purge protection, soft delete or audit logs \(what).", "Keep the policy assigned and enforced.")
    ])
  }

  private func exemption(_ new: PlannedGuardrail, _ resource: PlannedResource) -> GateOutcome {
    guard isOurs(new.definition) || new.definition.value == nil || new.definition.value?.lowercased().contains("policyassignments") == true else { return GateOutcome() }
    let (hit, isKnown) = stores(under: new.scope)
    guard let first = hit.first else {
      return isKnown ? GateOutcome() : GateOutcome(undecided: [MissingFact(address: resource.address, missing: "whether a store with signing keys lies under the scope of this policy exemption; give an inventory")])
    }
    return GateOutcome(findings: [
      finding(GateThreeRule.policy, .warn, .medium, resource, first.name, "\(first.name) is exempted from an Azure Policy, and \(first.why).", "Do not exempt stores with signing keys.")
    ])
  }

  /// An assignment of a definition we know; one that only the apply will know is taken for one.
  private func isOurs(_ definition: Planned<String>) -> Bool {
    switch definition {
    case .known(let text): Self.definitions.contains(text.split(separator: "/").last.map { $0.lowercased() } ?? "")
    case .unknown: true
    case .absent: false
    }
  }

  private func finding(
    _ rule: String, _ verdict: Finding.Verdict, _ severity: Finding.Severity, _ resource: PlannedResource, _ store: String?, _ reason: String, _ fix: String
  ) -> Finding {
    Finding(rule: rule, gate: .three, verdict: verdict, severity: severity, address: resource.address, store: store, reason: reason, fix: fix, location: resource.location)
  }
}
