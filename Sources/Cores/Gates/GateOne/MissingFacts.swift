import Estate
import Plans

/// What gate 1 would have to know and does not: the third answer.
struct MissingFacts {
  private let review: RightsReview
  /// Addresses that are blocked anyway.
  private let blockedAddresses: Set<String>

  init(_ review: RightsReview, blockedAddresses: Set<String>) {
    self.review = review
    self.blockedAddresses = blockedAddresses
  }

  func evaluate() -> GateOutcome {
    var missing: [MissingFact] = []
    for gap in review.worlds.gaps { if let fact = fact(gap) { missing.append(fact) } }
    missing += unclassifiable() + unreadable() + widenedRoles() + memberships() + modes() + contributors()
    return GateOutcome(undecided: missing.filter { !blockedAddresses.contains($0.address) })
  }

  private func address(_ number: Int) -> String { review.change.resources[number].address }

  private func matters(_ capabilities: Set<Capability>?) -> Bool {
    guard let capabilities else { return true }
    return !capabilities.forbidden.isEmpty || (review.change.options.strict && !capabilities.dangerous.isEmpty)
  }

  private func fact(_ gap: EstateWorlds.Gap) -> MissingFact? {
    if review.change.resources[gap.resource].action == .noOp { return nil }
    var capabilities = gap.capabilities
    if let group = gap.group {
      let rights = review.after.rights(of: group).reduce(into: Set<Capability>()) { $0.formUnion($1.capabilities) }
      // What a group holds that nobody lists is not known.
      capabilities = rights.isEmpty && !isComplete(group: group) ? nil : rights
    }
    guard matters(capabilities) else { return nil }
    if let principals = gap.principals, !principals.contains(where: mayBeSigner) { return nil }
    return MissingFact(address: address(gap.resource), missing: gap.missing)
  }

  private func mayBeSigner(_ id: String) -> Bool { review.purpose(id).purpose == .signOnly || review.isUnclassifiable(id) }

  private func isComplete(group: String) -> Bool {
    group.hasPrefix("planned:")
      || (review.change.inventory.map { snapshot in snapshot.groups.contains { $0.objectId.lowercased() == group } } ?? false)
        && !review.hasDeniedStore
  }

  /// Somebody of whom nobody knows what for gains what a signer must not have.
  private func unclassifiable() -> [MissingFact] {
    var result: [MissingFact] = []
    for grant in review.worlds.after.grants where review.worlds.origins.new.contains(grant.id) {
      guard let number = review.worlds.origins.grants[grant.id], matters(capabilities(grant)), capabilities(grant) != [] else { continue }
      let holder = grant.principal
      if let group = review.group(holder) {
        if group.members == nil, review.purpose(holder).source == .unlisted {
          result.append(
            MissingFact(
              address: address(number), missing: "the members of group \(group.name ?? holder): supply an inventory that lists them"))
        }
      } else if capabilities(grant) == nil, let id = grant.role, review.purpose(holder).purpose == .signOnly,
        review.after.catalogue.role(id: id, store: grant.store) == nil
      {
        result.append(
          MissingFact(
            address: address(number),
            missing: "what the role \(id) gives: it is neither built in nor in the inventory; supply an inventory that lists it"))
      } else if review.isUnclassifiable(holder) {
        result.append(
          MissingFact(
            address: address(number),
            missing: "what principal \(review.name(holder)) is for: list it in the register, or supply an inventory that shows its federated credentials"))
      }
    }
    return result
  }

  private func capabilities(_ grant: InventorySnapshot.Grant) -> Set<Capability>? { review.capabilities(ofNew: grant) }

  /// Roles some of whose actions only the apply will know, held by a signer.
  private func unreadable() -> [MissingFact] {
    var result: [MissingFact] = []
    for (key, unknown) in review.worlds.unreadableRoles.sorted(by: { $0.key < $1.key }) {
      guard let number = review.worlds.origins.roles[key] else { continue }
      let holders = review.worlds.after.grants.filter { grant in
        grant.role.map { EstateWorlds.roleKey(grant.via == .localRbac ? grant.store : nil, $0) == key } ?? false
      }
      let isNew = review.change.resources[number].arrives
      if holders.contains(where: { mayBeSigner($0.principal) || review.group($0.principal) != nil }) || (!isNew && holdersUnknown(store: nil)) {
        result.append(MissingFact(address: address(number), missing: unknown.description(of: "the actions of the role")))
      }
    }
    return result
  }

