import Access
import Encodings
import ManagedHSMWire

/// Role definitions and assignments at `/`, `/keys` and `/keys/{name}`.
struct RoleRoutes: Sendable {
  let access: AccessControl
  let gate: Gate

  // MARK: - Definitions

  func listDefinitions(_ call: Authenticated<Call>, _ notes: inout AuditNotes, scope: Route.RouteScope) throws(RouteFailure) -> JSONObject {
    _ = try gate.permit(call, .roleDefinitionsRead, try self.scope(scope), &notes)
    let wanted = try call.request.query()["$filter"]
    let definitions = try filter(access.definitions(), wanted)
    return ["value": .array(definitions.map { .object(rendered($0)) })]
  }

  func getDefinition(_ call: Authenticated<Call>, _ notes: inout AuditNotes, scope: Route.RouteScope, id: String) throws(RouteFailure) -> JSONObject {
    notes.kid = id
    _ = try gate.permit(call, .roleDefinitionsRead, try self.scope(scope), &notes)
    guard let id = RoleDefinitionID(id) else { throw .wire(Self.definitionNotFound) }
    return rendered(try access { () throws(AccessError) in try access.definition(id) })
  }

  func putDefinition(_ call: Authenticated<Call>, _ notes: inout AuditNotes, scope: Route.RouteScope, id: String) throws(RouteFailure) -> JSONObject {
    notes.kid = id
    let permit = try gate.permit(call, .roleDefinitionsWrite, .root, &notes)
    guard case .root = scope else { throw .wire(.badParameter("Role definitions exist at scope / only")) }
    guard let id = RoleDefinitionID(id) else { throw .wire(.badParameter("Role definition name '\(id.prefix(64))' is not a GUID")) }
    let draft: RoleDraft
    do { draft = try RoleDraft(body: call.request.body) } catch { throw .wire(error) }
    let definition = try access { () throws(AccessError) in try access.putDefinition(id, draft, permit: permit) }
    notes.reason = "role '\(definition.name)': \(definition.effectiveActions.actions.map(\.text).joined(separator: ", "))"
    return rendered(definition)
  }

  func deleteDefinition(_ call: Authenticated<Call>, _ notes: inout AuditNotes, scope: Route.RouteScope, id: String) throws(RouteFailure) -> JSONObject {
    notes.kid = id
    let permit = try gate.permit(call, .roleDefinitionsDelete, .root, &notes)
    guard case .root = scope, let id = RoleDefinitionID(id) else { throw .wire(Self.definitionNotFound) }
    return rendered(try access { () throws(AccessError) in try access.deleteDefinition(id, permit: permit) })
  }

  // MARK: - Assignments

  func listAssignments(_ call: Authenticated<Call>, _ notes: inout AuditNotes, scope: Route.RouteScope) throws(RouteFailure) -> JSONObject {
    let scope = try self.scope(scope)
    _ = try gate.permit(call, .roleAssignmentsRead, scope, &notes)
    var principal: PrincipalID?
    if let wanted = try call.request.query()["$filter"], !wanted.isEmpty, wanted.lowercased() != "atscope()" {
      principal = try Self.principal(filter: wanted)
    }
    return ["value": .array(access.assignments(at: scope, principal: principal).map { .object(rendered($0)) })]
  }

  func getAssignment(_ call: Authenticated<Call>, _ notes: inout AuditNotes, scope: Route.RouteScope, id: String) throws(RouteFailure) -> JSONObject {
    notes.kid = id
    let scope = try self.scope(scope)
    _ = try gate.permit(call, .roleAssignmentsRead, scope, &notes)
    guard let id = RoleAssignmentID(id) else { throw .wire(Self.assignmentNotFound) }
    return rendered(try access { () throws(AccessError) in try access.assignment(id, at: scope) })
  }

  func putAssignment(_ call: Authenticated<Call>, _ notes: inout AuditNotes, scope: Route.RouteScope, id: String) throws(RouteFailure) -> JSONObject {
    notes.kid = id
    let scope = try self.scope(scope)
    let permit = try gate.permit(call, .roleAssignmentsWrite, scope, &notes)
    guard let id = RoleAssignmentID(id) else { throw .wire(.badParameter("Role assignment name '\(id.prefix(64))' is not a GUID")) }
    let role: RoleDefinitionID
    let principal: PrincipalID
    do { (role, principal) = try Self.assignmentBody(call.request.body) } catch { throw .wire(error) }
    let assignment = try access { () throws(AccessError) in try access.assign(id, role: role, to: principal, at: scope, permit: permit) }
    notes.reason = "role \(role) to principal \(principal) at \(scope)"
    return rendered(assignment)
  }

