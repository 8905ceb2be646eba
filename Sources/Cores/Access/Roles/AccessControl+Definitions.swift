import Clocks

/// A custom role as a client asks for it.
package struct RoleDraft: Sendable, Hashable {
  package var name: String
  package var summary: String
  package var permissions: [RolePermission]

  package init(name: String, summary: String = "", permissions: [RolePermission]) {
    self.name = name
    self.summary = summary
    self.permissions = permissions
  }
}

extension AccessControl {
  /// The longest role name, in characters.
  package static let maxRoleNameLength = 128
  /// The longest description, in bytes.
  package static let maxSummaryBytes = 4096
  /// At most this many permission entries in a role, and actions in one list.
  package static let maxPermissions = 64

  /// All role definitions: the built-in ones in the service's order, then custom ones in order of creation.
  package func definitions() -> [RoleDefinition] { BuiltInRoles.all + snapshot.custom }

  package func definition(_ id: RoleDefinitionID) throws(AccessError) -> RoleDefinition {
    guard let definition = snapshot.definition(id) else { throw .definitionNotFound }
    return definition
  }

  /// Creates a custom role, or replaces it. Custom roles live at `/` only.
  ///
  /// - Parameter permit: for `roleDefinitions/write/action` at `/`.
  /// - Throws: `.builtInDefinition`, `.badRoleName`, `.roleNameTaken`, `.tooManyDefinitions`, `.tooManyPermissions`, `.refused`, `.store`.
  @discardableResult
  package func putDefinition(_ id: RoleDefinitionID, _ draft: RoleDraft, permit: Permit) throws(AccessError) -> RoleDefinition {
    let now = time.now()
    return try change { snapshot throws(AccessError) in
      try require(permit, .roleDefinitionsWrite, at: .root, in: snapshot)
      guard BuiltInRoles.byID[id] == nil else { throw .builtInDefinition(id) }
      try Self.check(draft)
      let folded = draft.name.lowercased()
      if !folded.isEmpty,
        let other = (BuiltInRoles.all + snapshot.custom).first(where: { $0.id != id && $0.name.lowercased() == folded })
      {
        throw .roleNameTaken(draft.name, by: other.id)
      }
      let counted = snapshot.custom.filter { $0.id != BuiltInRoles.artifactSigner.id }
      if snapshot.customByID[id] == nil, id != BuiltInRoles.artifactSigner.id, counted.count >= limits.customDefinitions {
        throw .tooManyDefinitions(limit: limits.customDefinitions)
      }
      let definition = RoleDefinition(
        id: id, name: draft.name, summary: draft.summary, kind: .custom, permissions: draft.permissions)
      var history = snapshot.definitionHistory
      var edits = Self.end(id, in: &history, by: permit.principal.objectID, at: now, deleted: false)
      let version = RoleDefinitionHistory(
        definition: definition, writtenBy: permit.principal.objectID, writtenAt: now, endedBy: nil, endedAt: nil, deleted: false)
      edits.append(.put(.definition, id: RoleRows.id(history.count), body: RoleRows.json(version)))
      history.append(version)
      return (definition, edits, RoleSnapshot(definitionHistory: history, assignmentHistory: snapshot.assignmentHistory))
    }
  }

  /// Deletes a custom role that nobody holds, and returns it.
  ///
  /// - Parameter permit: for `roleDefinitions/delete/action` at `/`.
  /// - Throws: `.definitionNotFound`, `.builtInDefinition`, `.definitionInUse`, `.refused`, `.store`.
  @discardableResult
  package func deleteDefinition(_ id: RoleDefinitionID, permit: Permit) throws(AccessError) -> RoleDefinition {
    let now = time.now()
    return try change { snapshot throws(AccessError) in
      try require(permit, .roleDefinitionsDelete, at: .root, in: snapshot)
      guard BuiltInRoles.byID[id] == nil else { throw .builtInDefinition(id) }
      guard let definition = snapshot.customByID[id] else { throw .definitionNotFound }
      let users = snapshot.grants.values.count { $0.assignment.role == id }
      guard users == 0 else { throw .definitionInUse(id, assignments: users) }
      var history = snapshot.definitionHistory
      let edits = Self.end(id, in: &history, by: permit.principal.objectID, at: now, deleted: true)
      return (definition, edits, RoleSnapshot(definitionHistory: history, assignmentHistory: snapshot.assignmentHistory))
    }
  }

  /// Ends the version in force, if there is one.
  private static func end(
    _ id: RoleDefinitionID, in history: inout [RoleDefinitionHistory], by principal: PrincipalID, at now: Instant, deleted: Bool
  ) -> [SealedRows.Edit] {
    guard let index = history.lastIndex(where: { $0.definition.id == id && $0.endedAt == nil }) else { return [] }
    let old = history[index]
    history[index] = RoleDefinitionHistory(
      definition: old.definition, writtenBy: old.writtenBy, writtenAt: old.writtenAt, endedBy: principal, endedAt: now,
      deleted: deleted)
    return [.put(.definition, id: RoleRows.id(index), body: RoleRows.json(history[index]))]
  }

  private static func check(_ draft: RoleDraft) throws(AccessError) {
    guard draft.name.count <= maxRoleNameLength, draft.name.utf8.count <= 4 * maxRoleNameLength else {
      throw .badRoleName("longer than \(maxRoleNameLength) characters")
    }
    guard !draft.name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
      throw .badRoleName("contains control characters")
    }
    guard draft.summary.utf8.count <= maxSummaryBytes else { throw .badRoleName("description longer than \(maxSummaryBytes) bytes") }
    guard draft.permissions.count <= maxPermissions,
      draft.permissions.allSatisfy({ entry in
        entry.dataActions.count <= maxPermissions && entry.notDataActions.count <= maxPermissions
          && (entry.actions + entry.notActions).allSatisfy { $0.utf8.count <= 128 }
          && entry.actions.count <= maxPermissions && entry.notActions.count <= maxPermissions
      }), draft.permissions.reduce(0, { $0 + $1.dataActions.count + $1.notDataActions.count + $1.actions.count + $1.notActions.count }) <= 256
    else { throw .tooManyPermissions(limit: maxPermissions) }
  }
}
