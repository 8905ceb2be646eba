import Estate
import Plans

/// Objects out of the attributes of azurerm and azuread, in Terraform's or classic Pulumi's spelling (estate-and-gates §3.3).
struct TerraformObjects {
  let a: Attributes

  func object(_ kind: ResourceKind) -> EstateObject? {
    switch kind {
    case .vault: .vault(vault)
    case .hsm: .managedHSM(hsm)
    case .vaultKey: .key(key(.vault, store: a.text("key_vault_id", "vault_uri")))
    case .hsmKey: .key(key(.managedHsm, store: a.text("managed_hsm_id")))
    case .certificate: .certificate(certificate)
    case .accessPolicy: .policies([policy(a, vault: a.text("key_vault_id", "vault_name"))])
    case .localRole: .role(role(local: true))
    case .azureRole: .role(role(local: false))
    case .localAssignment: .assignment(assignment(store: a.text("managed_hsm_id", "vault_base_url")))
    case .azureAssignment: .assignment(assignment(store: nil))
    case .pimEligible, .pimActive: .assignment(pim(latent: kind == .pimEligible))
    case .identity: .identity(identity(.userAssigned))
    case .application: .identity(identity(.application))
    case .servicePrincipal: .identity(identity(.servicePrincipal))
    case .federation: .federation(federation(a.text("user_assigned_identity_id", "parent_id")))
    case .applicationFederation: .federation(federation(a.text("application_id", "application_object_id")))
    case .group:
      .group(PlannedGroup(objectId: a.text("object_id"), name: a.text("display_name", "name"), members: a.words("members")))
    case .groupMember, .groupEligible, .groupActive:
      .membership(
        PlannedMembership(
          group: a.text("group_object_id", "group_id"), member: a.text("member_object_id", "principal_id"),
          isPIM: kind != .groupMember, latent: kind == .groupEligible))
    case .lock: .lock(PlannedLock(scope: a.text("scope"), level: a.text("lock_level")))
    case .diagnostics: .diagnostics(diagnostics)
    case .policyAssignment, .policyExemption: .guardrail(guardrail(kind == .policyExemption))
    case .deployment:
      .deployment(
        PlannedDeployment(
          isComplete: a.text("deployment_mode").map { $0.lowercased() == "complete" }, readable: a.text("template_content").value != nil))
    case .script: .script
    }
  }

  private var vault: PlannedVault {
    PlannedVault(
      name: a.text("name"), armId: a.text("id"), uri: a.text("vault_uri"), resourceGroup: a.text("resource_group_name"),
      location: a.text("location"), tenant: a.text("tenant_id"), sku: a.text("sku_name"),
      rbac: a.flag("rbac_authorization_enabled", "enable_rbac_authorization"), purgeProtection: a.flag("purge_protection_enabled"),
      softDelete: a.flag("soft_delete_enabled"), retentionDays: a.number("soft_delete_retention_days"),
      policies: policies(a.blocks("access_policy", "access_policies")), networkDefault: a.text("network_acls.default_action"),
      publicNetwork: a.flag("public_network_access_enabled").map { $0 ? "Enabled" : "Disabled" }, tags: a.tags())
  }

  private func policies(_ blocks: Planned<[Attributes]>) -> Planned<[PlannedPolicy]> {
    blocks.map { $0.map { policy($0, vault: .absent) } }
  }

  private func policy(_ a: Attributes, vault: Planned<String>) -> PlannedPolicy {
    PlannedPolicy(
      vault: vault, tenant: a.text("tenant_id"), object: a.text("object_id"), application: emptyIsAbsent(a.text("application_id")),
      keys: a.words("key_permissions"), certificates: a.words("certificate_permissions"))
  }

  private func emptyIsAbsent(_ text: Planned<String>) -> Planned<String> { text.value == "" ? .absent : text }

  private var hsm: PlannedHSM {
    PlannedHSM(
      name: a.text("name"), armId: a.text("id"), uri: a.text("hsm_uri"), resourceGroup: a.text("resource_group_name"),
      location: a.text("location"), tenant: a.text("tenant_id"), sku: a.text("sku_name"), admins: a.words("admin_object_ids"),
      purgeProtection: a.flag("purge_protection_enabled"), retentionDays: a.number("soft_delete_retention_days"),
      networkDefault: a.text("network_acls.default_action"),
      publicNetwork: a.flag("public_network_access_enabled").map { $0 ? "Enabled" : "Disabled" },
      domainCertificates: a.words("security_domain_key_vault_certificate_ids"), tags: a.tags())
  }

