import Clocks
import Encodings
import Estate
import Plans
import Testing

@testable import Gates

private let hsmType = "azurerm_key_vault_managed_hardware_security_module"
private let signing: PlanValue = ["hallmark.purpose": "signing"]

private func vault(
  _ purge: PlanValue, days: PlanValue = 90, tags: PlanValue = [:], name: PlanValue = "kv-acme", id: PlanValue = .string(N.vault), softDelete: PlanValue = .null
) -> PlanValue {
  ["name": name, "id": id, "purge_protection_enabled": purge, "soft_delete_retention_days": days, "tags": tags, "soft_delete_enabled": softDelete]
}
private func hsm(_ purge: PlanValue, days: PlanValue = 90, name: PlanValue = "nw-hsm", certificates: PlanValue = .null) -> PlanValue {
  [
    "name": name, "id": name == "nw-hsm" ? .string(N.hsm) : .null, "purge_protection_enabled": purge, "soft_delete_retention_days": days,
    "security_domain_key_vault_certificate_ids": certificates,
  ]
}
private func replaced(_ type: String, _ before: PlanValue, _ after: PlanValue, _ paths: [String]) -> ResourceChange {
  var change = N.change(type, before: before, after: after, action: .replace)
  change.replacePaths = paths
  return change
}
private func new(_ value: PlanValue) -> PlanValue {
  guard case .object(var members) = value else { return value }
  members["id"] = .null
  members["name"] = "kv-new"
  return .object(members)
}
private func holding() -> InventorySnapshot {
  var inventory = N.inventory()
  inventory.keys.append(.init(store: "kv-acme", name: "code-a", version: "1", kty: "EC", keyOps: ["sign", "verify"]))
  return inventory
}
private func denied() -> InventorySnapshot {
  var inventory = N.inventory()
  for index in inventory.stores.indices where inventory.stores[index].id == "kv-acme" { inventory.stores[index].visibility = .denied }
  return inventory
}
private func lock(_ scope: String, _ level: PlanValue = "CanNotDelete") -> PlanValue { ["scope": .string(scope), "lock_level": level] }
private func ignoring(_ names: [String]) -> ResourceChange {
  var change = N.change("azurerm_key_vault", before: vault(true, days: 90, tags: signing), after: vault(true, days: 90, tags: ["hallmark.purpose": "signing", "a": "b"]))
  change.ignoreChanges = names
  return change
}
private func diagnostics(_ target: String) -> PlanValue {
  ["target_resource_id": .string(target), "storage_account_id": "s", "enabled_log": [["category": "AuditEvent"]]]
}
private func policy(_ id: String, enforce: PlanValue = true) -> PlanValue {
  ["resource_group_id": .string(N.group), "policy_definition_id": .string("/providers/Microsoft.Authorization/policyDefinitions/" + id), "enforce": enforce]
}
private let purgePolicy = "0b60c0b2-2dc2-4e1c-b5c9-abbed971de53"
private func armVault(_ properties: PlanValue) -> ResourceChange {
  N.change("Microsoft.KeyVault/vaults", "kv", after: ["name": "kv-acme", "id": .string(N.vault), "properties": properties], dialect: .arm)
}
private func domainVault(_ protected: Bool) -> InventorySnapshot {
  var inventory = N.inventory()
  for index in inventory.stores.indices { inventory.stores[index].purgeProtection = inventory.stores[index].id == "kv-acme" ? protected : true }
  return inventory
}
private let certificates: PlanValue = ["https://kv-acme.vault.azure.net/certificates/c1", "https://kv-acme.vault.azure.net/certificates/c2"]

