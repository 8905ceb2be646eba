/// What one path gives a principal at one place.
package struct EffectiveRight: Sendable, Hashable {
  /// The object id that was asked about.
  package var principal: String
  /// `Store.id`; nil when the scope is wider than a store and reaches every vault below it, those that do not exist yet included.
  package var store: String?
  /// nil: every key of the store.
  package var key: String?
  package var capabilities: Set<Capability>
  /// Not in force now, but one step away: an eligibility, a dormant access policy, a role that the store's mode ignores.
  package var latent: Bool
  /// For people: identity, groups, role, scope.
  package var path: [String]
  /// The scope as the grant writes it.
  package var scope: String
  package var via: InventorySnapshot.Via
  /// `Grant.id`.
  package var grant: String
  /// The role's reference as the grant writes it; nil for an access policy.
  package var role: String?
  package var roleName: String?
  /// Object ids of the groups between the principal and the grant.
  package var groups: [String]
  /// Object ids of the identities that the principal can become on the way, first to last.
  package var identities: [String]
  /// Key data actions that the table does not know and that were counted as class D.
  package var unknownActions: [String]
  /// Facts that were missing, one sentence each; with any of them the capabilities are an assumption.
  package var doubts: [String]

  package init(
    principal: String, store: String?, key: String? = nil, capabilities: Set<Capability>, latent: Bool = false, path: [String] = [],
    scope: String, via: InventorySnapshot.Via, grant: String, role: String? = nil, roleName: String? = nil, groups: [String] = [],
    identities: [String] = [], unknownActions: [String] = [], doubts: [String] = []
  ) {
    self.principal = principal
    self.store = store
    self.key = key
    self.capabilities = capabilities
    self.latent = latent
    self.path = path
    self.scope = scope
    self.via = via
    self.grant = grant
    self.role = role
    self.roleName = roleName
    self.groups = groups
    self.identities = identities
    self.unknownActions = unknownActions
    self.doubts = doubts
  }

  /// Whether it reaches this key of this store.
  package func reaches(store: String, key: String) -> Bool {
    self.store?.lowercased() == store.lowercased() && (self.key == nil || self.key?.lowercased() == key.lowercased())
  }
}

extension EffectiveRight {
  /// What of `after` no right of `before` already gave: the same rights with only the new capabilities, those without any left out.
  ///
  /// A right to every key covers one key; a right in force covers a latent one and not the other way round; the same grant at a wider scope
  /// covers the stores below it. Rights that only carry doubts stay when `before` did not have the same grant.
  package static func gained(before: [EffectiveRight], after: [EffectiveRight]) -> [EffectiveRight] {
    after.compactMap { right in
      var right = right
      let known = before.filter { $0.covers(right) }
      if right.capabilities.isEmpty { return known.isEmpty && !right.doubts.isEmpty ? right : nil }
      for old in known { right.capabilities.subtract(old.capabilities) }
      return right.capabilities.isEmpty ? nil : right
    }
  }

  private func covers(_ other: EffectiveRight) -> Bool {
    guard principal.lowercased() == other.principal.lowercased(), !latent || other.latent else { return false }
    guard key == nil || key?.lowercased() == other.key?.lowercased() else { return false }
    if let store { return store.lowercased() == other.store?.lowercased() }
    return other.store == nil ? RightsScope(scope).covers(RightsScope(other.scope)) : grant == other.grant
  }
}
