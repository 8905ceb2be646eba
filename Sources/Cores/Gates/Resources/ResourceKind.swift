import Plans

/// What a type of any dialect is to an estate of keys.
enum ResourceKind: String, Sendable {
  case vault, hsm, vaultKey, hsmKey, certificate, accessPolicy
  case localRole, localAssignment, azureRole, azureAssignment, pimEligible, pimActive
  case identity, federation, applicationFederation, application, servicePrincipal
  case group, groupMember, groupEligible, groupActive
  case lock, diagnostics, policyAssignment, policyExemption, deployment, script

  static let terraform: [String: ResourceKind] = {
    let hsm = "azurerm_key_vault_managed_hardware_security_module"
    var table: [String: ResourceKind] = [
      hsm: .hsm, hsm + "_key": .hsmKey, hsm + "_role_assignment": .localAssignment, hsm + "_role_definition": .localRole,
      "azurerm_key_vault": .vault, "azurerm_key_vault_key": .vaultKey, "azurerm_key_vault_certificate": .certificate,
      "azurerm_key_vault_access_policy": .accessPolicy, "azurerm_role_assignment": .azureAssignment,
      "azurerm_role_definition": .azureRole, "azurerm_pim_eligible_role_assignment": .pimEligible,
      "azurerm_pim_active_role_assignment": .pimActive, "azurerm_user_assigned_identity": .identity,
      "azurerm_federated_identity_credential": .federation,
      "azuread_application_federated_identity_credential": .applicationFederation,
      "azuread_application_flexible_federated_identity_credential": .applicationFederation,
      "azuread_application": .application, "azuread_application_registration": .application,
      "azuread_service_principal": .servicePrincipal, "azuread_group": .group, "azuread_group_without_members": .group,
      "azuread_group_member": .groupMember, "azuread_privileged_access_group_eligibility_schedule": .groupEligible,
      "azuread_privileged_access_group_assignment_schedule": .groupActive, "azurerm_management_lock": .lock,
      "azurerm_monitor_diagnostic_setting": .diagnostics,
      "azurerm_resource_deployment_script_azure_cli": .script, "azurerm_resource_deployment_script_power_shell": .script,
    ]
    for level in ["resource", "resource_group", "subscription", "management_group"] {
      table["azurerm_\(level)_policy_assignment"] = .policyAssignment
      table["azurerm_\(level)_policy_exemption"] = .policyExemption
    }
    table["azurerm_policy_assignment"] = .policyAssignment
    for level in ["resource_group", "subscription", "management_group", "tenant"] {
      table["azurerm_\(level)_template_deployment"] = .deployment
    }
    return table
  }()

  static let arm: [String: ResourceKind] = [
    "microsoft.keyvault/vaults": .vault, "microsoft.keyvault/vaults/accesspolicies": .accessPolicy,
    "microsoft.keyvault/vaults/keys": .vaultKey, "microsoft.keyvault/vaults/keys/versions": .vaultKey,
    "microsoft.keyvault/vaults/certificates": .certificate,
    "microsoft.keyvault/managedhsms": .hsm, "microsoft.keyvault/managedhsms/keys": .hsmKey,
    "microsoft.keyvault/managedhsms/keys/versions": .hsmKey,
    "microsoft.authorization/roleassignments": .azureAssignment, "microsoft.authorization/roledefinitions": .azureRole,
    "microsoft.authorization/roleeligibilityschedulerequests": .pimEligible,
    "microsoft.authorization/roleassignmentschedulerequests": .pimActive, "microsoft.authorization/locks": .lock,
    "microsoft.authorization/policyassignments": .policyAssignment, "microsoft.authorization/policyexemptions": .policyExemption,
    "microsoft.managedidentity/userassignedidentities": .identity,
    "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials": .federation,
    "microsoft.resources/deploymentscripts": .script, "microsoft.resources/deployments": .deployment,
    "microsoft.insights/diagnosticsettings": .diagnostics, "microsoft.graph/groups": .group,
    "microsoft.graph/applications": .application, "microsoft.graph/serviceprincipals": .servicePrincipal,
    "microsoft.graph/applications/federatedidentitycredentials": .applicationFederation,
  ]

  /// `module:Name` of a native Pulumi token, lower case, without the version.
  private static let native: [String: ResourceKind] = [
    "keyvault:vault": .vault, "keyvault:managedhsm": .hsm, "keyvault:key": .vaultKey, "keyvault:managedhsmkey": .hsmKey,
    "keyvault:accesspolicy": .accessPolicy, "authorization:roleassignment": .azureAssignment,
    "authorization:roledefinition": .azureRole, "authorization:managementlockbyscope": .lock,
    "authorization:managementlockatresourcelevel": .lock, "authorization:managementlockatresourcegrouplevel": .lock,
    "authorization:managementlockatsubscriptionlevel": .lock, "authorization:roleeligibilityschedulerequest": .pimEligible,
    "authorization:pimroleeligibilityschedule": .pimEligible, "authorization:pimroleassignmentschedule": .pimActive,
    "authorization:roleassignmentschedulerequest": .pimActive, "authorization:policyassignment": .policyAssignment,
    "authorization:policyexemption": .policyExemption, "managedidentity:userassignedidentity": .identity,
    "managedidentity:federatedidentitycredential": .federation, "resources:azurecliscript": .script,
    "resources:azurepowershellscript": .script, "resources:deployment": .deployment, "monitor:diagnosticsetting": .diagnostics,
    "insights:diagnosticsetting": .diagnostics,
  ]

