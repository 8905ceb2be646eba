package import Clocks

/// What exists, who may use it, what it signed and where that runs, as seen at one time: `hallmark.inventory/v1` (guard-formats §2).
///
/// An optional that is nil was not seen. An empty array was seen and is empty. The keys, roles and grants of a store that could not be read
/// are absent, and its `visibility` says so: their absence proves nothing.
package struct InventorySnapshot: Sendable, Hashable {
  package static let schema = "hallmark.inventory/v1"

  package var takenAt: Instant
  package var stores: [Store]
  package var keys: [Key]
  package var roles: [Role]
  package var grants: [Grant]
  package var identities: [Identity]
  package var groups: [Group]
  package var artifacts: [Artifact]

  package init(
    takenAt: Instant, stores: [Store] = [], keys: [Key] = [], roles: [Role] = [], grants: [Grant] = [], identities: [Identity] = [],
    groups: [Group] = [], artifacts: [Artifact] = []
  ) {
    self.takenAt = takenAt
    self.stores = stores
    self.keys = keys
    self.roles = roles
    self.grants = grants
    self.identities = identities
    self.groups = groups
    self.artifacts = artifacts
  }

  package enum StoreKind: String, Sendable, Hashable, CaseIterable { case managedHsm, vault }
  /// Who decides on the data plane of the store.
  package enum RBACMode: String, Sendable, Hashable, CaseIterable { case local, azureRbac, accessPolicy }
  /// How much of a store could be read. It is observed, never guessed.
  package enum Visibility: String, Sendable, Hashable, CaseIterable { case full, partial, denied }
  package enum Via: String, Sendable, Hashable, CaseIterable { case localRbac, azureRbac, accessPolicy, group, pim }
  package enum IdentityKind: String, Sendable, Hashable, CaseIterable { case userAssigned, systemAssigned, servicePrincipal, user, group }
  package enum SignatureFormat: String, Sendable, Hashable, CaseIterable { case sigstore, notary, cosignLegacy = "cosign-legacy", cms }

  /// A Managed HSM or a vault.
  package struct Store: Sendable, Hashable {
    /// Unique in the snapshot: the resource's name.
    package var id: String
    package var kind: StoreKind
    package var uri: String?
    package var armId: String?
    package var tenantId: String?
    package var location: String?
    /// `Standard_B1`, `standard`, `premium` and their like.
    package var sku: String?
    package var rbacMode: RBACMode?
    package var purgeProtection: Bool?
    package var softDeleteDays: Int?
    /// `Active`, `NotActivated`, `Unknown`, `Failed`.
    package var activation: String?
    /// `Enabled` or `Disabled`.
    package var publicNetwork: String?
    /// `Allow` or `Deny`.
    package var networkDefault: String?
    package var locks: [String]?
    package var diagnosticSinks: [String]?
    package var visibility: Visibility
    package var observedAt: Instant?

    package init(
      id: String, kind: StoreKind, uri: String? = nil, armId: String? = nil, tenantId: String? = nil, location: String? = nil,
      sku: String? = nil, rbacMode: RBACMode? = nil, purgeProtection: Bool? = nil, softDeleteDays: Int? = nil, activation: String? = nil,
      publicNetwork: String? = nil, networkDefault: String? = nil, locks: [String]? = nil, diagnosticSinks: [String]? = nil,
      visibility: Visibility, observedAt: Instant? = nil
    ) {
      self.id = id
      self.kind = kind
      self.uri = uri
      self.armId = armId
      self.tenantId = tenantId
      self.location = location
      self.sku = sku
      self.rbacMode = rbacMode
      self.purgeProtection = purgeProtection
      self.softDeleteDays = softDeleteDays
      self.activation = activation
      self.publicNetwork = publicNetwork
      self.networkDefault = networkDefault
      self.locks = locks
      self.diagnosticSinks = diagnosticSinks
      self.visibility = visibility
      self.observedAt = observedAt
    }
  }

  /// One version of a key, present, disabled, deleted or purged. Public keys of gone versions stay listed for ever.
  package struct Key: Sendable, Hashable {
    /// `Store.id`.
    package var store: String
    package var name: String
    package var version: String?
    package var kid: String?
    package var kty: String?
    package var curve: String?
    package var bits: Int?
    package var keyOps: [String]?
    package var enabled: Bool?
    package var created: Instant?
    package var expires: Instant?
    package var recoveryLevel: String?
    package var rotationPolicy: RotationPolicy?
    package var tags: [String: String]?
    /// SHA-256 of the subject public key info, 64 lower-case hexadecimal digits: what signatures are joined by.
    package var spkiSha256: String?
    package var deleted: Bool

    package init(
      store: String, name: String, version: String? = nil, kid: String? = nil, kty: String? = nil, curve: String? = nil, bits: Int? = nil,
      keyOps: [String]? = nil, enabled: Bool? = nil, created: Instant? = nil, expires: Instant? = nil, recoveryLevel: String? = nil,
      rotationPolicy: RotationPolicy? = nil, tags: [String: String]? = nil, spkiSha256: String? = nil, deleted: Bool = false
    ) {
      self.store = store
      self.name = name
      self.version = version
      self.kid = kid
      self.kty = kty
      self.curve = curve
      self.bits = bits
      self.keyOps = keyOps
      self.enabled = enabled
      self.created = created
      self.expires = expires
      self.recoveryLevel = recoveryLevel
      self.rotationPolicy = rotationPolicy
      self.tags = tags
      self.spkiSha256 = spkiSha256
      self.deleted = deleted
    }
  }

  package struct RotationPolicy: Sendable, Hashable {
    /// An ISO 8601 duration; nil when the policy exists but does not rotate by itself.
    package var every: String?

    package init(every: String?) { self.every = every }
  }

  /// One permission entry of a role. Several rows of one id in one store are the several entries of that role:
  /// what is subtracted in one is not subtracted in another.
  package struct Role: Sendable, Hashable {
    /// `Store.id` for a local role; nil for an Azure role.
    package var store: String?
    /// A GUID, or an identifier that ends in one.
    package var id: String
    package var name: String?
    package var custom: Bool
    package var dataActions: [String]
    package var notDataActions: [String]
    package var actions: [String]
    package var notActions: [String]

    package init(
      store: String? = nil, id: String, name: String? = nil, custom: Bool, dataActions: [String] = [], notDataActions: [String] = [],
      actions: [String] = [], notActions: [String] = []
    ) {
      self.store = store
      self.id = id
      self.name = name
      self.custom = custom
      self.dataActions = dataActions
      self.notDataActions = notDataActions
      self.actions = actions
      self.notActions = notActions
    }
  }

  /// One assignment, access policy or eligibility.
  package struct Grant: Sendable, Hashable {
    package var id: String
    /// `Store.id`; nil when the scope is wider than one store.
    package var store: String?
    /// The object id the grant was made to: an identity or a group.
    package var principal: String
    package var via: Via
    /// `/`, `/keys`, `/keys/NAME` of a Managed HSM; an ARM id otherwise.
    package var scope: String
    /// The role's id; nil for an access policy.
    package var role: String?
    /// What was observed that it gives; nil when that was not worked out.
    package var capabilities: [Capability]?
    /// True for an eligibility and for an access policy that a vault in RBAC mode keeps dormant.
    package var latent: Bool
    package var since: Instant?
    package var until: Instant?

    package init(
      id: String, store: String? = nil, principal: String, via: Via, scope: String, role: String? = nil,
      capabilities: [Capability]? = nil, latent: Bool = false, since: Instant? = nil, until: Instant? = nil
    ) {
      self.id = id
      self.store = store
      self.principal = principal
      self.via = via
      self.scope = scope
      self.role = role
      self.capabilities = capabilities
      self.latent = latent
      self.since = since
      self.until = until
    }
  }
}
