/// The roles of an estate: those of a snapshot before the built-in ones.
package struct RoleCatalogue: Sendable {
  private var local: [String: [String: RoleTemplate]] = [:]
  private var everywhere: [String: RoleTemplate] = [:]

  package init(_ roles: [InventorySnapshot.Role] = []) {
    for role in roles {
      let permission = RoleTemplate.Permission(
        actions: role.actions, notActions: role.notActions, dataActions: role.dataActions, notDataActions: role.notDataActions)
      let key = RoleReference.folded(role.id)
      var template =
        (role.store.flatMap { local[$0]?[key] } ?? (role.store == nil ? everywhere[key] : nil))
        ?? RoleTemplate(
          id: key, name: role.name ?? BuiltInRoleTable.byID[key]?.name ?? role.id, custom: role.custom, permissions: [],
          handsOutVaultRolesOnly: BuiltInRoleTable.byID[key]?.handsOutVaultRolesOnly ?? false)
      template.permissions.append(permission)
      if let store = role.store { local[store, default: [:]][key] = template } else { everywhere[key] = template }
    }
  }

  /// The role as the snapshot lists it, nil when only the built-in table knows it or nobody does.
  package func listed(id: String, store: String?) -> RoleTemplate? {
    let key = RoleReference.folded(id)
    if let store, let found = local[store]?[key] { return found }
    return everywhere[key]
  }

  /// The role of this reference at this store, in any spelling; nil when unknown.
  package func role(id: String, store: String?) -> RoleTemplate? {
    listed(id: id, store: store) ?? BuiltInRoleTable.byID[RoleReference.folded(id)]
  }

  /// Every role of that name that could be meant at this store: a custom role may shadow a built-in one.
  package func roles(named name: String, store: String?) -> [RoleTemplate] {
    let folded = name.lowercased()
    var found = (store.flatMap { local[$0] }.map { Array($0.values) } ?? []) + everywhere.values
    found = found.filter { $0.name.lowercased() == folded }.sorted { $0.id < $1.id }
    if let builtIn = BuiltInRoleTable.role(named: name), !found.contains(where: { $0.id == builtIn.id }) { found.append(builtIn) }
    return found
  }
}
