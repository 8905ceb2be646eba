internal import Clocks
internal import Estate

/// Decides for every finding whether a waiver of the register excuses it. Nothing else can: comments in code and settings of tools are not asked.
struct WaiverDecisions {
  let waivers: [IntentRegister.Waiver]
  let options: GateOptions

  func applied(to findings: [Finding]) -> [Finding] {
    guard !waivers.isEmpty else { return findings }
    let targets = Set(findings.map { Target(rule: $0.rule, address: $0.address) })
    return findings.map { finding in
      var finding = finding
      finding.waived = decision(finding, targets)
      return finding
    }
  }

  private struct Target: Hashable {
    var rule: String
    var address: String
  }

  /// Of several waivers that match, one that is good is enough.
  private func decision(_ finding: Finding, _ targets: Set<Target>) -> Finding.WaiverDecision? {
    let exact = waivers.filter { $0.rule == finding.rule && $0.address == finding.address }
    let decided = exact.map { waiver in
      let reasons = refusals(waiver)
      return Finding.WaiverDecision(accepted: reasons.isEmpty, reasons: reasons, waiver: waiver)
    }
    if let best = decided.first(where: \.accepted) ?? decided.first { return best }
    // A waiver that matches nothing was probably meant for what differs from it in one of the two.
    guard
      let stray = waivers.first(where: { waiver in
        !targets.contains(Target(rule: waiver.rule, address: waiver.address)) && (waiver.rule == finding.rule || waiver.address == finding.address)
      })
    else { return nil }
    let difference =
      stray.rule == finding.rule
      ? "it names the address \(stray.address), and no finding of this rule is there" : "it names the rule \(stray.rule), which found nothing at this address"
    return Finding.WaiverDecision(accepted: false, reasons: [difference] + refusals(stray), waiver: stray)
  }

  /// Every reason against it, not only the first.
  private func refusals(_ waiver: IntentRegister.Waiver) -> [String] {
    var reasons: [String] = []
    func isBlank(_ text: String?) -> Bool { text.map { $0.allSatisfy(\.isWhitespace) } ?? true }
    if isBlank(waiver.reason) { reasons.append("it gives no reason") }
    if let end = waiver.expiresAt {
      if end <= options.now { reasons.append("it expired on \(waiver.expires ?? "an earlier day")") }
    } else {
      reasons.append(waiver.expires.map { "its expiry '\($0)' is no date" } ?? "it has no expiry")
    }
    if isBlank(waiver.approvedBy) { reasons.append("nobody approved it") }
    if isBlank(waiver.proposedBy) { reasons.append("it does not say who proposed it") }
    if let approver = waiver.approvedBy.map(Self.person), !approver.isEmpty {
      if approver == waiver.proposedBy.map(Self.person) { reasons.append("approvedBy and proposedBy are the same person") }
      if approver == options.changedBy.map(Self.person) { reasons.append("the approver proposes this change (--changed-by)") }
    }
    return reasons
  }

  /// People are compared without case and outer spaces: `Ada@x` and `ada@x ` are one.
  private static func person(_ text: String) -> String {
    let trimmed = text.drop(while: \.isWhitespace)
    return String(trimmed.reversed().drop(while: \.isWhitespace).reversed()).lowercased()
  }
}
