import Clocks
import Estate

/// A snapshot in the making: indexed, so that a change of one thing costs nothing much.
struct SnapshotDraft {
  /// What makes two grants the same one.
  struct GrantKey: Hashable {
    var principal: String
    var store: String
    var scope: [String]
    var role: String
    var latent: Bool
  }

  var stores: [String: InventorySnapshot.Store] = [:]
  /// By `EstateWorlds.roleKey`: the permission entries.
  var roles: [String: [InventorySnapshot.Role]] = [:]
  var grants: [GrantKey: InventorySnapshot.Grant] = [:]
  /// Access policies by store id, then by (principal, application).
  var policies: [String: [String: InventorySnapshot.Grant]] = [:]
  var groups: [String: InventorySnapshot.Group] = [:]
  var members: [String: Set<String>] = [:]
  var identities: [String: InventorySnapshot.Identity] = [:]

  init(_ inventory: InventorySnapshot, _ scopes: ScopeResolver) {
    for store in inventory.stores { stores[store.id.lowercased()] = store }
    // Local roles belong to a Managed HSM; a role listed under a vault is Azure's, whichever vault showed it.
    let vaults = Set(inventory.stores.filter { $0.kind == .vault }.map { $0.id.lowercased() })
    for var role in inventory.roles {
      if let store = role.store, vaults.contains(store.lowercased()) { role.store = nil }
      roles[EstateWorlds.roleKey(role.store, role.id), default: []].append(role)
    }
    for var grant in inventory.grants {
      grant.principal = grant.principal.lowercased()
      if grant.role == nil, grant.via == .accessPolicy {
        let store = grant.store?.lowercased() ?? StoreIndex.nameInARMId(grant.scope)?.name.lowercased() ?? ""
        policies[store, default: [:]][grant.principal + "|inventory|" + grant.id] = grant
      } else {
        var key = Self.key(grant)
        // Two rows of one key with capabilities of their own must both stay.
        if grants[key] != nil, grant.role == nil { key.role += "|" + grant.id }
        grants[key] = grant
      }
    }
    for group in inventory.groups {
      let id = group.objectId.lowercased()
      groups[id] = group
      members[id] = Set((group.members ?? []).map { $0.lowercased() })
    }
    for identity in inventory.identities { identities[identity.objectId.lowercased()] = identity }
  }

  static func key(_ grant: InventorySnapshot.Grant) -> GrantKey {
    let scope = RightsScope(grant.scope)
    // `/` and `/keys` of a Managed HSM are the same reach, but not the same text; the store of an Azure grant is in its scope.
    return GrantKey(
      principal: grant.principal.lowercased(), store: scope.isAzure ? "" : grant.store?.lowercased() ?? "", scope: scope.segments,
      role: grant.role.map(RoleReference.folded) ?? "", latent: grant.latent)
  }

  mutating func federate(_ id: String, add credential: InventorySnapshot.Federated) {
    var identity = identities[id] ?? InventorySnapshot.Identity(objectId: id, federated: [])
    if identity.federated?.contains(where: { $0.issuer == credential.issuer && $0.subject == credential.subject }) != true {
      identity.federated = (identity.federated ?? []) + [credential]
    }
    identities[id] = identity
  }

  mutating func unfederate(_ id: String, _ credential: InventorySnapshot.Federated) {
    identities[id]?.federated?.removeAll { $0.issuer == credential.issuer && $0.subject == credential.subject }
  }

  /// In a fixed order, so that reports are the same every time.
  func snapshot(_ inventory: InventorySnapshot?, at now: Instant) -> InventorySnapshot {
    var result = InventorySnapshot(takenAt: inventory?.takenAt ?? now)
    result.stores = stores.sorted { $0.key < $1.key }.map(\.value)
    result.roles = roles.sorted { $0.key < $1.key }.flatMap(\.value)
    result.grants = (grants.values + policies.values.flatMap(\.values)).sorted { ($0.id, $0.principal) < ($1.id, $1.principal) }
    result.identities = identities.sorted { $0.key < $1.key }.map(\.value)
    result.groups = groups.sorted { $0.key < $1.key }.map { id, group in
      var group = group
      if let list = members[id], group.members != nil || !list.isEmpty { group.members = list.sorted() }
      return group
    }
    return result
  }
}
