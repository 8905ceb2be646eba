import ArgumentParser
import Encodings
import Trust

/// A decision as people and programs read it, and the exit code it means.
struct DecisionOutput {
  let subject: String
  let decision: Decision
  let format: OutputFormat
  /// One line of many: JSON is not spread over lines.
  var isLine = false
  /// Members beside the decision's own in JSON, lines after it in text.
  var details: [(name: String, value: JSONValue)] = []
  var lines: [String] = []

  /// - Returns: nil for yes.
  func show() -> ExitCode? {
    switch format {
    case .json:
      var object: JSONObject = decision.json.object ?? [:]
      object["subject"] = .string(subject)
      for (name, value) in details { object[name] = value }
      Console.print(JSONValue.object(object).text(pretty: !isLine))
    case .text: showText()
    }
    switch decision.outcome {
    case .admit: return nil
    case .admitUnenforced:
      Console.note("hallmark: WARNING: \(Console.plain(subject)) is \(decision.verdict.rawValue), and let through because the rule \(rule) is at level \(decision.level.rawValue): \(summary)")
      return nil
    case .refuse:
      Console.note("hallmark: not trusted: \(Console.plain(subject)): \(summary)")
      return Exit.no
    case .undetermined:
      Console.note("hallmark: could not be determined: \(Console.plain(subject)): \(summary)")
      return Exit.undecided
    }
  }

  private var rule: String { decision.rule.map { "\"\(Console.plain($0))\"" } ?? "(none)" }

  private var summary: String {
    let reasons = decision.findings.filter { $0.verdict != .trusted }.flatMap(\.reasons) + decision.reasons
    return reasons.map { Console.plain($0.text) }.joined(separator: "; ")
  }

  private func showText() {
    Console.print("\(decision.verdict.rawValue)  \(Console.plain(subject))\(decision.rule.map { "  rule \"\(Console.plain($0))\"" } ?? "")")
    for finding in decision.findings {
      var line = "  \(finding.verdict.rawValue)  \(Console.plain(finding.source))  \(finding.form.rawValue)"
      if let scheme = finding.scheme, let key = finding.key { line += "  \(scheme.rawValue)  spki sha256:\(key.fingerprintHex)" }
      if let type = finding.predicateType { line += "  \(Console.plain(type))" }
      if let identity = finding.identity { line += "  \(Console.plain(identity))" }
      Console.print(line)
      for reason in finding.reasons { Console.print("    \(reason.code.rawValue): \(Console.plain(reason.text))") }
    }
    for reason in decision.reasons { Console.print("  \(reason.code.rawValue): \(Console.plain(reason.text))") }
    for line in lines { Console.print("  \(Console.plain(line))") }
  }
}
