internal import Clocks
internal import DiagnosticLogs
internal import Estate

extension WatchEngine {
  mutating func roleChanges(_ before: InventorySnapshot, _ after: InventorySnapshot, _ time: Int64, _ evidence: AlertEvidence) {
    let old = RoleCatalogue(before.roles)
    let new = RoleCatalogue(after.roles)
    var done: Set<String> = []
    for role in after.roles where role.custom && done.insert("\(role.store ?? "")|\(RoleReference.folded(role.id))").inserted {
      guard let was = old.listed(id: role.id, store: role.store), let now = new.listed(id: role.id, store: role.store) else { continue }
      let kind: InventorySnapshot.StoreKind = role.store.flatMap { id in after.stores.first { $0.id == id }?.kind } ?? (role.store == nil ? .vault : .managedHsm)
      var gained = now.dataCapabilities(kind).capabilities.subtracting(was.dataCapabilities(kind).capabilities)
      if !now.powers.subtracting(was.powers).isEmpty { gained.insert(.grant) }
      let dangerous = gained.filter { [CapabilityClass.decrypt, .equivalence, .grant].contains($0.capabilityClass) }
      guard !dangerous.isEmpty else { continue }
      raise(
        "HM-D07", store: role.store, subject: role.name ?? role.id,
        "The custom role \(role.name ?? role.id) gained \(dangerous.canonical.map(\.rawValue).joined(separator: ", ")); everyone who holds it did.", time: time, evidence: evidence)
    }
  }

  mutating func newGrants(_ before: InventorySnapshot, _ after: InventorySnapshot, _ time: Int64, _ evidence: AlertEvidence) {
    let readable = Set(before.stores.filter { $0.visibility != .denied }.map { $0.id.lowercased() })
    let known = Set(before.grants.map { "\($0.store?.lowercased() ?? "")|\($0.id.lowercased())" })
    let earlier = EstateRights(before)
    for grant in after.grants where !known.contains("\(grant.store?.lowercased() ?? "")|\(grant.id.lowercased())") {
      if let store = grant.store, !readable.contains(store.lowercased()) { continue }
      let principal = grant.principal.lowercased()
      if grant.via == .localRbac, !grant.latent, grant.scope == "/" || grant.scope.lowercased() == "/keys", !parameters.governance.contains(principal) {
        raise("HM-D04", store: grant.store, subject: grant.principal, "\(name(principal)) holds a new local role at \(grant.scope) of \(grant.store ?? "?").", time: time, evidence: evidence)
      }
      guard let writer = state.roleWriters[AssignmentFact.guid(grant.id)] else { continue }
      elevation(grant, writer, earlier, time, evidence)
    }
  }

  /// A role write whose assignment the inventory already knows.
  mutating func newAssignments(only guid: String, time: Int64, evidence: AlertEvidence) {
    guard let estate, let writer = state.roleWriters[guid], let grant = estate.snapshot.grants.first(where: { AssignmentFact.guid($0.id) == guid }) else { return }
    elevation(grant, writer, nil, time, evidence)
  }

  private mutating func elevation(_ grant: InventorySnapshot.Grant, _ writer: String, _ earlier: EstateRights?, _ time: Int64, _ evidence: AlertEvidence) {
    let isSelf = grant.principal.lowercased() == writer || (estate?.isMember(writer, of: grant.principal) ?? false)
    let officer = earlier.flatMap { earlier in
      earlier.rights(of: writer).first { right in
        !right.latent && ["managed hsm crypto officer", "managed hsm policy administrator"].contains(right.roleName?.lowercased() ?? "")
      }
    }
    guard isSelf || officer != nil else { return }
    raise(
      "HM-D05", store: grant.store, subject: writer,
      isSelf
        ? "\(name(writer)) assigned a role at \(grant.scope) of \(grant.store ?? "a store") to itself."
        : "\(name(writer)), who is \(officer?.roleName ?? "an officer"), assigned a role at \(grant.scope) of \(grant.store ?? "a store") to \(name(grant.principal.lowercased())).",
      time: time, evidence: evidence)
  }

  /// Grants that give a sign-only identity what the gate would have blocked.
  mutating func bypasses(_ after: InventorySnapshot, _ time: Int64, _ evidence: AlertEvidence) {
    guard intent != nil, let estate else { return }
    for principal in estate.principals {
      guard purpose(of: principal)?.purpose == .signOnly else { continue }
      var found: (capabilities: Set<Capability>, right: EffectiveRight)?
      for right in estate.rights(of: principal) where !right.latent {
        let dangerous = right.capabilities.of(.decrypt)
        if !dangerous.isEmpty { found = ((found?.capabilities ?? []).union(dangerous), found?.right ?? right) }
      }
      guard let found else { continue }
      raise(
        "HM-D06", store: found.right.store, subject: principal,
        "\(name(principal)) is only meant to sign and can \(found.capabilities.canonical.map(\.rawValue).joined(separator: ", ")) at \(found.right.scope), by \(found.right.path.joined(separator: " → ")).",
        time: time, evidence: evidence)
    }
  }

