package import Plans

/// Every resource of the change sets, understood.
package struct ResourceReading: Sendable {
  package var resources: [PlannedResource] = []
  package var undecided: [MissingFact] = []
  package var coverage = GateResult.Coverage()

  package init(_ sets: [ChangeSet]) {
    for (number, set) in sets.enumerated() {
      undecided += set.missing
      undecided += set.incomplete.map { MissingFact(address: "", missing: $0) }
      for change in set.resources { resources.append(PlannedResource(change: change, set: number)) }
    }
    coverage.resources = resources.count
    coverage.evaluated = resources.count
  }
}
