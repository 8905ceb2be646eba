package import Encodings

/// Identities, federated credentials and groups from ARM and Microsoft Graph (§1.8, §1.9).
package enum DirectoryReading {
  /// A user-assigned managed identity; `federated` stays nil until it has been asked for.
  package static func userAssigned(_ value: JSONValue) -> InventorySnapshot.Identity? {
    guard let objectId = value["properties"]?["principalId"]?.string else { return nil }
    return InventorySnapshot.Identity(
      objectId: objectId, clientId: value["properties"]?["clientId"]?.string, kind: .userAssigned, name: value["name"]?.string,
      armId: value["id"]?.string, federated: nil, secrets: 0, certificates: 0, tags: KeyReading.tags(value["tags"]))
  }

  /// A federated credential as ARM (`properties.…`) or Graph (flat) writes it. A flexible expression stands as the subject.
  package static func federated(_ value: JSONValue) -> InventorySnapshot.Federated? {
    let body = value["properties"] ?? value
    guard let issuer = body["issuer"]?.string else { return nil }
    return InventorySnapshot.Federated(
      issuer: issuer, subject: body["subject"]?.string ?? body["claimsMatchingExpression"]?["value"]?.string,
      audiences: body["audiences"]?.array?.compactMap(\.string))
  }

  /// What Graph's `directoryObjects` says of a principal.
  package enum Principal: Sendable {
    case identity(InventorySnapshot.Identity)
    case group(InventorySnapshot.Group)
  }

  /// A user, service principal or group; nil for devices and what is not one of these.
  package static func principal(_ value: JSONValue) -> Principal? {
    guard let objectId = value["id"]?.string else { return nil }
    let name = value["displayName"]?.string
    switch value["@odata.type"]?.string?.lowercased() {
    case "#microsoft.graph.group": return .group(InventorySnapshot.Group(objectId: objectId, name: name, members: nil))
    case "#microsoft.graph.user":
      return .identity(InventorySnapshot.Identity(objectId: objectId, kind: .user, name: value["userPrincipalName"]?.string ?? name))
    case "#microsoft.graph.serviceprincipal": return .identity(servicePrincipal(value, objectId))
    default: return nil
    }
  }

  /// `alternativeNames` of a managed identity hold its ARM id and whether it was made on its own (`isExplicit=True`).
  private static func servicePrincipal(_ value: JSONValue, _ objectId: String) -> InventorySnapshot.Identity {
    let names = (value["alternativeNames"]?.array ?? []).compactMap(\.string)
    var kind = InventorySnapshot.IdentityKind.servicePrincipal
    if value["servicePrincipalType"]?.string == "ManagedIdentity" {
      kind = names.contains { $0.lowercased() == "isexplicit=true" } ? .userAssigned : .systemAssigned
    }
    return InventorySnapshot.Identity(
      objectId: objectId, clientId: value["appId"]?.string, kind: kind, name: value["displayName"]?.string,
      armId: names.first { $0.lowercased().hasPrefix("/subscriptions/") })
  }

  /// How many of an application's passwords and certificates are there. Graph lists expired ones too: those count, since who sees one should remove it.
  package static func credentials(of application: JSONValue) -> (secrets: Int?, certificates: Int?) {
    (application["passwordCredentials"]?.array?.count, application["keyCredentials"]?.array?.count)
  }

  /// Everyone who may become a member of a group through PIM is granted, latently, what the group is granted.
  package static func eligible(
    _ instances: [JSONValue], grants: [InventorySnapshot.Grant]
  ) -> [InventorySnapshot.Grant] {
    instances.flatMap { instance -> [InventorySnapshot.Grant] in
      guard let principal = instance["principalId"]?.string, let group = instance["groupId"]?.string else { return [] }
      return grants.filter { $0.principal.lowercased() == group.lowercased() }.map { grant in
        var copy = grant
        copy.id = "\(instance["id"]?.string ?? principal)/\(grant.id)"
        copy.principal = principal
        copy.via = .pim
        copy.latent = true
        copy.since = RoleReading.time(instance["startDateTime"])
        copy.until = RoleReading.time(instance["endDateTime"])
        return copy
      }
    }
  }
}
