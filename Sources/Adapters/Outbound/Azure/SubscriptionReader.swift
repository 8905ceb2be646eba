internal import Encodings
internal import Estate

/// Reads what one subscription holds: stores, locks, Azure roles and assignments, eligibilities, managed identities.
struct SubscriptionReader: Sendable {
  let tenant: TenantReader
  let id: String

  struct Answer: Sendable {
    var stores: [String: InventorySnapshot.StoreKind] = [:]
    var locks: [JSONValue] = []
    var locksSeen = true
    var assignments: [JSONValue] = []
    var eligible: [JSONValue] = []
    var active: [JSONValue] = []
    /// Roles, identities, gaps and notes.
    var fragment = EstateFragment()
  }

  private var place: String { "subscription \(id)" }

  func read() async -> Answer {
    var answer = Answer()
    for (name, kind) in [("vaults", InventorySnapshot.StoreKind.vault), ("managedHSMs", .managedHsm)] {
      for item in await list("/providers/Microsoft.KeyVault/\(name)", TenantReader.keyVaultVersion, &answer) ?? [] {
        if let id = item["id"]?.string, id.hasPrefix("/") { answer.stores[id.lowercased()] = kind }
      }
    }
    for name in ["deletedVaults", "deletedManagedHSMs"] {
      for item in await list("/providers/Microsoft.KeyVault/\(name)", TenantReader.keyVaultVersion, &answer) ?? [] {
        let properties = item["properties"]
        answer.fragment.notes.append(
          "\(item["name"]?.string ?? "?") is soft-deleted (\(name)), to be purged \(properties?["scheduledPurgeDate"]?.string ?? "at an unknown time"), purge protection \(properties?["purgeProtectionEnabled"]?.bool == true ? "on" : "off")")
      }
    }
    if let locks = await list("/providers/Microsoft.Authorization/locks", "2020-05-01", &answer) { answer.locks = locks } else { answer.locksSeen = false }
    await roles(&answer)
    await identities(&answer)
    return answer
  }

  private func list(_ path: String, _ version: String, _ answer: inout Answer) async -> [JSONValue]? {
    do throws(OutboundError) { return try await tenant.arm(version).list("/subscriptions/\(id)\(path)") } catch {
      answer.fragment.gaps.append(EstateGap("\(place) \(RoleReading.lastSegment(path))", error.gapKind, why: error.description))
      return nil
    }
  }

  private func roles(_ answer: inout Answer) async {
    let base = "/providers/Microsoft.Authorization"
    for definition in await list("\(base)/roleDefinitions", "2022-04-01", &answer) ?? [] {
      let rows = RoleReading.role(definition, store: nil)
      if RoleReading.matters(rows) { answer.fragment.roles += rows }
    }
    answer.assignments = await list("\(base)/roleAssignments", "2022-04-01", &answer) ?? []
    answer.eligible = await list("\(base)/roleEligibilityScheduleInstances", "2020-10-01", &answer) ?? []
    answer.active = await list("\(base)/roleAssignmentScheduleInstances", "2020-10-01", &answer) ?? []
  }

  private func identities(_ answer: inout Answer) async {
    let path = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
    let items = await list(path, "2024-11-30", &answer) ?? []
    let read = await BoundedGroup.map(items, limit: tenant.concurrency) { item in await identity(item) }
    for (identity, gap) in read {
      if let identity { answer.fragment.identities.append(identity) }
      if let gap { answer.fragment.gaps.append(gap) }
    }
  }

  private func identity(_ item: JSONValue) async -> (InventorySnapshot.Identity?, EstateGap?) {
    guard var identity = DirectoryReading.userAssigned(item), let id = identity.armId, id.hasPrefix("/") else { return (nil, nil) }
    do throws(OutboundError) {
      identity.federated = try await tenant.arm("2024-11-30").list("\(id)/federatedIdentityCredentials").compactMap(DirectoryReading.federated)
      return (identity, nil)
    } catch {
      return (identity, EstateGap("\(identity.name ?? id) federated credentials", error.gapKind, why: error.description))
    }
  }
}

extension SubscriptionReader.Answer {
  /// Grants of roles that matter for keys. An assignment that PIM activated says so, with its end.
  func grants(stores: [String: String], roles: [InventorySnapshot.Role]) -> [InventorySnapshot.Grant] {
    let wanted = Set(roles.filter { $0.store == nil }.map { $0.id.lowercased() })
    func relevant(_ grant: InventorySnapshot.Grant) -> Bool { grant.role.map { wanted.contains($0.lowercased()) } ?? false }
    var activated: [String: JSONValue] = [:]
    for instance in active where instance["properties"]?["assignmentType"]?.string == "Activated" {
      if let origin = instance["properties"]?["originRoleAssignmentId"]?.string { activated[RoleReading.lastSegment(origin).lowercased()] = instance }
    }
    var result = assignments.compactMap { RoleReading.azure($0, stores: stores) }.filter(relevant)
    for i in result.indices {
      guard let instance = activated[result[i].id.lowercased()], let grant = RoleReading.azure(instance, stores: stores, via: .pim) else { continue }
      result[i].via = .pim
      result[i].since = grant.since ?? result[i].since
      result[i].until = grant.until
    }
    return result + eligible.compactMap { RoleReading.azure($0, stores: stores, via: .pim, eligible: true) }.filter(relevant)
  }
}
