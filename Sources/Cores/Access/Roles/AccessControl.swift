package import Clocks
import Synchronization

/// How many roles and assignments an HSM takes: Azure's limits, or none but what memory bears.
package struct RoleLimits: Sendable, Hashable {
  package var customDefinitions: Int
  package var assignmentsAtTop: Int
  package var assignmentsPerKey: Int

  package init(customDefinitions: Int, assignmentsAtTop: Int, assignmentsPerKey: Int) {
    self.customDefinitions = customDefinitions
    self.assignmentsAtTop = assignmentsAtTop
    self.assignmentsPerKey = assignmentsPerKey
  }

  /// The documented service limits.
  package static let azure = RoleLimits(customDefinitions: 50, assignmentsAtTop: 50, assignmentsPerKey: 10)
  package static let standard = RoleLimits(customDefinitions: 50, assignmentsAtTop: 10_000, assignmentsPerKey: 1_000)
}

/// The one place that answers "may this principal do this here", and that changes the answer.
///
/// Decisions read an immutable snapshot and block nobody: a lock is held only to fetch the reference. A change is durable
/// before it is visible, and visible to the next decision when the call returns. Every change needs a `Permit` for the
/// right to make it, and the right is checked again at the moment of the change.
package final class AccessControl: Sendable {
  let rows: SealedRows
  let time: TimeSource
  let entropy: Entropy
  let limits: RoleLimits
  private let current: Mutex<RoleSnapshot>
  /// Held across the whole of a change, so that changes happen one after the other.
  private let writer = Mutex<Void>(())

  /// Reads roles and assignments from verified rows.
  package init(rows: SealedRows, time: TimeSource, entropy: Entropy, limits: RoleLimits = .standard) throws(AccessError) {
    self.rows = rows
    self.time = time
    self.entropy = entropy
    self.limits = limits
    var definitions: [RoleDefinitionHistory] = []
    for row in rows.rows(of: .definition) { definitions.append(try RoleRows.definition(row)) }
    var assignments: [RoleAssignmentHistory] = []
    for row in rows.rows(of: .assignment) { assignments.append(try RoleRows.assignment(row)) }
    current = Mutex(RoleSnapshot(definitionHistory: definitions, assignmentHistory: assignments))
  }

  var snapshot: RoleSnapshot { current.withLock { $0 } }

  // MARK: Decisions

  /// Whether the principal may do `action` at `scope`, with the assignment that says so or every reason against.
  ///
  /// - Complexity: a yes costs a lock and one hash look-up; a no also looks at everything the principal holds. No allocation on a yes.
  package func decide(_ principal: Principal, _ action: DataAction, at scope: Scope) -> AccessDecision {
    switch permit(principal, action, at: scope) {
    case .success(let permit): .allowed(permit.assignment)
    case .failure(let refusal): .denied(refusal)
    }
  }

  /// The hand-over: an authenticated request becomes an authorised one, or a refusal to audit.
  package func authorize<Request: Sendable>(
    _ authenticated: Authenticated<Request>, _ action: DataAction, at scope: Scope
  ) -> Result<Authorized<Request>, Refusal> {
    permit(authenticated.principal, action, at: scope).map { Authorized(request: authenticated.request, permit: $0) }
  }

  /// Reading the audit trail: whoever at `/` has the right itself, or may assign roles (and so could take it), or reads deleted keys (the auditor).
  ///
  /// The permit's action is the one that opened the door.
  package func authorizeAuditReading<Request: Sendable>(_ authenticated: Authenticated<Request>) -> Result<Authorized<Request>, Refusal> {
    for action in [DataAction.hallmarkAuditRead, .roleAssignmentsWrite, .deletedKeysRead] {
      if case .success(let authorized) = authorize(authenticated, action, at: .root) { return .success(authorized) }
    }
    return authorize(authenticated, .hallmarkAuditRead, at: .root)
  }

  func permit(_ principal: Principal, _ action: DataAction, at scope: Scope) -> Result<Permit, Refusal> {
    let snapshot = self.snapshot
    if let grant = snapshot.grant(principal.objectID, principal.groups, action, at: scope) {
      return .success(Permit(principal: principal, action: action, scope: scope, grant: grant))
    }
    let reasons = snapshot.reasons(principal.objectID, principal.groups, action, at: scope)
    return .failure(Refusal(principal: principal.objectID, action: action, scope: scope, reasons: reasons))
  }

  // MARK: Changes

  /// Makes one change: `body` sees the newest snapshot and says what to write and what the snapshot becomes.
  func change<Value: Sendable>(
    _ body: (RoleSnapshot) throws(AccessError) -> (value: Value, edits: [SealedRows.Edit], next: RoleSnapshot)
  ) throws(AccessError) -> Value {
    let result: Result<Value, AccessError> = writer.withLock { _ in
      do throws(AccessError) {
        let (value, edits, next) = try body(snapshot)
        if !edits.isEmpty {
          try rows.commit(edits)
          current.withLock { $0 = next }
        }
        return .success(value)
      } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// Requires that the permit serves for `action` at `scope` and that its right still stands.
  func require(_ permit: Permit, _ action: DataAction, at scope: Scope, in snapshot: RoleSnapshot) throws(AccessError) {
    guard permit.allows(action, at: scope) else { throw .permitDoesNotServe(needed: action, at: scope) }
    let principal = permit.principal
    guard snapshot.grant(principal.objectID, principal.groups, action, at: scope) != nil else {
      let reasons = snapshot.reasons(principal.objectID, principal.groups, action, at: scope)
      throw .refused(Refusal(principal: principal.objectID, action: action, scope: scope, reasons: reasons))
    }
  }

  /// Names the first administrators and makes the ready custom roles. Possible once, before any role was assigned.
  ///
  /// The caller is `hallmark init`: whoever creates the HSM's files. No other assignment is made without a permit.
  package func initialise(administrators: [PrincipalID]) throws(AccessError) {
    let now = time.now()
    try change { snapshot throws(AccessError) in
      guard snapshot.assignmentHistory.isEmpty, snapshot.definitionHistory.isEmpty, !administrators.isEmpty else {
        throw .alreadyInitialised
      }
      let definitions = [
        RoleDefinitionHistory(
          definition: BuiltInRoles.artifactSigner, writtenBy: nil, writtenAt: now, endedBy: nil, endedAt: nil, deleted: false)
      ]
      var assignments: [RoleAssignmentHistory] = []
      for principal in administrators where !assignments.contains(where: { $0.assignment.principal == principal }) {
        guard let id = RoleAssignmentID(entropy.uuid()) else { preconditionFailure("entropy makes well-formed GUIDs") }
        assignments.append(
          RoleAssignmentHistory(
            assignment: RoleAssignment(
              id: id, scope: .root, role: BuiltInRoles.administrator, principal: principal, createdBy: nil, createdAt: now)))
      }
      let edits =
        definitions.enumerated().map { SealedRows.Edit.put(.definition, id: RoleRows.id($0.offset), body: RoleRows.json($0.element)) }
        + assignments.enumerated().map { SealedRows.Edit.put(.assignment, id: RoleRows.id($0.offset), body: RoleRows.json($0.element)) }
      return ((), edits, RoleSnapshot(definitionHistory: definitions, assignmentHistory: assignments))
    }
  }
}
