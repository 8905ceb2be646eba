/// What one grant gives its holder.
struct GrantExpansion {
  var rights: [EffectiveRight]
  /// Identities that the holder can become.
  var identities: [InventorySnapshot.Identity]
  var path: [String]
  var latent: Bool
}

extension EstateRights {
  private typealias Store = InventorySnapshot.Store
  private typealias Grant = InventorySnapshot.Grant

  private enum Mechanism { case local, azure, accessPolicy }

  func expand(_ grant: InventorySnapshot.Grant, path: [String]) -> GrantExpansion {
    let scope = RightsScope(grant.scope)
    let role = grant.role.flatMap { catalogue.role(id: $0, store: grant.store) }
    let future = grant.since.map { $0 > time } ?? false
    var path = path
    if grant.via == .group { path.append("group") }
    if grant.via == .pim { path.append("PIM") }
    path += [role?.name ?? grant.role ?? "access policy", grant.scope]
    var result = GrantExpansion(rights: [], identities: [], path: path, latent: grant.latent || future)

    var template = EffectiveRight(
      principal: grant.principal, store: nil, capabilities: [], latent: result.latent, path: path, scope: grant.scope, via: grant.via,
      grant: grant.id, role: grant.role, roleName: role?.name)
    if grant.role != nil, role == nil, grant.capabilities == nil {
      template.doubts = ["the role \(grant.role ?? "") is neither in the inventory nor built in"]
    }
    switch mechanism(grant, scope) {
    case .local: result.rights = localRights(grant, scope, role, template)
    case .accessPolicy: result.rights = policyRights(grant, scope, template)
    case .azure:
      result.rights = azureRights(grant, scope, role, template)
      if let powers = role?.powers, !powers.isDisjoint(with: [.assignIdentity, .writeFederation]) {
        result.identities = snapshot.identities.filter { identity in identity.armId.map { scope.covers(RightsScope($0)) } ?? false }
      }
    }
    return result
  }

  private func mechanism(_ grant: Grant, _ scope: RightsScope) -> Mechanism {
    switch grant.via {
    case .localRbac: .local
    case .azureRbac: .azure
    case .accessPolicy: .accessPolicy
    case .group, .pim:
      if scope.isAzure {
        grant.role == nil ? .accessPolicy : .azure
      } else if store(grant.store)?.kind == .managedHsm {
        .local
      } else {
        scope.isRoot ? .azure : .local
      }
    }
  }

  private func store(_ id: String?) -> InventorySnapshot.Store? {
    guard let id = id?.lowercased() else { return nil }
    return snapshot.stores.first { $0.id.lowercased() == id }
  }

  /// The capabilities on the data plane: of the role as the snapshot lists it, else as they were observed, else of the built-in table.
  private func dataCapabilities(
    _ grant: Grant, _ role: RoleTemplate?, _ kind: InventorySnapshot.StoreKind
  ) -> (capabilities: Set<Capability>, unknown: [String]) {
    let listed = grant.role.flatMap { catalogue.listed(id: $0, store: grant.store) }
    if listed == nil, let observed = grant.capabilities, !observed.isEmpty || role == nil { return (Set(observed), []) }
    return role?.dataCapabilities(kind) ?? ([], [])
  }

  private func localRights(_ grant: Grant, _ scope: RightsScope, _ role: RoleTemplate?, _ template: EffectiveRight) -> [EffectiveRight] {
    var right = template
    right.store = store(grant.store)?.id ?? grant.store
    if right.store == nil { right.doubts.append("the grant \(grant.id) does not name its store") }
    switch scope.localReach {
    case .store: break
    case .key(let name): right.key = name
    case nil: right.doubts.append("\(grant.scope) is not a scope of a Managed HSM")
    }
    let data = dataCapabilities(grant, role, .managedHsm)
    (right.capabilities, right.unknownActions) = data
    return [right]
  }

  private func policyRights(_ grant: Grant, _ scope: RightsScope, _ template: EffectiveRight) -> [EffectiveRight] {
    var right = template
    let owner =
      store(grant.store) ?? snapshot.stores.first { $0.armId.map { RightsScope($0) == scope } ?? (scope.azureReach(ofStoreNamed: $0.id) != nil) }
    right.store = owner?.id ?? grant.store
    if right.store == nil { right.doubts.append("the vault of the access policy \(grant.id) is not in the inventory") }
    if let mode = owner?.rbacMode {
      let future = grant.since.map { $0 > time } ?? false
      right.latent = future || mode == .azureRbac || (grant.via == .pim && grant.latent)
    }
    if let capabilities = grant.capabilities {
      right.capabilities = Set(capabilities)
    } else {
      right.doubts.append("the permissions of the access policy \(grant.id) were not seen")
    }
    return [right]
  }

