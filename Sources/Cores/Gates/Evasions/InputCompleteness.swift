import Plans

/// An input that does not show the whole change: targeted plans, deferred changes, nested templates that were not read, unknown what-if answers (§3.11).
struct InputCompleteness: GateRule {
  static let rule = "HM-X-INCOMPLETE"

  func evaluate(_ change: EstateChange) -> GateOutcome {
    var outcome = GateOutcome()
    for (number, set) in change.sets.enumerated() {
      for sentence in set.incomplete { outcome.undecided.append(MissingFact(address: "input \(number + 1)", missing: sentence)) }
      outcome.undecided += set.missing
    }
    for resource in change.resources where resource.change.isDeferred && resource.after != nil {
      outcome.undecided.append(MissingFact(address: resource.address, missing: "its change is deferred and will be planned later; judge that plan too"))
    }
    return outcome
  }
}
