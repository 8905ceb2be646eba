import Estate
import Plans

/// A signing identity that may sign in a vault from now on and no longer in the Managed HSM (2.14).
struct MovedRights {
  private let change: EstateChange
  private let hasMove: Bool

  init(_ change: EstateChange, hasMove: Bool) {
    self.change = change
    self.hasMove = hasMove
  }

  func evaluate() -> GateOutcome {
    guard change.resources.contains(where: Self.touchesRights) else { return GateOutcome() }
    let review = RightsReview(change)
    var holders = Set(review.worlds.before.grants.map { $0.principal.lowercased() })
    holders.formUnion(review.worlds.after.grants.map { $0.principal.lowercased() })
    var kinds: [String: InventorySnapshot.StoreKind] = [:]
    for store in review.worlds.before.stores + review.worlds.after.stores { kinds[store.id.lowercased()] = store.kind }
    func stores(_ rights: [EffectiveRight], _ kind: InventorySnapshot.StoreKind) -> Set<String> {
      Set(rights.filter { $0.capabilities.contains(.sign) }.compactMap { right in right.store.flatMap { kinds[$0.lowercased()] == kind ? $0 : nil } })
    }
    var outcome = GateOutcome()
    for id in holders.sorted() where review.purpose(id).purpose == .signOnly {
      let (before, after) = (review.before.rights(of: id), review.after.rights(of: id))
      let lost = stores(before, .managedHsm).subtracting(stores(after, .managedHsm))
      let gained = stores(after, .vault).subtracting(stores(before, .vault))
      guard let from = lost.sorted().first, let to = gained.sorted().first else { continue }
      let right = after.first { $0.store == to && $0.capabilities.contains(.sign) }
      let number = right.flatMap { review.worlds.origins.grants[$0.grant] }
      let resource = number.map { change.resources[$0] }
      let name = review.name(id)
      outcome.findings.append(
        Finding(
          rule: GateTwoRule.rights, gate: .two, verdict: hasMove ? .block : .warn, severity: hasMove ? .high : .medium, address: resource?.address ?? to,
          principal: Finding.Principal(objectId: id.hasPrefix("planned:") ? nil : id, name: name, via: right?.path ?? []), store: to, key: right?.key,
          gained: [.sign], reason: "\(name) could sign in the Managed HSM \(from) and would sign in the vault \(to) instead.",
          fix: "Leave its grant in the Managed HSM.", location: resource?.location))
    }
    return outcome
  }

  private static func touchesRights(_ resource: PlannedResource) -> Bool {
    guard resource.action != .noOp, resource.action != .read else { return false }
    switch resource.after ?? resource.before {
    case .assignment?, .policies?, .role?, .vault?, .membership?: return true
    default: return false
    }
  }
}
