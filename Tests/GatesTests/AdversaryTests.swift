import Clocks
import Encodings
import Estate
import Plans
import Testing

@testable import Gates

/// What somebody who knows the rules would try, and what only looks like it.
@Suite struct AdversaryTests {
  private func judge(_ changes: [ResourceChange], _ inventory: InventorySnapshot? = Northwind.inventory(), intent: IntentRegister = Northwind.intent) -> GateResult {
    var set = ChangeSet(format: .terraformPlanJSON)
    set.resources = changes
    return Gate.evaluate(GateInput(changes: [set], intent: intent, inventory: inventory, options: GateOptions(strict: false, now: Instant(seconds: 1_795_000_000))))
  }

  private func lock(_ scope: String, _ level: PlanValue = "CanNotDelete") -> PlanValue { ["scope": .string(scope), "lock_level": level] }

  private func relocked(_ before: PlanValue, _ after: PlanValue) -> ResourceChange {
    Northwind.change("azurerm_management_lock", before: before, after: after, action: .replace)
  }

  private func withSigningKey() -> InventorySnapshot {
    var inventory = Northwind.inventory()
    for index in inventory.stores.indices { inventory.stores[index].sku = inventory.stores[index].kind == .vault ? "premium" : "Standard_B1" }
    inventory.keys.append(.init(store: "kv-acme", name: "code-a", version: "1", kty: "RSA-HSM", keyOps: ["sign", "verify"]))
    return inventory
  }

  @Test func a_lock_made_anew_with_a_stronger_level_passes() {
    #expect(judge([relocked(lock(Northwind.hsm), lock(Northwind.hsm, "ReadOnly"))]).verdict == .pass)
  }

  @Test func a_lock_made_anew_with_a_weaker_level_warns() {
    let result = judge([relocked(lock(Northwind.hsm, "ReadOnly"), lock(Northwind.hsm))])
    #expect(result.verdict == .warn)
    #expect(result.findings.map(\.rule) == [GateThreeRule.lock])
  }

  @Test func a_lock_that_moves_up_to_the_group_passes() {
    #expect(judge([relocked(lock(Northwind.hsm), lock(Northwind.group))]).verdict == .pass)
  }

  @Test func a_lock_of_the_group_that_keeps_one_store_names_the_other() {
    let result = judge([relocked(lock(Northwind.group), lock(Northwind.vault))], withSigningKey())
    #expect(result.verdict == .block)
    #expect(result.findings.map(\.store) == ["nw-hsm"])
  }

  @Test func a_lock_whose_new_scope_only_the_apply_knows_is_undecidable() {
    let result = judge([relocked(lock(Northwind.hsm), ["scope": later("var.scope"), "lock_level": "CanNotDelete"])])
    #expect(result.verdict == .undecidable)
  }

  @Test func a_template_that_makes_a_premium_vault_standard_is_a_downgrade() {
    let vault: PlanValue = [
      "name": "kv-acme", "id": .string(Northwind.vault), "properties": ["sku": ["name": "standard"], "enablePurgeProtection": true, "enableRbacAuthorization": true],
    ]
    let change = Northwind.change("Microsoft.KeyVault/vaults", "kv", after: vault, dialect: .arm)
    #expect(judge([change], withSigningKey()).findings.map(\.rule) == [GateTwoRule.downgrade])
    #expect(judge([change]).findings.isEmpty)
  }

  @Test func a_group_that_is_deleted_takes_its_stores_along() {
    let change = Northwind.change("azurerm_resource_group", before: ["name": "RG-Sign", "id": .string(Northwind.group)], after: nil)
    let result = judge([change])
    #expect(result.verdict == .block)
    #expect(result.findings.first { $0.rule == GateThreeRule.removed }?.store == "nw-hsm")
  }

  @Test(arguments: ["rg-sig", "rg-sign2", "rg-web"]) func a_group_of_another_name_is_deleted_without_a_word(name: String) {
    let change = Northwind.change("azurerm_resource_group", before: ["name": .string(name), "id": .string(Northwind.subscription + "/resourceGroups/" + name)], after: nil)
    #expect(judge([change]).verdict == .pass)
  }

  @Test func without_an_inventory_nobody_knows_what_a_group_holds() {
    let change = Northwind.change("azurerm_resource_group", before: ["name": "rg-sign", "id": .string(Northwind.group)], after: nil)
    #expect(judge([change], nil).verdict == .undecidable)
  }

  @Test func a_credential_for_an_identity_that_nobody_lists_is_undecidable() {
    let parent = Northwind.group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-who"
    let change = Northwind.change(
      "azurerm_federated_identity_credential", after: ["name": "gh", "issuer": .string(Northwind.github), "subject": "repo:a/b:pull_request", "parent_id": .string(parent)])
    let result = judge([change])
    #expect(result.verdict == .undecidable)
    #expect(result.undecided.contains { $0.missing.contains("id-who") })
  }

  @Test func the_register_links_an_identity_that_the_inventory_does_not_list() {
    var inventory = Northwind.inventory()
    let parent = Northwind.group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-seal"
    let seal = "5f0c0000-0000-4000-8000-0000000000aa"
    inventory.grants.append(.init(id: "g-seal", store: "nw-hsm", principal: seal, via: .localRbac, scope: "/keys/wrap", role: Northwind.cryptoUser))
    let intent = IntentRegister(identities: [.init(name: "seal", match: .init(objectId: seal, armId: parent), purpose: .officer)])
    let change = Northwind.change(
      "azurerm_federated_identity_credential", after: ["name": "gh", "issuer": .string(Northwind.github), "subject": "repo:a/b:pull_request", "parent_id": .string(parent.uppercased())])
    let result = judge([change], inventory, intent: intent)
    #expect(result.verdict == .block)
    #expect(result.findings.first?.principal?.name == "seal")
    #expect(result.findings.first?.key == "wrap")
  }

  @Test func a_certificate_may_have_more_parts_in_its_subject_than_the_register_names() {
    let intent = IntentRegister(signingKeys: .init(subjects: ["CN=Northwind Release"]))
    #expect(intent.isSigningKey(name: nil, subject: "C=DE, O=Northwind, cn=Northwind Release"))
    #expect(!intent.isSigningKey(name: nil, subject: "CN=Northwind Release Notes, O=Northwind"))
    #expect(!intent.isSigningKey(name: nil, subject: "O=Northwind"))
  }

  @Test func a_grant_whose_observed_rights_are_empty_gives_what_its_role_gives() {
    var inventory = Northwind.inventory()
    inventory.grants.append(.init(id: "g-build-2", store: "nw-hsm", principal: Northwind.build, via: .localRbac, scope: "/keys/wrap", role: Northwind.cryptoUser, capabilities: []))
    let result = judge([], inventory)
    #expect(result.verdict == .pass)
    #expect(result.standing.contains { $0.principal?.name == "build-eu" && $0.key == "wrap" })
  }

  @Test func a_planned_principal_is_named_and_its_address_stands_in_the_path() {
    let identity = Northwind.change("azurerm_user_assigned_identity", "ci", after: ["name": "id-ci", "tags": ["purpose": "sign-only"]])
    let grant = Northwind.change(
      Northwind.localAssignment, after: Northwind.assign(.string(Northwind.cryptoUser), to: later("azurerm_user_assigned_identity.ci.principal_id")))
    let principal = judge([identity, grant]).findings.first?.principal
    #expect(principal?.name == "id-ci")
    #expect(principal?.via.first == "azurerm_user_assigned_identity.ci")
  }
}
