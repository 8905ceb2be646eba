package import Clocks

/// Definitions and assignments at one moment, indexed for decisions. Immutable: a change makes a new one.
final class RoleSnapshot: Sendable {
  /// Every version of every custom role, oldest first.
  let definitionHistory: [RoleDefinitionHistory]
  /// Every assignment ever made, oldest first.
  let assignmentHistory: [RoleAssignmentHistory]
  /// Custom roles in order of creation.
  let custom: [RoleDefinition]
  let customByID: [RoleDefinitionID: RoleDefinition]
  let grants: [RoleAssignmentID: Grant]
  private let holders: [PrincipalID: Holder]

  /// What one principal (or group) holds, by scope.
  private struct Holder {
    var root: [Grant] = []
    var keys: [Grant] = []
    var byKey: [KeyScopeName: [Grant]] = [:]

    /// The first grant that has the action and covers the scope, the most specific first.
    func grant(_ action: DataAction, at scope: Scope) -> Grant? {
      switch scope {
      case .key(let name):
        byKey[name]?.first { $0.actions.contains(action) } ?? keys.first { $0.actions.contains(action) }
          ?? root.first { $0.actions.contains(action) }
      case .keys: keys.first { $0.actions.contains(action) } ?? root.first { $0.actions.contains(action) }
      case .root: root.first { $0.actions.contains(action) }
      }
    }

    var all: [Grant] { root + keys + byKey.values.joined() }
  }

  init(definitionHistory: [RoleDefinitionHistory], assignmentHistory: [RoleAssignmentHistory]) {
    self.definitionHistory = definitionHistory
    self.assignmentHistory = assignmentHistory
    var order: [RoleDefinitionID] = []
    var latest: [RoleDefinitionID: RoleDefinition] = [:]
    for version in definitionHistory where version.endedAt == nil {
      latest[version.definition.id] = version.definition
    }
    // Creation order is the order of the first version since the role last came into being.
    var current: Set<RoleDefinitionID> = []
    for version in definitionHistory {
      let id = version.definition.id
      if version.isDeletion { current.remove(id); order.removeAll { $0 == id } } else if current.insert(id).inserted { order.append(id) }
    }
    custom = order.compactMap { latest[$0] }
    customByID = latest

    var grants: [RoleAssignmentID: Grant] = [:]
    var holders: [PrincipalID: Holder] = [:]
    for entry in assignmentHistory where entry.deletedAt == nil {
      let assignment = entry.assignment
      let role = BuiltInRoles.byID[assignment.role] ?? latest[assignment.role]
      let grant = Grant(assignment: assignment, actions: role?.effectiveActions ?? [])
      grants[assignment.id] = grant
      switch assignment.scope {
      case .root: holders[assignment.principal, default: Holder()].root.append(grant)
      case .keys: holders[assignment.principal, default: Holder()].keys.append(grant)
      case .key(let name): holders[assignment.principal, default: Holder()].byKey[name, default: []].append(grant)
      }
    }
    self.grants = grants
    self.holders = holders
  }

  func definition(_ id: RoleDefinitionID) -> RoleDefinition? { BuiltInRoles.byID[id] ?? customByID[id] }

  /// The grant that permits, the principal's own before those of its groups.
  ///
  /// - Complexity: one hash look-up for the principal and one per group.
  func grant(_ principal: PrincipalID, _ groups: [PrincipalID], _ action: DataAction, at scope: Scope) -> Grant? {
    if let grant = holders[principal]?.grant(action, at: scope) { return grant }
    for group in groups {
      if let grant = holders[group]?.grant(action, at: scope) { return grant }
    }
    return nil
  }

  /// Everything the principal and its groups hold anywhere.
  func held(by principal: PrincipalID, _ groups: [PrincipalID]) -> [Grant] {
    ([principal] + groups).flatMap { holders[$0]?.all ?? [] }
      .sorted { ($0.assignment.createdAt, $0.assignment.id) < ($1.assignment.createdAt, $1.assignment.id) }
  }

  /// Why there is no grant: one reason per assignment, or that there is none.
  func reasons(_ principal: PrincipalID, _ groups: [PrincipalID], _ action: DataAction, at scope: Scope) -> [DenialReason] {
    let reasons = held(by: principal, groups).map { reason($0, action, at: scope) }
    return reasons.isEmpty ? [.noAssignment] : reasons
  }

  func reason(_ grant: Grant, _ action: DataAction, at scope: Scope) -> DenialReason {
    let assignment = grant.assignment
    if grant.actions.contains(action) { return .outsideScope(assignment: assignment.id, role: assignment.role, at: assignment.scope) }
    return definition(assignment.role)?.mentions(action) == true
      ? .excludedByNotDataActions(assignment: assignment.id, role: assignment.role)
      : .notInRole(assignment: assignment.id, role: assignment.role)
  }

  /// The state at a past moment.
  func at(_ time: Instant) -> RoleSnapshot {
    RoleSnapshot(
      definitionHistory: definitionHistory.filter { $0.began(atOrBefore: time) }.map { $0.seen(from: time) },
      assignmentHistory: assignmentHistory.filter { $0.held(at: time) }.map { RoleAssignmentHistory(assignment: $0.assignment) })
  }
}

/// One version of a custom role over the time it was in force.
package struct RoleDefinitionHistory: Sendable, Hashable {
  package let definition: RoleDefinition
  package let writtenBy: PrincipalID?
  package let writtenAt: Instant
  /// Who replaced or deleted it, and when; nil while in force.
  package let endedBy: PrincipalID?
  package let endedAt: Instant?
  /// Whether it ended by deletion of the role, not by a newer version.
  package let deleted: Bool

  var isDeletion: Bool { deleted && endedAt != nil }
  func began(atOrBefore time: Instant) -> Bool { writtenAt <= time }
  /// The entry as it stood at `time`.
  func seen(from time: Instant) -> RoleDefinitionHistory {
    guard let endedAt, endedAt > time else { return self }
    return RoleDefinitionHistory(
      definition: definition, writtenBy: writtenBy, writtenAt: writtenAt, endedBy: nil, endedAt: nil, deleted: false)
  }
}