private let stopped: [RowCase] = [
  .init("3.1 true becomes false", .block, "HM-G3-PURGE-OFF", inventory: holding(), [N.change("azurerm_key_vault", before: vault(true), after: vault(false))]),
  .init("3.1 the attribute is removed", .block, "HM-G3-PURGE-OFF", inventory: holding(), [N.change("azurerm_key_vault", before: vault(true), after: vault(.null))]),
  .init("3.1 the store could not be read", .block, "HM-G3-PURGE-OFF", inventory: denied(), [N.change("azurerm_key_vault", before: vault(true), after: vault(false))]),
  .init("3.1 without an inventory", .block, "HM-G3-PURGE-OFF", inventory: nil, [N.change("azurerm_key_vault", before: vault(true), after: vault(false))]),
  .init("3.2 an HSM is replaced without it", .block, "HM-G3-PURGE-OFF", [replaced(hsmType, hsm(true), hsm(.null), ["purge_protection_enabled"])]),
  .init("3.3 turning it on replaces the HSM", .block, "HM-G3-HSM-REPLACED", [replaced(hsmType, hsm(false), hsm(true), ["purge_protection_enabled"])]),
  .init("3.4 a new vault marked for signing", .block, "HM-G3-NEW-UNPROTECTED", [N.change("azurerm_key_vault", after: new(vault(false, tags: signing)))]),
  .init("3.4 a new vault that receives a signing key", .block, "HM-G3-NEW-UNPROTECTED", [
    N.change("azurerm_key_vault", "new", after: new(vault(.null))),
    N.change("azurerm_key_vault_key", after: ["name": "code-b", "key_vault_id": later("azurerm_key_vault.new.id"), "key_opts": ["sign"]]),
  ]),
  .init("3.6 only the apply knows", .undecidable, inventory: holding(), [N.change("azurerm_key_vault", before: vault(true), after: vault(later("var.purge")))]),
  .init("3.7 the store is deleted", .block, "HM-G3-STORE-REMOVED", inventory: holding(), [N.change("azurerm_key_vault", before: vault(true), after: nil)]),
  .init("3.7 an HSM is replaced for its administrators", .block, "HM-G3-STORE-REMOVED", [replaced(hsmType, hsm(true), hsm(true), ["admin_object_ids"])]),
  .init("3.7 a vault of which nothing is known is deleted", .undecidable, inventory: nil, [N.change("azurerm_key_vault", before: vault(true), after: nil)]),
  .init("3.8 shorter retention of an HSM", .block, "HM-G3-RETENTION", [replaced(hsmType, hsm(true), hsm(true, days: 7), ["soft_delete_retention_days"])]),
  .init("3.8 shorter retention of a vault", .block, "HM-G3-RETENTION", inventory: holding(), [N.change("azurerm_key_vault", before: vault(true), after: vault(true, days: 7))]),
  .init("3.9 the lock goes", .block, "HM-G3-LOCK", [N.change("azurerm_management_lock", before: lock(N.hsm), after: nil)]),
  .init("3.9 the lock of the group goes", .block, "HM-G3-LOCK", [N.change("azurerm_management_lock", before: lock(N.group), after: nil)]),
  .init("3.11 ARM says false", .block, "HM-G3-PURGE-OFF", inventory: holding(), [armVault(["enablePurgeProtection": false])]),
  .init("3.13 complete mode without the store", .block, completeIn: [N.group], []),
  .init("3.16 soft delete off", .block, "HM-G3-SOFT-DELETE-OFF", inventory: holding(), [armVault(["enableSoftDelete": false, "enablePurgeProtection": true])]),
  .init("3.20 security domain certificates in an unprotected vault", .block, "HM-G3-DOMAIN-CERTIFICATES", inventory: domainVault(false), [
    N.change(hsmType, after: hsm(true, name: "hsm-new", certificates: certificates))
  ]),
]

private let shown: [RowCase] = [
  .init("3.1 a vault without signing keys", .warn, "HM-G3-PURGE-OFF", [N.change("azurerm_key_vault", before: vault(true), after: vault(false))]),
  .init("3.5 a new vault without signing material", .warn, "HM-G3-NEW-UNPROTECTED", [N.change("azurerm_key_vault", after: new(vault(false)))]),
  .init("3.9 ReadOnly becomes CanNotDelete", .warn, "HM-G3-LOCK", [N.change("azurerm_management_lock", before: lock(N.hsm, "ReadOnly"), after: lock(N.hsm))]),
  .init("3.15 the policy assignment goes", .warn, "HM-G3-POLICY", [N.change("azurerm_resource_group_policy_assignment", before: policy(purgePolicy), after: nil)]),
  .init("3.15 the policy is no longer enforced", .warn, "HM-G3-POLICY", [
    N.change("azurerm_resource_group_policy_assignment", before: policy(purgePolicy), after: policy(purgePolicy, enforce: false))
  ]),
  .init("3.17 drift will be hidden", .warn, "HM-G3-IGNORED", inventory: holding(), [ignoring(["purge_protection_enabled"])]),
  .init("3.19 diagnostics go", .warn, "HM-G3-DIAGNOSTICS", [N.change("azurerm_monitor_diagnostic_setting", before: diagnostics(N.hsm), after: nil)]),
]