  mutating func identityChanges(_ before: InventorySnapshot, _ after: InventorySnapshot, _ time: Int64, _ evidence: AlertEvidence) {
    let old = Dictionary(before.identities.map { ($0.objectId.lowercased(), $0) }) { first, _ in first }
    for identity in after.identities {
      guard let was = old[identity.objectId.lowercased()] else { continue }
      let added = (identity.federated ?? []).filter { credential in was.federated.map { !$0.contains(credential) } ?? false }
      let removed = (was.federated ?? []).filter { credential in identity.federated.map { !$0.contains(credential) } ?? false }
      let secrets = [(identity.secrets, was.secrets, "client secret"), (identity.certificates, was.certificates, "certificate")].filter { now, then, _ in
        if let now, let then { now > then } else { false }
      }
      guard !added.isEmpty || !removed.isEmpty || !secrets.isEmpty, purpose(of: identity.objectId)?.purpose == .signOnly || signs(identity.objectId) else { continue }
      let title = identity.name ?? identity.objectId
      if let first = added.first(where: { isOpenDoor($0, known: was.federated ?? []) }) ?? added.first ?? removed.first {
        let isOpen = added.contains { isOpenDoor($0, known: was.federated ?? []) }
        raise(
          "HM-D31", isOpen ? .critical : .high, store: nil, subject: identity.objectId,
          "The signing identity \(title) \(added.isEmpty ? "lost" : "can now be taken by") the federated credential \(first.subject ?? "?") of \(first.issuer).", time: time, evidence: evidence)
      }
      for secret in secrets {
        raise("HM-D32", store: nil, subject: identity.objectId, "The signing identity \(title) has a new \(secret.2).", time: time, evidence: evidence)
      }
    }
    members(before, after, time, evidence)
  }

  private mutating func members(_ before: InventorySnapshot, _ after: InventorySnapshot, _ time: Int64, _ evidence: AlertEvidence) {
    let holders = Set(after.grants.map { $0.principal.lowercased() })
    let old = Dictionary(before.groups.map { ($0.objectId.lowercased(), $0) }) { first, _ in first }
    for group in after.groups {
      guard let was = old[group.objectId.lowercased()]?.members, let members = group.members else { continue }
      let known = Set(was.map { $0.lowercased() })
      let gained = members.filter { !known.contains($0.lowercased()) }
      guard !gained.isEmpty, let estate else { continue }
      let above = estate.groups(of: group.objectId).compactMap { $0.last?.objectId.lowercased() }
      guard holders.contains(group.objectId.lowercased()) || above.contains(where: holders.contains) else { continue }
      raise(
        "HM-D33", store: nil, subject: group.name ?? group.objectId, "The group \(group.name ?? group.objectId), which holds a role on keys, gained \(gained.map { name($0.lowercased()) }.joined(separator: ", ")).",
        time: time, evidence: evidence, count: gained.count)
    }
  }

  /// HM-D14: grants nobody used, where the log reaches back far enough and has no hole.
  mutating func unusedGrants(_ after: InventorySnapshot, _ time: Int64, _ evidence: AlertEvidence) {
    guard streams.contains(.audit), let estate else { return }
    let limit = time - parameters.unused * Self.second
    for grant in after.grants where !grant.latent {
      guard let store = grant.store?.lowercased(), let first = state.firstRows[store], first <= limit, let last = state.watermarks[store], time - last < 2 * 86_400 * Self.second,
        (state.longestGaps[store] ?? 0) <= 8 * 86_400 * Self.second, grant.since.map({ $0.nanoseconds <= limit }) ?? true
      else { continue }
      let using: Set<Capability> = [.sign, .verify, .encrypt, .decrypt, .wrap, .unwrap, .release, .export]
      guard let capabilities = grant.capabilities, !using.isDisjoint(with: capabilities) else { continue }
      let members = after.groups.contains { $0.objectId.lowercased() == grant.principal.lowercased() }
        ? estate.principals.filter { estate.isMember($0, of: grant.principal) }.map { $0.lowercased() } : [grant.principal.lowercased()]
      let wasUsed = state.uses.contains { use, last in
        guard last > limit else { return false }
        let parts = use.split(separator: "|", omittingEmptySubsequences: false)
        return parts.count == 4 && members.contains(String(parts[0])) && parts[1] == store
      }
      if !wasUsed {
        raise("HM-D14", store: grant.store, subject: grant.principal, "\(name(grant.principal.lowercased())) did not use its rights at \(grant.scope) of \(store) for 90 days.", time: time, evidence: evidence)
      }
    }
  }
}
