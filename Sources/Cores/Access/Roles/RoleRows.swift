import Clocks
import Encodings

/// How role definitions and assignments stand in rows. Unknown members, and missing ones, make a row unreadable.
enum RoleRows {
  /// Ids sort in the order of the histories.
  static func id(_ index: Int) -> String { String(repeating: "0", count: max(0, 9 - String(index).count)) + String(index) }

  static func json(_ entry: RoleAssignmentHistory) -> JSONValue {
    let assignment = entry.assignment
    var object: JSONObject = [
      "id": .string(assignment.id.text), "scope": .string(assignment.scope.text), "role": .string(assignment.role.text),
      "principal": .string(assignment.principal.text), "createdAt": .integer(assignment.createdAt.nanoseconds),
    ]
    object.set("createdBy", ifPresent: assignment.createdBy.map { .string($0.text) })
    object.set("deletedBy", ifPresent: entry.deletedBy.map { .string($0.text) })
    object.set("deletedAt", ifPresent: entry.deletedAt.map { .integer($0.nanoseconds) })
    return .object(object)
  }

  static func assignment(_ row: AccessRow) throws(AccessError) -> RoleAssignmentHistory {
    let known = ["id", "scope", "role", "principal", "createdAt", "createdBy", "deletedBy", "deletedAt"]
    guard let object = (try? JSONValue.parse(row.body))?.object, object.firstName(notIn: known) == nil,
      let id = object["id"]?.string.flatMap({ RoleAssignmentID($0) }), let scope = object["scope"]?.string.flatMap({ Scope($0) }),
      let role = object["role"]?.string.flatMap({ RoleDefinitionID($0) }),
      let principal = object["principal"]?.string.flatMap({ PrincipalID($0) }), let createdAt = object["createdAt"]?.int64
    else { throw .rowUnreadable(row.table, id: row.id) }
    return RoleAssignmentHistory(
      assignment: RoleAssignment(
        id: id, scope: scope, role: role, principal: principal, createdBy: object["createdBy"]?.string.flatMap { PrincipalID($0) },
        createdAt: Instant(nanoseconds: createdAt)),
      deletedBy: object["deletedBy"]?.string.flatMap { PrincipalID($0) },
      deletedAt: object["deletedAt"]?.int64.map { Instant(nanoseconds: $0) })
  }

  static func json(_ entry: RoleDefinitionHistory) -> JSONValue {
    let definition = entry.definition
    var object: JSONObject = [
      "id": .string(definition.id.text), "name": .string(definition.name), "summary": .string(definition.summary),
      "permissions": .array(definition.permissions.map(json)), "writtenAt": .integer(entry.writtenAt.nanoseconds),
      "deleted": .bool(entry.deleted),
    ]
    object.set("writtenBy", ifPresent: entry.writtenBy.map { .string($0.text) })
    object.set("endedBy", ifPresent: entry.endedBy.map { .string($0.text) })
    object.set("endedAt", ifPresent: entry.endedAt.map { .integer($0.nanoseconds) })
    return .object(object)
  }

  static func definition(_ row: AccessRow) throws(AccessError) -> RoleDefinitionHistory {
    let known = ["id", "name", "summary", "permissions", "writtenAt", "writtenBy", "endedBy", "endedAt", "deleted"]
    guard let object = (try? JSONValue.parse(row.body))?.object, object.firstName(notIn: known) == nil,
      let id = object["id"]?.string.flatMap({ RoleDefinitionID($0) }), let name = object["name"]?.string,
      let summary = object["summary"]?.string, let entries = object["permissions"]?.array,
      let writtenAt = object["writtenAt"]?.int64, let deleted = object["deleted"]?.bool
    else { throw .rowUnreadable(row.table, id: row.id) }
    let permissions = entries.compactMap(permission)
    guard permissions.count == entries.count else { throw .rowUnreadable(row.table, id: row.id) }
    return RoleDefinitionHistory(
      definition: RoleDefinition(id: id, name: name, summary: summary, kind: .custom, permissions: permissions),
      writtenBy: object["writtenBy"]?.string.flatMap { PrincipalID($0) }, writtenAt: Instant(nanoseconds: writtenAt),
      endedBy: object["endedBy"]?.string.flatMap { PrincipalID($0) },
      endedAt: object["endedAt"]?.int64.map { Instant(nanoseconds: $0) }, deleted: deleted)
  }

  private static func json(_ permission: RolePermission) -> JSONValue {
    [
      "actions": .array(permission.actions.map { .string($0) }), "notActions": .array(permission.notActions.map { .string($0) }),
      "dataActions": .array(permission.dataActions.map { .string($0.text) }),
      "notDataActions": .array(permission.notDataActions.map { .string($0.text) }),
    ]
  }

  private static func permission(_ value: JSONValue) -> RolePermission? {
    func texts(_ name: String) -> [String]? {
      value[name]?.array.flatMap { list in
        let texts = list.compactMap(\.string)
        return texts.count == list.count ? texts : nil
      }
    }
    func dataActions(_ name: String) -> [DataAction]? {
      texts(name).flatMap { list in
        let actions = list.compactMap { DataAction($0) }
        return actions.count == list.count ? actions : nil
      }
    }
    guard let actions = texts("actions"), let notActions = texts("notActions"), let data = dataActions("dataActions"),
      let notData = dataActions("notDataActions")
    else { return nil }
    return RolePermission(actions: actions, notActions: notActions, dataActions: data, notDataActions: notData)
  }
}
