import Access
import Clocks
import Encodings
import Foundation
import NIOHTTP1
import Yams

/// What `--seed` makes. Unknown members are errors.
///
///     keys:
///       - {name: codesign-prod-2026, kty: EC-HSM, crv: P-384, key_ops: [sign, verify], tags: {team: release}}
///     roles:
///       - {name: Signer, dataActions: [Microsoft.KeyVault/managedHsm/keys/sign/action]}
///     assignments:
///       - {principal: NOBODY, role: Signer, scope: /keys/codesign-prod-2026}   # ADMIN, OFFICER, USER, NOBODY or an object id
struct DevSeed: Sendable {
  struct Invalid: Error, CustomStringConvertible {
    let description: String
  }

  struct Key: Sendable {
    let name: String
    let body: JSONObject
  }
  struct Role: Sendable {
    let id: String
    let name: String
    let description: String
    let dataActions: [String]
    let notDataActions: [String]
  }
  struct Assignment: Sendable {
    let principal: String
    let role: String
    let scope: String
  }

  var keys: [Key] = []
  var roles: [Role] = []
  var assignments: [Assignment] = []

  init(file: URL) throws {
    let text = try String(contentsOf: file, encoding: .utf8)
    guard text.utf8.count <= 1 << 20 else { throw Invalid(description: "\(file.path) is larger than 1 MiB") }
    guard let root = try Yams.compose(yaml: text) else { return }
    let reader = SeedReader(file: file.path)
    let members = try reader.mapping(root, "the file", known: ["keys", "roles", "assignments"])
    for node in try reader.sequence(members["keys"], "keys") {
      let key = try reader.mapping(
        node, "a key", known: ["name", "kty", "key_size", "crv", "key_ops", "tags", "enabled", "exp", "nbf", "public_exponent"])
      var body: JSONObject = ["kty": .string(try reader.text(key["kty"], "kty") ?? "EC-HSM")]
      var attributes: JSONObject = [:]
      if let size = try reader.integer(key["key_size"], "key_size") { body["key_size"] = .integer(size) }
      if let exponent = try reader.integer(key["public_exponent"], "public_exponent") { body["public_exponent"] = .integer(exponent) }
      if let curve = try reader.text(key["crv"], "crv") { body["crv"] = .string(curve) }
      if key["key_ops"] != nil { body["key_ops"] = .array(try reader.texts(key["key_ops"], "key_ops").map { .string($0) }) }
      if let tags = key["tags"] {
        var object: JSONObject = [:]
        for (name, value) in try reader.mapping(tags, "tags", known: nil) { object[name] = .string(try reader.text(value, "tag \(name)") ?? "") }
        body["tags"] = .object(object)
      }
      if let enabled = key["enabled"]?.bool { attributes["enabled"] = .bool(enabled) }
      if let expires = try reader.integer(key["exp"], "exp") { attributes["exp"] = .integer(expires) }
      if let notBefore = try reader.integer(key["nbf"], "nbf") { attributes["nbf"] = .integer(notBefore) }
      if !attributes.isEmpty { body["attributes"] = .object(attributes) }
      keys.append(Key(name: try reader.required(key["name"], "name of a key"), body: body))
    }
    for node in try reader.sequence(members["roles"], "roles") {
      let role = try reader.mapping(node, "a role", known: ["id", "name", "description", "dataActions", "notDataActions"])
      roles.append(
        Role(
          id: try reader.text(role["id"], "id") ?? Entropy.system.uuid(), name: try reader.required(role["name"], "name of a role"),
          description: try reader.text(role["description"], "description") ?? "", dataActions: try reader.texts(role["dataActions"], "dataActions"),
          notDataActions: try reader.texts(role["notDataActions"], "notDataActions")))
    }
    for node in try reader.sequence(members["assignments"], "assignments") {
      let assignment = try reader.mapping(node, "an assignment", known: ["principal", "role", "scope"])
      assignments.append(
        Assignment(
          principal: try reader.required(assignment["principal"], "principal of an assignment"),
          role: try reader.required(assignment["role"], "role of an assignment"), scope: try reader.text(assignment["scope"], "scope") ?? "/"))
    }
  }
}