  private func azureRights(_ grant: Grant, _ scope: RightsScope, _ role: RoleTemplate?, _ template: EffectiveRight) -> [EffectiveRight] {
    var result: [EffectiveRight] = []
    for store in snapshot.stores {
      guard let (reach, doubt) = reach(scope, store, of: grant) else { continue }
      var right = template
      right.store = store.id
      if case .key(let name) = reach { right.key = name }
      if let doubt { right.doubts.append(doubt) }
      let controlled = controlRights(grant, role, kind: store.kind, mode: store.rbacMode, store: store.id, reach: reach, right)
      let data = store.kind == .vault ? dataCapabilities(grant, role, .vault) : (capabilities: [], unknown: [])
      let dataOnly = data.capabilities.subtracting([.grant])
      if let controlled { result.append(controlled) }
      guard !dataOnly.isEmpty || (controlled == nil && !right.doubts.isEmpty) else { continue }
      right.capabilities = dataOnly
      right.unknownActions = data.unknown
      right.latent = right.latent || store.rbacMode == .accessPolicy
      result.append(right)
    }
    let isCopy = grant.store != nil && wideGrants.contains(grant.id.lowercased())
    if scope.isWiderThanResource, !isCopy { result += wideRights(grant, role, template) }
    if result.isEmpty, !template.doubts.isEmpty { result = [template] }
    return result
  }

  /// What the grant gives on whatever vaults there are or will be below the scope, in the mode that new vaults have.
  private func wideRights(_ grant: Grant, _ role: RoleTemplate?, _ template: EffectiveRight) -> [EffectiveRight] {
    let data = dataCapabilities(grant, role, .vault)
    var right = template
    right.capabilities = data.capabilities
    right.unknownActions = data.unknown
    let controlled = controlRights(grant, role, kind: .vault, mode: .azureRbac, store: nil, reach: .store, template)
    right.capabilities.formUnion(controlled?.capabilities ?? [])
    if role?.powers.contains(.deleteManagedHSM) ?? false { right.capabilities.insert(.delete) }
    if role?.powers.contains(.purgeManagedHSM) ?? false { right.capabilities.insert(.purge) }
    return right.capabilities.isEmpty && right.doubts.isEmpty ? [] : [right]
  }

  private func controlRights(
    _ grant: Grant, _ role: RoleTemplate?, kind: InventorySnapshot.StoreKind, mode: InventorySnapshot.RBACMode?, store: String?,
    reach: RightsScope.Reach, _ template: EffectiveRight
  ) -> EffectiveRight? {
    guard case .store = reach else { return nil }
    var right = template
    let powers = role?.powers ?? []
    if kind == .managedHsm {
      if powers.contains(.deleteManagedHSM) { right.capabilities.insert(.delete) }
      if powers.contains(.purgeManagedHSM) { right.capabilities.insert(.purge) }
    } else {
      if powers.contains(.deleteVault) { right.capabilities.insert(.delete) }
      if powers.contains(.purgeVault) { right.capabilities.insert(.purge) }
      if powers.contains(.createVaultKeys) { right.capabilities.insert(.create) }
      let byRoles = !powers.isDisjoint(with: [.writeRoleAssignments, .writeRoleDefinitions, .elevateAccess])
      let byPolicies = !powers.isDisjoint(with: [.writeVault, .writeAccessPolicies])
      let rolesReachPolicies = byRoles && !(role?.handsOutVaultRolesOnly ?? false)
      switch mode {
      case .azureRbac, .local: if byRoles { right.capabilities.insert(.grant) }
      case .accessPolicy: if byPolicies || rolesReachPolicies { right.capabilities.insert(.grant) }
      case nil:
        if byRoles || byPolicies { right.capabilities.insert(.grant) }
        if byRoles != (byPolicies || rolesReachPolicies) {
          right.doubts.append("whether vault \(store ?? "") uses roles or access policies was not seen")
        }
      }
      if role == nil, grant.capabilities?.contains(.grant) ?? false { right.capabilities.insert(.grant) }
    }
    return right.capabilities.isEmpty ? nil : right
  }

  private func reach(_ scope: RightsScope, _ store: Store, of grant: Grant) -> (RightsScope.Reach, doubt: String?)? {
    let named = grant.store?.lowercased() == store.id.lowercased()
    if scope.isRoot || scope.isManagementGroup {
      // Where the sweep found out which stores lie below, the others do not.
      if grant.store != nil, !named { return nil }
      if grant.store == nil, boundGrants.contains(grant.id.lowercased()) { return nil }
    }
    if scope.isRoot { return (.store, nil) }
    if scope.isManagementGroup {
      return (.store, named ? nil : "whether store \(store.id) lies below \(scope) is not known")
    }
    if let armId = store.armId {
      return scope.azureReach(ofResource: RightsScope(armId)).map { ($0, nil) }
    }
    if let reach = scope.azureReach(ofStoreNamed: store.id) { return (reach, nil) }
    guard scope.isWiderThanResource else { return nil }
    return (.store, named ? nil : "the ARM id of store \(store.id) was not seen, so whether it lies below \(scope) is not known")
  }
}
