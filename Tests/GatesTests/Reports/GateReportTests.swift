import Clocks
import Encodings
import Estate
import Plans
import Testing

@testable import Gates

/// The forms a verdict is printed in.
@Suite struct GateReportTests {
  private func finding(_ number: Int = 0, verdict: Finding.Verdict = .block, address: String = "azurerm_key_vault.kv", location: Plans.SourceLocation? = nil) -> Finding {
    Finding(
      rule: "HM-G3-PURGE-OFF", gate: .three, verdict: verdict, severity: .high, address: address + (number == 0 ? "" : "\(number)"), store: "kv", reason: "100% lost:\nall, of it",
      fix: "Keep <it> & \"more\".", location: location)
  }

  private func result(_ findings: [Finding], undecided: [MissingFact] = []) -> GateResult {
    GateResult(verdict: Gate.verdict(findings: findings, undecided: undecided), input: [.init(path: "plan.json", sha256: "ab", format: .terraformPlanJSON)], findings: findings, undecided: undecided)
  }

  @Test(arguments: zip([GateResult.Verdict.pass, .warn, .block, .undecidable, .invalid], [Int32(0), 0, 1, 3, 2]))
  func every_verdict_has_its_exit_code(_ verdict: GateResult.Verdict, _ code: Int32) { #expect(GateResult(verdict: verdict, input: []).exitCode == code) }

  @Test func the_json_has_every_member_of_the_format() throws {
    let object = try #require(result([finding()]).json.object)
    #expect(object.names == ["schema", "verdict", "input", "findings", "standing", "undecided", "coverage"])
    let first = try #require(object["findings"]?.array?.first?.object)
    #expect(first.names == ["rule", "gate", "verdict", "severity", "address", "principal", "store", "key", "gained", "before", "after", "reason", "fix", "location", "waived"])
  }

  @Test func commands_escape_what_would_end_them() {
    let text = PipelineReports(result([finding(address: "a:b,c", location: .init(file: "m,a:in.tf", line: 3))]), fallbackFile: "plan.json").github
    #expect(text.hasPrefix("::error file=m%2Ca%3Ain.tf,line=3,title=HM-G3-PURGE-OFF::"))
    #expect(text.contains("100%25 lost:%0Aall, of it") && !text.contains("\n"))
  }

  @Test func no_more_commands_of_a_kind_than_are_shown() {
    let text = PipelineReports(result((1...40).map { finding($0) }), fallbackFile: "plan.json").github
    let lines = text.split(separator: "\n").filter { $0.hasPrefix("::error") }
    #expect(lines.count == 10 && lines.last?.contains("31 more") == true)
  }

  @Test func junit_escapes_and_counts() {
    let text = PipelineReports(result([finding(), finding(1, verdict: .warn)], undecided: [.init(address: "x", missing: "<y>\u{1}")]), fallbackFile: "p").junit
    #expect(text.contains("tests=\"3\" failures=\"1\" errors=\"1\" skipped=\"0\""))
    #expect(text.contains("&lt;y&gt;?") && text.contains("Keep &lt;it&gt; &amp; &quot;more&quot;."))
  }

  @Test func fingerprints_do_not_move_with_lines_or_instances() {
    let a = finding(address: "module.a[\"x]y\"].azurerm_key_vault.kv[0]", location: .init(file: "a.tf", line: 1))
    let b = finding(address: "module.a[\"z\"].azurerm_key_vault.kv[7]", location: .init(file: "b.tf", line: 900))
    #expect(a.fingerprint == b.fingerprint && a.fingerprint != finding(address: "azurerm_key_vault.other").fingerprint)
  }

  @Test func sarif_has_one_rule_for_each_id_and_a_place_for_each_result() throws {
    let report = SARIFReport(result([finding(), finding(1)], undecided: [.init(address: "x", missing: "y")]), version: "1", fallbackFile: "plan.json").json
    let run = try #require(report["runs"]?.array?.first)
    let rules = try #require(run["tool"]?["driver"]?["rules"]?.array)
    let results = try #require(run["results"]?.array)
    #expect(rules.count == 2 && results.count == 3)
    for result in results {
      let index = try #require(result["ruleIndex"]?.int)
      #expect(rules[index]["id"] == result["ruleId"])
      #expect(result["locations"]?.array?.first?["physicalLocation"]?["artifactLocation"]?["uri"]?.string == "plan.json")
    }
  }

  @Test func memory_reads_what_it_wrote_and_nothing_else() throws {
    let memory = GateMemory(facts: [.init(kind: "a", address: "b", store: nil, key: "k", seen: 1_795_000_000)])
    #expect(try GateMemory(json: memory.json.serialized()) == memory)
    for text in ["", "{}", "[]", #"{"schema":"hallmark.gate-memory/v2","pending":[]}"#, #"{"schema":"hallmark.gate-memory/v1","pending":[{}]}"#, #"{"schema":"hallmark.gate-memory/v1","pending":[],"x":1}"#] {
      #expect(throws: GateMemoryError.self) { try GateMemory(json: Array(text.utf8)) }
    }
  }
}
