import Testing

@testable import Estate

/// Roles: what their permission entries give (estate-and-gates §1.7, §1.11, §1.12).
@Suite struct RoleTests {
  private func vault(_ given: [String], not taken: [String] = []) -> Set<Capability> {
    RoleTemplate(id: "r", name: "r", custom: true, permissions: [.init(dataActions: given, notDataActions: taken)])
      .dataCapabilities(.vault).capabilities
  }

  private func hsm(_ given: [String], not taken: [String] = []) -> Set<Capability> {
    RoleTemplate(id: "r", name: "r", custom: true, permissions: [.init(dataActions: given, notDataActions: taken)])
      .dataCapabilities(.managedHsm).capabilities
  }

  @Test func aCustomRoleOfSignAndReadGivesNothingElse() {
    #expect(hsm(["Microsoft.KeyVault/managedHsm/keys/sign/action", "Microsoft.KeyVault/managedHsm/keys/read/action"]) == [.sign, .read])
  }

  @Test(arguments: ["*", "Microsoft.KeyVault/*", "Microsoft.KeyVault/vaults/*", "MICROSOFT.KEYVAULT/VAULTS/KEYS/*", "Microsoft.KeyVault/vaults/keys/*/action",
    "Microsoft.KeyVault/vaults/keys/un*", "*/unwrap/action", "Microsoft.KeyVault/vaults/keys/unwrap/action", "microsoft.keyvault/*/UNWRAP/action"])
  func aWildcardReachesUnwrap(_ pattern: String) { #expect(vault([pattern]).contains(.unwrap)) }

  @Test(arguments: ["Microsoft.KeyVault/vaults/secrets/*", "Microsoft.KeyVault/vaults/keys/read", "Microsoft.KeyVault/managedHsm/keys/*", "*/read",
    "Microsoft.KeyVault/vaults/keys", "Microsoft.Storage/*", "", "Microsoft.KeyVault/vaults/keys/wrap/action"])
  func aPatternThatDoesNotNameItDoesNotReachUnwrap(_ pattern: String) { #expect(!vault([pattern]).contains(.unwrap)) }

  @Test func aSubtractionThatForgetsUnwrapLeavesUnwrap() {
    let left = vault(["Microsoft.KeyVault/vaults/keys/*/action"], not: ["Microsoft.KeyVault/vaults/keys/decrypt/action"])
    #expect(left.contains(.unwrap))
    #expect(!left.contains(.decrypt))
  }

  @Test func aSubtractionOfBothLeavesNoneOfClassD() {
    let left = vault(
      ["Microsoft.KeyVault/vaults/keys/sign/action", "Microsoft.KeyVault/vaults/keys/*wrap/action"],
      not: ["microsoft.keyvault/vaults/keys/UNWRAP/action"])
    #expect(left == [.sign, .wrap])
  }

  @Test func whatOneEntryTakesAwayAnotherStillGives() {
    let role = RoleTemplate(
      id: "r", name: "r", custom: true,
      permissions: [
        .init(dataActions: ["Microsoft.KeyVault/vaults/keys/*"], notDataActions: ["Microsoft.KeyVault/vaults/keys/decrypt/action"]),
        .init(dataActions: ["Microsoft.KeyVault/vaults/keys/decrypt/action"]),
      ])
    #expect(role.dataCapabilities(.vault).capabilities.contains(.decrypt))
  }

  @Test(arguments: [
    ("Microsoft.KeyVault/vaults/keys/secureUnwrapKey/action", Capability.unwrap), ("Microsoft.KeyVault/vaults/keys/secureWrapKey/action", .decrypt),
    ("Microsoft.KeyVault/vaults/keys/somethingNew/read", .decrypt), ("Microsoft.KeyVault/vaults/keys/secure*", .decrypt),
    ("Microsoft.KeyVault/vaults/keys/releaseBlob/action", .release),
  ])
  func anUnknownKeyActionCountsAsClassD(_ action: String, _ capability: Capability) {
    let role = RoleTemplate(id: "r", name: "r", custom: true, permissions: [.init(dataActions: [action])])
    let found = role.dataCapabilities(.vault)
    #expect(found.capabilities == [capability])
    #expect(found.unknown == [action])
    #expect(capability.capabilityClass == .decrypt)
  }

  @Test func anUnknownActionThatIsTakenAwayGivesNothing() {
    #expect(vault(["Microsoft.KeyVault/vaults/keys/secureUnwrapKey/action"], not: ["Microsoft.KeyVault/vaults/keys/secure*"]).isEmpty)
  }

  @Test func anUnknownActionOutsideKeysGivesNothing() { #expect(vault(["Microsoft.KeyVault/vaults/newThings/read"]).isEmpty) }

  /// §1.12, column by column: data action of a Managed HSM, of a vault.
  @Test(arguments: [
    ("keys/sign/action", "keys/sign/action", Capability.sign), ("keys/verify/action", "keys/verify/action", .verify),
    ("keys/read/action", "keys/read", .read), ("keys/decrypt/action", "keys/decrypt/action", .decrypt),
    ("keys/unwrap/action", "keys/unwrap/action", .unwrap), ("keys/encrypt/action", "keys/encrypt/action", .encrypt),
    ("keys/wrap/action", "keys/wrap/action", .wrap), ("keys/release/action", "keys/release/action", .release),
    ("keys/export/action", "", .export), ("keys/backup/action", "keys/backup/action", .backup), ("keys/restore/action", "keys/restore/action", .restore),
    ("backup/start/action", "", .backup), ("restore/start/action", "", .restore), ("keys/import/action", "keys/import/action", .import),
    ("keys/create", "keys/create/action", .create), ("keys/rotate/action", "keys/rotate/action", .rotate),
    ("keys/write/action", "keys/update/action", .update), ("keys/delete", "keys/delete", .delete), ("keys/deletedKeys/delete", "keys/purge/action", .purge),
    ("keys/deletedKeys/recover/action", "keys/recover/action", .recover), ("roleAssignments/write/action", "", .grant),
    ("roleDefinitions/write/action", "", .grant), ("securitydomain/download/action", "", .domain), ("securitydomain/upload/read", "", .domain),
    ("securitydomain/transferkey/read", "", .domain),
  ])
  func eachDataActionStandsForItsCapability(_ local: String, _ azure: String, _ capability: Capability) {
    #expect(hsm(["Microsoft.KeyVault/managedHsm/" + local]) == [capability])
    if !azure.isEmpty { #expect(vault(["Microsoft.KeyVault/vaults/" + azure]) == [capability]) }
  }

  @Test(arguments: ["rng/action", "backup/status/action", "restore/status/action", "roleAssignments/read/action", "roleAssignments/delete/action"])
  func actionsThatLeadToNoKeyGiveNothing(_ action: String) { #expect(hsm(["Microsoft.KeyVault/managedHsm/" + action]).isEmpty) }

  @Test(arguments: [
    (CapabilityClass.sign, "sign verify read"), (.decrypt, "decrypt unwrap release export"), (.neutral, "encrypt wrap"),
    (.equivalence, "backup restore import create rotate update"), (.destruction, "delete purge recover"), (.grant, "grant domain"),
  ])
  func theClassesAreThoseOfTheModel(_ group: CapabilityClass, _ words: String) {
    #expect(Set(Capability.allCases).of(group).canonical.map(\.rawValue) == words.split(separator: " ").map(String.init))
  }

  /// §1.11: which built-in roles hold class D, and which hold sign.
  @Test(arguments: [
    ("21dbd100-6940-42c2-9190-5d6cb909625b", true, true), ("21dbd100-6940-42c2-9190-5d6cb909625c", true, false),
    ("33413926-3206-4cdd-b39a-83574fe37a17", true, false), ("2c18b078-7c48-4d3a-af88-5a3a1b3f82b3", false, false),
    ("a290e904-7015-4bba-90c8-60543313cdb4", false, false), ("515eb02d-2335-4d2d-92f2-b1cbdf9c3778", true, false),
    ("4bd23610-cdcf-4971-bdee-bdc562cc28e4", false, false),
  ])
  func theBuiltInRolesOfAnHSMHoldWhatTheTableSays(_ guid: String, _ holdsD: Bool, _ signs: Bool) throws {
    let found = try #require(BuiltInRoleTable.role(id: guid)).dataCapabilities(.managedHsm)
    #expect(!found.capabilities.of(.decrypt).isEmpty == holdsD)
    #expect(found.capabilities.contains(.sign) == signs)
    #expect(found.unknown.isEmpty)
  }

  @Test(arguments: ["a290e904-7015-4bba-90c8-60543313cdb4", "515eb02d-2335-4d2d-92f2-b1cbdf9c3778", "4bd23610-cdcf-4971-bdee-bdc562cc28e4"])
  func whoManagesLocalRolesCanGrant(_ guid: String) throws {
    #expect(try #require(BuiltInRoleTable.role(id: guid)).dataCapabilities(.managedHsm).capabilities.contains(.grant))
  }

  @Test(arguments: [
    ("Key Vault Administrator", true, true), ("Key Vault Crypto Officer", true, true), ("Key Vault Crypto User", true, true),
    ("Key Vault Crypto Service Encryption User", true, false), ("Key Vault Crypto Service Release User", true, false),
    ("Key Vault Certificates Officer", false, false), ("Key Vault Certificate User", false, false), ("Key Vault Reader", false, false),
    ("Key Vault Secrets Officer", false, false), ("Key Vault Secrets User", false, false), ("Key Vault Purge Operator", false, false),
    ("Key Vault Contributor", false, false), ("Managed HSM contributor", false, false), ("Owner", false, false), ("Contributor", false, false),
  ])
  func theBuiltInRolesOfAzureHoldWhatTheTableSays(_ name: String, _ holdsD: Bool, _ signs: Bool) throws {
    let found = try #require(BuiltInRoleTable.role(named: name)).dataCapabilities(.vault).capabilities
    #expect(!found.of(.decrypt).isEmpty == holdsD)
    #expect(found.contains(.sign) == signs)
  }

  @Test(arguments: [
    "21dbd100-6940-42c2-9190-5d6cb909625b", "21DBD100-6940-42C2-9190-5D6CB909625B",
    "/Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/21dbd100-6940-42c2-9190-5d6cb909625b",
    "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/21dbd100-6940-42c2-9190-5d6cb909625b/",
    "/subscriptions/0b/providers/Microsoft.Authorization/roleDefinitions/21DBD100-6940-42c2-9190-5d6cb909625b",
  ])
  func aRoleIsFoundByItsGUIDInAnySpelling(_ text: String) { #expect(BuiltInRoleTable.role(id: text)?.name == "Managed HSM Crypto User") }

  @Test(arguments: ["21dbd100-6940-42c2-9190-5d6cb909625", "21dbd100-6940-42c2-9190-5d6cb909625b-x", "", "/", "Managed HSM Crypto User", "21dbd100694042c291905d6cb909625b"])
  func whatIsNoGUIDFindsNoRole(_ text: String) { #expect(BuiltInRoleTable.role(id: text) == nil) }

  @Test func aCustomRoleMayShadowTheNameOfABuiltInOne() {
    let catalogue = RoleCatalogue([.init(store: "hsm", id: "11111111-1111-4111-8111-111111111111", name: "managed hsm crypto auditor", custom: true)])
    #expect(catalogue.roles(named: "Managed HSM Crypto Auditor", store: "hsm").count == 2)
    #expect(catalogue.roles(named: "Managed HSM Crypto Auditor", store: "other").count == 1)
    #expect(catalogue.roles(named: "nobody", store: "hsm").isEmpty)
  }

  @Test(arguments: [
    ("Sign GET", "sign read"), ("unwrapkey", "unwrap"), ("UnwrapKey Decrypt Release", "decrypt unwrap release"),
    ("SetRotationPolicy GetRotationPolicy", "read rotate"), ("", ""),
  ])
  func theWordsOfAccessPoliciesHaveNoLetterCase(_ words: String, _ expected: String) {
    let found = KeyPermissionWords.capabilities(ofAccessPolicy: words.split(separator: " ").map(String.init))
    #expect(found.capabilities.canonical.map(\.rawValue).joined(separator: " ") == expected)
    #expect(found.unknown.isEmpty)
  }

  @Test(arguments: ["all", "ALL", "All"])
  func allIsEverythingAnAccessPolicyCanGive(_ word: String) {
    let found = KeyPermissionWords.capabilities(ofAccessPolicy: [word]).capabilities
    #expect(found == Capability.ofKeys.subtracting([.export]))
  }

  @Test func anUnknownWordOfAnAccessPolicyCountsAsDecrypt() {
    let found = KeyPermissionWords.capabilities(ofAccessPolicy: ["secureUnwrapKey"])
    #expect(found.capabilities == [.decrypt])
    #expect(found.unknown == ["secureUnwrapKey"])
  }
}
