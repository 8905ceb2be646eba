package import Clocks
package import Encodings

/// Managed HSMs and vaults from their ARM objects (estate-and-gates §1.3, §1.4). What is not in the object stays nil.
package enum StoreReading {
  /// ARM type in lower case to kind.
  package static func kind(type: String) -> InventorySnapshot.StoreKind? {
    switch type.lowercased() {
    case "microsoft.keyvault/managedhsms": .managedHsm
    case "microsoft.keyvault/vaults": .vault
    default: nil
    }
  }

  /// A store from `GET {id}`; nil when it has no name, id or a type we know.
  ///
  /// Its visibility is `partial` until its data plane has been read.
  package static func store(_ value: JSONValue, at time: Instant) -> InventorySnapshot.Store? {
    guard let name = value["name"]?.string, !name.isEmpty, let id = value["id"]?.string, let type = value["type"]?.string, let kind = kind(type: type)
    else { return nil }
    let properties = value["properties"]
    let acls = properties?["networkAcls"]
    let uri = kind == .managedHsm ? properties?["hsmUri"]?.string : properties?["vaultUri"]?.string
    // Azure leaves out what is off: an object that was read, and has no such member, has no purge protection.
    let purge = properties.map { $0["enablePurgeProtection"]?.bool ?? false }
    return InventorySnapshot.Store(
      id: name, kind: kind, uri: uri.map(withoutSlash), armId: id, tenantId: properties?["tenantId"]?.string, location: value["location"]?.string,
      sku: kind == .managedHsm ? value["sku"]?["name"]?.string : properties?["sku"]?["name"]?.string, rbacMode: mode(kind, properties),
      purgeProtection: purge, softDeleteDays: properties?["softDeleteRetentionInDays"]?.int,
      activation: properties?["securityDomainProperties"]?["activationStatus"]?.string, publicNetwork: properties?["publicNetworkAccess"]?.string,
      networkDefault: acls?["defaultAction"]?.string, locks: nil, diagnosticSinks: nil, visibility: .partial, observedAt: time)
  }

  /// A vault whose `enableRbacAuthorization` is null was made before that existed, and decides by access policies.
  private static func mode(_ kind: InventorySnapshot.StoreKind, _ properties: JSONValue?) -> InventorySnapshot.RBACMode? {
    guard kind == .vault else { return .local }
    guard let properties else { return nil }
    return properties["enableRbacAuthorization"]?.bool == true ? .azureRbac : .accessPolicy
  }

  package static func withoutSlash(_ uri: String) -> String { uri.hasSuffix("/") ? String(uri.dropLast()) : uri }

  /// The access policies of a vault as grants: latent when the vault decides by Azure RBAC. A policy without key permissions is none.
  package static func policies(_ value: JSONValue, store: InventorySnapshot.Store) -> [InventorySnapshot.Grant] {
    guard let armId = store.armId, let policies = value["properties"]?["accessPolicies"]?.array else { return [] }
    return policies.enumerated().compactMap { i, policy in
      guard let principal = policy["objectId"]?.string else { return nil }
      let words = (policy["permissions"]?["keys"]?.array ?? []).compactMap(\.string)
      let capabilities = KeyPermissionWords.capabilities(ofAccessPolicy: words).capabilities
      guard !capabilities.isEmpty else { return nil }
      let application = policy["applicationId"]?.string.map { "/\($0)" } ?? ""
      return InventorySnapshot.Grant(
        id: "\(store.id)/accessPolicies/\(principal)\(application)", store: store.id, principal: principal, via: .accessPolicy, scope: armId, role: nil,
        capabilities: capabilities.canonical, latent: store.rbacMode == .azureRbac, since: nil, until: nil)
    }
  }

  /// Destinations of diagnostic settings that carry the audit log: storage account, workspace and event hub ids.
  package static func sinks(_ settings: [JSONValue]) -> [String] {
    var result: [String] = []
    for setting in settings {
      guard let properties = setting["properties"] else { continue }
      let carries = (properties["logs"]?.array ?? []).contains { log in
        guard log["enabled"]?.bool == true else { return false }
        let group = log["categoryGroup"]?.string?.lowercased()
        return log["category"]?.string?.lowercased() == "auditevent" || group == "audit" || group == "alllogs"
      }
      guard carries else { continue }
      for name in ["storageAccountId", "workspaceId", "eventHubAuthorizationRuleId", "marketplacePartnerId"] {
        if let id = properties[name]?.string, !result.contains(id) { result.append(id) }
      }
    }
    return result
  }

  /// Locks that hold over a resource: those at it or at one of its ancestors, by whole segments, as levels (`CanNotDelete`, `ReadOnly`).
  package static func locks(_ locks: [JSONValue], over armId: String) -> [String] {
    let target = segments(armId)
    var result: [String] = []
    for lock in locks {
      guard let id = lock["id"]?.string, let level = lock["properties"]?["level"]?.string else { continue }
      guard let cut = id.lowercased().firstRange(of: "/providers/microsoft.authorization/locks") else { continue }
      let scope = segments(String(id.lowercased()[..<cut.lowerBound]))
      guard scope.count <= target.count, zip(scope, target).allSatisfy(==), !result.contains(level) else { continue }
      result.append(level)
    }
    return result.sorted()
  }

  static func segments(_ id: String) -> [Substring] { id.lowercased().split(separator: "/") }
}
