internal import Encodings
internal import Estate

/// Reads what one subscription holds: stores, locks, Azure roles and assignments, eligibilities, managed identities.
struct SubscriptionReader: Sendable {
  let tenant: TenantReader
  let id: String

  struct Answer: Sendable {
    var subscription = ""
    var stores: [String: InventorySnapshot.StoreKind] = [:]
    var locks: [JSONValue] = []
    var locksSeen = true
    var assignments: [JSONValue] = []
    var eligible: [JSONValue] = []
    var active: [JSONValue] = []
    /// Whether roles, assignments and eligibilities were all seen: where they were not, nothing can be said of who has no right.
    var rightsSeen = true
    /// Roles, identities, gaps and notes.
    var fragment = EstateFragment()
  }

  private var place: String { "subscription \(id)" }

  func read() async -> Answer {
    var answer = Answer(subscription: id)
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
    func seen(_ name: String, _ version: String) async -> [JSONValue] {
      guard let items = await list("\(base)/\(name)", version, &answer) else {
        answer.rightsSeen = false
        return []
      }
      return items
    }
    for definition in await seen("roleDefinitions", "2022-04-01") {
      let rows = RoleReading.role(definition, store: nil)
      if RoleReading.matters(rows) { answer.fragment.roles += rows }
    }
    // Without a filter the list has what holds from above too: management groups and the tenant's root.
    answer.assignments = await seen("roleAssignments", "2022-04-01")
    answer.eligible = await seen("roleEligibilityScheduleInstances", "2020-10-01")
    answer.active = await seen("roleAssignmentScheduleInstances", "2020-10-01")
    await denials(&answer)
  }

  /// A deny assignment only takes rights away: the snapshot shows what is granted, and the report names what is denied on top. Not to see them hides
  /// no right, so it is a remark and no gap.
  private func denials(_ answer: inout Answer) async {
    let items: [JSONValue]
    do throws(OutboundError) {
      items = try await tenant.arm("2022-04-01").list("/subscriptions/\(id)/providers/Microsoft.Authorization/denyAssignments")
    } catch {
      answer.fragment.notes.append("\(place): deny assignments were not seen; somebody may have fewer rights than are shown: \(error.description)")
      return
    }
    for item in items where RoleReading.matters(RoleReading.role(item, store: nil)) {
      answer.fragment.notes.append(RoleReading.denial(item))
    }
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
  /// Grants of roles that matter for keys. An assignment that PIM activated says so, with its end. One from a management group or the root
  /// stands once for itself and once for each store of this subscription, whose ancestor the group is: the list of the subscription proves it.
  ///
  /// - Parameters:
  ///   - stores: ARM ids in lower case to `Store.id`, of the whole tenant.
  ///   - own: `Store.id` of this subscription's stores.
  func grants(stores: [String: String], own: [String], roles: [InventorySnapshot.Role]) -> [InventorySnapshot.Grant] {
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
    result += eligible.compactMap { RoleReading.azure($0, stores: stores, via: .pim, eligible: true) }.filter(relevant)
    return result.flatMap { grant -> [InventorySnapshot.Grant] in
      let scope = RightsScope(grant.scope)
      guard scope.isManagementGroup || scope.isRoot else { return [grant] }
      return [grant]
        + own.map { store in
          var copy = grant
          copy.store = store
          return copy
        }
    }
  }
}
