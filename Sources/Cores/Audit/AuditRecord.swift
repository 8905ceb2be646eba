import Ledger

/// One durable record: an entry with its place in the log.
package struct AuditRecord: Sendable, Equatable {
  /// 1 for the first record of a trail; without gaps.
  package var sequence: UInt64
  package var node: String
  /// Its `time` has milliseconds; whatever is finer was not written.
  package var entry: AuditEntry

  package init(sequence: UInt64, node: String, entry: AuditEntry) {
    self.sequence = sequence
    self.node = node
    self.entry = entry
  }

  /// The record's line in its exact form, without line feed. Reading and writing again gives the same bytes.
  package func line() -> [UInt8] {
    var bytes: [UInt8] = []
    LeafDraft(
      head: AuditRecordWriter.head,
      tail: AuditRecordWriter.tail(of: entry, node: AuditRecordWriter.encodedNode(node))
    ).write(sequence: sequence, to: &bytes)
    return bytes
  }
}
