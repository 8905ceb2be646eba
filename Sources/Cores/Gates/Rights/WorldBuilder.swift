import Clocks
import Estate
import Plans

/// Applies a change to what is known of the estate. Cost: linear in resources and inventory.
struct WorldBuilder {
  let change: EstateChange
  let principals: PrincipalIndex
  let scopes: ScopeResolver
  var worlds: EstateWorlds
  var before: SnapshotDraft
  var after: SnapshotDraft
  var roleNames: [String: [String]] = [:]

  init(_ change: EstateChange) {
    self.change = change
    principals = PrincipalIndex(change)
    scopes = ScopeResolver(change)
    let inventory = change.inventory ?? InventorySnapshot(takenAt: change.options.now)
    before = SnapshotDraft(inventory, scopes)
    after = before
    worlds = EstateWorlds(before: inventory, after: inventory, principals: principals)
  }

  static func build(_ change: EstateChange) -> EstateWorlds {
    var builder = WorldBuilder(change)
    builder.run()
    return builder.worlds
  }

  private mutating func run() {
    // Roles and stores first: assignments and policies need them. Removals before additions: a resource that moves must not be lost.
    for (number, resource) in change.resources.enumerated() { applyDefinitions(number, resource) }
    roleNames = Self.names(before.roles.merging(after.roles) { $1 })
    for (number, resource) in change.resources.enumerated() { applyGrants(number, resource, phase: .before) }
    for (number, resource) in change.resources.enumerated() { applyGrants(number, resource, phase: .after) }
    addIdentities()
    worlds.before = before.snapshot(change.inventory, at: change.options.now)
    worlds.after = after.snapshot(change.inventory, at: change.options.now)
  }

  enum Phase { case before, after }

  /// What the draft is told when a plan says what was: drift shows what is live already.
  private func isLive(_ resource: PlannedResource) -> Bool { resource.change.isDrift }

  private mutating func applyDefinitions(_ number: Int, _ resource: PlannedResource) {
    if isLive(resource) {
      if case .role(let role)? = resource.after ?? nil { setRole(role, number, in: .before) }
      return
    }
    let keeps = resource.action == .forget
    switch resource.before {
    case .role(let role)?:
      setRole(role, number, in: .before)
      if !keeps, resource.after == nil || resource.action == .replace { removeRole(role, number) }
    case .vault, .managedHSM:
      setStore(resource.before, number, in: .before)
      if !keeps, resource.action == .delete, let handle = change.stores.handle(resource: number) { after.stores[handle.id] = nil }
    default: break
    }
    if resource.change.isData { return }
    switch resource.after {
    case .role(let role)?: setRole(role, number, in: .after)
    case .vault?, .managedHSM?:
      setStore(resource.after, number, in: .after)
      if let handle = change.stores.handle(resource: number) { worlds.origins.stores[handle.id] = number }
    default: break
    }
  }

  private mutating func setStore(_ object: EstateObject?, _ number: Int, in phase: Phase) {
    guard let handle = change.stores.handle(resource: number) else { return }
    let known = phase == .before ? before.stores[handle.id] : after.stores[handle.id]
    var store = known ?? InventorySnapshot.Store(id: handle.name, kind: handle.kind, visibility: .full)
    if store.armId == nil { store.armId = handle.armId ?? scopes.armId(ofStore: handle) }
    if case .vault(let vault)? = object {
      switch vault.rbac {
      case .known(let rbac): store.rbacMode = rbac ? .azureRbac : .accessPolicy
      case .unknown: store.rbacMode = nil
      case .absent: if known == nil { store.rbacMode = .accessPolicy }
      }
      if vault.createMode.value?.lowercased() == "recover" { store.rbacMode = known?.rbacMode }
    } else {
      store.rbacMode = .local
    }
    if phase == .before {
      before.stores[handle.id] = store
      if after.stores[handle.id] == nil || known == nil { after.stores[handle.id] = store }
    } else {
      after.stores[handle.id] = store
    }
  }

