package import Clocks

/// Who can do what, computed from a snapshot: local roles, Azure roles over the ancestry of scopes, access policies in the store's mode, groups
/// transitively, eligibilities, and the identities that a principal can become.
///
/// A pure function of the snapshot. To ask about a change, change a copy of the snapshot and compare with `EffectiveRight.gained`.
package struct EstateRights: Sendable {
  package let snapshot: InventorySnapshot
  package let catalogue: RoleCatalogue
  /// When rights are asked for: grants that ended before are gone, grants that begin later are latent.
  package let time: Instant

  private let grantsOf: [String: [InventorySnapshot.Grant]]
  private let parentsOf: [String: [InventorySnapshot.Group]]
  let identities: [String: InventorySnapshot.Identity]
  /// Ids of grants from a management group or the root: those listed for single stores, and those listed for what may be below.
  let boundGrants: Set<String>
  let wideGrants: Set<String>
  private let groupNames: [String: String]

  /// Cost: linear in the snapshot.
  package init(_ snapshot: InventorySnapshot, at time: Instant? = nil) {
    self.snapshot = snapshot
    self.time = time ?? snapshot.takenAt
    catalogue = RoleCatalogue(snapshot.roles)
    var (bound, wide): (Set<String>, Set<String>) = ([], [])
    for grant in snapshot.grants where grant.via != .localRbac && grant.via != .accessPolicy {
      let scope = RightsScope(grant.scope)
      guard scope.isManagementGroup || scope.isRoot else { continue }
      if grant.store == nil { wide.insert(grant.id.lowercased()) } else { bound.insert(grant.id.lowercased()) }
    }
    (boundGrants, wideGrants) = (bound, wide)
    grantsOf = Dictionary(grouping: snapshot.grants) { $0.principal.lowercased() }
    var parents: [String: [InventorySnapshot.Group]] = [:]
    for group in snapshot.groups {
      for member in Set((group.members ?? []).map { $0.lowercased() }) { parents[member, default: []].append(group) }
    }
    parentsOf = parents
    identities = Dictionary(snapshot.identities.map { ($0.objectId.lowercased(), $0) }) { first, _ in first }
    groupNames = Dictionary(snapshot.groups.map { ($0.objectId.lowercased(), $0.name ?? $0.objectId) }) { first, _ in first }
  }

  /// Everybody the snapshot names: identities, holders of grants, members of groups; in order of object id, each once.
  package var principals: [String] {
    var all: [String: String] = [:]
    for id in snapshot.identities.map(\.objectId) + snapshot.grants.map(\.principal) + snapshot.groups.flatMap({ $0.members ?? [] }) {
      if all[id.lowercased()] == nil { all[id.lowercased()] = id }
    }
    return all.keys.sorted().compactMap { all[$0] }
  }

  /// What was not seen and could hide a right, one sentence each.
  package var gaps: [String] {
    snapshot.stores.filter { $0.visibility != .full }.map { "store \($0.id) was read with visibility \($0.visibility.rawValue)" }
      + snapshot.groups.filter { $0.members == nil }.map { "the members of group \($0.name ?? $0.objectId) were not seen" }
  }

  /// The groups a principal is in, nearest first, each with the groups on the way to it (itself last). A cycle ends where it closes.
  package func groups(of principal: String) -> [[InventorySnapshot.Group]] {
    var seen: Set<String> = [principal.lowercased()]
    var frontier: [(id: String, chain: [InventorySnapshot.Group])] = [(principal.lowercased(), [])]
    var result: [[InventorySnapshot.Group]] = []
    while !frontier.isEmpty {
      var next: [(id: String, chain: [InventorySnapshot.Group])] = []
      for (id, chain) in frontier {
        for group in parentsOf[id] ?? [] where seen.insert(group.objectId.lowercased()).inserted {
          result.append(chain + [group])
          next.append((group.objectId.lowercased(), chain + [group]))
        }
      }
      frontier = next
    }
    return result
  }

  /// Whether a principal is in the group or is it.
  package func isMember(_ principal: String, of group: String) -> Bool {
    principal.lowercased() == group.lowercased()
      || groups(of: principal).contains { $0.last?.objectId.lowercased() == group.lowercased() }
  }

  /// The name people know a principal by, else its object id.
  package func name(of principal: String) -> String {
    identities[principal.lowercased()]?.name ?? groupNames[principal.lowercased()] ?? principal
  }

  /// Every right of a principal, one per path and place.
  package func rights(of principal: String) -> [EffectiveRight] {
    var visited: Set<String> = [principal.lowercased()]
    return rights(of: principal, start: [name(of: principal)], identities: [], visited: &visited).map { right in
      var right = right
      right.principal = principal
      return right
    }
  }

  /// Those that reach one key.
  package func rights(of principal: String, store: String, key: String) -> [EffectiveRight] {
    rights(of: principal).filter { $0.reaches(store: store, key: key) }
  }

  /// Everybody who can do this to the key, by any path.
  package func holders(of capability: Capability, store: String, key: String) -> [EffectiveRight] {
    principals.flatMap { rights(of: $0, store: store, key: key) }.filter { $0.capabilities.contains(capability) }
  }

  private func rights(
    of principal: String, start: [String], identities chain: [String], visited: inout Set<String>
  ) -> [EffectiveRight] {
    var result: [EffectiveRight] = []
    var owned: [(identity: InventorySnapshot.Identity, path: [String], latent: Bool, groups: [String])] = []
    let paths = [(id: principal, groups: [InventorySnapshot.Group]())] + groups(of: principal).map { ($0.last?.objectId ?? "", $0) }
    for (holder, groups) in paths {
      let path = start + groups.map { "group \($0.name ?? $0.objectId)" }
      for grant in grantsOf[holder.lowercased()] ?? [] {
        if let until = grant.until, until <= time { continue }
        let expansion = expand(grant, path: path)
        for var right in expansion.rights {
          right.groups = groups.map(\.objectId)
          right.identities = chain
          result.append(right)
        }
        for identity in expansion.identities {
          owned.append((identity, expansion.path, expansion.latent, groups.map(\.objectId)))
        }
      }
    }
    for (identity, path, latent, groups) in owned where visited.insert(identity.objectId.lowercased()).inserted {
      let name = identity.name ?? identity.objectId
      for var right in rights(of: identity.objectId, start: path + [name], identities: chain + [identity.objectId], visited: &visited) {
        right.latent = right.latent || latent
        right.groups = groups + right.groups
        result.append(right)
      }
    }
    return result
  }
}
