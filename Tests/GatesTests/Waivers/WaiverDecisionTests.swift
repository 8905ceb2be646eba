import Clocks
import Encodings
import Estate
import Plans
import Testing

@testable import Gates

/// Who may excuse a finding, and when not.
@Suite struct WaiverDecisionTests {
  private let now = Instant(seconds: 1_795_000_000)

  private func finding(_ rule: String = "HM-G3-PURGE-OFF", _ address: String = "azurerm_key_vault.dev") -> Finding {
    Finding(rule: rule, gate: .three, verdict: .block, severity: .high, address: address, reason: "r", fix: "f")
  }

  private func waiver(_ edit: (inout IntentRegister.Waiver) -> Void = { _ in }) -> IntentRegister.Waiver {
    var waiver = IntentRegister.Waiver(
      rule: "HM-G3-PURGE-OFF", address: "azurerm_key_vault.dev", reason: "throw-away vault", expires: "2026-12-31", expiresAt: Instant(seconds: 1_800_000_000),
      approvedBy: "security@northwind.example", proposedBy: "dev@northwind.example")
    edit(&waiver)
    return waiver
  }

  private func decide(_ waivers: [IntentRegister.Waiver], changedBy: String? = nil) -> Finding.WaiverDecision? {
    WaiverDecisions(waivers: waivers, options: GateOptions(changedBy: changedBy, now: now)).applied(to: [finding()])[0].waived
  }

  @Test func a_waiver_of_two_people_that_still_counts_is_accepted() { #expect(decide([waiver()])?.accepted == true) }

  @Test(arguments: ["azurerm_key_vault.dev2", "module.a.azurerm_key_vault.dev", "azurerm_key_vault.*", "AZURERM_KEY_VAULT.dev"])
  func the_address_must_match_exactly(_ address: String) {
    let decision = decide([waiver { $0.address = address }])
    #expect(decision?.accepted == false && decision?.reasons.isEmpty == false)
  }

  @Test func a_waiver_of_another_rule_at_the_address_is_refused_and_named() { #expect(decide([waiver { $0.rule = "HM-G3-LOCK" }])?.accepted == false) }
  @Test func a_waiver_of_something_else_altogether_is_not_mentioned() {
    #expect(decide([waiver { $0.rule = "HM-G1-ROLE"; $0.address = "x.y" }]) == nil)
  }
  @Test func it_ends_with_its_expiry() { #expect(decide([waiver { $0.expiresAt = now }])?.accepted == false) }
  @Test func without_an_expiry_it_is_refused() { #expect(decide([waiver { $0.expires = nil; $0.expiresAt = nil }])?.accepted == false) }
  @Test(arguments: [nil, "", "  "]) func without_a_reason_it_is_refused(_ reason: String?) { #expect(decide([waiver { $0.reason = reason }])?.accepted == false) }
  @Test(arguments: ["dev@northwind.example", "DEV@northwind.example", " dev@northwind.example "]) func nobody_approves_what_he_proposed(_ who: String) {
    #expect(decide([waiver { $0.approvedBy = who }])?.accepted == false)
  }
  @Test func nobody_approves_what_he_changes() {
    #expect(decide([waiver()], changedBy: "Security@northwind.example")?.accepted == false)
    #expect(decide([waiver()], changedBy: "dev@northwind.example")?.accepted == true)
  }
  @Test func every_reason_is_named() {
    let decision = decide([waiver { $0.reason = nil; $0.expiresAt = now; $0.approvedBy = $0.proposedBy }])
    #expect(decision?.reasons.count == 3)
  }
  @Test func one_good_waiver_among_bad_ones_is_enough() { #expect(decide([waiver { $0.expiresAt = now }, waiver()])?.accepted == true) }

  @Test func a_waived_block_does_not_block_and_its_neighbour_does() {
    let decided = WaiverDecisions(waivers: [waiver()], options: GateOptions(now: now)).applied(to: [finding()])
    #expect(Gate.verdict(findings: decided, undecided: []) == .pass)
    let other = WaiverDecisions(waivers: [waiver()], options: GateOptions(now: now)).applied(to: [finding(), finding("HM-G3-LOCK", "azurerm_management_lock.a")])
    #expect(Gate.verdict(findings: other, undecided: []) == .block)
  }

  @Test func what_cannot_be_seen_cannot_be_waived() {
    #expect(Gate.verdict(findings: [], undecided: [MissingFact(address: "a", missing: "b")]) == .undecidable)
  }
}
