import Encodings
import Outbound

extension AccessCommand {
  /// The path prefix of a scope: nothing for `/`.
  static func path(scope: String) throws -> String {
    switch scope {
    case "/", "": return ""
    case "/keys", "/keys/": return "/keys"
    default:
      let name = scope.hasPrefix("/keys/") ? String(scope.dropFirst("/keys/".count)) : ""
      guard !name.isEmpty, !name.contains("/") else {
        throw CommandFailure.usage("cannot use the scope \(scope)", why: "it is none of /, /keys, /keys/NAME")
      }
      return "/keys/\(URLText.component(name))"
    }
  }

  /// The assignments in force: at one scope, or everywhere. The HSM lists one scope at a time, so everywhere is asked of Hallmark's own history;
  /// a service without it answers for `/` and `/keys`.
  static func assignments(_ client: ManagedHSMClient, scope: String?) async throws -> [JSONValue] {
    if let scope { return try await client.list("\(path(scope: scope))\(provider)/roleAssignments") }
    guard client.address.isOurs else {
      Console.note("note: assignments at single keys are not among these; name the key with --scope /keys/NAME")
      return try await client.list("\(provider)/roleAssignments") + client.list("/keys\(provider)/roleAssignments")
    }
    let answer = try await client.call("GET", "/hallmark/v1/access/history")
    return (answer.body["assignments"]?.array ?? []).filter { $0["deletedAt"]?.isNull ?? true }.map { item in
      let id = item["id"]?.string ?? ""
      return [
        "id": .string("/providers/Microsoft.Authorization/roleAssignments/\(id)"), "name": .string(id),
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": [
          "principalId": item["principalId"] ?? .null, "roleDefinitionId": item["roleDefinitionId"] ?? .null, "scope": item["scope"] ?? .null,
        ],
      ]
    }
  }

  /// `sign` means `Microsoft.KeyVault/managedHsm/keys/sign/action`; the two actions without a suffix are known by name.
  static func action(_ text: String) -> String {
    if text.contains("/") { return text }
    let bare: Set = ["create", "delete"]
    return "Microsoft.KeyVault/managedHsm/keys/\(text)\(bare.contains(text) ? "" : "/action")"
  }

  static func definition(_ role: String, _ client: ManagedHSMClient) async throws -> JSONValue {
    let all = try await client.list("\(provider)/roleDefinitions")
    let wanted = role.lowercased()
    let found = all.filter { $0["name"]?.string?.lowercased() == wanted || $0["properties"]?["roleName"]?.string?.lowercased() == wanted }
    guard found.count == 1 else {
      throw CommandFailure(
        "cannot use the role \"\(role)\"", why: found.isEmpty ? "there is none of this name" : "\(found.count) roles have this name",
        next: "hallmark access roles lists them", code: Exit.usage)
    }
    return found[0]
  }

  /// Role names by definition id; empty when they may not be read.
  static func roleNames(_ client: ManagedHSMClient) async throws -> [String: String] {
    var names: [String: String] = [:]
    for item in (try? await client.list("\(provider)/roleDefinitions")) ?? [] {
      if let id = item["name"]?.string { names[id.lowercased()] = item["properties"]?["roleName"]?.string }
    }
    return names
  }

  static func show(_ items: [JSONValue], names: [String: String], _ output: OutputOptions) {
    guard output.format == .text else { return Console.print(["value": .array(items)]) }
    table(items, empty: "no role assignments") { item in
      let properties = item["properties"]
      let role = properties?["roleDefinitionId"]?.string ?? "-"
      let guid = role.split(separator: "/").last.map { $0.lowercased() } ?? ""
      return [
        names[role] ?? names[guid] ?? role, properties?["scope"]?.string ?? "-", properties?["principalId"]?.string ?? "-",
        item["name"]?.string ?? "-",
      ]
    }
  }

  static func table(_ items: [JSONValue], empty: String, _ row: (JSONValue) -> [String]) {
    guard !items.isEmpty else { return Console.note(empty) }
    Console.print(Console.table(items.map(row)))
  }

  static func moment(_ value: JSONValue?) -> String { value?.string ?? Console.time(value?.int64) }

  /// An explained answer of the service: as it is in JSON, one fact a line in text.
  static func answer(_ body: JSONValue, _ output: OutputOptions) {
    guard output.format == .text else { return Console.print(body) }
    var lines: [String] = []
    flatten(body, "", &lines)
    Console.print(lines.joined(separator: "\n"))
  }

  private static func flatten(_ value: JSONValue, _ indent: String, _ lines: inout [String]) {
    switch value {
    case .object(let object):
      for member in object.members {
        if member.value.object != nil || member.value.array != nil {
          lines.append("\(indent)\(member.name):")
          flatten(member.value, indent + "  ", &lines)
        } else {
          lines.append("\(indent)\(member.name): \(scalar(member.value))")
        }
      }
    case .array(let elements):
      for (i, element) in elements.enumerated() {
        if element.object != nil, i > 0 { lines.append("") }
        if element.object != nil || element.array != nil { flatten(element, indent, &lines) } else { lines.append(indent + scalar(element)) }
      }
    default: lines.append(indent + scalar(value))
    }
  }

  private static func scalar(_ value: JSONValue) -> String {
    switch value {
    case .string(let text): Console.plain(text)
    case .null: "-"
    default: value.text()
    }
  }
}
