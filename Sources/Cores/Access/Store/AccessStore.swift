/// Which set a row belongs to. The raw value may be stored.
package enum AccessTable: String, Sendable, Hashable, CaseIterable {
  /// Versions of custom role definitions.
  case definition
  /// Role assignments, those that hold and those that did.
  case assignment
  /// People, applications and groups.
  case principal
  /// Trusted issuers.
  case issuer
  /// Refresh tokens, hashed.
  case session
  /// One row: a digest over all rows above but sessions.
  case manifest
}

/// One row as the store keeps it: opaque, with the MAC that makes it ours.
package struct AccessRow: Sendable, Hashable {
  package let table: AccessTable
  /// Unique within the table; at most 128 bytes of ASCII.
  package let id: String
  /// At most 64 KiB.
  package let body: [UInt8]
  /// 32 bytes.
  package let mac: [UInt8]

  package init(table: AccessTable, id: String, body: [UInt8], mac: [UInt8]) {
    self.table = table
    self.id = id
    self.body = body
    self.mac = mac
  }
}

/// One step of a commit.
package enum AccessChange: Sendable, Hashable {
  /// Inserts the row, or replaces the one of the same table and id.
  case put(AccessRow)
  /// Removes the row; no error if it is not there.
  case delete(AccessTable, id: String)
}

/// The store failed; what it was asked did not happen, or (`.commitFailed`) may or may not have.
package enum AccessStoreError: Error, Sendable, Equatable {
  /// Rows could not be read. `detail` is for the log and holds no row contents.
  case unreadable(detail: String)
  /// A commit was not confirmed durable. The caller must not act as if it were, and reloads before it writes again.
  case commitFailed(detail: String)
}

/// Durable rows for `AccessControl` and `Directory`.
///
/// - Durability: `commit` returns after the rows would survive a power cut (fsync), not before.
/// - Atomicity: all changes of one commit, or none, also after a crash.
/// - Ordering: commits take effect in the order of the calls; a `load` that starts after a commit returned sees it.
/// - Concurrency: callable from any thread; the callers here never overlap two commits, but two callers share one store.
/// - Cost: blocks the calling thread for the flush. Called for changes of roles and directory only, never per request.
/// - Trust: the implementer is trusted to keep rows, not to leave them alone. Changed, removed and revived rows are found by their MACs
///   and the manifest. An attacker who writes to it can destroy, or roll the *whole* store back; he cannot grant himself a right.
package protocol AccessStore: Sendable {
  /// Every row of every table, in any order.
  func load() throws(AccessStoreError) -> [AccessRow]
  func commit(_ changes: [AccessChange]) throws(AccessStoreError)
}
