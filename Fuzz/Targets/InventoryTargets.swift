import Clocks
import Encodings
import Estate

enum InventoryTargets {
  /// Laws: a line that is read strictly is read leniently alike; what is asked of its uses ends.
  static func auditLine(_ bytes: UnsafeRawBufferPointer) {
    guard let record = try? OperationRecord(auditLine: Array(bytes), path: "line") else { return }
    guard let value = try? JSONValue.parse(Array(bytes), limits: OperationRecord.lineLimits), let again = try? OperationRecord(value) else {
      preconditionFailure("a strict reader takes what a lenient one refuses")
    }
    precondition(again == record)
    let facts = UseFacts(records: [record])
    precondition(facts.uses.count <= 1 && facts.coverage.count <= 1)
    _ = facts.gap(store: record.store ?? "", since: Instant(seconds: 0), until: Instant(seconds: 1))
  }
}
