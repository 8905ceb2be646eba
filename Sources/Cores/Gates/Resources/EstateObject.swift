package import Estate

/// What a resource is to an estate of keys, whatever tool and dialect named it. References to other objects are kept as written
/// (`Planned<String>`): `EstateChange` resolves them.
package enum EstateObject: Sendable, Hashable {
  case vault(PlannedVault)
  case managedHSM(PlannedHSM)
  case key(PlannedKey)
  case certificate(PlannedCertificate)
  case role(PlannedRole)
  case assignment(PlannedAssignment)
  /// One access policy or, of ARM, several at once.
  case policies([PlannedPolicy])
  case identity(PlannedIdentity)
  case federation(PlannedFederation)
  case group(PlannedGroup)
  case membership(PlannedMembership)
  case lock(PlannedLock)
  case diagnostics(PlannedDiagnostics)
  /// Azure Policy: the server-side guard.
  case guardrail(PlannedGuardrail)
  case deployment(PlannedDeployment)
  /// A resource whose purpose is to run text.
  case script
}

package struct PlannedVault: Sendable, Hashable {
  package var name: Planned<String> = .absent
  package var armId: Planned<String> = .absent
  package var uri: Planned<String> = .absent
  package var resourceGroup: Planned<String> = .absent
  package var location: Planned<String> = .absent
  package var tenant: Planned<String> = .absent
  package var sku: Planned<String> = .absent
  /// Azure RBAC decides on the data plane; with the default of the dialect and api-version filled in where that is certain.
  package var rbac: Planned<Bool> = .absent
  package var purgeProtection: Planned<Bool> = .absent
  package var softDelete: Planned<Bool> = .absent
  package var retentionDays: Planned<Int> = .absent
  /// Absent means not managed here; an empty list clears all.
  package var policies: Planned<[PlannedPolicy]> = .absent
  package var networkDefault: Planned<String> = .absent
  package var publicNetwork: Planned<String> = .absent
  /// ARM `createMode`: `recover` ignores the other properties.
  package var createMode: Planned<String> = .absent
  package var tags: Planned<[String: String]> = .absent
}

package struct PlannedHSM: Sendable, Hashable {
  package var name: Planned<String> = .absent
  package var armId: Planned<String> = .absent
  package var uri: Planned<String> = .absent
  package var resourceGroup: Planned<String> = .absent
  package var location: Planned<String> = .absent
  package var tenant: Planned<String> = .absent
  package var sku: Planned<String> = .absent
  package var admins: PlannedWords = .absent
  package var purgeProtection: Planned<Bool> = .absent
  package var softDelete: Planned<Bool> = .absent
  package var retentionDays: Planned<Int> = .absent
  package var networkDefault: Planned<String> = .absent
  package var publicNetwork: Planned<String> = .absent
  package var createMode: Planned<String> = .absent
  /// `security_domain_key_vault_certificate_ids`.
  package var domainCertificates: PlannedWords = .absent
  package var tags: Planned<[String: String]> = .absent
}

package struct PlannedKey: Sendable, Hashable {
  package var kind: InventorySnapshot.StoreKind
  /// ARM id, address, URI or name of the store.
  package var store: Planned<String> = .absent
  package var name: Planned<String> = .absent
  package var kty: Planned<String> = .absent
  package var curve: Planned<String> = .absent
  package var size: Planned<Int> = .absent
  package var ops: PlannedWords = .absent
  package var tags: Planned<[String: String]> = .absent
  package var exportable: Planned<Bool> = .absent
  /// A release policy is set (its text does not matter here).
  package var releasePolicy: Planned<Bool> = .absent
  package var notBefore: Planned<String> = .absent
  package var expires: Planned<String> = .absent
  /// The material stays outside (`external_key`).
  package var external: Planned<Bool> = .absent
  /// Versioned or versionless id of the data plane.
  package var kid: Planned<String> = .absent

  package init(kind: InventorySnapshot.StoreKind) { self.kind = kind }
}

