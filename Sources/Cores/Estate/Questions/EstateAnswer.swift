package import Clocks

/// Rows, and what was not seen: an answer without rows means "none" only when there is no gap.
package struct EstateAnswer<Row: Sendable & Hashable>: Sendable, Hashable {
  package var rows: [Row]
  package var gaps: [String]

  package init(rows: [Row], gaps: [String]) {
    self.rows = rows
    self.gaps = gaps
  }

  package var isComplete: Bool { gaps.isEmpty }
}

/// Questions about an estate at one time. Pure: the same snapshot gives the same answers.
package struct EstateQuestions: Sendable {
  package let rights: EstateRights
  package let intent: IntentRegister

  package var snapshot: InventorySnapshot { rights.snapshot }

  package init(_ snapshot: InventorySnapshot, intent: IntentRegister = IntentRegister(), at time: Instant? = nil) {
    rights = EstateRights(snapshot, at: time)
    self.intent = intent
  }

  /// The keys that sign, by name: those the register names; when it names none, those whose `key_ops` has `sign`.
  package var signingKeys: [(store: String, name: String)] {
    let says = intent.signingKeys
    let named = !(says.names.isEmpty && says.tags.isEmpty && says.subjects.isEmpty)
    var seen: Set<String> = []
    var result: [(store: String, name: String)] = []
    for key in snapshot.keys where !key.deleted {
      let signs = named ? intent.isSigningKey(name: key.name, tags: key.tags) : key.keyOps?.contains("sign") ?? true
      if signs, seen.insert("\(key.store)/\(key.name)".lowercased()).inserted { result.append((key.store, key.name)) }
    }
    return result.sorted { ($0.store, $0.name) < ($1.store, $1.name) }
  }

  /// The newest snapshot that was taken at the time or before; nil when all are later.
  package static func asOf(_ time: Instant, _ times: [Instant]) -> Instant? { times.filter { $0 <= time }.max() }
}
