/// Why a change of roles, of the directory or of their rows did not happen.
package enum AccessError: Error, Sendable, Equatable, CustomStringConvertible {
  // Role definitions
  case definitionNotFound
  /// A built-in role can be neither changed nor deleted.
  case builtInDefinition(RoleDefinitionID)
  case definitionInUse(RoleDefinitionID, assignments: Int)
  case tooManyDefinitions(limit: Int)
  case badRoleName(String)
  case roleNameTaken(String, by: RoleDefinitionID)
  case tooManyPermissions(limit: Int)
  case unknownDataAction(String)
  // Role assignments
  case assignmentNotFound
  case unknownRole(RoleDefinitionID)
  case sameAssignmentExists(RoleAssignmentID)
  case assignmentIDTaken(RoleAssignmentID)
  case tooManyAssignments(limit: Int, scope: Scope)
  /// Nobody could assign roles at `/` any more.
  case wouldLockEverybodyOut(RoleAssignmentID)
  /// The first administrator can be named only while no role was ever assigned.
  case alreadyInitialised
  // Proofs
  /// The permit is for another action or scope: a mistake of the caller.
  case permitDoesNotServe(needed: DataAction, at: Scope)
  /// The permit's right was withdrawn since it was made.
  case refused(Refusal)
  // Rows
  /// A row is not as we wrote it.
  case rowTampered(AccessTable, id: String)
  /// Rows were removed, or old ones brought back.
  case rowsMissingOrRevived
  /// A row is ours but cannot be read: written by a newer version, or damaged before it was sealed.
  case rowUnreadable(AccessTable, id: String)
  case rowTooLong(AccessTable, id: String, limit: Int)
  /// The store holds something else than this process wrote; restart to load it.
  case storeChangedUnderneath
  case store(AccessStoreError)

  package var description: String {
    switch self {
    case .definitionNotFound: "Requested role definition not found"
    case .builtInDefinition(let id): "\(id) is a built-in role definition and cannot be changed or deleted"
    case .definitionInUse(let id, let count): "role definition \(id) is used by \(count) role assignment(s); delete them first"
    case .tooManyDefinitions(let limit): "an HSM holds at most \(limit) custom role definitions"
    case .badRoleName(let why): "role name: \(why)"
    case .roleNameTaken(let name, let id): "role name \"\(name)\" is taken by role definition \(id)"
    case .tooManyPermissions(let limit): "a role definition holds at most \(limit) permissions and entries per list"
    case .unknownDataAction(let text): "unknown data action \"\(text)\"; wildcards are not supported"
    case .assignmentNotFound: "Requested role assignment not found"
    // The service's own spelling: clients match it to retry.
    case .unknownRole(let id): "Unkown role definition \(id)"
    case .sameAssignmentExists(let id): "the principal already holds this role at this scope (role assignment \(id))"
    case .assignmentIDTaken(let id): "role assignment \(id) exists with another role, principal or scope"
    case .tooManyAssignments(let limit, let scope): "at most \(limit) role assignments are allowed at scope \(scope)"
    case .wouldLockEverybodyOut(let id): "role assignment \(id) is the last one that can assign roles at /; give another principal that right first"
    case .alreadyInitialised: "roles were assigned before; the first administrator is already named"
    case .permitDoesNotServe(let action, let scope): "the permit does not serve for \(action) at \(scope)"
    case .refused(let refusal): refusal.description
    case .rowTampered(let table, let id): "\(table.rawValue) row \"\(id)\" was changed outside Hallmark: its MAC does not verify"
    case .rowsMissingOrRevived: "access rows were removed or old ones brought back outside Hallmark: the manifest does not match"
    case .rowUnreadable(let table, let id): "\(table.rawValue) row \"\(id)\" cannot be read by this version"
    case .rowTooLong(let table, let id, let limit): "\(table.rawValue) \"\(id)\" is larger than \(limit) bytes"
    case .storeChangedUnderneath: "the store was changed by another process; restart to load it"
    case .store(.unreadable(let detail)): "the store could not be read: \(detail)"
    case .store(.commitFailed(let detail)): "the store did not confirm the change: \(detail)"
    }
  }
}
