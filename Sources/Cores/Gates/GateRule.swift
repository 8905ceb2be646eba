package import Plans

/// One gate, or one rule of a gate: a function of the change.
package protocol GateRule: Sendable {
  func evaluate(_ change: EstateChange) -> GateOutcome
}

/// What one rule says.
package struct GateOutcome: Sendable {
  package var findings: [Finding]
  package var standing: [Finding]
  package var undecided: [MissingFact]
  /// What the next run has to remember.
  package var pending: [PendingFact]

  package init(findings: [Finding] = [], standing: [Finding] = [], undecided: [MissingFact] = [], pending: [PendingFact] = []) {
    self.findings = findings
    self.standing = standing
    self.undecided = undecided
    self.pending = pending
  }

  package mutating func add(_ other: GateOutcome) {
    findings += other.findings
    standing += other.standing
    undecided += other.undecided
    pending += other.pending
  }
}
