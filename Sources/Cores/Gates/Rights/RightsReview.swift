import Estate
import Plans

/// What gate 1 knows when it looks at a change: both worlds, who is for what, and where rights come from.
struct RightsReview {
  let change: EstateChange
  let worlds: EstateWorlds
  let before: EstateRights
  let after: EstateRights
  private let holders: Set<String>
  private let identities: [String: InventorySnapshot.Identity]
  private let listedIdentities: Set<String>
  private let register: RegisterIndex
  /// What the roles of new grants give, by local or Azure and `EstateWorlds.roleKey`; nil where it cannot be known.
  private var roleCapabilities: [String: Set<Capability>?] = [:]
  /// What every holder is for, worked out once.
  private var decisions: [String: IntentRegister.PurposeDecision] = [:]
  private let groupsWithMembers: Set<String>
  /// By object id in lower case.
  let groups: [String: InventorySnapshot.Group]
  /// Roles of the inventory, by `EstateWorlds.roleKey`.
  let listedRoles: Set<String>
  /// By store id in lower case.
  let storeModes: (before: [String: InventorySnapshot.RBACMode], after: [String: InventorySnapshot.RBACMode])

  init(_ change: EstateChange) {
    self.change = change
    worlds = WorldBuilder.build(change)
    before = EstateRights(worlds.before, at: change.options.now)
    after = EstateRights(worlds.after, at: change.options.now)
    groups = Dictionary(worlds.after.groups.map { ($0.objectId.lowercased(), $0) }) { first, _ in first }
    listedRoles = Set((change.inventory?.roles ?? []).flatMap { [EstateWorlds.roleKey($0.store, $0.id), EstateWorlds.roleKey(nil, $0.id)] })
    storeModes = (Self.modes(worlds.before), Self.modes(worlds.after))
    var holders = Set(worlds.after.grants.map { $0.principal.lowercased() })
    for group in worlds.after.groups { holders.formUnion((group.members ?? []).map { $0.lowercased() }) }
    self.holders = holders
    identities = Dictionary(worlds.after.identities.map { ($0.objectId.lowercased(), $0) }) { first, _ in first }
    listedIdentities = Set((change.inventory?.identities ?? []).map { $0.objectId.lowercased() })
    register = RegisterIndex(change.intent)
    groupsWithMembers = Set(worlds.after.groups.filter { $0.members?.isEmpty == false }.map { $0.objectId.lowercased() })
    for grant in worlds.after.grants where worlds.origins.new.contains(grant.id) {
      guard let id = grant.role else { continue }
      let key = Self.roleKey(grant, id)
      if roleCapabilities[key] == nil { roleCapabilities[key] = .some(given(grant, id)) }
    }
    for id in holders { decisions[id] = register.purpose(of: facts(id)) }
  }

  private static func modes(_ snapshot: InventorySnapshot) -> [String: InventorySnapshot.RBACMode] {
    Dictionary(snapshot.stores.compactMap { store in store.rbacMode.map { (store.id.lowercased(), $0) } }) { first, _ in first }
  }

  /// Everybody who holds something and only needs to sign, in order.
  func signOnly() -> [(id: String, decision: IntentRegister.PurposeDecision)] {
    holders.sorted().compactMap { id in
      // The members of a group are looked at one by one.
      if groupsWithMembers.contains(id) { return nil }
      let decision = purpose(id)
      return decision.purpose == .signOnly ? (id, decision) : nil
    }
  }

  func purpose(_ id: String) -> IntentRegister.PurposeDecision {
    decisions[id] ?? register.purpose(of: facts(id))
  }

  func facts(_ id: String) -> IntentPrincipal {
    worlds.principals.facts(
      id, federated: federated(id), groups: [id] + after.groups(of: id).compactMap { $0.last?.objectId })
  }

  private func federated(_ id: String) -> [InventorySnapshot.Federated] { identity(id)?.federated ?? [] }
  func identity(_ id: String) -> InventorySnapshot.Identity? { identities[id] }

  /// The name for people: of the register, else of the estate or the plan.
  func name(_ id: String, _ decision: IntentRegister.PurposeDecision? = nil) -> String {
    let decision = decision ?? purpose(id)
    if let entry = decision.entry { return entry.name }
    return worlds.principals.name(id) ?? after.name(of: id)
  }

  /// Whether it cannot be said what the principal is for: not listed, and nobody saw whether a CI platform can become it.
  func isUnclassifiable(_ id: String) -> Bool {
    guard purpose(id).source == .unlisted, change.intent.defaults.ciFederated == .signOnly else { return false }
    if id.hasPrefix("planned:") { return false }
    if worlds.principals.planned[id]?.isGroup == true { return false }
    guard listedIdentities.contains(id), let listed = identities[id] else { return true }
    switch listed.kind {
    case .user, .systemAssigned, .group: return false
    case .userAssigned, .servicePrincipal, nil: return listed.federated == nil
    }
  }

  /// Whether grants, which name object ids, can be told to be its: only the inventory or the register says which id a name or an ARM id has.
  func canBeLinked(_ id: String) -> Bool {
    listedIdentities.contains(id) || (id.count == 36 && id.utf8.allSatisfy { $0 == UInt8(ascii: "-") || ($0 as UInt8).isHexDigit })
  }

  private static func roleKey(_ grant: InventorySnapshot.Grant, _ role: String) -> String {
    (grant.via == .localRbac ? "local|" : "azure|") + EstateWorlds.roleKey(grant.store, role)
  }

  /// What a grant of the change gives; nil when its role is not known or some of its actions are not.
  func capabilities(ofNew grant: InventorySnapshot.Grant) -> Set<Capability>? {
    guard let id = grant.role else { return Set(grant.capabilities ?? []) }
    return roleCapabilities[Self.roleKey(grant, id)] ?? nil
  }

  private func given(_ grant: InventorySnapshot.Grant, _ id: String) -> Set<Capability>? {
    let isLocal = grant.via == .localRbac
    if worlds.unreadableRoles[EstateWorlds.roleKey(isLocal ? grant.store : nil, id)] != nil { return nil }
    return after.catalogue.role(id: id, store: grant.store).map { Self.capabilities(of: $0, isLocal: isLocal) }
  }

  /// What a role gives, powers of the control plane counted as what they lead to.
  static func capabilities(of role: RoleTemplate, isLocal: Bool) -> Set<Capability> {
    var result = role.dataCapabilities(isLocal ? .managedHsm : .vault).capabilities
    if isLocal { return result }
    result.remove(.grant)
    let powers = role.powers
    if !powers.isDisjoint(with: [
      .writeRoleAssignments, .writeRoleDefinitions, .elevateAccess, .writeAccessPolicies, .writeVault, .assignIdentity, .writeFederation,
    ]) {
      result.insert(.grant)
    }
    if !powers.isDisjoint(with: [.deleteVault, .deleteManagedHSM]) { result.insert(.delete) }
    if !powers.isDisjoint(with: [.purgeVault, .purgeManagedHSM]) { result.insert(.purge) }
    return result
  }
}

extension UInt8 {
  fileprivate var isHexDigit: Bool { (48...57).contains(self) || (97...102).contains(self) || (65...70).contains(self) }
}

extension Set<Capability> {
  /// Decrypt and its like, and the power to give oneself that: what a signing identity must never gain.
  var forbidden: Set<Capability> { self.of(.decrypt).union(self.of(.grant)) }
  /// Leads to misuse or destruction of keys.
  var dangerous: Set<Capability> { self.of(.equivalence).union(self.of(.destruction)) }
}
