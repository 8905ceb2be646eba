import Estate
import Plans

extension WorldBuilder {
  /// What was leaves the after-world, what will be enters it.
  mutating func applyGrants(_ number: Int, _ resource: PlannedResource, phase: Phase) {
    guard !resource.change.isData else { return }
    if resource.change.isDrift {
      // Changed outside and live: so before and after.
      if phase == .before, let live = resource.after { apply(live, number, .before) }
      return
    }
    switch phase {
    case .before:
      guard let object = resource.before else { return }
      apply(object, number, .before)
      if resource.action != .forget { remove(object, number) }
    case .after:
      guard let object = resource.after else { return }
      apply(object, number, .after)
    }
  }

  private mutating func apply(_ object: EstateObject, _ number: Int, _ phase: Phase) {
    switch object {
    case .assignment(let assignment): for grant in grants(assignment, number, phase) { insert(grant, number, phase) }
    case .managedHSM(let hsm):
      for grant in administrators(hsm, number, phase) {
        if phase == .after { worlds.origins.administrators.insert(grant.id) }
        insert(grant, number, phase)
      }
    case .policies(let policies): for policy in policies { set(policy, number, phase, replaces: replaces(number, policy)) }
    case .vault(let vault):
      guard case .known(let policies) = vault.policies, let handle = change.stores.handle(resource: number) else {
        if case .unknown(let unknown) = vault.policies, phase == .after {
          gap(number, unknown.description(of: "the access policies of the vault"), principals: nil, capabilities: nil)
        }
        return
      }
      if vault.createMode.value?.lowercased() == "recover" { return }
      if phase == .before { before.policies[handle.id] = [:] }
      after.policies[handle.id] = [:]
      for var policy in policies {
        policy.vault = .known(handle.armId ?? scopes.armId(ofStore: handle))
        set(policy, number, phase, replaces: false, handle: handle)
      }
    case .group(let group):
      let (members, unknown) = group.members.words()
      guard let id = principals.ofResource[number] else { return }
      if let unknown, phase == .after {
        gap(number, unknown.description(of: "a member of group \(principals.name(id) ?? id)"), principals: nil, capabilities: nil, group: id)
      }
      for member in members { join(principals.named(member), id, number, phase) }
      if case .known(let list) = group.members {
        for member in list where member.isUnknown { for one in principals.principals(member, near: change.resources[number].address) { join(one, id, number, phase) } }
      }
    case .membership(let membership):
      for group in principals.principals(membership.group, near: change.resources[number].address) {
        let members = principals.principals(membership.member, near: change.resources[number].address)
        if members.isEmpty, phase == .after {
          gap(
            number, membership.member.unknownValue?.description(of: "the member") ?? "the member: the plan does not name it",
            principals: nil, capabilities: nil, group: group)
        }
        for member in members {
          join(member, group, number, phase)
          if membership.isPIM, phase == .after { worlds.origins.pimMembers.insert(EstateWorlds.memberKey(group, member)) }
        }
      }
    default: break
    }
  }

  private mutating func remove(_ object: EstateObject, _ number: Int) {
    switch object {
    case .assignment(let assignment): for grant in grants(assignment, number, .before) { after.grants[SnapshotDraft.key(grant)] = nil }
    case .managedHSM(let hsm): for grant in administrators(hsm, number, .before) { after.grants[SnapshotDraft.key(grant)] = nil }
    case .policies(let policies):
      for policy in policies {
        guard let handle = change.store(policy.vault, kind: .vault) else { continue }
        for holder in holders(policy, number) { drop(holder, handle) }
      }
    case .group(let group):
      guard let id = principals.ofResource[number], case .known(let list) = group.members else { return }
      for member in list.flatMap({ principals.principals($0) }) { after.members[id]?.remove(member) }
    case .membership(let membership):
      for group in principals.principals(membership.group, near: change.resources[number].address) {
        for member in principals.principals(membership.member, near: change.resources[number].address) { after.members[group]?.remove(member) }
      }
    default: break
    }
  }

  private mutating func insert(_ grant: InventorySnapshot.Grant, _ number: Int, _ phase: Phase) {
    let key = SnapshotDraft.key(grant)
    if phase == .before {
      if before.grants[key] == nil { before.grants[key] = grant }
      if after.grants[key] == nil { after.grants[key] = grant }
      return
    }
    if before.grants[key] == nil { worlds.origins.new.insert(grant.id) }
    worlds.origins.grants[grant.id] = number
    after.grants[key] = grant
  }

