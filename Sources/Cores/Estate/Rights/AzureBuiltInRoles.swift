extension BuiltInRoleTable {
  /// Built-in roles of Azure, as far as they concern key stores and identities (estate-and-gates §1.11 and the published definitions).
  package static let azure: [RoleTemplate] = [
    data("00482a5a-887f-4fb3-b363-3b7fe8e74483", "Key Vault Administrator", ["*"], vaultReads),
    data("14b46e9e-c2b7-41b4-b07b-48a6ebf60603", "Key Vault Crypto Officer", ["keys/*", "keyrotationpolicies/*"], vaultReads),
    data(
      "12338af0-0e69-4776-bea7-57ae8d297424", "Key Vault Crypto User",
      ["keys/read"] + ["update", "backup", "encrypt", "decrypt", "wrap", "unwrap", "sign", "verify"].map { "keys/\($0)/action" }),
    data(
      "e147488a-f6f5-4113-8e2d-b22465e65bf6", "Key Vault Crypto Service Encryption User",
      ["keys/read", "keys/wrap/action", "keys/unwrap/action"]),
    data("08bbd89e-9f13-488c-ac41-acfcb10c90ab", "Key Vault Crypto Service Release User", ["keys/release/action"]),
    data(
      "a4417e6f-fecd-4de8-b567-7b0420556985", "Key Vault Certificates Officer",
      ["certificatecas/*", "certificates/*", "certificatecontacts/write"], vaultReads),
    data(
      "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba", "Key Vault Certificate User",
      ["certificates/read", "secrets/getSecret/action", "secrets/readMetadata/action", "keys/read"]),
    data("21090545-7ca7-4776-b22c-e363652d74d2", "Key Vault Reader", ["*/read", "secrets/readMetadata/action"], vaultReads),
    data("b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "Key Vault Secrets Officer", ["secrets/*"], vaultReads),
    data(
      "4633458b-17de-408a-b874-0445c86b69e6", "Key Vault Secrets User", ["secrets/getSecret/action", "secrets/readMetadata/action"]),
    control(
      "a68e7c17-0ab2-4c09-9a58-125dae29748c", "Key Vault Purge Operator",
      ["Microsoft.KeyVault/deletedvaults/read", "Microsoft.KeyVault/locations/deletedVaults/read",
        "Microsoft.KeyVault/locations/deletedVaults/purge/action"]),
    control(
      "8b54135c-b56d-4d72-a534-26097cfdc8d8", "Key Vault Data Access Administrator",
      ["Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete", "Microsoft.KeyVault/vaults/*/read"],
      handsOutVaultRolesOnly: true),
    control(
      "f25e0fa2-a7c8-4377-a976-54943a77a395", "Key Vault Contributor", ["Microsoft.KeyVault/*"],
      not: ["Microsoft.KeyVault/locations/deletedVaults/purge/action", "Microsoft.KeyVault/deletedVaults/purge/action",
        "Microsoft.KeyVault/hsmPools/*", "Microsoft.KeyVault/managedHsms/*", "Microsoft.KeyVault/locations/deletedManagedHsms/purge/action",
        "Microsoft.KeyVault/deletedManagedHsms/purge/action"]),
    control(
      "18500a29-7fe2-46b2-a342-b16a415e101d", "Managed HSM contributor",
      ["Microsoft.KeyVault/managedHSMs/*", "Microsoft.KeyVault/deletedManagedHsms/read",
        "Microsoft.KeyVault/locations/deletedManagedHsms/read", "Microsoft.KeyVault/locations/deletedManagedHsms/purge/action",
        "Microsoft.KeyVault/locations/managedHsmOperationResults/read"]),
    control("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner", ["*"]),
    control(
      "b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor", ["*"],
      not: ["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action"]),
    control(
      "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator", ["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"]),
    control(
      "f58310d9-a9f6-439a-9e8d-f62e7b41a168", "Role Based Access Control Administrator",
      ["Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete", "*/read", "Microsoft.Support/*"]),
    control(
      "f1a07417-d97a-45cb-824c-7a7467783830", "Managed Identity Operator",
      ["Microsoft.ManagedIdentity/userAssignedIdentities/*/read", "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action"]),
    control(
      "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59", "Managed Identity Contributor",
      ["Microsoft.ManagedIdentity/userAssignedIdentities/read", "Microsoft.ManagedIdentity/userAssignedIdentities/write",
        "Microsoft.ManagedIdentity/userAssignedIdentities/delete", "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
        "Microsoft.ManagedIdentity/userAssignedIdentities/*/write", "Microsoft.ManagedIdentity/userAssignedIdentities/*/delete",
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"]),
    control("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader", ["*/read"]),
  ]

  private static let vaultReads = ["Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/deletedVaults/read"]

  private static func data(_ id: String, _ name: String, _ actions: [String], _ control: [String] = []) -> RoleTemplate {
    RoleTemplate(
      id: id, name: name, custom: false,
      permissions: [.init(actions: control, dataActions: actions.map { "Microsoft.KeyVault/vaults/\($0)" })])
  }

  private static func control(
    _ id: String, _ name: String, _ actions: [String], not: [String] = [], handsOutVaultRolesOnly: Bool = false
  ) -> RoleTemplate {
    RoleTemplate(
      id: id, name: name, custom: false, permissions: [.init(actions: actions, notActions: not)],
      handsOutVaultRolesOnly: handsOutVaultRolesOnly)
  }
}