/// Reads nodes of one YAML file; every error names the file and the line.
private struct SeedReader {
  let file: String

  func mapping(_ node: Node, _ what: String, known: Set<String>?) throws -> [String: Node] {
    guard case .mapping(let mapping) = node else { throw invalid("\(what) must be a mapping", node) }
    var members: [String: Node] = [:]
    for (key, value) in mapping {
      guard let name = key.string else { throw invalid("a key of \(what) is not a string", key) }
      if let known, !known.contains(name) { throw invalid("unknown member '\(name)' in \(what); known are \(known.sorted().joined(separator: ", "))", key) }
      guard members.updateValue(value, forKey: name) == nil else { throw invalid("member '\(name)' appears twice in \(what)", key) }
    }
    return members
  }

  func sequence(_ node: Node?, _ what: String) throws -> [Node] {
    guard let node else { return [] }
    guard case .sequence(let sequence) = node else { throw invalid("\(what) must be a list", node) }
    return Array(sequence)
  }

  func text(_ node: Node?, _ what: String) throws -> String? {
    guard let node else { return nil }
    guard let text = node.string else { throw invalid("\(what) must be text", node) }
    return text
  }

  func required(_ node: Node?, _ what: String) throws -> String {
    guard let text = try text(node, what), !text.isEmpty else { throw DevSeed.Invalid(description: "\(file): \(what) is missing") }
    return text
  }

  func texts(_ node: Node?, _ what: String) throws -> [String] { try sequence(node, what).map { try required($0, "an entry of \(what)") } }

  func integer(_ node: Node?, _ what: String) throws -> Int? {
    guard let node else { return nil }
    guard let value = node.int else { throw invalid("\(what) must be an integer", node) }
    return value
  }

  private func invalid(_ why: String, _ node: Node) -> DevSeed.Invalid {
    DevSeed.Invalid(description: "\(file)\(node.mark.map { ":\($0.line)" } ?? ""): \(why)")
  }
}

extension DevSetup {
  /// Makes what the file says, as the principals that may.
  func apply(_ seed: DevSeed) async throws {
    let admin = try token(principals.bootstrap)
    guard let user = principals.all.first(where: { $0.variable == "USER" }) else { return }
    let userToken = try token(user.objectID)
    for key in seed.keys { _ = try await send(.POST, "/keys/\(key.name)/create?api-version=7.6", userToken, .object(key.body)) }
    for role in seed.roles {
      func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
      _ = try await send(
        .PUT, "/providers/Microsoft.Authorization/roleDefinitions/\(role.id)?api-version=7.4", admin,
        [
          "properties": [
            "roleName": .string(role.name), "description": .string(role.description), "type": "CustomRole", "assignableScopes": ["/"],
            "permissions": [["actions": [], "notActions": [], "dataActions": strings(role.dataActions), "notDataActions": strings(role.notDataActions)]],
          ]
        ])
    }
    for assignment in seed.assignments {
      let role = RoleDefinitionID(assignment.role) ?? hsm.access.definitions().first { $0.name == assignment.role || $0.name == "Managed HSM \(assignment.role)" }?.id
      guard let role else { throw DevSeed.Invalid(description: "there is no role '\(assignment.role)'") }
      let principal = principals.all.first { $0.variable == assignment.principal.uppercased() }?.objectID ?? PrincipalID(assignment.principal)
      guard let principal else { throw DevSeed.Invalid(description: "'\(assignment.principal)' is neither ADMIN, OFFICER, USER, NOBODY nor an object id") }
      try await assign(role, to: principal, at: assignment.scope, admin)
    }
  }
}
