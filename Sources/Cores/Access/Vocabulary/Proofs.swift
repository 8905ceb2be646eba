/// A request whose bearer token was validated. Made only by `TokenValidator` (and `TokenAuthority`, which could issue the token itself).
package struct Authenticated<Request: Sendable>: Sendable {
  package let request: Request
  package let principal: Principal

  init(request: Request, principal: Principal) {
    self.request = request
    self.principal = principal
  }

  /// The same proof around a more precise form of the request: its parsed body, say.
  package func carrying<Other: Sendable>(_ other: Other) -> Authenticated<Other> {
    Authenticated<Other>(request: other, principal: principal)
  }
}

/// Proof that `principal` may do `action` at `scope`, and by which role assignment. Made only by `AccessControl`.
package struct Permit: Sendable {
  package let principal: Principal
  package let action: DataAction
  package let scope: Scope
  let grant: Grant

  /// The assignment that permitted it: what the audit record names.
  package var assignment: RoleAssignment { grant.assignment }

  init(principal: Principal, action: DataAction, scope: Scope, grant: Grant) {
    self.principal = principal
    self.action = action
    self.scope = scope
    self.grant = grant
  }

  /// Whether this proof serves for `action` at `scope`: the same action, at a scope that covers.
  package func allows(_ action: DataAction, at scope: Scope) -> Bool { self.action == action && self.scope.covers(scope) }
}

/// A request with the proof that its principal may make it. Made only by `AccessControl`.
package struct Authorized<Request: Sendable>: Sendable {
  package let request: Request
  package let permit: Permit

  init(request: Request, permit: Permit) {
    self.request = request
    self.permit = permit
  }

  package func carrying<Other: Sendable>(_ other: Other) -> Authorized<Other> {
    Authorized<Other>(request: other, permit: permit)
  }
}

/// One active assignment with the rights it gives; shared, so that a permit costs one reference.
final class Grant: Sendable {
  let assignment: RoleAssignment
  let actions: DataActionSet

  init(assignment: RoleAssignment, actions: DataActionSet) {
    self.assignment = assignment
    self.actions = actions
  }
}

/// Yes with the assignment that says so, or no with the reasons.
package enum AccessDecision: Sendable, Equatable {
  case allowed(RoleAssignment)
  case denied(Refusal)
}

/// A principal may not do something, and why.
package struct Refusal: Error, Sendable, Equatable, CustomStringConvertible {
  package let principal: PrincipalID
  package let action: DataAction
  package let scope: Scope
  /// Never empty.
  package let reasons: [DenialReason]

  /// The sentence Managed HSM answers: `Not authorized to access <data action> on <scope>`.
  package var message: String { "Not authorized to access \(action.text) on \(scope.text)" }
  /// The message with every reason: for the audit record and for `why`.
  package var description: String { message + ": " + reasons.map(\.description).joined(separator: "; ") }
}

/// Why one way to a right did not lead there.
package enum DenialReason: Sendable, Hashable, CustomStringConvertible {
  /// Neither the principal nor one of its groups holds any role anywhere.
  case noAssignment
  /// A role that has the action, held elsewhere only.
  case outsideScope(assignment: RoleAssignmentID, role: RoleDefinitionID, at: Scope)
  /// A role held here that lacks the action.
  case notInRole(assignment: RoleAssignmentID, role: RoleDefinitionID)
  /// A role held here that names the action and takes it away again.
  case excludedByNotDataActions(assignment: RoleAssignmentID, role: RoleDefinitionID)

  package var description: String {
    switch self {
    case .noAssignment: "the principal holds no role"
    case .outsideScope(let assignment, let role, let at): "role \(role) has it but is assigned at \(at) (assignment \(assignment))"
    case .notInRole(let assignment, let role): "role \(role) does not have it (assignment \(assignment))"
    case .excludedByNotDataActions(let assignment, let role): "role \(role) excludes it by notDataActions (assignment \(assignment))"
    }
  }
}
