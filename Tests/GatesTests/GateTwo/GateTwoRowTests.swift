import Clocks
import Encodings
import Estate
import Plans
import Testing

@testable import Gates

/// One row of estate-and-gates §3.9 or §3.10: a change, and what the gate must say of it.
struct RowCase: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var verdict: GateResult.Verdict
  var rule: String?
  var inventory: InventorySnapshot?
  var memory: GateMemory?
  var set: ChangeSet

  init(
    _ name: String, _ verdict: GateResult.Verdict, _ rule: String?, inventory: InventorySnapshot? = N.inventory(), memory: GateMemory? = nil,
    completeIn scopes: [String] = [], providers: [ProviderSetting] = [], _ changes: [ResourceChange]
  ) {
    testDescription = name
    self.verdict = verdict
    self.rule = rule
    self.inventory = inventory
    self.memory = memory
    set = ChangeSet(format: .terraformPlanJSON)
    set.resources = changes
    set.completeModeScopes = scopes
    set.providers = providers
  }

  init(
    _ name: String, _ verdict: GateResult.Verdict, inventory: InventorySnapshot? = N.inventory(), memory: GateMemory? = nil, completeIn scopes: [String] = [],
    _ changes: [ResourceChange]
  ) {
    self.init(name, verdict, nil, inventory: inventory, memory: memory, completeIn: scopes, changes)
  }

  func result(_ rules: [any GateRule]) -> GateResult {
    var intent = N.intent
    intent.signingKeys.subjects = ["CN=Northwind Release"]
    return Gate.evaluate(
      GateInput(changes: [set], intent: intent, inventory: inventory, options: GateOptions(now: Instant(seconds: 1_795_000_000), memory: memory)), rules: rules)
  }

  func check(_ rules: [any GateRule]) {
    let result = result(rules)
    #expect(result.verdict == verdict, "\(result.findings.map { "\($0.rule) \($0.verdict): \($0.reason)" }) \(result.undecided)")
    if let rule { #expect(result.findings.contains { $0.rule == rule }, "\(result.findings.map(\.rule))") }
    if verdict == .pass { #expect(result.findings.allSatisfy { $0.verdict == .note }) }
    for finding in result.findings { #expect(!finding.reason.isEmpty && !finding.fix.isEmpty && !finding.address.isEmpty) }
  }
}

private let hsmKeyType = "azurerm_key_vault_managed_hardware_security_module_key"
private func hsmKey(_ name: String = "fw-sign", in hsm: String = N.hsm, ops: PlanValue = ["sign", "verify"], tags: PlanValue = [:]) -> PlanValue {
  ["name": .string(name), "managed_hsm_id": .string(hsm), "key_type": "EC-HSM", "curve": "P-384", "key_opts": ops, "tags": tags]
}
private func vaultKey(_ name: PlanValue = "fw-sign", type: PlanValue = "EC", curve: PlanValue = "P-384", ops: PlanValue = ["sign", "verify"], tags: PlanValue = [:]) -> PlanValue {
  ["name": name, "key_vault_id": .string(N.vault), "key_type": type, "curve": curve, "key_opts": ops, "tags": tags]
}
private let keyGoes = N.change(hsmKeyType, "sign", before: hsmKey(), after: nil)
private func keyComes(_ value: PlanValue) -> ResourceChange { N.change("azurerm_key_vault_key", "sign", after: value) }
private func imported(_ value: PlanValue) -> ResourceChange {
  var change = N.change("azurerm_key_vault_key", "sign", before: value, after: value, action: .noOp)
  change.isImport = true
  return change
}
private func setting(_ before: PlanValue, _ after: PlanValue) -> ResourceChange {
  N.change("azurerm_linux_web_app", "signer", before: ["app_settings": ["KEY": before]], after: ["app_settings": ["KEY": after]])
}
private let atHSM: PlanValue = "https://nw-hsm.managedhsm.azure.net/keys/fw-sign"
private func certificate(_ subject: PlanValue, exportable: PlanValue = false) -> ResourceChange {
  N.change(
    "azurerm_key_vault_certificate", "c",
    after: [
      "name": "web", "key_vault_id": .string(N.vault),
      "certificate_policy": [["key_properties": [["exportable": exportable, "key_type": "RSA-HSM"]], "x509_certificate_properties": [["subject": subject]]]],
    ])
}
private func withVaultKey() -> InventorySnapshot {
  var inventory = N.inventory()
  inventory.keys.append(.init(store: "kv-acme", name: "code-old", version: "1", kty: "EC-HSM", keyOps: ["sign", "verify"]))
  return inventory
}
private func vault(_ sku: PlanValue) -> PlanValue { ["name": "kv-acme", "id": .string(N.vault), "sku_name": sku, "purge_protection_enabled": true] }
private let madeEarlier = GateMemory(facts: Gate.evaluate(
  GateInput(changes: [RowCase("", .warn, [keyComes(vaultKey())]).set], intent: N.intent, inventory: nil, options: GateOptions(now: Instant(seconds: 1_794_000_000), memory: GateMemory())),
  rules: [GateTwo()]).memory?.facts ?? [])

private let stopped: [RowCase] = [
  .init("2.1 an HSM key goes and a vault key of its name comes", .block, [keyGoes, keyComes(vaultKey())]),
  .init("2.1 the name differs by letter case", .block, [keyGoes, keyComes(vaultKey("FW-Sign"))]),
  .init("2.1 the name only looks the same", .block, [keyGoes, keyComes(vaultKey("fw-s\u{0456}gn"))]),
  .init("2.2 another name, the same tag of the register", .block, [
    N.change(hsmKeyType, "a", before: hsmKey("alpha", tags: ["use": "release"]), after: nil), keyComes(vaultKey("beta", tags: ["use": "release"])),
  ]),
  .init("2.3 the HSM key is left unmanaged", .block, [N.change(hsmKeyType, "sign", before: hsmKey(), after: nil, action: .forget), keyComes(vaultKey())]),
  .init("2.4 the HSM key stays, consumers move", .block, [keyComes(vaultKey()), setting(atHSM, "https://kv-acme.vault.azure.net/keys/fw-sign")]),
  .init("2.5 a setting moves from HSM to vault", .block, "HM-G2-REPOINTED", [setting(atHSM, "https://kv-acme.vault.azure.net/keys/other")]),
  .init("2.5 a cosign key", .block, "HM-G2-REPOINTED", [setting("azurekms://nw-hsm.managedhsm.azure.net/fw-sign", "azurekms://kv-acme.vault.azure.net/fw-sign")]),
  .init("2.5 in a list whose order changes", .block, "HM-G2-REPOINTED", [
    N.change("azurerm_container_group", before: ["env": [["name": "KEY", "value": atHSM], ["name": "A", "value": "1"]]], after: ["env": [["name": "A", "value": "1"], ["name": "KEY", "value": "https://kv-acme.vault.azure.net/keys/fw-sign"]]])
  ]),
  .init("2.5 by reference to a vault key of the change", .block, "HM-G2-REPOINTED", [keyComes(vaultKey()), setting(atHSM, later("azurerm_key_vault_key.sign.versionless_id"))]),
  .init("2.7 a certificate of the signing subject", .block, "HM-G2-CERTIFICATE", [certificate("CN=Northwind Release", exportable: true)]),
  .init("2.8 an HSM type in a premium vault", .block, [keyGoes, keyComes(vaultKey(type: "EC-HSM"))]),
  .init("2.9 a signing key becomes a software key", .block, "HM-G2-DOWNGRADE", [
    N.change("azurerm_key_vault_key", "k", before: vaultKey("code-old", type: "RSA-HSM"), after: vaultKey("code-old", type: "RSA"), action: .replace)
  ]),
  .init("2.9 the vault of a signing key becomes standard", .block, "HM-G2-DOWNGRADE", inventory: withVaultKey(), [
    N.change("azurerm_key_vault", before: vault("premium"), after: vault("standard"))
  ]),
  .init("2.11 the whole HSM goes", .block, "HM-G2-HSM-REMOVED", [
    N.change("azurerm_key_vault_managed_hardware_security_module", before: ["name": "nw-hsm", "id": .string(N.hsm)], after: nil)
  ]),
  .init("2.12 complete mode without the HSM key, a vault key added", .block, completeIn: [N.group], [
    N.change("Microsoft.KeyVault/vaults/keys", "key", after: ["name": "kv-acme/fw-sign", "properties": ["kty": "EC", "keyOps": ["sign", "verify"]]], dialect: .arm)
  ]),
  .init("2.13 azapi", .block, [
    keyGoes,
    N.change(
      "azapi_resource", after: ["type": "Microsoft.KeyVault/vaults/keys@2023-07-01", "name": "fw-sign", "parent_id": .string(N.vault), "body": ["properties": ["kty": "EC", "keyOps": ["sign"]]]]),
  ]),
  .init("2.17 the HSM key goes after an earlier change made the vault key", .block, memory: madeEarlier, [keyGoes]),
]

private let shown: [RowCase] = [
  .init("2.2 the only two, of one algorithm, linked by nothing", .warn, "HM-G2-MAYBE-MOVED", [
    N.change(hsmKeyType, "a", before: hsmKey("alpha"), after: nil), keyComes(vaultKey("beta", ops: .null)),
  ]),
  .init("2.6 a vault key with the name of a signing key is imported", .warn, "HM-G2-IMPORTED", [imported(vaultKey())]),
  .init("2.10 another HSM", .warn, "HM-G2-OTHER-HSM", [
    N.change(hsmKeyType, "sign", before: hsmKey(), after: hsmKey(in: N.group + "/providers/Microsoft.KeyVault/managedHSMs/hsm-two"), action: .replace)
  ]),
  .init("2.14 sign in a vault instead of the HSM", .warn, "HM-G2-GRANT-MOVED", [
    N.change(N.localAssignment, before: N.assign(.string(N.signer), to: .string(N.build)), after: nil),
    N.change("azurerm_key_vault_access_policy", after: ["key_vault_id": .string(N.oldVault), "tenant_id": "t", "object_id": .string(N.build), "key_permissions": ["Get", "Sign"]]),
  ]),
  .init("2.15 an external key", .warn, "HM-G2-EXTERNAL", [
    N.change("azurerm_key_vault_key", "k", before: vaultKey("code-x"), after: ["name": "code-x", "key_vault_id": .string(N.vault), "key_type": "EC", "key_opts": ["sign"], "external_key": [["id": "e"]]])
  ]),
  .init("2.17 the first of two harmless steps", .warn, "HM-G2-COPIED", [keyComes(vaultKey())]),
]

private let passing: [RowCase] = [
  .init("near 2.1: a vault key for encryption of another name", .pass, [keyComes(vaultKey("app-data", ops: ["wrapKey", "unwrapKey"]))]),
  .init("near 2.1: an HSM key for wrapping goes", .pass, [
    N.change(hsmKeyType, "w", before: hsmKey("wrap", ops: ["wrapKey", "unwrapKey"]), after: nil), keyComes(vaultKey("wrap", ops: ["wrapKey", "unwrapKey"])),
  ]),
  .init("near 2.3: renamed with moved", .pass, [{ var c = N.change(hsmKeyType, "new", before: hsmKey(), after: hsmKey()); c.previousAddress = hsmKeyType + ".old"; return c }()]),
  .init("near 2.5: to a secret of a vault", .pass, [setting("https://nw-hsm.managedhsm.azure.net/secrets/x", "https://kv-acme.vault.azure.net/secrets/x")]),
  .init("near 2.5: to another HSM", .pass, [setting(atHSM, "https://hsm-two.managedhsm.azure.net/keys/fw-sign")]),
  .init("near 2.5: an encryption key", .pass, [setting("https://nw-hsm.managedhsm.azure.net/keys/wrap", "https://kv-acme.vault.azure.net/keys/wrap")]),
  .init("near 2.5: from vault to HSM", .pass, [setting("https://kv-acme.vault.azure.net/keys/fw-sign", atHSM)]),
  .init("near 2.6: an encryption key is imported", .pass, [imported(vaultKey("app", ops: ["encrypt", "decrypt"]))]),
  .init("near 2.7: a certificate of a web server", .pass, [certificate("CN=www.northwind.example")]),
  .init("near 2.9: the vault has no signing key", .pass, [N.change("azurerm_key_vault", before: vault("premium"), after: vault("standard"))]),
  .init("near 2.9: standard becomes premium", .pass, inventory: withVaultKey(), [N.change("azurerm_key_vault", before: vault("standard"), after: vault("premium"))]),
  .init("near 2.12: incremental mode", .pass, [
    N.change("Microsoft.KeyVault/vaults/keys", "key", after: ["name": "kv-acme/app", "properties": ["kty": "EC", "keyOps": ["wrapKey"]]], dialect: .arm)
  ]),
]

@Suite struct GateTwoRowTests {
  @Test(arguments: stopped) func signing_keys_that_leave_their_HSM_are_stopped(_ row: RowCase) { row.check([GateTwo()]) }
  @Test(arguments: shown) func what_may_be_a_move_is_shown(_ row: RowCase) { row.check([GateTwo()]) }
  @Test(arguments: passing) func what_is_no_move_passes(_ row: RowCase) { row.check([GateTwo()]) }

  @Test func the_finding_names_the_key_and_both_stores() throws {
    let result = stopped[0].result([GateTwo()])
    let finding = try #require(result.findings.first { $0.verdict == .block })
    #expect(finding.store == "nw-hsm" && finding.key == "fw-sign")
    #expect(finding.reason.contains("kv-acme"))
  }
}
