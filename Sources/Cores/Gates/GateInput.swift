package import Clocks
package import Estate
package import Plans

/// Everything a verdict is made of. Same input, same verdict.
package struct GateInput: Sendable {
  /// One file that was read, for the report.
  package struct Source: Sendable, Hashable {
    package var path: String
    /// Hexadecimal SHA-256 of the bytes read.
    package var sha256: String
    package var format: PlanFormat

    package init(path: String, sha256: String, format: PlanFormat) {
      self.path = path
      self.sha256 = sha256
      self.format = format
    }
  }

  package var changes: [ChangeSet]
  package var sources: [Source]
  package var intent: IntentRegister
  /// Nil when none was given: then nothing is known of what exists, and what depends on that is undecidable.
  package var inventory: InventorySnapshot?
  package var options: GateOptions

  package init(
    changes: [ChangeSet], sources: [Source] = [], intent: IntentRegister = IntentRegister(), inventory: InventorySnapshot? = nil,
    options: GateOptions
  ) {
    self.changes = changes
    self.sources = sources
    self.intent = intent
    self.inventory = inventory
    self.options = options
  }
}

package struct GateOptions: Sendable, Hashable {
  /// Blocks on what otherwise warns (classes E and X), and words the undecidable as a failure.
  package var strict: Bool
  /// Who proposes the change, as the pipeline knows it: may not approve a waiver.
  package var changedBy: String?
  package var now: Instant
  /// Pending facts of earlier runs; nil when no memory is kept.
  package var memory: GateMemory?

  package init(strict: Bool = false, changedBy: String? = nil, now: Instant, memory: GateMemory? = nil) {
    self.strict = strict
    self.changedBy = changedBy
    self.now = now
    self.memory = memory
  }
}
