import Estate
import Plans

/// Objects out of whole ARM resources, what-if payloads and native Pulumi inputs (estate-and-gates §3.5–§3.7).
struct ARMObjects {
  let a: Attributes
  let address: String
  let apiVersion: String?

  func object(_ kind: ResourceKind) -> EstateObject? {
    switch kind {
    case .vault: .vault(vault)
    case .hsm: .managedHSM(hsm)
    case .vaultKey: .key(key(.vault))
    case .hsmKey: .key(key(.managedHsm))
    case .certificate: .certificate(certificate)
    case .accessPolicy: accessPolicies
    case .azureRole, .localRole: .role(role)
    case .azureAssignment, .localAssignment: .assignment(assignment(pim: false, latent: false))
    case .pimEligible, .pimActive:
      removesEligibility ? nil : .assignment(assignment(pim: true, latent: kind == .pimEligible))
    case .identity: .identity(identity(.userAssigned))
    case .application: .identity(identity(.application))
    case .servicePrincipal: .identity(identity(.servicePrincipal))
    case .federation, .applicationFederation: .federation(federation)
    case .group:
      .group(
        PlannedGroup(
          objectId: a.text("properties.objectId"), name: a.text("properties.displayName", "properties.uniqueName"),
          members: a.words("properties.members.relationships", "properties.members")))
    case .groupMember, .groupEligible, .groupActive: nil
    case .lock: .lock(PlannedLock(scope: extensionScope, level: a.text("properties.level")))
    case .diagnostics: .diagnostics(diagnostics)
    case .policyAssignment, .policyExemption:
      .guardrail(
        PlannedGuardrail(
          isExemption: kind == .policyExemption, scope: extensionScope,
          definition: a.text("properties.policyDefinitionId", "properties.policyAssignmentId"),
          enforced: a.text("properties.enforcementMode").map { $0.lowercased() != "donotenforce" }))
    case .deployment:
      .deployment(
        PlannedDeployment(
          isComplete: a.text("properties.mode").map { $0.lowercased() == "complete" }, readable: a.raw("properties.template") != nil))
    case .script: .script
    }
  }

  private var removesEligibility: Bool {
    a.text("properties.requestType").value.map { ["adminremove", "selfdeactivate"].contains($0.lowercased()) } ?? false
  }

  private var name: Planned<String> { a.text("name") }

  /// The segments of the name of a child: `vault/key`; of native Pulumi the parent stands in a property of its own.
  private func segment(_ index: Int, of name: Planned<String>) -> Planned<String> {
    name.map { text in
      let parts = text.split(separator: "/").map(String.init)
      return parts.indices.contains(index) ? parts[index] : nil
    }
  }

  private var vault: PlannedVault {
    let rbac = a.flag("properties.enableRbacAuthorization")
    let text = apiVersion?.lowercased() ?? ""
    let recent = !text.isEmpty && text >= "2026-02-01"
    return PlannedVault(
      name: a.text("vaultName", "name"), armId: a.text("id"), uri: a.text("properties.vaultUri"),
      resourceGroup: a.text("resourceGroupName", "resourceGroup"), location: a.text("location"), tenant: a.text("properties.tenantId"),
      sku: a.text("properties.sku.name"), rbac: rbac.isAbsent && recent ? .known(true) : rbac,
      purgeProtection: a.flag("properties.enablePurgeProtection"), softDelete: a.flag("properties.enableSoftDelete"),
      retentionDays: a.number("properties.softDeleteRetentionInDays"),
      policies: a.blocks("properties.accessPolicies").map { $0.map { policy($0, vault: .absent, mode: .replace) } },
      networkDefault: a.text("properties.networkAcls.defaultAction"), publicNetwork: a.text("properties.publicNetworkAccess"),
      createMode: a.text("properties.createMode"), tags: a.tags())
  }

  private func policy(_ block: Attributes, vault: Planned<String>, mode: PlannedPolicy.Mode) -> PlannedPolicy {
    PlannedPolicy(
      vault: vault, tenant: block.text("tenantId"), object: block.text("objectId"), application: block.text("applicationId"),
      keys: block.words("permissions.keys"), certificates: block.words("permissions.certificates"), mode: mode)
  }

  private var accessPolicies: EstateObject {
    let parent = a.text("vaultName")
    let vault = parent.isAbsent ? segment(0, of: name) : parent
    let mode = segment(1, of: name).value.flatMap { PlannedPolicy.Mode(rawValue: $0.lowercased()) } ?? .add
    let listed = a.blocks("properties.accessPolicies", "policy")
    switch listed {
    case .known(let blocks): return .policies(blocks.map { policy($0, vault: vault, mode: mode) })
    case .unknown(let unknown):
      return .policies([PlannedPolicy(vault: vault, object: .unknown(unknown), keys: .unknown(unknown), mode: mode)])
    case .absent: return .policies([])
    }
  }

  private var hsm: PlannedHSM {
    PlannedHSM(
      name: name, armId: a.text("id"), uri: a.text("properties.hsmUri"), resourceGroup: a.text("resourceGroupName", "resourceGroup"),
      location: a.text("location"), tenant: a.text("properties.tenantId"), sku: a.text("sku.name"),
      admins: a.words("properties.initialAdminObjectIds"), purgeProtection: a.flag("properties.enablePurgeProtection"),
      softDelete: a.flag("properties.enableSoftDelete"), retentionDays: a.number("properties.softDeleteRetentionInDays"),
      networkDefault: a.text("properties.networkAcls.defaultAction"), publicNetwork: a.text("properties.publicNetworkAccess"),
      createMode: a.text("properties.createMode"), tags: a.tags())
  }