  /// A role that is already assigned gains what a signer must not have, and nobody knows to whom it is assigned.
  private func widenedRoles() -> [MissingFact] {
    review.worlds.origins.roles.sorted { $0.key < $1.key }.compactMap { key, number in
      let resource = review.change.resources[number]
      guard resource.action == .update || (resource.action == .create && !resource.change.knowsBefore && review.isListed(role: key)) else {
        return nil
      }
      guard case .role(let role)? = resource.after else { return nil }
      let isLocal = role.store != nil
      let store = role.store.flatMap { review.change.store($0, kind: .managedHsm) }
      let id = String(key.drop { $0 != "|" }.dropFirst())
      let had = review.before.catalogue.role(id: id, store: store?.name).map { RightsReview.capabilities(of: $0, isLocal: isLocal) } ?? []
      let has = review.after.catalogue.role(id: id, store: store?.name).map { RightsReview.capabilities(of: $0, isLocal: isLocal) } ?? []
      let gained = has.subtracting(had).forbidden
      guard !gained.isEmpty, holdersUnknown(store: isLocal ? store : nil) else { return nil }
      return MissingFact(
        address: resource.address,
        missing: "who holds the role \(role.name.value ?? id), which gains \(gained.canonical.map(\.rawValue).joined(separator: ", ")): "
          + "supply an inventory that lists the assignments\(store.map { " of \($0.name)" } ?? "")")
    }
  }

  private func holdersUnknown(store: StoreHandle?) -> Bool {
    guard review.change.inventory != nil else { return true }
    guard let store else { return review.hasDeniedStore }
    return review.change.inventoryStore(store).map { $0.visibility != .full } ?? false
  }

  /// A signer joins a group of whose rights nobody knows.
  private func memberships() -> [MissingFact] {
    review.worlds.origins.memberships.sorted { $0.key < $1.key }.compactMap { key, number in
      guard review.worlds.origins.new.contains(key) else { return nil }
      let parts = key.split(separator: "|").map(String.init)
      guard parts.count == 2, mayBeSigner(parts[1]), !isComplete(group: parts[0]) else { return nil }
      if !review.after.rights(of: parts[0]).allSatisfy({ $0.capabilities.forbidden.isEmpty }), !review.isUnclassifiable(parts[1]) { return nil }
      return MissingFact(
        address: address(number),
        missing: "the rights of group \(review.name(parts[0])), which \(review.name(parts[1])) joins: supply an inventory in which every store is visible")
    }
  }

  /// The permission model of a vault changes, and nobody knows what has been dormant.
  private func modes() -> [MissingFact] {
    review.change.resources.compactMap { resource in
      guard case .vault(let old)? = resource.before, case .vault(let new)? = resource.after, resource.action == .update,
        let was = old.rbac.value, new.rbac.value != was, new.policies.value == nil || new.rbac.value != false
      else { return nil }
      let handle = change(resource)
      let visible = handle.flatMap { review.change.inventoryStore($0) }.map { $0.visibility == .full } ?? false
      if visible { return nil }
      let what = was ? "the dormant access policies" : "the Azure role assignments"
      return MissingFact(
        address: resource.address,
        missing: "\(what) of vault \(handle?.name ?? resource.address), which take effect with the change: supply an inventory that shows them")
    }
  }

  private func change(_ resource: PlannedResource) -> StoreHandle? {
    guard let number = review.change.index.matches(reference: resource.address).first else { return nil }
    return review.change.stores.handle(resource: number)
  }

  /// Whoever may write vaults can give itself policies, where vaults use policies; without an inventory nobody knows where.
  private func contributors() -> [MissingFact] {
    guard review.change.inventory == nil else { return [] }
    return review.worlds.after.grants.compactMap { grant in
      guard review.worlds.origins.new.contains(grant.id), grant.via != .localRbac, let id = grant.role,
        let role = review.after.catalogue.role(id: id, store: nil), !role.powers.isDisjoint(with: [.writeVault, .writeAccessPolicies]),
        RightsScope(grant.scope).isWiderThanResource, review.purpose(grant.principal).purpose == .signOnly,
        let number = review.worlds.origins.grants[grant.id]
      else { return nil }
      return MissingFact(
        address: address(number),
        missing: "whether vaults at or below \(grant.scope) use access policies, which \(role.name) could then write: supply an inventory")
    }
  }
}

extension RightsReview {
  var hasDeniedStore: Bool { change.inventory?.stores.contains { $0.visibility == .denied } ?? true }
  func group(_ id: String) -> InventorySnapshot.Group? { groups[id] }
  func isListed(role key: String) -> Bool { listedRoles.contains(key) }
}
