/// Types, names and ids of ARM resources.
enum ResourceNaming {
  /// `[Microsoft.KeyVault, vaults, keys]` and `[kv, sign]` as `Microsoft.KeyVault/vaults/kv/keys/sign`.
  static func interleaved(_ types: [String], _ names: [String]) -> String {
    var result = types.first ?? ""
    for (index, type) in types.dropFirst().enumerated() {
      result += "/\(type)"
      if index < names.count { result += "/\(names[index])" }
    }
    let rest = names.dropFirst(max(types.count - 1, 0))
    if !rest.isEmpty { result += "/" + rest.joined(separator: "/") }
    return result
  }

  /// A type as templates write it, with the old spelling of extension resources taken apart.
  struct Named {
    var type: String
    var apiVersion: String?
    /// What stands before the last `/providers/` in an old extension type, as relative id.
    var parentScope: String?
    var names: [String]
  }

  /// - Parameters:
  ///   - type: `Microsoft.KeyVault/vaults/keys`, `Microsoft.Graph/groups@v1.0`, or the old `Microsoft.KeyVault/vaults/providers/roleAssignments`, whose name is
  ///     `vault/Microsoft.Authorization/id`.
  static func named(type: String, name: String) -> Named {
    let parts = type.split(separator: "@", maxSplits: 1)
    let types = (parts.first ?? "").split(separator: "/").map(String.init)
    let version = parts.count > 1 ? String(parts[1]) : nil
    // Stand-ins may hold slashes of ids within them; they are one name.
    let names = segments(name)
    if let at = types.lastIndex(where: { $0.lowercased() == "providers" }), at >= 2, names.count > at - 1 {
      let parentNames = Array(names[..<(at - 1)])
      let space = names[at - 1]
      return Named(
        type: ([space] + types[(at + 1)...]).joined(separator: "/"), apiVersion: version,
        parentScope: interleaved(Array(types[..<at]), parentNames), names: Array(names[at...]))
    }
    return Named(type: types.joined(separator: "/"), apiVersion: version, parentScope: nil, names: names)
  }

  /// The names in a path of names; slashes within a stand-in do not part.
  static func segments(_ name: String) -> [String] {
    var result: [String] = []
    var current = ""
    var depth = 0
    for character in name {
      if character == "{" { depth += 1 }
      if character == "}" { depth = max(0, depth - 1) }
      if character == "/", depth == 0 {
        result.append(current)
        current = ""
      } else {
        current.append(character)
      }
    }
    return (result + [current]).filter { !$0.isEmpty }
  }

  /// The full id of a `scope` as templates write it: `/…` as it is, anything else relative to the deployment.
  static func scopeId(_ scope: String, in place: DeploymentPlace) -> String {
    if scope == "/" { return "/" }
    let trimmed = scope.hasSuffix("/") ? String(scope.dropLast()) : scope
    if trimmed.hasPrefix("/") { return trimmed }
    let lower = trimmed.lowercased()
    if lower.hasPrefix("subscriptions/") || lower.hasPrefix("providers/") { return "/" + trimmed }
    if lower.hasPrefix("microsoft.management/managementgroups/") { return "/providers/" + trimmed }
    return "\(place.id)/providers/\(trimmed)"
  }

  /// Types that lie on another resource: without a scope they hold for the whole deployment's scope.
  static func isExtension(_ type: String) -> Bool {
    let lower = type.lowercased()
    return lower.hasPrefix("microsoft.authorization/") || lower.hasPrefix("microsoft.insights/diagnosticsettings")
  }

  /// Text before the last type and name of an id: the parent resource's id; nil when there is none.
  static func parent(of id: String) -> String? {
    let parts = segments(id)
    guard let provider = parts.lastIndex(where: { $0.lowercased() == "providers" }), parts.count - provider > 4 else { return nil }
    return "/" + parts.dropLast(2).joined(separator: "/")
  }
}