  func deleteAssignment(_ call: Authenticated<Call>, _ notes: inout AuditNotes, scope: Route.RouteScope, id: String) throws(RouteFailure) -> JSONObject {
    notes.kid = id
    let scope = try self.scope(scope)
    let permit = try gate.permit(call, .roleAssignmentsDelete, scope, &notes)
    guard let id = RoleAssignmentID(id) else { throw .wire(Self.assignmentNotFound) }
    let gone = try access { () throws(AccessError) in try access.revoke(id, at: scope, permit: permit) }
    notes.reason = "role \(gone.role) of principal \(gone.principal) at \(gone.scope)"
    return rendered(gone)
  }

  // MARK: - Shapes

  /// Identifiers of definitions carry no leading slash, those of assignments do: recorded.
  static func definitionID(_ id: RoleDefinitionID) -> String { "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/\(id)" }

  private func rendered(_ definition: RoleDefinition) -> JSONObject {
    func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
    let permissions: [JSONValue] = definition.permissions.map { permission in
      [
        "actions": strings(permission.actions), "dataActions": strings(permission.dataActions.map(\.text)),
        "notActions": strings(permission.notActions), "notDataActions": strings(permission.notDataActions.map(\.text)),
      ]
    }
    return [
      "id": .string(Self.definitionID(definition.id)), "name": .string(definition.id.text),
      "properties": [
        "assignableScopes": ["/"], "description": .string(definition.summary), "permissions": .array(permissions),
        "roleName": .string(definition.name), "type": .string(definition.kind.rawValue),
      ],
      "type": "Microsoft.Authorization/roleDefinitions",
    ]
  }

  private func rendered(_ assignment: RoleAssignment) -> JSONObject {
    [
      "id": .string("/providers/Microsoft.Authorization/roleAssignments/\(assignment.id)"), "name": .string(assignment.id.text),
      "properties": [
        "principalId": .string(assignment.principal.text), "roleDefinitionId": .string(Self.definitionID(assignment.role)),
        "scope": .string(assignment.scope.text),
      ],
      "type": "Microsoft.Authorization/roleAssignments",
    ]
  }

  private static func assignmentBody(_ body: [UInt8]) throws(WireError) -> (RoleDefinitionID, PrincipalID) {
    guard let properties = try RequestBody.object(body).present("properties")?.object else { throw .badParameter("Property 'properties' is required") }
    guard let roleText = try properties.optionalString("roleDefinitionId") else { throw .badParameter("Property 'properties.roleDefinitionId' is required") }
    guard let principalText = try properties.optionalString("principalId") else { throw .badParameter("Property 'properties.principalId' is required") }
    guard let role = roleText.split(separator: "/").last.flatMap({ RoleDefinitionID(String($0)) }) else {
      throw .badParameter("Unkown role definition '\(roleText.prefix(200))'")
    }
    guard let principal = PrincipalID(principalText) else { throw .badParameter("Property 'properties.principalId' '\(principalText.prefix(64))' is not a GUID") }
    return (role, principal)
  }

  /// `principalId eq {guid}`, quoted or not; `assignedTo('guid')` is what the sibling API of ARM calls it.
  private static func principal(filter: String) throws(RouteFailure) -> PrincipalID {
    let words = filter.split(whereSeparator: { " '(){}".contains($0) })
    if words.count == 3, words[0].lowercased() == "principalid", words[1].lowercased() == "eq", let id = PrincipalID(String(words[2])) { return id }
    if words.count == 2, words[0].lowercased() == "assignedto", let id = PrincipalID(String(words[1])) { return id }
    throw .wire(.badParameter("$filter '\(filter.prefix(100))' is not supported: use atScope() or principalId eq <object id>"))
  }

  private func filter(_ definitions: [RoleDefinition], _ text: String?) throws(RouteFailure) -> [RoleDefinition] {
    guard let text, !text.isEmpty else { return definitions }
    let folded = text.lowercased()
    if folded == "atscope()" || folded == "atscopeandbelow()" || folded == "atscopeandbelow" { return definitions }
    let pieces = text.split(separator: "'", omittingEmptySubsequences: false)
    let comparison = pieces[0].split(separator: " ").map { $0.lowercased() }
    if pieces.count == 3, comparison == ["rolename", "eq"] || comparison == ["roletype", "eq"] {
      let isName = comparison[0] == "rolename"
      return definitions.filter { (isName ? $0.name : $0.kind.rawValue).lowercased() == pieces[1].lowercased() }
    }
    throw .wire(.badParameter("$filter '\(text.prefix(100))' is not supported: use atScopeAndBelow() or roleName eq '<name>'"))
  }

