package import Plans

/// What `hallmark gate` answers (guard-formats §3).
package struct GateResult: Sendable {
  package enum Verdict: String, Sendable, Hashable, CaseIterable { case pass, warn, block, undecidable, invalid }

  package struct Coverage: Sendable, Hashable {
    package var resources: Int
    package var evaluated: Int
    /// Types that concern key stores or rights and that no rule understands.
    package var unknownTypes: [String]

    package init(resources: Int = 0, evaluated: Int = 0, unknownTypes: [String] = []) {
      self.resources = resources
      self.evaluated = evaluated
      self.unknownTypes = unknownTypes
    }
  }

  package var verdict: Verdict
  /// Why the input is invalid; nil otherwise.
  package var reason: String?
  package var input: [GateInput.Source]
  package var findings: [Finding]
  /// Already true before the change: shown, never a reason to fail it.
  package var standing: [Finding]
  package var undecided: [MissingFact]
  package var coverage: Coverage
  /// To be kept for the next run.
  package var memory: GateMemory?

  package init(
    verdict: Verdict, reason: String? = nil, input: [GateInput.Source], findings: [Finding] = [], standing: [Finding] = [],
    undecided: [MissingFact] = [], coverage: Coverage = Coverage(), memory: GateMemory? = nil
  ) {
    self.verdict = verdict
    self.reason = reason
    self.input = input
    self.findings = findings
    self.standing = standing
    self.undecided = undecided
    self.coverage = coverage
    self.memory = memory
  }
}
