package import Clocks

/// One entry of a role's `permissions`, returned as it was given.
package struct RolePermission: Sendable, Hashable {
  /// Control-plane actions: kept for the client, without meaning on the data plane.
  package var actions: [String]
  package var notActions: [String]
  package var dataActions: [DataAction]
  package var notDataActions: [DataAction]

  package init(
    actions: [String] = [], notActions: [String] = [], dataActions: [DataAction] = [], notDataActions: [DataAction] = []
  ) {
    self.actions = actions
    self.notActions = notActions
    self.dataActions = dataActions
    self.notDataActions = notDataActions
  }
}

/// Whether a role is Azure's or someone's own; the raw value is the wire's `properties.type`.
package enum RoleKind: String, Sendable, Hashable {
  case builtIn = "AKVBuiltInRole"
  case custom = "CustomRole"
}

/// A named set of data actions.
package struct RoleDefinition: Sendable, Hashable {
  package let id: RoleDefinitionID
  package let name: String
  /// "" for the built-in ones and when omitted.
  package let summary: String
  package let kind: RoleKind
  package let permissions: [RolePermission]

  package init(id: RoleDefinitionID, name: String, summary: String = "", kind: RoleKind, permissions: [RolePermission]) {
    self.id = id
    self.name = name
    self.summary = summary
    self.kind = kind
    self.permissions = permissions
  }

  /// What the role permits: the union over its entries, each minus its own `notDataActions`.
  package var effectiveActions: DataActionSet {
    permissions.reduce(into: []) { $0.formUnion(DataActionSet($1.dataActions).subtracting(DataActionSet($1.notDataActions))) }
  }

  /// Whether an entry names the action, excluded or not.
  package func mentions(_ action: DataAction) -> Bool { permissions.contains { $0.dataActions.contains(action) } }
}

/// A role held by one principal at one scope.
package struct RoleAssignment: Sendable, Hashable {
  package let id: RoleAssignmentID
  package let scope: Scope
  package let role: RoleDefinitionID
  package let principal: PrincipalID
  /// Who granted it; nil for the assignment made when the HSM was created.
  package let createdBy: PrincipalID?
  package let createdAt: Instant

  package init(
    id: RoleAssignmentID, scope: Scope, role: RoleDefinitionID, principal: PrincipalID, createdBy: PrincipalID?, createdAt: Instant
  ) {
    self.id = id
    self.scope = scope
    self.role = role
    self.principal = principal
    self.createdBy = createdBy
    self.createdAt = createdAt
  }
}

/// An assignment over its whole life, kept for ever.
package struct RoleAssignmentHistory: Sendable, Hashable {
  package let assignment: RoleAssignment
  package let deletedBy: PrincipalID?
  /// nil while it holds.
  package let deletedAt: Instant?

  package init(assignment: RoleAssignment, deletedBy: PrincipalID? = nil, deletedAt: Instant? = nil) {
    self.assignment = assignment
    self.deletedBy = deletedBy
    self.deletedAt = deletedAt
  }

  /// Whether it held at `time`: created at or before, not yet deleted.
  package func held(at time: Instant) -> Bool { assignment.createdAt <= time && deletedAt.map { time < $0 } ?? true }
}
