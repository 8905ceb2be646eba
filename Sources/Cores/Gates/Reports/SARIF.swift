package import Encodings
internal import Estate
internal import Plans

/// SARIF 2.1.0, as code scanning takes it: one run, a rule for each id that was found, a location for each result.
package struct SARIFReport {
  /// Results beyond this are not taken by GitHub.
  package static let maxResults = 25_000

  let result: GateResult
  let version: String
  /// A file of the repository that stands for what has no place of its own.
  let fallbackFile: String

  package init(_ result: GateResult, version: String, fallbackFile: String) {
    self.result = result
    self.version = version
    self.fallbackFile = fallbackFile
  }

  package var json: JSONValue {
    let all: [(finding: Finding, isStanding: Bool)] =
      result.findings.map { ($0, false) } + result.standing.map { ($0, true) }
    let unseen = result.undecided.map { fact in
      Finding(
        rule: "HM-X-UNKNOWN", gate: .other, verdict: .undecidable, severity: .medium, address: fact.address, reason: fact.missing,
        fix: "Supply the missing fact and judge the change again.")
    }
    let listed = Array((all + unseen.map { ($0, false) }).prefix(Self.maxResults))
    var ids: [String] = []
    for entry in listed where !ids.contains(entry.finding.rule) { ids.append(entry.finding.rule) }
    let driver: JSONValue = [
      "name": "hallmark gate", "version": .string(version), "informationUri": "https://github.com/hallmark/hallmark",
      "rules": .array(ids.map { id in rule(id, listed.first { $0.finding.rule == id }?.finding) }),
    ]
    let failed = result.verdict == .invalid
    var invocation: JSONObject = ["executionSuccessful": .bool(!failed)]
    if let reason = result.reason { invocation["toolExecutionNotifications"] = [["level": "error", "message": ["text": .string(reason)]]] }
    return [
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
      "runs": [
        [
          "tool": ["driver": driver], "automationDetails": ["id": "hallmark-gate/"], "invocations": [.object(invocation)],
          "results": .array(listed.map { self.result($0.finding, ids.firstIndex(of: $0.finding.rule) ?? 0, isStanding: $0.isStanding) }),
        ]
      ],
    ]
  }

  private func rule(_ id: String, _ example: Finding?) -> JSONValue {
    let severity: String =
      switch example?.severity {
      case .critical: "9.5"
      case .high: "8.0"
      case .medium: "5.5"
      case .low, nil: "2.0"
      }
    let title = GateRuleTitle.text(id)
    return [
      "id": .string(id), "name": .string(id), "shortDescription": ["text": .string(title)], "fullDescription": ["text": .string(title)],
      "help": ["text": .string(example?.fix ?? title), "markdown": .string(example?.fix ?? title)],
      "defaultConfiguration": ["level": .string(example.map(Self.level) ?? "warning")],
      "properties": ["tags": ["security", "key-management"], "precision": "high", "security-severity": .string(severity)],
    ]
  }

  private func result(_ finding: Finding, _ index: Int, isStanding: Bool) -> JSONValue {
    let file = finding.location?.file ?? fallbackFile
    var object: JSONObject = [
      "ruleId": .string(finding.rule), "ruleIndex": .integer(index), "level": .string(isStanding ? "note" : Self.level(finding)), "kind": finding.verdict == .undecidable ? "open" : "fail",
      "message": ["text": .string("\(finding.reason) \(finding.fix)")],
      "locations": [
        [
          "physicalLocation": ["artifactLocation": ["uri": .string(file)], "region": ["startLine": .integer(finding.location?.line ?? 1)]],
          "logicalLocations": [["fullyQualifiedName": .string(finding.address), "kind": "resource"]],
        ]
      ],
      "partialFingerprints": ["hallmarkFinding/v1": .string(finding.fingerprint)],
      "baselineState": .string(isStanding ? "unchanged" : "new"),
    ]
    // Of a result that is not `fail`, SARIF wants the level none (§3.27.9).
    if finding.verdict == .undecidable { object["level"] = "none" }
    if let waived = finding.waived {
      object["suppressions"] = [
        [
          "kind": "external", "status": .string(waived.accepted ? "accepted" : "rejected"),
          "justification": .string(waived.accepted ? waived.waiver.reason ?? "" : waived.reasons.joined(separator: "; ")),
        ]
      ]
    }
    return .object(object)
  }

  static func level(_ finding: Finding) -> String {
    switch finding.verdict {
    case .block: "error"
    case .warn: "warning"
    case .note: "note"
    case .undecidable: "warning"
    }
  }
}

/// What a rule id is about, in a few words.
enum GateRuleTitle {
  static func text(_ id: String) -> String {
    if id.hasPrefix("HM-G1") { return "An identity that only needs to sign gains a right that leads further (\(id))" }
    if id.hasPrefix("HM-G2") { return "A signing key leaves the Managed HSM (\(id))" }
    if id.hasPrefix("HM-G3") { return "A store holding signing material loses protection (\(id))" }
    return "The change cannot be judged as it is (\(id))"
  }
}