private let passing: [RowCase] = [
  .init("near 3.1: it stays on", .pass, inventory: holding(), [N.change("azurerm_key_vault", before: vault(true), after: vault(true, tags: ["a": "b"]))]),
  .init("near 3.1: it is turned on", .pass, inventory: holding(), [N.change("azurerm_key_vault", before: vault(false), after: vault(true))]),
  .init("near 3.3: ARM turns it on in place", .pass, [
    N.change("Microsoft.KeyVault/managedHSMs", "h", after: ["name": "nw-hsm", "id": .string(N.hsm), "properties": ["enablePurgeProtection": true]], dialect: .arm)
  ]),
  .init("near 3.4: a new vault with it", .pass, [N.change("azurerm_key_vault", after: new(vault(true, tags: signing)))]),
  .init("near 3.7: a vault without signing keys is deleted", .pass, [N.change("azurerm_key_vault", before: vault(true), after: nil)]),
  .init("near 3.8: longer retention", .pass, inventory: holding(), [N.change("azurerm_key_vault", before: vault(true, days: 7), after: vault(true, days: 90))]),
  .init("near 3.9: CanNotDelete becomes ReadOnly", .pass, [N.change("azurerm_management_lock", before: lock(N.hsm), after: lock(N.hsm, "ReadOnly"))]),
  .init("near 3.9: a lock elsewhere", .pass, [N.change("azurerm_management_lock", before: lock(N.subscription + "/resourceGroups/rg-sign-2"), after: nil)]),
  .init("near 3.11: ARM does not name it, and it is on", .pass, inventory: domainVault(true), [armVault(["tenantId": "t"])]),
  .init("near 3.13: another resource group", .pass, completeIn: [N.subscription + "/resourceGroups/rg-sign-2"], []),
  .init("near 3.15: another policy", .pass, [
    N.change("azurerm_resource_group_policy_assignment", before: policy("aaaaaaaa-2dc2-4e1c-b5c9-abbed971de53"), after: nil)
  ]),
  .init("near 3.17: tags are ignored", .pass, inventory: holding(), [ignoring(["tags"])]),
  .init("near 3.19: diagnostics of a storage account", .pass, [
    N.change("azurerm_monitor_diagnostic_setting", before: diagnostics(N.group + "/providers/Microsoft.Storage/storageAccounts/st"), after: nil)
  ]),
  .init("near 3.20: a protected vault", .pass, inventory: domainVault(true), [N.change(hsmType, after: hsm(true, name: "hsm-new", certificates: certificates))]),
]

@Suite struct GateThreeRowTests {
  @Test(arguments: stopped) func a_store_that_loses_its_protection_is_stopped(_ row: RowCase) { row.check([GateThree()]) }
  @Test(arguments: shown) func what_weakens_it_is_shown(_ row: RowCase) { row.check([GateThree()]) }
  @Test(arguments: passing) func what_does_not_passes(_ row: RowCase) { row.check([GateThree()]) }

  @Test(arguments: [(PlanValue.null, Finding.Severity.critical), ([["key_vault": [["purge_soft_delete_on_destroy": false]]]] as PlanValue, Finding.Severity.high)])
  func the_provider_that_purges_what_it_destroys_raises_the_severity(_ features: PlanValue, _ severity: Finding.Severity) throws {
    let row = RowCase("", .block, nil, inventory: holding(), providers: [ProviderSetting(key: "azurerm", name: "azurerm", features: features)], [N.change("azurerm_key_vault", before: vault(true), after: nil)])
    let finding = try #require(row.result([GateThree()]).findings.first)
    #expect(finding.severity == severity && finding.store == "kv-acme")
  }

  @Test func a_store_recovered_with_its_old_settings_is_not_known() {
    var inventory = N.inventory()
    inventory.stores.removeAll { $0.id == "kv-acme" }
    let row = RowCase("", .undecidable, "HM-G3-RECOVER", inventory: inventory, [armVault(["createMode": "recover", "enablePurgeProtection": true])])
    row.check([GateThree()])
  }

  @Test func what_was_so_before_is_standing_and_fails_nothing() {
    let result = RowCase("", .pass, inventory: holding(), [N.change("azurerm_key_vault", before: vault(false), after: vault(false))]).result([GateThree()])
    #expect(result.verdict == .pass && result.findings.isEmpty && result.standing.count == 1)
  }
}
