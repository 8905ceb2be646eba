import Clocks
import Encodings
import Estate
import Plans

/// Stores that are deleted, replaced, dropped by a complete deployment or left unmanaged (3.7, 3.10, 3.13), and guards of the configuration (3.18).
struct StoreRemoval {
  private let change: EstateChange
  private let material: SigningMaterial
  static let preventKind = "prevent-destroy"

  init(_ change: EstateChange, _ material: SigningMaterial) {
    self.change = change
    self.material = material
  }

  func evaluate() -> GateOutcome {
    var outcome = GateOutcome()
    for (number, resource) in change.resources.enumerated() where !resource.change.isData && !resource.change.isDrift {
      guard let store = ProtectedStore(resource.before ?? resource.after), let handle = change.stores.handle(resource: number) else { continue }
      if resource.leaves { outcome.add(removed(resource, store, leaving(resource, store) ?? handle)) }
      outcome.add(preventDestroy(resource, store, handle))
    }
    for resource in change.resources { if let scope = StoresLeaving.scope(ofLeavingGroup: resource) { outcome.add(emptied(scope, resource)) } }
    for (number, set) in change.sets.enumerated() where !set.completeModeScopes.isEmpty { outcome.add(dropped(by: set, number)) }
    return outcome
  }

  /// The store that goes, under the name it had: a replacement may bear another.
  private func leaving(_ resource: PlannedResource, _ store: ProtectedStore) -> StoreHandle? {
    let name: Planned<String>
    switch resource.before {
    case .vault(let vault)?: name = vault.armId.value == nil ? vault.name : vault.armId
    case .managedHSM(let hsm)?: name = hsm.armId.value == nil ? hsm.name : hsm.armId
    default: return nil
    }
    return name.value == nil ? nil : change.store(name, kind: store.isHSM ? .managedHsm : .vault)
  }

  private func removed(_ resource: PlannedResource, _ store: ProtectedStore, _ handle: StoreHandle) -> GateOutcome {
    // A replacement for the sake of purge protection or retention is told by those rules.
    if resource.action == .replace, resource.change.replacePaths.contains(where: { $0.hasPrefix("purge_protection") || $0.hasPrefix("soft_delete") }) { return GateOutcome() }
    let why: String
    switch material.holds(handle, tags: store.tags) {
    case .yes(let text): why = text
    case .no: return GateOutcome()
    case .unknown where store.isHSM: why = "Managed HSMs hold keys"
    case .unknown:
      return GateOutcome(undecided: [MissingFact(address: resource.address, missing: "whether vault \(handle.name), which goes, holds signing keys; give an inventory that lists it")])
    }
    let isForgotten = resource.action == .forget
    let purges = !isForgotten && change.purgesOnDestroy(resource, isHSM: store.isHSM)
    let what = isForgotten ? "is left unmanaged, so that its protection is nobody's" : resource.action == .replace ? "is destroyed and made anew" : "is deleted"
    return GateOutcome(findings: [
      Finding(
        rule: GateThreeRule.removed, gate: .three, verdict: isForgotten ? .warn : .block, severity: isForgotten ? .medium : store.isHSM || purges ? .critical : .high,
        address: resource.address, store: handle.name,
        reason: "\(store.isHSM ? "Managed HSM" : "Vault") \(handle.name) \(what)\(purges ? " and, by the provider's features, purged" : ""), and \(why).",
        fix: "Keep the store until nothing in it signs or is needed to verify; set the provider's purge features to false.", location: resource.location)
    ])
  }

  /// A resource group goes, and with it every store in it, named or not.
  private func emptied(_ scope: String, _ resource: PlannedResource) -> GateOutcome {
    guard let inventory = change.inventory else {
      return GateOutcome(undecided: [MissingFact(address: resource.address, missing: "which stores are in the resource group, which goes with all that is in it; give an inventory")])
    }
    let told = Set(change.resources.enumerated().filter { $0.element.leaves }.compactMap { change.stores.handle(resource: $0.offset)?.id })
    var outcome = GateOutcome()
    for store in inventory.stores where StoresLeaving.isIn([scope], store.armId) && !told.contains(store.id.lowercased()) {
      guard case .yes(let why) = material.holds(StoreHandle(id: store.id.lowercased(), name: store.id, kind: store.kind, armId: store.armId)) else { continue }
      outcome.findings.append(
        Finding(
          rule: GateThreeRule.removed, gate: .three, verdict: .block, severity: .critical, address: resource.address, store: store.id,
          reason: "\(store.kind == .managedHsm ? "Managed HSM" : "Vault") \(store.id) is deleted with its resource group \(scope.split(separator: "/").last ?? ""), and \(why).",
          fix: "Keep the resource group, or move the store out of it first.", location: resource.location))
    }
    return outcome
  }

  private func dropped(by set: ChangeSet, _ number: Int) -> GateOutcome {
    let kept = Set(change.resources.enumerated().filter { $0.element.set == number && $0.element.change.dialect == .arm && !$0.element.leaves }.compactMap { change.stores.handle(resource: $0.offset)?.id })
    var outcome = GateOutcome()
    guard let inventory = change.inventory else {
      outcome.undecided.append(
        MissingFact(address: set.completeModeScopes.joined(separator: ", "), missing: "which stores are in the resource group: a complete deployment deletes those that the template does not name; give an inventory"))
      return outcome
    }
    for store in inventory.stores where StoresLeaving.isIn(set.completeModeScopes, store.armId) && !kept.contains(store.id.lowercased()) {
      let handle = StoreHandle(id: store.id.lowercased(), name: store.id, kind: store.kind, armId: store.armId)
      guard case .yes(let why) = material.holds(handle) else { continue }
      outcome.findings.append(
        Finding(
          rule: GateThreeRule.removed, gate: .three, verdict: .block, severity: .critical, address: store.armId ?? store.id, store: store.id,
          reason: "\(store.kind == .managedHsm ? "Managed HSM" : "Vault") \(store.id) is not in the template, which is deployed in complete mode and so deletes it, and \(why).",
          fix: "Deploy incrementally, or name the store in the template."))
    }
    return outcome
  }

  /// 3.18: only an earlier run can tell that it was there.
  private func preventDestroy(_ resource: PlannedResource, _ store: ProtectedStore, _ handle: StoreHandle) -> GateOutcome {
    if resource.change.preventDestroy == true {
      return GateOutcome(pending: [PendingFact(kind: Self.preventKind, address: resource.address, store: handle.name, key: nil, seen: change.options.now.seconds)])
    }
    guard change.options.memory?.facts.contains(where: { $0.kind == Self.preventKind && $0.address == resource.address }) == true, material.holds(handle, tags: store.tags) != .no else {
      return GateOutcome()
    }
    return GateOutcome(findings: [
      Finding(
        rule: GateThreeRule.preventDestroy, gate: .three, verdict: .warn, severity: .medium, address: resource.address, store: handle.name,
        reason: "\(resource.address) no longer has prevent_destroy, which an earlier change had.", fix: "Put lifecycle.prevent_destroy back.", location: resource.location)
    ])
  }
}
