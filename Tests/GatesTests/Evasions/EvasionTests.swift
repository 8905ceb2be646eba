import Clocks
import Encodings
import Estate
import Plans
import Testing

@testable import Gates

/// Ways to hide a change from the gates (estate-and-gates §3.11).
@Suite struct EvasionTests {
  private func judge(_ changes: [ResourceChange], inventory: InventorySnapshot? = N.inventory(), _ edit: (inout ChangeSet) -> Void = { _ in }) -> GateResult {
    var set = ChangeSet(format: .terraformPlanJSON)
    set.resources = changes
    edit(&set)
    return Gate.evaluate(GateInput(changes: [set], intent: N.intent, inventory: inventory, options: GateOptions(now: Instant(seconds: 1_795_000_000))))
  }

  private let harmless = N.change("azurerm_storage_account", after: ["name": "st"])
  private let bad = N.change(N.localAssignment, after: N.assign(.string(N.cryptoUser), to: .string(N.build)))

  @Test func a_targeted_plan_is_at_best_undecidable() { #expect(judge([harmless]) { $0.incomplete = ["-target was used"] }.verdict == .undecidable) }
  @Test func a_block_in_a_targeted_plan_is_a_block() { #expect(judge([bad]) { $0.incomplete = ["-target was used"] }.verdict == .block) }
  @Test func an_errored_plan_is_invalid_whatever_else_it_is() {
    let result = judge([bad]) {
      $0.errored = "terraform failed"
      $0.incomplete = ["not complete"]
    }
    #expect(result.verdict == .invalid && result.reason == "terraform failed" && result.exitCode == 2)
  }

  @Test func an_unknown_principal_is_undecidable() {
    #expect(judge([N.change(N.localAssignment, after: N.assign(.string(N.cryptoUser), to: later("local.who")))]).verdict == .undecidable)
  }

  @Test(arguments: ["azurerm_key_vault_next_thing", "azurerm_managed_hsm_role_assignment_v2"]) func an_unknown_type_of_key_vault_is_undecidable(_ type: String) {
    let result = judge([N.change(type, after: ["name": "x"])])
    #expect(result.verdict == .undecidable && result.coverage.unknownTypes == [type])
  }

  @Test func a_secret_of_a_vault_is_no_unknown_type() { #expect(judge([N.change("azurerm_key_vault_secret", after: ["name": "x"])]).verdict == .pass) }

  @Test func a_script_without_text_is_undecidable_and_one_with_harmless_text_is_noted() {
    var hidden = harmless
    hidden.scripts = [PlanScript(origin: "local-exec", text: nil)]
    #expect(judge([hidden]).verdict == .undecidable)
    hidden.scripts = [PlanScript(origin: "local-exec", text: "echo done")]
    let result = judge([hidden])
    #expect(result.verdict == .pass && result.findings.map(\.rule) == ["HM-X-SCRIPT"])
  }

  @Test(arguments: ["external", "azapi_resource_action"]) func a_data_source_that_acts_is_shown(_ type: String) {
    var source = N.change(type, after: ["program": ["sh"]], action: .read)
    source.isData = true
    let result = judge([source])
    #expect(result.verdict != .pass && result.findings.contains { $0.rule == "HM-X-DATA-SOURCE" })
  }

  @Test func a_data_source_that_only_reads_is_not() {
    var source = N.change("azurerm_client_config", after: [:], action: .read)
    source.isData = true
    #expect(judge([source]).verdict == .pass)
  }

  @Test func a_second_tenant_nobody_listed_is_undecidable() {
    var inventory = N.inventory()
    for index in inventory.stores.indices { inventory.stores[index].tenantId = "t-one" }
    var vault = N.change("azurerm_key_vault", after: ["name": "kv-far", "purge_protection_enabled": true])
    vault.providerKey = "azurerm.far"
    func providers(_ set: inout ChangeSet) {
      set.providers = [.init(key: "azurerm", name: "azurerm", features: .null, tenant: "t-one"), .init(key: "azurerm.far", name: "azurerm", features: .null, tenant: "t-two")]
    }
    #expect(judge([vault], inventory: inventory, providers).verdict == .undecidable)
    vault.providerKey = "azurerm"
    #expect(judge([vault], inventory: inventory, providers).verdict == .pass)
  }

  @Test func azapi_with_a_sensitive_body_is_undecidable() {
    let change = N.change(
      "azapi_resource",
      after: ["type": "Microsoft.KeyVault/vaults@2023-07-01", "name": "kv-x", "parent_id": .string(N.group), "body": [:], "sensitive_body": later("var.s")])
    #expect(judge([change]).verdict == .undecidable)
  }

  @Test(arguments: [("fw-sign", "fw-s\u{0456}gn"), ("code", "\u{FF43}ode"), ("release", "rel\u{0435}as\u{0435}"), ("a-b", "a\u{2010}b"), ("ab", "a\u{200B}b")])
  func names_that_look_the_same_have_one_skeleton(_ name: String, _ other: String) { #expect(NameSkeleton.of(name) == NameSkeleton.of(other)) }

  @Test func names_that_look_different_do_not() { #expect(NameSkeleton.of("fw-sign") != NameSkeleton.of("fw-sing")) }

  @Test func the_verdict_carries_the_hash_of_its_input() {
    let source = GateInput.Source(path: "plan.json", sha256: String(repeating: "a", count: 64), format: .terraformPlanJSON)
    let result = Gate.evaluate(GateInput(changes: [ChangeSet(format: .terraformPlanJSON)], sources: [source], options: GateOptions(now: Instant(seconds: 0))))
    #expect(result.input == [source] && result.verdict == .pass)
  }
}