  private func key(_ kind: InventorySnapshot.StoreKind) -> PlannedKey {
    var key = PlannedKey(kind: kind)
    let parent = a.text("vaultName", "managedHsmName")
    let own = a.text("keyName")
    key.store = parent.isAbsent ? segment(0, of: name) : parent
    if key.store.isUnknown || key.store.isAbsent, let id = a.text("id").value, StoreIndex.nameInARMId(id) != nil { key.store = .known(id) }
    key.name = own.isAbsent ? segment(1, of: name) : own
    key.kty = a.text("properties.kty")
    key.curve = a.text("properties.curveName")
    key.size = a.number("properties.keySize")
    key.ops = a.words("properties.keyOps")
    key.tags = a.tags()
    key.exportable = a.flag("properties.attributes.exportable")
    key.releasePolicy = (a.raw("properties.release_policy") ?? a.raw("properties.releasePolicy")) == nil ? .absent : .known(true)
    key.notBefore = a.text("properties.attributes.nbf", "properties.attributes.notBefore")
    key.expires = a.text("properties.attributes.exp", "properties.attributes.expires")
    key.kid = a.text("properties.keyUriWithVersion", "properties.keyUri")
    return key
  }

  private var certificate: PlannedCertificate {
    PlannedCertificate(
      store: segment(0, of: name), name: segment(1, of: name),
      subject: a.text("properties.certificatePolicy.x509CertificateProperties.subject", "properties.policy.x509_props.subject"),
      kty: a.text("properties.certificatePolicy.keyProperties.keyType", "properties.policy.key_props.kty"),
      exportable: a.flag("properties.certificatePolicy.keyProperties.exportable", "properties.policy.key_props.exportable"), tags: a.tags())
  }

  private var role: PlannedRole {
    let permissions = a.blocks("properties.permissions").map { blocks in
      blocks.map { block in
        PlannedPermission(
          actions: block.words("actions"), notActions: block.words("notActions"), dataActions: block.words("dataActions"),
          notDataActions: block.words("notDataActions"))
      }
    }
    return PlannedRole(
      id: a.known("id", "roleDefinitionId", "name"), name: a.text("properties.roleName"), scope: extensionScope, permissions: permissions)
  }

  /// Where an extension resource applies: what its id says, else its `scope`.
  private var extensionScope: Planned<String> {
    if let id = a.text("id").value ?? (address.hasPrefix("/") ? address : nil), let scope = Self.parent(ofExtension: id) {
      return .known(scope)
    }
    let written = a.text("scope", "properties.scope")
    return written.isAbsent ? a.text("parent_id") : written
  }

  private static func parent(ofExtension id: String) -> String? {
    let parts = id.split(separator: "/", omittingEmptySubsequences: false)
    guard let at = parts.lastIndex(where: { $0.lowercased() == "providers" }), at + 1 < parts.count,
      ["microsoft.authorization", "microsoft.insights"].contains(parts[at + 1].lowercased())
    else { return nil }
    let scope = parts[..<at].joined(separator: "/")
    return scope.isEmpty ? "/" : scope
  }

  private func assignment(pim: Bool, latent: Bool) -> PlannedAssignment {
    let id = a.text("roleAssignmentName", "name")
    return PlannedAssignment(
      id: id, scope: extensionScope, role: a.text("properties.roleDefinitionId"), principal: a.text("properties.principalId"),
      condition: a.text("properties.condition"), isPIM: pim, latent: latent)
  }

  private func identity(_ kind: PlannedIdentity.Kind) -> PlannedIdentity {
    var identity = PlannedIdentity(kind: kind)
    identity.name = a.text("resourceName", "properties.displayName", "name")
    identity.armId = a.text("id")
    identity.objectId = kind == .userAssigned ? a.text("properties.principalId") : a.text("properties.objectId", "properties.id")
    identity.clientId = a.text("properties.clientId", "properties.appId")
    if kind == .servicePrincipal { identity.application = a.text("properties.appId") }
    identity.tags = a.tags()
    return identity
  }

  private var federation: PlannedFederation {
    let parent = a.text("resourceName")
    let expression = a.text("properties.claimsMatchingExpression.value")
    return PlannedFederation(
      identity: parent.isAbsent ? segment(0, of: name) : parent, issuer: a.text("properties.issuer"),
      subject: expression.isAbsent ? a.text("properties.subject") : expression, isExpression: !expression.isAbsent)
  }

  private var diagnostics: PlannedDiagnostics {
    let sinks = [
      a.text("properties.storageAccountId"), a.text("properties.workspaceId"), a.text("properties.eventHubAuthorizationRuleId"),
    ].filter { !$0.isAbsent }
    let enabled = a.blocks("properties.logs").map { blocks in
      blocks.filter { $0.flag("enabled").value == true }.map { $0.text("categoryGroup", "category") }
    }
    return PlannedDiagnostics(target: extensionScope, categories: enabled, sinks: .known(sinks))
  }
}