  private func key(_ kind: InventorySnapshot.StoreKind, store: Planned<String>) -> PlannedKey {
    var key = PlannedKey(kind: kind)
    key.store = store
    key.name = a.text("name")
    key.kty = a.text("key_type")
    key.curve = a.text("curve")
    key.size = a.number("key_size")
    key.ops = a.words("key_opts")
    key.tags = a.tags()
    key.releasePolicy = a.raw("release_policy").map { $0 == .list([]) ? .absent : .known(true) } ?? .absent
    key.exportable = a.flag("exportable")
    key.notBefore = a.text("not_before_date")
    key.expires = a.text("expiration_date")
    key.external = a.raw("external_key").map { $0 == .list([]) ? .absent : .known(true) } ?? .absent
    key.kid = a.text("versioned_id", "id", "versionless_id")
    return key
  }

  private var certificate: PlannedCertificate {
    PlannedCertificate(
      store: a.text("key_vault_id"), name: a.text("name"), subject: a.text("certificate_policy.x509_certificate_properties.subject"),
      kty: a.text("certificate_policy.key_properties.key_type"), exportable: a.flag("certificate_policy.key_properties.exportable"),
      tags: a.tags())
  }

  private func role(local: Bool) -> PlannedRole {
    let permissions = a.blocks("permission", "permissions").map { blocks in
      blocks.map { block in
        PlannedPermission(
          actions: block.words("actions"), notActions: block.words("not_actions"), dataActions: block.words("data_actions"),
          notDataActions: block.words("not_data_actions"))
      }
    }
    return PlannedRole(
      store: local ? a.text("managed_hsm_id", "vault_base_url") : nil,
      id: local ? a.known("resource_manager_id", "name", "id") : a.known("role_definition_resource_id", "role_definition_id", "id"),
      name: local ? a.text("role_name", "name") : a.text("name"), scope: a.text("scope"), permissions: permissions)
  }

  private func assignment(store: Planned<String>?) -> PlannedAssignment {
    PlannedAssignment(
      store: store, id: a.known("name", "id"), scope: a.text("scope"), role: a.text("role_definition_id"),
      roleName: a.text("role_definition_name"), principal: a.text("principal_id"), condition: a.text("condition"))
  }

  private func pim(latent: Bool) -> PlannedAssignment {
    var assignment = assignment(store: nil)
    assignment.isPIM = true
    assignment.latent = latent
    return assignment
  }

  private func identity(_ kind: PlannedIdentity.Kind) -> PlannedIdentity {
    var identity = PlannedIdentity(kind: kind)
    identity.name = a.text("name", "display_name")
    identity.armId = a.text("id")
    identity.objectId = kind == .userAssigned ? a.text("principal_id") : a.text("object_id")
    identity.clientId = a.text("client_id", "application_id")
    if kind == .servicePrincipal { identity.application = a.text("client_id", "application_id") }
    identity.tags = a.tags()
    return identity
  }

  private func federation(_ identity: Planned<String>) -> PlannedFederation {
    let expression = a.text("claims_matching_expression", "claims_matching_expression.value")
    return PlannedFederation(
      identity: identity, issuer: a.text("issuer"), subject: expression.isAbsent ? a.text("subject") : expression,
      isExpression: !expression.isAbsent)
  }

  private var diagnostics: PlannedDiagnostics {
    let sinks = [
      a.text("storage_account_id"), a.text("log_analytics_workspace_id"), a.text("eventhub_authorization_rule_id"),
      a.text("partner_solution_id"),
    ].filter { !$0.isAbsent }
    let enabled = a.blocks("enabled_log", "log").map { blocks in
      blocks.filter { $0.flag("enabled").value != false }.map { $0.text("category_group", "category") }
    }
    return PlannedDiagnostics(target: a.text("target_resource_id"), categories: enabled, sinks: .known(sinks))
  }

  private func guardrail(_ exemption: Bool) -> PlannedGuardrail {
    PlannedGuardrail(
      isExemption: exemption, scope: a.text("resource_id", "resource_group_id", "subscription_id", "management_group_id", "scope"),
      definition: a.text("policy_definition_id", "policy_assignment_id"), enforced: a.flag("enforce"))
  }
}
