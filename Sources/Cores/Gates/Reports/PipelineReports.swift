package import Encodings
internal import Estate
internal import Plans

/// Reports in the forms of code hosts and test tools.
package struct PipelineReports {
  let result: GateResult
  let fallbackFile: String
  /// What GitHub shows of each kind in one step.
  static let shownAnnotations = 10

  package init(_ result: GateResult, fallbackFile: String) {
    self.result = result
    self.fallbackFile = fallbackFile
  }

  private func place(_ finding: Finding) -> (file: String, line: Int) { (finding.location?.file ?? fallbackFile, finding.location?.line ?? 1) }

  // MARK: GitHub

  /// Workflow commands, errors first: of each kind only ten are shown, so more are folded into the last.
  package var github: String {
    let errors = result.open.filter { $0.verdict == .block }.map { ("error", $0) }
    let others = result.open.filter { $0.verdict != .block }.map { ($0.verdict == .note ? "notice" : "warning", $0) }
    var lines: [String] = []
    for list in [errors, others] {
      for (kind, finding) in list.prefix(Self.shownAnnotations - 1) { lines.append(command(kind, finding)) }
      let rest = list.dropFirst(Self.shownAnnotations - 1)
      if rest.count == 1, let (kind, finding) = rest.first { lines.append(command(kind, finding)) }
      if rest.count > 1, let kind = rest.first?.0 {
        lines.append("::\(kind) title=hallmark gate::\(Self.data("\(rest.count) more: " + rest.map { "\($0.1.rule) \($0.1.address)" }.joined(separator: ", ")))")
      }
    }
    for fact in result.undecided.prefix(Self.shownAnnotations) { lines.append("::warning title=could not be seen::\(Self.data("\(fact.address): \(fact.missing)"))") }
    if let reason = result.reason { lines.append("::error title=invalid::\(Self.data(reason))") }
    return lines.joined(separator: "\n")
  }

  private func command(_ kind: String, _ finding: Finding) -> String {
    let place = place(finding)
    return "::\(kind) file=\(Self.property(place.file)),line=\(place.line),title=\(Self.property(finding.rule))::\(Self.data("\(finding.address): \(finding.reason) \(finding.fix)"))"
  }

  /// Markdown for the job's summary (at most 1 MiB, of which this takes half at most).
  package var githubSummary: String {
    var text = "### hallmark gate: \(result.verdict.rawValue)\n\n"
    if let reason = result.reason { text += "\(Self.cell(reason))\n" }
    if !result.open.isEmpty {
      text += "| | Rule | Address | Who | Why |\n|---|---|---|---|---|\n"
      for finding in result.open {
        text += "| \(finding.verdict.rawValue) | \(finding.rule) | `\(Self.cell(finding.address))` | \(Self.cell(finding.principal?.name ?? "")) | \(Self.cell(finding.reason)) |\n"
        if text.utf8.count > 512 << 10 { break }
      }
    }
    for fact in result.undecided.prefix(200) { text += "\n- could not be seen: `\(Self.cell(fact.address))`: \(Self.cell(fact.missing))" }
    return text + "\n"
  }

  static func data(_ text: String) -> String {
    text.replacing("%", with: "%25").replacing("\r", with: "%0D").replacing("\n", with: "%0A")
  }

  static func property(_ text: String) -> String { data(text).replacing(":", with: "%3A").replacing(",", with: "%2C") }

  private static func cell(_ text: String) -> String {
    text.replacing("|", with: "\\|").replacing("`", with: "'").replacing("\n", with: " ").replacing("\r", with: " ").replacing("<", with: "&lt;")
  }

  // MARK: GitLab

  /// Code Quality.
  package var gitlab: JSONValue {
    .array(
      result.open.map { finding in
        let place = place(finding)
        let severity =
          switch (finding.verdict, finding.severity) {
          case (.block, .critical): "blocker"
          case (.block, _): "critical"
          case (.warn, _), (.undecidable, _): "major"
          case (.note, _): "info"
          }
        return [
          "description": .string("\(finding.address): \(finding.reason)"), "check_name": .string(finding.rule), "fingerprint": .string(finding.fingerprint),
          "severity": .string(severity), "location": ["path": .string(place.file), "lines": ["begin": .integer(place.line)]],
        ]
      })
  }

  // MARK: JUnit

  /// One case for each finding and each fact that could not be seen: failed, in error, or skipped for a waiver.
  package var junit: String {
    let failures = result.open.count { $0.verdict == .block }
    let errors = result.undecided.count + result.open.count { $0.verdict == .undecidable } + (result.reason == nil ? 0 : 1)
    let skipped = result.findings.count - result.open.count
    let tests = max(result.findings.count + result.undecided.count + (result.reason == nil ? 0 : 1), 1)
    let counts = "tests=\"\(tests)\" failures=\"\(failures)\" errors=\"\(errors)\" skipped=\"\(skipped)\" time=\"0\""
    var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"hallmark gate\" \(counts)>\n<testsuite name=\"hallmark gate\" \(counts)>\n"
    for finding in result.findings {
      text += "<testcase classname=\"\(Self.xml(finding.rule))\" name=\"\(Self.xml(finding.address))\">"
      switch (finding.isOpen, finding.verdict) {
      case (false, _): text += "<skipped message=\"\(Self.xml(finding.waived?.waiver.reason ?? ""))\"/>"
      case (_, .block): text += "<failure message=\"\(Self.xml(finding.reason))\" type=\"\(finding.severity.rawValue)\">\(Self.xml(finding.fix))</failure>"
      case (_, .undecidable): text += "<error message=\"\(Self.xml(finding.reason))\" type=\"undecidable\"/>"
      case (_, .warn), (_, .note): text += "<system-out>\(Self.xml(finding.reason))</system-out>"
      }
      text += "</testcase>\n"
    }
    for fact in result.undecided {
      text += "<testcase classname=\"HM-X-UNKNOWN\" name=\"\(Self.xml(fact.address))\"><error message=\"\(Self.xml(fact.missing))\" type=\"undecidable\"/></testcase>\n"
    }
    if let reason = result.reason { text += "<testcase classname=\"input\" name=\"input\"><error message=\"\(Self.xml(reason))\" type=\"invalid\"/></testcase>\n" }
    if result.findings.isEmpty, result.undecided.isEmpty, result.reason == nil { text += "<testcase classname=\"gates\" name=\"all\"/>\n" }
    return text + "</testsuite>\n</testsuites>\n"
  }

  /// Characters that XML 1.0 cannot hold become a question mark.
  static func xml(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\t", "\n", "\r": result += "&#\(scalar.value);"
      case "\u{0}"..<"\u{20}", "\u{FFFE}", "\u{FFFF}": result += "?"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
