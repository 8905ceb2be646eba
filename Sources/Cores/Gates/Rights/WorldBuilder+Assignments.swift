import Estate
import Plans

extension WorldBuilder {
  private static let administrator = "a290e904-7015-4bba-90c8-60543313cdb4"

  /// The grants an HSM's list of first administrators makes.
  func administrators(_ hsm: PlannedHSM, _ number: Int, _ phase: Phase) -> [InventorySnapshot.Grant] {
    guard let handle = change.stores.handle(resource: number), case .known(let list) = hsm.admins else { return [] }
    // A template for an HSM that exists does not make administrators again.
    let resource = change.resources[number]
    if !resource.change.knowsBefore, change.inventoryStore(handle) != nil { return [] }
    return list.flatMap { principals.principals($0) }.map { holder in
      InventorySnapshot.Grant(
        id: "plan:\(number):\(holder):administrator:\(phase)", store: handle.name, principal: holder, via: .localRbac, scope: "/",
        role: Self.administrator)
    }
  }

  /// The grants an assignment makes: one for each principal and role it can mean. What cannot be known becomes a gap.
  mutating func grants(_ assignment: PlannedAssignment, _ number: Int, _ phase: Phase) -> [InventorySnapshot.Grant] {
    let resource = change.resources[number]
    let isLocal = assignment.store != nil
    let handle = assignment.store.flatMap { change.store($0, kind: .managedHsm) }
    let roles = roles(assignment, number, store: isLocal ? handle?.name ?? "?" : nil, phase)
    let holders = principals.principals(assignment.principal, near: resource.address)
    if phase == .after {
      if roles.isEmpty {
        let written = assignment.roleName.value.map { "the role named \($0): neither built in nor in the inventory; supply an inventory that lists it" }
        let unknown = assignment.role.unknownValue ?? assignment.roleName.unknownValue
        gap(
          number, written ?? unknown?.description(of: "the role that is assigned") ?? "the role that is assigned: the plan does not name it",
          principals: holders.isEmpty ? nil : holders, capabilities: nil)
      }
      if holders.isEmpty {
        gap(
          number, assignment.principal.unknownValue?.description(of: "the principal of the assignment")
            ?? "the principal of the assignment: the plan does not name it",
          principals: nil, capabilities: roles.isEmpty ? nil : capabilities(roles, isLocal: isLocal, store: handle?.name))
      }
    }
    let scope =
      isLocal ? scopes.local(assignment.scope) ?? "/" : scopes.azure(assignment.scope, resource: resource) ?? ScopeResolver.unknownScope
    return holders.flatMap { holder in
      roles.map { role in
        InventorySnapshot.Grant(
          id: "plan:\(number):\(holder):\(role):\(phase)", store: isLocal ? handle?.name ?? "?" : nil, principal: holder,
          via: assignment.isPIM ? .pim : isLocal ? .localRbac : .azureRbac, scope: scope, role: role, latent: assignment.latent)
      }
    }
  }

  /// The roles an assignment can mean, by id: one, or several of one name.
  private func roles(_ assignment: PlannedAssignment, _ origin: Int, store: String?, _ phase: Phase) -> [String] {
    if let id = assignment.role.value { return [RoleReference.folded(id)] }
    if let unknown = assignment.role.unknownValue {
      let numbers = change.index.matches(unknown, near: change.resources[origin].address, among: change.resources)
      return numbers.flatMap { number -> [String] in
        let resource = change.resources[number]
        guard case .role(let role)? = resource.after ?? resource.before else { return [] }
        if let id = role.id.value { return [RoleReference.folded(id)] }
        if resource.change.isData { return role.name.value.map { named($0, store: store, phase) } ?? [] }
        return [RoleReference.folded("planned:" + resource.address)]
      }
    }
    return assignment.roleName.value.map { named($0, store: store, phase) } ?? []
  }

  /// A custom role may bear the name of a built-in one: then either can be meant.
  private func named(_ name: String, store: String?, _ phase: Phase) -> [String] {
    let folded = name.lowercased()
    var found = roleNames[folded] ?? []
    if let builtIn = BuiltInRoleTable.role(named: name), !found.contains(builtIn.id) { found.append(builtIn.id) }
    return found
  }

  /// What the roles give together, on either kind of store.
  private func capabilities(_ roles: [String], isLocal: Bool, store: String?) -> Set<Capability>? {
    var result: Set<Capability> = []
    for id in roles {
      let rows = after.roles[EstateWorlds.roleKey(isLocal ? store : nil, id)]
      guard let role = rows.flatMap({ RoleCatalogue($0).listed(id: id, store: isLocal ? store : nil) }) ?? BuiltInRoleTable.role(id: id)
      else { return nil }
      if worlds.unreadableRoles[EstateWorlds.roleKey(isLocal ? store : nil, id)] != nil { return nil }
      result.formUnion(RightsReview.capabilities(of: role, isLocal: isLocal))
    }
    return result
  }

  /// Ids of the Azure roles by name, lower case. Built once, when all definitions have been read.
  static func names(_ roles: [String: [InventorySnapshot.Role]]) -> [String: [String]] {
    var result: [String: [String]] = [:]
    for (key, rows) in roles.sorted(by: { $0.key < $1.key }) where key.hasPrefix("|") {
      guard let row = rows.first, let name = row.name else { continue }
      result[name.lowercased(), default: []].append(RoleReference.folded(row.id))
    }
    return result
  }
}
