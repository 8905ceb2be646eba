internal import Estate
internal import Plans

extension GateResult {
  /// For people at a terminal and in a job's log.
  ///
  /// - Parameter isStrict: words the undecidable as the failure it then is.
  package func text(isStrict: Bool) -> String {
    var lines: [String] = []
    switch verdict {
    case .pass: lines.append("pass: nothing in this change touches what the gates guard, or all of it may")
    case .warn: lines.append("warn: \(open.count) finding\(open.count == 1 ? "" : "s"), none of which blocks")
    case .block: lines.append("BLOCK: \(open.count { $0.verdict == .block }) of \(open.count) findings block this change")
    case .undecidable: lines.append(isStrict ? "FAIL: this change cannot be judged" : "undecidable: this change cannot be judged; that is not a pass")
    case .invalid: lines.append("invalid: \(reason ?? "the input is none")")
    }
    for finding in findings.sorted(by: Self.order) { lines += finding.lines }
    if !standing.isEmpty {
      lines.append("")
      lines.append("Already so before this change:")
      for finding in standing { lines += finding.lines }
    }
    if !undecided.isEmpty {
      lines.append("")
      lines.append("Could not be seen:")
      for fact in undecided { lines.append("  \(fact.address): \(fact.missing)") }
    }
    lines.append("")
    lines.append("\(coverage.evaluated) of \(coverage.resources) resources evaluated" + (coverage.unknownTypes.isEmpty ? "" : "; not understood: " + coverage.unknownTypes.joined(separator: ", ")))
    for source in input { lines.append("\(source.path) (\(source.format.rawValue)) sha256:\(source.sha256)") }
    return lines.joined(separator: "\n")
  }

  var open: [Finding] { findings.filter(\.isOpen) }

  private static func order(_ a: Finding, _ b: Finding) -> Bool {
    let rank = Finding.Severity.allCases
    return (rank.firstIndex(of: a.severity) ?? 0, a.address, a.rule) < (rank.firstIndex(of: b.severity) ?? 0, b.address, b.rule)
  }
}

extension Finding {
  fileprivate var lines: [String] {
    var result = ["", "\(isOpen ? verdict.rawValue : "waived") \(rule) [\(severity.rawValue)] \(address)" + (location.map { " (\($0.file):\($0.line))" } ?? "")]
    result.append("  \(reason)")
    if let principal {
      let name = principal.name ?? principal.objectId ?? "a principal that is made by this change"
      result.append("  who: \(name)" + (principal.via.isEmpty ? "" : ", via \(principal.via.joined(separator: " › "))"))
    }
    let place = [store.map { "store \($0)" }, key.map { "key \($0)" }, scope.map { "scope \($0)" }].compactMap { $0 }
    if !place.isEmpty { result.append("  where: " + place.joined(separator: ", ")) }
    if !gained.isEmpty { result.append("  gains: " + gained.map(\.rawValue).joined(separator: ", ")) }
    result.append("  fix: \(fix)")
    if let waived {
      result.append(waived.accepted ? "  waived until \(waived.waiver.expires ?? "") by \(waived.waiver.approvedBy ?? ""): \(waived.waiver.reason ?? "")" : "  waiver refused: \(waived.reasons.joined(separator: "; "))")
    }
    return result
  }
}
