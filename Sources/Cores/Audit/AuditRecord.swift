/// One durable record: an entry with its place in the log.
package struct AuditRecord: Sendable {
  /// 1 for the first record of a trail; without gaps.
  package var sequence: UInt64
  package var node: String
  /// `time` has milliseconds; whatever is finer was not written.
  package var entry: AuditEntry

  package init(sequence: UInt64, node: String, entry: AuditEntry) {
    self.sequence = sequence
    self.node = node
    self.entry = entry
  }
}