  private func scope(_ scope: Route.RouteScope) throws(RouteFailure) -> Scope {
    switch scope {
    case .root: return .root
    case .keys: return .keys
    case .key(let name):
      guard let scope = Scope.key(named: name) else {
        throw .wire(WireError(400, "Invalidkeyidentifier", "Invalid key identifier '\(name.prefix(160))'"))
      }
      return scope
    }
  }

  private static let definitionNotFound = WireError(404, "RoleDefinitionNotFound", "Requested role definition not found")
  private static let assignmentNotFound = WireError(404, "RoleAssignmentNotFound", "Requested role assignment not found")

  private func access<R>(_ body: () throws(AccessError) -> R) throws(RouteFailure) -> R {
    do { return try body() } catch { throw RouteFailure(error) }
  }
}

extension RouteFailure {
  /// The wire's answer for each refusal of Access.
  init(_ error: AccessError) {
    switch error {
    case .definitionNotFound: self = .wire(WireError(404, "RoleDefinitionNotFound", error.description))
    case .assignmentNotFound: self = .wire(WireError(404, "RoleAssignmentNotFound", error.description))
    case .builtInDefinition, .badRoleName, .tooManyPermissions, .unknownDataAction, .unknownRole, .rowTooLong:
      self = .wire(.badParameter(error.description))
    case .definitionInUse, .sameAssignmentExists, .assignmentIDTaken, .roleNameTaken, .wouldLockEverybodyOut, .alreadyInitialised:
      self = .wire(WireError(409, "Conflict", error.description))
    case .tooManyDefinitions, .tooManyAssignments: self = .wire(WireError(403, "QuotaExceeded", error.description))
    case .refused(let refusal): self = .refused(refusal)
    case .permitDoesNotServe: self = .wire(WireError(500, "InternalError", "The request was not performed: its permission does not fit the operation"))
    case .rowTampered, .rowsMissingOrRevived, .rowUnreadable:
      self = .wire(WireError(500, "IntegrityFailure", "Stored access rows were changed outside this service; they are refused"))
    case .storeChangedUnderneath, .store: self = .wire(WireError(503, "ServiceUnavailable", "The store did not take the change; try again", retryAfter: 1))
    }
  }
}

extension RoleDraft {
  /// `{"properties":{roleName, description, permissions, …}}`; `type` and `assignableScopes` are the service's to say and are not read, except
  /// that a scope other than `/` is refused.
  fileprivate init(body: [UInt8]) throws(WireError) {
    guard let properties = try RequestBody.object(body).present("properties")?.object else { throw .badParameter("Property 'properties' is required") }
    if let scopes = try properties.optionalStrings("assignableScopes"), scopes.contains(where: { $0 != "/" }) {
      throw .badParameter("Property 'properties.assignableScopes' may only be [\"/\"]")
    }
    var permissions: [RolePermission] = []
    if let value = properties.present("permissions") {
      guard let list = value.array else { throw .badParameter("Property 'properties.permissions' must be an array") }
      for entry in list {
        guard let entry = entry.object else { throw .badParameter("Each entry of 'properties.permissions' must be an object") }
        permissions.append(
          RolePermission(
            actions: try entry.optionalStrings("actions") ?? [], notActions: try entry.optionalStrings("notActions") ?? [],
            dataActions: try Self.actions(entry, "dataActions"), notDataActions: try Self.actions(entry, "notDataActions")))
      }
    }
    self.init(
      name: try properties.optionalString("roleName") ?? "", summary: try properties.optionalString("description") ?? "", permissions: permissions)
  }

  private static func actions(_ entry: JSONObject, _ name: String) throws(WireError) -> [DataAction] {
    var actions: [DataAction] = []
    for text in try entry.optionalStrings(name) ?? [] {
      guard let action = DataAction(text) else { throw .badParameter("'\(text.prefix(128))' is not a data action of a managed HSM; wildcards are not supported") }
      actions.append(action)
    }
    return actions
  }
}

