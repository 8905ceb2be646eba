package import Clocks
package import Encodings

/// Something that could not be seen, and why. The third answer of the inventory: neither there nor absent.
package struct EstateGap: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The source said no (401, 403), or hides what it has (404 on a store).
    case denied
    /// The source answered, but not with everything.
    case incomplete
    /// A store behind its network, or one that answers with errors.
    case unreachable
    /// A tenant, HSM, registry or cluster as a whole gave nothing.
    case failed
  }

  /// Where: `tenant 5f…`, `nw-hsm /keys`, `registry.example/app`.
  package var place: String
  package var kind: Kind
  package var why: String

  package init(_ place: String, _ kind: Kind, why: String) {
    self.place = place
    self.kind = kind
    self.why = why
  }

  package var json: JSONValue { ["place": .string(place), "kind": .string(kind.rawValue), "why": .string(why)] }
}

/// What one unit of a sweep (a tenant's directory, one store, one registry) brought: rows of the snapshot, what it could not see, remarks.
package struct EstateFragment: Sendable {
  package var stores: [InventorySnapshot.Store] = []
  package var keys: [InventorySnapshot.Key] = []
  package var roles: [InventorySnapshot.Role] = []
  package var grants: [InventorySnapshot.Grant] = []
  package var identities: [InventorySnapshot.Identity] = []
  package var groups: [InventorySnapshot.Group] = []
  package var artifacts: [InventorySnapshot.Artifact] = []
  /// Subject public key infos (DER) of the keys seen: what signatures found in registries are checked with.
  package var publicKeys: Set<[UInt8]> = []
  package var gaps: [EstateGap] = []
  /// ARM ids or ids in lower case of stores over which some right may have been missed: these are `partial` at best.
  package var unseenRights: Set<String> = []
  /// Object ids in lower case that a directory would not tell about: one may be a group, and then its members hold its rights.
  package var unseenPrincipals: Set<String> = []
  /// What a reader should know and the snapshot has no place for: soft-deleted stores, key management through ARM.
  package var notes: [String] = []

  package init() {}

  package mutating func add(_ other: EstateFragment) {
    stores += other.stores
    keys += other.keys
    roles += other.roles
    grants += other.grants
    identities += other.identities
    groups += other.groups
    artifacts += other.artifacts
    publicKeys.formUnion(other.publicKeys)
    gaps += other.gaps
    unseenRights.formUnion(other.unseenRights)
    unseenPrincipals.formUnion(other.unseenPrincipals)
    notes += other.notes
  }
}

extension EstateFragment {
  /// Takes `full` from the stores over which some right may have been missed.
  package mutating func narrow() {
    let known = Set((identities.map(\.objectId) + groups.map(\.objectId)).map { $0.lowercased() })
    let unknown = unseenPrincipals.subtracting(known)
    if !unknown.isEmpty {
      for grant in grants where unknown.contains(grant.principal.lowercased()) { if let store = grant.store?.lowercased() { unseenRights.insert(store) } }
    }
    for i in stores.indices where stores[i].visibility == .full {
      let ids = [stores[i].id.lowercased()] + (stores[i].armId.map { [$0.lowercased()] } ?? [])
      if !unseenRights.isDisjoint(with: ids) { stores[i].visibility = .partial }
    }
  }
}

extension InventorySnapshot {
  /// One snapshot of many fragments: rows seen by several units once, in an order that does not depend on which unit ended first.
  package init(_ fragment: EstateFragment, takenAt: Instant) {
    self.init(
      takenAt: takenAt, stores: Self.once(fragment.stores) { $0.id }, keys: Self.once(fragment.keys) { "\($0.store)\u{0}\($0.name)\u{0}\($0.version ?? "")" },
      roles: Self.once(fragment.roles) { "\($0)" },
      grants: Self.once(fragment.grants) { "\($0.store ?? "")\u{0}\($0.id)\u{0}\($0.scope)\u{0}\($0.principal)\u{0}\($0.latent)" },
      identities: Self.joined(fragment.identities), groups: Self.once(fragment.groups) { $0.objectId }, artifacts: Self.joined(fragment.artifacts))
    self = canonical
  }

  private static func once<Row>(_ rows: [Row], by key: (Row) -> String) -> [Row] {
    var seen: Set<String> = []
    return rows.filter { seen.insert(key($0).lowercased()).inserted }
  }

  /// The identity as ARM knows it and as the directory knows it are one.
  private static func joined(_ rows: [Identity]) -> [Identity] {
    var result: [String: Identity] = [:]
    for row in rows {
      guard var known = result[row.objectId.lowercased()] else {
        result[row.objectId.lowercased()] = row
        continue
      }
      known.clientId = known.clientId ?? row.clientId
      known.armId = known.armId ?? row.armId
      known.name = known.name ?? row.name
      known.tags = known.tags ?? row.tags
      if known.kind == nil || known.kind == .servicePrincipal { known.kind = row.kind ?? known.kind }
      if let more = row.federated {
        let held = known.federated ?? []
        known.federated = held + more.filter { !held.contains($0) }
      }
      known.secrets = known.secrets ?? row.secrets
      known.certificates = known.certificates ?? row.certificates
      result[row.objectId.lowercased()] = known
    }
    return Array(result.values)
  }

  /// The artifact as a registry holds it and as clusters run it are one. A running digest that an artifact's closure names belongs to that
  /// artifact too, and keeps its own row: what runs is listed under the digest it runs by.
  private static func joined(_ rows: [Artifact]) -> [Artifact] {
    var result: [String: Artifact] = [:]
    for row in rows {
      guard var known = result[row.digest] else {
        result[row.digest] = row
        continue
      }
      known.names += row.names.filter { !known.names.contains($0) }
      known.closure += row.closure.filter { !known.closure.contains($0) }
      if let more = row.signatures { known.signatures = (known.signatures ?? []) + more.filter { known.signatures?.contains($0) != true } }
      if let more = row.running { known.running = (known.running ?? []) + more.filter { known.running?.contains($0) != true } }
      result[row.digest] = known
    }
    return Array(result.values)
  }
}
