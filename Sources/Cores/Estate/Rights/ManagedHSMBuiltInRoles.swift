internal import Access

/// The built-in roles: of a Managed HSM (as the service lists them) and those of Azure that lead to keys.
package enum BuiltInRoleTable {
  package static let managedHSM: [RoleTemplate] = BuiltInRoles.all.map { role in
    RoleTemplate(
      id: role.id.description, name: role.name, custom: false,
      permissions: role.permissions.map { RoleTemplate.Permission(dataActions: $0.dataActions.map(\.text)) })
  }

  package static let all = managedHSM + azure
  package static let byID = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })

  /// The built-in role of this GUID, in any spelling of the reference.
  package static func role(id: String) -> RoleTemplate? { byID[RoleReference.folded(id)] }

  /// The built-in role of this name; letter case does not count, and for a Managed HSM the short names of the documentation count too.
  package static func role(named name: String) -> RoleTemplate? {
    let folded = name.lowercased()
    return all.first { $0.name.lowercased() == folded } ?? all.first { $0.name.lowercased() == folded + " user" }
  }
}