package struct PlannedCertificate: Sendable, Hashable {
  package var store: Planned<String> = .absent
  package var name: Planned<String> = .absent
  package var subject: Planned<String> = .absent
  package var kty: Planned<String> = .absent
  package var exportable: Planned<Bool> = .absent
  package var tags: Planned<[String: String]> = .absent
}

package struct PlannedRole: Sendable, Hashable {
  /// Set for a local role of a Managed HSM.
  package var store: Planned<String>?
  package var id: Planned<String> = .absent
  package var name: Planned<String> = .absent
  package var scope: Planned<String> = .absent
  package var permissions: Planned<[PlannedPermission]> = .absent
}

package struct PlannedPermission: Sendable, Hashable {
  package var actions: PlannedWords = .absent
  package var notActions: PlannedWords = .absent
  package var dataActions: PlannedWords = .absent
  package var notDataActions: PlannedWords = .absent
}

package struct PlannedAssignment: Sendable, Hashable {
  /// Set for a local assignment of a Managed HSM.
  package var store: Planned<String>?
  package var id: Planned<String> = .absent
  package var scope: Planned<String> = .absent
  package var role: Planned<String> = .absent
  package var roleName: Planned<String> = .absent
  package var principal: Planned<String> = .absent
  package var condition: Planned<String> = .absent
  /// Through PIM; `latent` for an eligibility.
  package var isPIM = false
  package var latent = false
}

package struct PlannedPolicy: Sendable, Hashable {
  package enum Mode: String, Sendable, Hashable { case add, replace, remove }

  /// The vault; absent inside a vault.
  package var vault: Planned<String> = .absent
  package var tenant: Planned<String> = .absent
  package var object: Planned<String> = .absent
  package var application: Planned<String> = .absent
  package var keys: PlannedWords = .absent
  package var certificates: PlannedWords = .absent
  package var mode = Mode.add
}

/// A user-assigned identity, an application or a service principal.
package struct PlannedIdentity: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable { case userAssigned, application, servicePrincipal, user }

  package var kind: Kind
  package var name: Planned<String> = .absent
  package var armId: Planned<String> = .absent
  package var objectId: Planned<String> = .absent
  package var clientId: Planned<String> = .absent
  /// For a service principal: its application (client id, or a reference).
  package var application: Planned<String> = .absent
  package var tags: Planned<[String: String]> = .absent

  package init(kind: Kind) { self.kind = kind }
}

package struct PlannedFederation: Sendable, Hashable {
  /// The identity's ARM id, the application's id, or a reference.
  package var identity: Planned<String> = .absent
  package var issuer: Planned<String> = .absent
  /// The subject, or the text of a claims matching expression.
  package var subject: Planned<String> = .absent
  package var isExpression = false
}

package struct PlannedGroup: Sendable, Hashable {
  package var objectId: Planned<String> = .absent
  package var name: Planned<String> = .absent
  /// Absent means not managed here.
  package var members: PlannedWords = .absent
}

package struct PlannedMembership: Sendable, Hashable {
  package var group: Planned<String> = .absent
  package var member: Planned<String> = .absent
  package var isPIM = false
  package var latent = false
}

package struct PlannedLock: Sendable, Hashable {
  package var scope: Planned<String> = .absent
  /// `CanNotDelete` or `ReadOnly`.
  package var level: Planned<String> = .absent
}

package struct PlannedDiagnostics: Sendable, Hashable {
  package var target: Planned<String> = .absent
  /// Enabled categories and category groups.
  package var categories: PlannedWords = .absent
  package var sinks: PlannedWords = .absent
}

package struct PlannedGuardrail: Sendable, Hashable {
  package var isExemption = false
  package var scope: Planned<String> = .absent
  package var definition: Planned<String> = .absent
  package var enforced: Planned<Bool> = .absent
}

package struct PlannedDeployment: Sendable, Hashable {
  package var isComplete: Planned<Bool> = .absent
  /// False when the template could not be read here.
  package var readable = false
}
