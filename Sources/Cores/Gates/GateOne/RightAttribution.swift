import Estate
import Plans

/// Which part of the change makes a right what it is, or which grant it stood in before.
struct RightAttribution: Hashable {
  enum Cause: Hashable { case grant, role, membership, storeMode, identity, standing }

  var cause: Cause
  var address: String
  /// Number of the resource; nil when only the inventory knows the grant.
  var resource: Int?
  var grant: String
  private var role: String?
  private var roleName: String?
  private var isAdministrators: Bool
  private var isPIM: Bool
  private var isPolicy: Bool
  private var isCustom: Bool

  init(_ right: EffectiveRight, _ review: RightsReview) {
    let origins = review.worlds.origins
    grant = right.grant
    role = right.role.map(RoleReference.folded)
    roleName = right.roleName
    isAdministrators = origins.administrators.contains(right.grant)
    isPolicy = right.via == .accessPolicy
    isCustom = role.map { review.worlds.after.roles.isEmpty ? false : review.isCustom($0, store: right.store) } ?? false
    let chain = ([right.identities.last ?? right.principal] + right.groups).map { $0.lowercased() }
    let steps = zip(chain.dropFirst(), chain).map { EstateWorlds.memberKey($0, $1) }
    let joined = steps.first { origins.new.contains($0) }
    isPIM = right.via == .pim || joined.map { origins.pimMembers.contains($0) } ?? false
    let grantResource = origins.grants[right.grant]
    let definition = right.role.flatMap { role in
      origins.roles[EstateWorlds.roleKey(right.store, role)] ?? origins.roles[EstateWorlds.roleKey(nil, role)]
    }
    let changedDefinition = definition.flatMap { [.update, .create, .replace].contains(review.change.resources[$0].action) ? $0 : nil }
    let store = right.store.flatMap { origins.stores[$0.lowercased()] }
    if origins.new.contains(right.grant) {
      (cause, resource) = (.grant, grantResource)
    } else if let joined {
      (cause, resource) = (.membership, origins.memberships[joined])
    } else if let changedDefinition {
      (cause, resource) = (.role, changedDefinition)
    } else if let id = right.store?.lowercased(), let store, review.modeChanged(id) {
      (cause, resource) = (.storeMode, store)
    } else if !right.identities.isEmpty {
      (cause, resource) = (.identity, grantResource)
    } else {
      (cause, resource) = (.standing, grantResource)
    }
    address = resource.map { review.change.resources[$0].address } ?? right.grant
  }

  func rule(gained: Set<Capability>) -> String {
    switch cause {
    case .membership: return isPIM ? GateOneRule.pim : GateOneRule.group
    case .role: return GateOneRule.roleWidened
    case .storeMode: return GateOneRule.rbacMode
    case .identity: return GateOneRule.identityAttached
    case .grant, .standing:
      if isAdministrators { return GateOneRule.adminList }
      if isPIM { return GateOneRule.pim }
      if isPolicy { return GateOneRule.accessPolicy }
      if role == "21dbd100-6940-42c2-9190-5d6cb909625b" { return GateOneRule.cryptoUser }
      if gained.of(.decrypt).isEmpty, !gained.of(.grant).isEmpty { return GateOneRule.selfGrant }
      return isCustom ? GateOneRule.customRole : GateOneRule.role
    }
  }
}
