import Clocks

extension AccessControl {
  /// The assignments made at exactly this scope, oldest first; at `/` also those at `/keys`, but none of a single key.
  package func assignments(at scope: Scope, principal: PrincipalID? = nil) -> [RoleAssignment] {
    allAssignments().filter { assignment in
      (assignment.scope == scope || scope == .root && assignment.scope == .keys)
        && (principal == nil || assignment.principal == principal)
    }
  }

  /// Every assignment in force at every scope, oldest first.
  package func allAssignments() -> [RoleAssignment] {
    snapshot.assignmentHistory.filter { $0.deletedAt == nil }.map(\.assignment)
  }

  /// The assignment of this name at this scope or below it.
  package func assignment(_ id: RoleAssignmentID, at scope: Scope = .root) throws(AccessError) -> RoleAssignment {
    guard let grant = snapshot.grants[id], scope.covers(grant.assignment.scope) else { throw .assignmentNotFound }
    return grant.assignment
  }

  /// Gives a role to a principal. Putting the same assignment again under the same name changes nothing and returns it.
  ///
  /// - Parameter permit: for `roleAssignments/write/action` at `scope`.
  /// - Throws: `.unknownRole`, `.sameAssignmentExists`, `.assignmentIDTaken`, `.tooManyAssignments`, `.refused`, `.store`.
  @discardableResult
  package func assign(
    _ id: RoleAssignmentID, role: RoleDefinitionID, to principal: PrincipalID, at scope: Scope, permit: Permit
  ) throws(AccessError) -> RoleAssignment {
    let now = time.now()
    return try change { snapshot throws(AccessError) in
      try require(permit, .roleAssignmentsWrite, at: scope, in: snapshot)
      if let existing = snapshot.grants[id]?.assignment {
        guard existing.role == role, existing.principal == principal, existing.scope == scope else { throw .assignmentIDTaken(id) }
        return (existing, [], snapshot)
      }
      guard snapshot.definition(role) != nil else { throw .unknownRole(role) }
      var atScope = 0
      for grant in snapshot.grants.values where grant.assignment.scope == scope {
        atScope += 1
        if grant.assignment.role == role, grant.assignment.principal == principal { throw .sameAssignmentExists(grant.assignment.id) }
      }
      let limit =
        switch scope {
        case .root, .keys: limits.assignmentsAtTop
        case .key: limits.assignmentsPerKey
        }
      guard atScope < limit else { throw .tooManyAssignments(limit: limit, scope: scope) }
      let assignment = RoleAssignment(
        id: id, scope: scope, role: role, principal: principal, createdBy: permit.principal.objectID, createdAt: now)
      let entry = RoleAssignmentHistory(assignment: assignment)
      let history = snapshot.assignmentHistory + [entry]
      return (
        assignment, [.put(.assignment, id: RoleRows.id(history.count - 1), body: RoleRows.json(entry))],
        RoleSnapshot(definitionHistory: snapshot.definitionHistory, assignmentHistory: history)
      )
    }
  }

  /// Withdraws a role, effective for the next decision, and returns the assignment that was.
  ///
  /// - Parameters:
  ///   - scope: where the caller looked for it: its own scope or one above.
  ///   - permit: for `roleAssignments/delete/action` at `scope`.
  /// - Throws: `.assignmentNotFound`, `.wouldLockEverybodyOut`, `.refused`, `.store`.
  @discardableResult
  package func revoke(_ id: RoleAssignmentID, at scope: Scope, permit: Permit) throws(AccessError) -> RoleAssignment {
    let now = time.now()
    return try change { snapshot throws(AccessError) in
      try require(permit, .roleAssignmentsDelete, at: scope, in: snapshot)
      guard let grant = snapshot.grants[id], scope.covers(grant.assignment.scope),
        let index = snapshot.assignmentHistory.lastIndex(where: { $0.assignment.id == id && $0.deletedAt == nil })
      else { throw .assignmentNotFound }
      func canAssign(_ grant: Grant) -> Bool { grant.assignment.scope == .root && grant.actions.contains(.roleAssignmentsWrite) }
      if canAssign(grant), !snapshot.grants.values.contains(where: { $0.assignment.id != id && canAssign($0) }) {
        throw .wouldLockEverybodyOut(id)
      }
      var history = snapshot.assignmentHistory
      history[index] = RoleAssignmentHistory(
        assignment: grant.assignment, deletedBy: permit.principal.objectID, deletedAt: now)
      return (
        grant.assignment, [.put(.assignment, id: RoleRows.id(index), body: RoleRows.json(history[index]))],
        RoleSnapshot(definitionHistory: snapshot.definitionHistory, assignmentHistory: history)
      )
    }
  }
}