  mutating func gap(_ number: Int, _ missing: String, principals: [String]?, capabilities: Set<Capability>?, group: String? = nil) {
    worlds.gaps.append(
      EstateWorlds.Gap(resource: number, missing: missing, principals: principals, capabilities: capabilities, group: group))
  }

  private mutating func join(_ member: String, _ group: String, _ number: Int, _ phase: Phase) {
    let key = EstateWorlds.memberKey(group, member)
    for world in [\WorldBuilder.before, \WorldBuilder.after] where world == \WorldBuilder.after || phase == .before {
      if self[keyPath: world].groups[group] == nil {
        self[keyPath: world].groups[group] = InventorySnapshot.Group(objectId: group, name: principals.name(group), members: [])
      }
      self[keyPath: world].members[group, default: []].insert(member)
    }
    guard phase == .after else { return }
    worlds.origins.memberships[key] = number
    if before.members[group]?.contains(member) != true { worlds.origins.new.insert(key) }
  }

  // MARK: Access policies

  private func replaces(_ number: Int, _ policy: PlannedPolicy) -> Bool {
    change.resources[number].change.dialect == .terraform || change.resources[number].change.dialect == .pulumiClassic || policy.mode == .replace
  }

  /// The object, and of a compound identity also the application: both halves can be the one that runs.
  private func holders(_ policy: PlannedPolicy, _ number: Int) -> [String] {
    let address = change.resources[number].address
    return principals.principals(policy.object, near: address) + principals.principals(policy.application, near: address)
  }

  private mutating func drop(_ holder: String, _ handle: StoreHandle) {
    for key in after.policies[handle.id, default: [:]].keys where key.hasPrefix(holder + "|") { after.policies[handle.id]?[key] = nil }
  }

  private mutating func set(
    _ policy: PlannedPolicy, _ number: Int, _ phase: Phase, replaces: Bool, handle known: StoreHandle? = nil
  ) {
    let words = policy.keys.words()
    let certificates = policy.certificates.words()
    var capabilities = KeyPermissionWords.capabilities(ofAccessPolicy: words.known).capabilities
    for word in certificates.known.map({ $0.lowercased() }) {
      if word == "all" || word == "create" { capabilities.insert(.create) }
      if word == "all" || word == "import" { capabilities.insert(.import) }
    }
    let holders = holders(policy, number)
    let handle = known ?? change.store(policy.vault, kind: .vault)
    if phase == .after {
      if holders.isEmpty {
        gap(
          number, policy.object.unknownValue?.description(of: "the principal of the access policy") ?? "the principal of the access policy",
          principals: nil, capabilities: words.unknown == nil ? capabilities : nil)
      } else if let unknown = words.unknown {
        gap(number, unknown.description(of: "the key permissions of the access policy"), principals: holders, capabilities: nil)
      }
    }
    let id = handle?.id ?? "?"
    let scope = handle.map { $0.armId ?? scopes.armId(ofStore: $0) } ?? ScopeResolver.unknownScope
    let application = policy.application.value?.lowercased() ?? ""
    for holder in holders {
      let grantID = "plan:\(number):\(holder):\(application):\(phase == .before ? "before" : "after")"
      if policy.mode == .remove {
        guard phase == .after else { continue }
        for key in after.policies[id, default: [:]].keys where key.hasPrefix(holder + "|") {
          let left = Set(after.policies[id]?[key]?.capabilities ?? []).subtracting(capabilities)
          after.policies[id]?[key]?.capabilities = left.canonical
        }
        continue
      }
      if replaces, let handle { drop(holder, handle) }
      let grant = InventorySnapshot.Grant(
        id: grantID, store: handle?.name, principal: holder, via: .accessPolicy, scope: scope, capabilities: capabilities.canonical,
        latent: false)
      let key = "\(holder)|\(application)|\(number)"
      if phase == .before {
        before.policies[id, default: [:]][key] = grant
        after.policies[id, default: [:]][key] = grant
      } else {
        let had = before.policies[id, default: [:]].contains { $0.key.hasPrefix(holder + "|") && Set($0.value.capabilities ?? []).isSuperset(of: capabilities) }
        if !had { worlds.origins.new.insert(grantID) }
        worlds.origins.grants[grantID] = number
        after.policies[id, default: [:]][key] = grant
      }
    }
  }
}