  /// `Name` of a classic Pulumi token, lower case.
  private static let classic: [String: ResourceKind] = [
    "keyvault": .vault, "key": .vaultKey, "certificate": .certificate, "accesspolicy": .accessPolicy,
    "managedhardwaresecuritymodule": .hsm, "managedhardwaresecuritymodulekey": .hsmKey,
    "managedhardwaresecuritymoduleroleassignment": .localAssignment, "managedhardwaresecuritymoduleroledefinition": .localRole,
    "assignment": .azureAssignment, "roledefinition": .azureRole, "userassignedidentity": .identity,
    "federatedidentitycredential": .federation, "lock": .lock, "managementlock": .lock, "diagnosticsetting": .diagnostics,
    "application": .application, "applicationregistration": .application, "serviceprincipal": .servicePrincipal, "group": .group,
    "groupmember": .groupMember, "applicationfederatedidentitycredential": .applicationFederation,
    "applicationflexiblefederatedidentitycredential": .applicationFederation, "pimeligibleroleassignment": .pimEligible,
    "eligibleroleassignment": .pimEligible, "activeroleassignment": .pimActive, "resourcepolicyassignment": .policyAssignment,
    "privilegedaccessgroupeligibilityschedule": .groupEligible, "privilegedaccessgroupassignmentschedule": .groupActive,
    "resourcedeploymentscriptazurecli": .script, "resourcedeploymentscriptpowershell": .script,
    "grouptemplatedeployment": .deployment, "subscriptiontemplatedeployment": .deployment,
  ]

  private static let classicModules: Set<String> = [
    "keyvault", "authorization", "role", "pim", "management", "managementresource", "monitoring", "core", "index",
  ]

  static func of(_ type: String, _ dialect: Dialect) -> ResourceKind? {
    switch dialect {
    case .terraform: return terraform[type]
    case .arm: return arm[type.lowercased()]
    case .pulumiNative: return pulumiParts(type).flatMap { native["\($0.module):\($0.name)"] }
    case .pulumiClassic:
      guard let parts = pulumiParts(type), classicModules.contains(parts.module) || type.hasPrefix("azuread:") else { return nil }
      return classic[parts.name]
    }
  }

  private static func pulumiParts(_ type: String) -> (module: String, name: String)? {
    let parts = type.split(separator: ":")
    guard parts.count == 3, let module = parts[1].split(separator: "/").first else { return nil }
    return (module.lowercased(), parts[2].lowercased())
  }

  /// Types below these are about keys or rights: one that no rule understands is undecidable, not ignored.
  private static let watched = [
    "azurerm_key_vault", "azurerm_managed_hsm", "azurerm_managed_hardware", "azurerm_role_", "azurerm_pim_", "azurerm_federated_identity",
    "azurerm_user_assigned_identity", "azuread_group", "azuread_privileged_access_group", "microsoft.keyvault/",
    "microsoft.authorization/", "microsoft.managedidentity/", "azure-native:keyvault", "azure-native:authorization",
    "azure-native:managedidentity", "azure:keyvault/", "azure:authorization/",
  ]

  /// Watched, looked at, and of no consequence for the gates.
  private static let harmless = [
    "azurerm_key_vault_secret", "azurerm_key_vault_certificate_contacts", "azurerm_key_vault_certificate_issuer",
    "azurerm_key_vault_managed_storage_account", "azurerm_key_vault_managed_storage_account_sas_token_definition",
    "azurerm_key_vault_managed_hardware_security_module_key_rotation_policy", "azurerm_role_management_policy",
    "microsoft.keyvault/vaults/secrets", "microsoft.keyvault/vaults/privateendpointconnections",
    "microsoft.keyvault/managedhsms/privateendpointconnections", "microsoft.authorization/policydefinitions",
    "microsoft.authorization/policysetdefinitions", "microsoft.authorization/rolemanagementpolicies",
    "microsoft.authorization/rolemanagementpolicyassignments", "microsoft.authorization/denyassignments",
    "azure-native:keyvault:secret", "azure-native:keyvault:privateendpointconnection", "azure-native:authorization:policydefinition",
    "azure-native:authorization:policysetdefinition", "azure:keyvault/secret:secret",
    "azure:keyvault/certificateissuer:certificateissuer", "azure:keyvault/certificatecontacts:certificatecontacts",
    "azuread_group_role_management_policy",
  ]

  /// Whether a type that has no kind concerns keys or rights.
  static func isWatched(_ type: String) -> Bool {
    let folded = type.lowercased()
    return watched.contains { folded.hasPrefix($0) } && !harmless.contains(folded)
  }
}