  /// The store and id under which a role is known: its GUID, or its address while it has none.
  private func roleIdentity(_ role: PlannedRole, _ number: Int) -> (store: String?, id: String) {
    let store = role.store.map { change.store($0, kind: .managedHsm)?.name ?? "?" }
    if let id = role.id.value { return (store, RoleReference.folded(id)) }
    return (store, RoleReference.folded("planned:" + change.resources[number].address))
  }

  private mutating func removeRole(_ role: PlannedRole, _ number: Int) {
    let (store, id) = roleIdentity(role, number)
    after.roles[EstateWorlds.roleKey(store, id)] = nil
  }

  private mutating func setRole(_ role: PlannedRole, _ number: Int, in phase: Phase) {
    let (store, id) = roleIdentity(role, number)
    let key = EstateWorlds.roleKey(store, id)
    var rows: [InventorySnapshot.Role] = []
    var missing = role.permissions.unknownValue
    for permission in role.permissions.value ?? [] {
      let actions = permission.actions.words()
      let data = permission.dataActions.words()
      // What is taken away counts only as far as it is known: unknown words take nothing away.
      missing = missing ?? actions.unknown ?? data.unknown
      rows.append(
        InventorySnapshot.Role(
          store: store, id: id, name: role.name.value, custom: true, dataActions: data.known,
          notDataActions: permission.notDataActions.words().known, actions: actions.known,
          notActions: permission.notActions.words().known))
    }
    if rows.isEmpty { rows = [InventorySnapshot.Role(store: store, id: id, name: role.name.value, custom: true)] }
    if phase == .before {
      before.roles[key] = rows
      if after.roles[key] == nil { after.roles[key] = rows }
    } else {
      after.roles[key] = rows
      worlds.origins.roles[key] = number
      if let missing { worlds.unreadableRoles[key] = missing }
    }
  }

  /// Principals that only the plan knows become identities of the after-world, and federated credentials go to theirs.
  private mutating func addIdentities() {
    for (id, facts) in principals.planned where !facts.isGroup {
      var identity = after.identities[id] ?? InventorySnapshot.Identity(objectId: id, federated: [])
      identity.name = identity.name ?? facts.name ?? facts.address
      identity.armId = identity.armId ?? facts.armId
      identity.clientId = identity.clientId ?? facts.clientId
      identity.tags = (identity.tags ?? [:]).merging(facts.tags) { $1 }
      after.identities[id] = identity
      if before.identities[id] == nil {
        identity.federated = before.identities[id]?.federated ?? []
        before.identities[id] = identity
      }
    }
    for (number, resource) in change.resources.enumerated() where !resource.change.isDrift && !resource.change.isData {
      let old = federation(resource.before, resource.address)
      let new = federation(resource.after, resource.address)
      if let old, resource.action != .forget {
        for id in old.identities {
          before.federate(id, add: old.credential)
          if new == nil || old.credential != new?.credential { after.unfederate(id, old.credential) }
        }
      }
      guard let new else { continue }
      if new.identities.isEmpty, case .federation(let federation)? = resource.after {
        worlds.gaps.append(
          EstateWorlds.Gap(
            resource: number,
            missing: federation.identity.unknownValue?.description(of: "the identity that the federated credential is added to")
              ?? "the identity that the federated credential is added to: the plan does not name it",
            principals: nil, capabilities: nil))
      }
      for id in new.identities {
        let had = before.identities[id]?.federated?.contains(new.credential) ?? false
        after.federate(id, add: new.credential)
        if !had {
          worlds.federations.append(
            EstateWorlds.FederationChange(resource: number, identity: id, before: old?.credential, after: new.credential))
        }
      }
    }
  }

  private func federation(
    _ object: EstateObject?, _ address: String
  ) -> (identities: [String], credential: InventorySnapshot.Federated)? {
    guard case .federation(let federation)? = object else { return nil }
    return (
      principals.principals(federation.identity, near: address),
      InventorySnapshot.Federated(issuer: federation.issuer.value ?? "unknown", subject: federation.subject.value ?? "*")
    )
  }
}
