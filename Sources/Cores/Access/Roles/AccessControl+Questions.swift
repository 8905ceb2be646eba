package import Clocks

/// How one assignment stands to one question.
package struct AccessFinding: Sendable, Hashable {
  package let assignment: RoleAssignment
  package let roleName: String
  /// nil: this assignment permits it.
  package let against: DenialReason?
  /// The group through which the principal holds it.
  package let viaGroup: PrincipalID?
}

/// The whole answer to "why may, or may not, this principal do that".
package struct AccessExplanation: Sendable, Equatable {
  package let decision: AccessDecision
  /// One per assignment the principal or a group of it holds, oldest first.
  package let findings: [AccessFinding]
}

/// One way in which somebody may do something.
package struct AccessHolder: Sendable, Hashable {
  /// A person, an application or a group.
  package let principal: PrincipalID
  package let assignment: RoleAssignment
  package let roleName: String
}

extension AccessControl {
  /// Everybody who may do `action` at `scope` now, or could at `time`, with the assignments that say so, oldest first.
  package func whoCan(_ action: DataAction, at scope: Scope, at time: Instant? = nil) -> [AccessHolder] {
    let snapshot = state(at: time)
    return snapshot.grants.values
      .filter { $0.actions.contains(action) && $0.assignment.scope.covers(scope) }
      .sorted { ($0.assignment.createdAt, $0.assignment.id) < ($1.assignment.createdAt, $1.assignment.id) }
      .map { AccessHolder(principal: $0.assignment.principal, assignment: $0.assignment, roleName: name(of: $0, in: snapshot)) }
  }

  /// Why the principal may do `action` at `scope`, or not, now or at `time`: every assignment it holds, with what speaks against it.
  package func why(
    _ principal: PrincipalID, groups: [PrincipalID] = [], _ action: DataAction, at scope: Scope, at time: Instant? = nil
  ) -> AccessExplanation {
    let snapshot = state(at: time)
    let findings = snapshot.held(by: principal, groups).map { grant in
      let permits = grant.actions.contains(action) && grant.assignment.scope.covers(scope)
      return AccessFinding(
        assignment: grant.assignment, roleName: name(of: grant, in: snapshot),
        against: permits ? nil : snapshot.reason(grant, action, at: scope),
        viaGroup: grant.assignment.principal == principal ? nil : grant.assignment.principal)
    }
    let decision: AccessDecision =
      if let grant = snapshot.grant(principal, groups, action, at: scope) { .allowed(grant.assignment) } else {
        .denied(
          Refusal(
            principal: principal, action: action, scope: scope,
            reasons: snapshot.reasons(principal, groups, action, at: scope)))
      }
    return AccessExplanation(decision: decision, findings: findings)
  }

  /// What the principal could do at a moment of the past.
  package func decide(
    _ principal: PrincipalID, groups: [PrincipalID] = [], _ action: DataAction, at scope: Scope, at time: Instant
  ) -> AccessDecision { why(principal, groups: groups, action, at: scope, at: time).decision }

  /// Every assignment ever made that touches the filters, oldest first: who granted what to whom, when, and who took it back.
  package func assignmentHistory(
    principal: PrincipalID? = nil, scope: Scope? = nil, role: RoleDefinitionID? = nil
  ) -> [RoleAssignmentHistory] {
    snapshot.assignmentHistory.filter { entry in
      (principal == nil || entry.assignment.principal == principal) && (scope == nil || entry.assignment.scope == scope)
        && (role == nil || entry.assignment.role == role)
    }
  }

  /// One assignment of the past or the present by its name: what an audit record's `assignment` leads to.
  package func assignmentHistory(_ id: RoleAssignmentID) -> [RoleAssignmentHistory] {
    snapshot.assignmentHistory.filter { $0.assignment.id == id }
  }

  /// The assignments that held at `time`.
  package func assignments(heldAt time: Instant) -> [RoleAssignment] {
    snapshot.assignmentHistory.filter { $0.held(at: time) }.map(\.assignment)
  }

  /// Every version of the custom roles, oldest first.
  package func definitionHistory() -> [RoleDefinitionHistory] { snapshot.definitionHistory }

  private func state(at time: Instant?) -> RoleSnapshot { time.map { snapshot.at($0) } ?? snapshot }

  private func name(of grant: Grant, in snapshot: RoleSnapshot) -> String {
    snapshot.definition(grant.assignment.role)?.name ?? grant.assignment.role.text
  }
}
