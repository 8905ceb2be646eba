import Estate
import Plans

/// The estate before and after the change, each as a snapshot that `EstateRights` can be asked about, and where each grant comes from.
struct EstateWorlds {
  /// What made a grant, a role, a membership or a federation what it is after the change: the number of the resource.
  struct Origins {
    var grants: [String: Int] = [:]
    /// By store (or empty) and folded role id.
    var roles: [String: Int] = [:]
    /// By group and member.
    var memberships: [String: Int] = [:]
    /// By store id.
    var stores: [String: Int] = [:]
    /// Grants made by a list of HSM administrators.
    var administrators: Set<String> = []
    /// Grants and memberships that the change adds: grant ids and member keys.
    var new: Set<String> = []
    /// Memberships through PIM.
    var pimMembers: Set<String> = []
  }

  var before: InventorySnapshot
  var after: InventorySnapshot
  var origins = Origins()
  /// What is not known of a grant, a role or a membership, with the principals it is about (empty: anybody).
  var gaps: [Gap] = []
  /// Federated credentials that arrive or change.
  var federations: [FederationChange] = []
  /// Roles some of whose words are unknown, by `roleKey`.
  var unreadableRoles: [String: UnknownValue] = [:]
  let principals: PrincipalIndex

  struct Gap {
    var resource: Int
    var missing: String
    /// Nil: it could be anybody.
    var principals: [String]?
    /// What the grant gives if it is known; nil when the role is not.
    var capabilities: Set<Capability>?
    /// The group whose rights somebody gains.
    var group: String?
  }

  struct FederationChange {
    var resource: Int
    /// The identity that the outside world can become.
    var identity: String
    var before: InventorySnapshot.Federated?
    var after: InventorySnapshot.Federated
  }

  static func roleKey(_ store: String?, _ id: String) -> String { (store?.lowercased() ?? "") + "|" + RoleReference.folded(id) }
  static func memberKey(_ group: String, _ member: String) -> String { group.lowercased() + "|" + member.lowercased() }
}

extension UnknownValue {
  /// For people: what is missing and how to supply it.
  func description(of what: String) -> String {
    if let missing { return "\(what): \(missing)" }
    if let first = references.first {
      return "\(what), which comes from \(first): apply that first, or supply the saved plan file so that it can be followed"
    }
    return "\(what), which only the apply will know: plan again when it is known, or supply the inventory"
  }
}
