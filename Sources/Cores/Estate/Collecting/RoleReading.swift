internal import Clocks
package import Encodings

/// Role definitions, assignments and eligibilities of both kinds: local to a Managed HSM (§1.10), and Azure's (§1.7).
package enum RoleReading {
  /// The entries of a role definition: one row for each element of `permissions`, since subtraction holds within one.
  package static func role(_ value: JSONValue, store: String?) -> [InventorySnapshot.Role] {
    guard let id = value["name"]?.string ?? value["id"]?.string.map(lastSegment), let properties = value["properties"] else { return [] }
    let kind = properties["type"]?.string?.lowercased()
    func list(_ entry: JSONValue, _ name: String) -> [String] { (entry[name]?.array ?? []).compactMap(\.string) }
    return (properties["permissions"]?.array ?? []).map { entry in
      InventorySnapshot.Role(
        store: store, id: id, name: properties["roleName"]?.string, custom: kind == "customrole", dataActions: list(entry, "dataActions"),
        notDataActions: list(entry, "notDataActions"), actions: list(entry, "actions"), notActions: list(entry, "notActions"))
    }
  }

  /// A local role assignment of a Managed HSM.
  package static func local(_ value: JSONValue, store: String) -> InventorySnapshot.Grant? {
    guard let properties = value["properties"], let id = value["name"]?.string, let scope = properties["scope"]?.string,
      let principal = properties["principalId"]?.string, let role = properties["roleDefinitionId"]?.string
    else { return nil }
    return InventorySnapshot.Grant(
      id: id, store: store, principal: principal, via: .localRbac, scope: scope.isEmpty ? "/" : scope, role: lastSegment(role), capabilities: nil,
      latent: false, since: time(properties["createdOn"]), until: nil)
  }

  /// An Azure role assignment, or a PIM instance of one (`eligible`: not active until somebody asks).
  ///
  /// - Parameter stores: ARM ids in lower case to `Store.id`: an assignment at or below a store is that store's.
  package static func azure(_ value: JSONValue, stores: [String: String], via: InventorySnapshot.Via = .azureRbac, eligible: Bool = false) -> InventorySnapshot.Grant? {
    guard let properties = value["properties"], let id = value["name"]?.string, let scope = properties["scope"]?.string,
      let principal = properties["principalId"]?.string, let role = properties["roleDefinitionId"]?.string
    else { return nil }
    return InventorySnapshot.Grant(
      id: id, store: store(of: scope, stores), principal: principal, via: via, scope: scope, role: lastSegment(role), capabilities: nil, latent: eligible,
      since: time(properties["startDateTime"] ?? properties["createdOn"]), until: time(properties["endDateTime"]))
  }

  /// `…/vaults/V` and `…/vaults/V/keys/K` belong to V.
  private static func store(of scope: String, _ stores: [String: String]) -> String? {
    let segments = StoreReading.segments(scope)
    guard segments.count >= 8 else { return nil }
    return stores["/" + segments.prefix(8).joined(separator: "/")]
  }

  /// A deny assignment in words.
  package static func denial(_ value: JSONValue) -> String {
    let properties = value["properties"]
    let name = properties?["denyAssignmentName"]?.string ?? value["name"]?.string ?? "?"
    let principals = (properties?["principals"]?.array ?? []).compactMap { $0["id"]?.string }
    let excluded = properties?["excludePrincipals"]?.array?.count ?? 0
    // The all-zero id stands for everybody.
    let everybody = principals.contains { $0.allSatisfy { $0 == "0" || $0 == "-" } }
    let whom = everybody ? "everybody" : principals.prefix(5).joined(separator: ", ") + (principals.count > 5 ? " and \(principals.count - 5) more" : "")
    return
      "deny assignment \(name) at \(properties?["scope"]?.string ?? "/") takes rights over keys from \(whom)\(excluded > 0 ? " but \(excluded) principals" : ""); grants are listed without it"
  }

  /// Whether a role has anything to do with keys, rights to grant them, or identities that can be borrowed. Others are left out of the inventory.
  package static func matters(_ roles: [InventorySnapshot.Role]) -> Bool {
    let prefixes = ["microsoft.keyvault/", "microsoft.authorization/role", "microsoft.managedidentity/"]
    return roles.contains { role in
      (role.dataActions + role.actions).contains { pattern in
        let lower = pattern.lowercased()
        guard !lower.hasSuffix("/read") || lower.contains("keyvault") else { return false }
        // A pattern reaches an interesting action when what stands before its first star agrees with the action's beginning as far as both go.
        let head = lower.prefix { $0 != "*" }
        return prefixes.contains { $0.hasPrefix(head) && head.count < lower.count || head.hasPrefix($0) }
      }
    }
  }

  /// Fills in what each grant's role gives on keys, where the role is known. A scope wider than one store counts as one over vaults.
  package static func work(out grants: inout [InventorySnapshot.Grant], roles: [InventorySnapshot.Role], stores: [InventorySnapshot.Store]) {
    let catalogue = RoleCatalogue(roles)
    let kinds = Dictionary(stores.map { ($0.id, $0.kind) }, uniquingKeysWith: { first, _ in first })
    for i in grants.indices where grants[i].capabilities == nil {
      guard let id = grants[i].role, let role = catalogue.role(id: id, store: grants[i].store) else { continue }
      let kind = grants[i].store.flatMap { kinds[$0] } ?? .vault
      // Azure roles have no say over the keys of a Managed HSM.
      if kind == .managedHsm, grants[i].via != .localRbac, !grants[i].scope.hasPrefix("/keys"), grants[i].scope != "/" { continue }
      grants[i].capabilities = role.dataCapabilities(kind).capabilities.canonical
    }
  }

  package static func lastSegment(_ text: String) -> String { text.split(separator: "/").last.map(String.init) ?? text }

  static func time(_ value: JSONValue?) -> Instant? {
    value?.string.flatMap { try? ISO8601.parse($0) }.map { Instant(nanoseconds: $0) }
  }
}
