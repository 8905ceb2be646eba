/// What earlier runs saw begin and no run has seen end: a migration in several harmless steps (estate-and-gates §3.9, 2.17).
package struct GateMemory: Sendable, Hashable {
  package var facts: [PendingFact]

  package init(facts: [PendingFact] = []) { self.facts = facts }
}

/// One step that may be half of something.
package struct PendingFact: Sendable, Hashable {
  /// What kind of step: a word of the rule that remembers it.
  package var kind: String
  package var address: String
  package var store: String?
  package var key: String?
  /// When it was first seen, seconds since 1970.
  package var seen: Int64

  package init(kind: String, address: String, store: String?, key: String?, seen: Int64) {
    self.kind = kind
    self.address = address
    self.store = store
    self.key = key
    self.seen = seen
  }
}
