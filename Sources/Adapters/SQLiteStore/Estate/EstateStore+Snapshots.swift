import Clocks
import Encodings
package import Estate
import GRDB

/// What an import changed.
package struct EstateImport: Sendable, Hashable {
  /// False when all of it was there already.
  package var changed: Bool
  package var newArtifacts = 0
  package var newSignatures = 0
  package var newEvents = 0
  /// Records that another source completed.
  package var completed = 0
  /// Rows that are no signing that happened: other operations, refusals.
  package var skipped = 0

  package init(changed: Bool) { self.changed = changed }
}

extension EstateStore {
  /// Takes over a snapshot: one transaction, all or nothing. The same snapshot again changes nothing.
  ///
  /// - Throws: `.outOfOrder`, `.sameTimeDiffers`, `.unusable`.
  package func add(_ snapshot: InventorySnapshot) throws(EstateStoreError) -> EstateImport {
    let mark = Self.mark(snapshot)
    let taken = snapshot.takenAt.nanoseconds
    return try write { database in
      if let known = try Int64.fetchOne(database, sql: "SELECT mark FROM snapshot WHERE taken = ?", arguments: [taken]) {
        guard known == mark else { throw EstateStoreError.sameTimeDiffers(taken: snapshot.takenAt.seconds) }
        return EstateImport(changed: false)
      }
      if let newest = try Int64.fetchOne(database, sql: "SELECT max(taken) FROM snapshot"), newest > taken {
        throw EstateStoreError.outOfOrder(taken: snapshot.takenAt.seconds, newest: Instant(nanoseconds: newest).seconds)
      }
      try database.execute(sql: "INSERT INTO snapshot (taken, mark) VALUES (?, ?)", arguments: [taken, mark])
      try Fact.keep(snapshot, database)
      var work = EstateWriting(database)
      try work.keys(snapshot.keys)
      var result = EstateImport(changed: true)
      try work.artifacts(snapshot, &result)
      return result
    }
  }

  /// Takes over records of signings (ledger or audit export), one transaction. Records that are there already change nothing.
  package func add(_ records: [OperationRecord]) throws(EstateStoreError) -> EstateImport {
    try write { database in
      var work = EstateWriting(database)
      var result = EstateImport(changed: false)
      for record in records { try work.record(record, &result) }
      result.changed = result.newEvents + result.completed > 0
      return result
    }
  }

  /// Tells snapshots of one time apart, over every row; 64 bits, and no defence against somebody who makes collisions on purpose.
  static func mark(_ snapshot: InventorySnapshot) -> Int64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in snapshot.json.serialized() { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return Int64(bitPattern: hash)
  }
}
