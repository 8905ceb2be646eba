/// One row per key name, active or deleted.
package struct KeyRow: Hashable, Sendable {
  /// Lower-case name: unique.
  package var name: String
  /// Position in creation order: unique, positive, never changed.
  package var ordinal: Int64
  /// 1 when made, then one more at each change.
  package var revision: Int64
  package var deleted: Bool
  /// Opaque to the store.
  package var payload: [UInt8]
  /// 32 bytes, opaque to the store: covers all the other columns.
  package var mac: [UInt8]

  package init(name: String, ordinal: Int64, revision: Int64, deleted: Bool, payload: [UInt8], mac: [UInt8]) {
    self.name = name
    self.ordinal = ordinal
    self.revision = revision
    self.deleted = deleted
    self.payload = payload
    self.mac = mac
  }
}

/// One row per version of a key.
package struct KeyVersionRow: Hashable, Sendable {
  /// The `KeyRow` it belongs to; unique together with `version`.
  package var name: String
  /// 32 lower-case hex digits.
  package var version: String
  /// Position in creation order: unique among all versions, positive, never changed.
  package var ordinal: Int64
  /// Opaque to the store; up to 16 KiB.
  package var payload: [UInt8]
  /// 32 bytes, opaque to the store.
  package var mac: [UInt8]

  package init(name: String, version: String, ordinal: Int64, payload: [UInt8], mac: [UInt8]) {
    self.name = name
    self.version = version
    self.ordinal = ordinal
    self.payload = payload
    self.mac = mac
  }
}

/// Everything that happens to one key in one step; the store does all of it or nothing.
package struct KeyCommit: Hashable, Sendable {
  package enum KeyChange: Hashable, Sendable {
    /// Insert; fails with `.conflict` if the name exists.
    case insert(KeyRow)
    /// Replace the row of that name; fails with `.conflict` unless the stored revision is `row.revision - 1`.
    case replace(KeyRow)
    /// Remove the key row and all version rows of `name`; fails with `.conflict` unless the stored revision is `revision`.
    case remove(name: String, revision: Int64)
  }
  package var key: KeyChange
  /// Inserted, or replaced where (name, version) exists; always of the same name as `key`. Empty with `.remove`.
  package var versions: [KeyVersionRow]

  package init(key: KeyChange, versions: [KeyVersionRow] = []) {
    self.key = key
    self.versions = versions
  }
}

/// Where key rows live. Declared here, implemented by SQLiteStore and by an in-memory double in the tests.
///
/// - Trust: for durability only. Rows are authenticated by their MAC; private keys in payloads are sealed.
/// - Ordering: a read begun after a commit returned sees it, on every node that shares the store.
/// - Durability: `commit` returns after the change survives power loss, or throws and nothing of it happened
///   (`.unknownOutcome` if that cannot be told).
/// - Idempotence: a commit repeated after success fails with `.conflict`.
/// - Concurrency: any thread, any number at once; blocking is expected and must be bounded (milliseconds).
package protocol KeyStore: Sendable {
  /// - Parameter name: lower case.
  func key(named name: String) throws(KeyStoreFailure) -> KeyRow?
  func version(of name: String, id: String) throws(KeyStoreFailure) -> KeyVersionRow?
  /// Rows with that deletion state and a larger ordinal, smallest ordinal first, at most `limit`.
  func keys(deleted: Bool, after ordinal: Int64, limit: Int) throws(KeyStoreFailure) -> [KeyRow]
  /// Rows of one key with a larger ordinal, smallest first, at most `limit`; empty if the key is unknown.
  func versions(of name: String, after ordinal: Int64, limit: Int) throws(KeyStoreFailure) -> [KeyVersionRow]
  /// All keys, deleted ones included.
  func keyCount() throws(KeyStoreFailure) -> Int
  /// The largest ordinal in either table; 0 if empty.
  func largestOrdinal() throws(KeyStoreFailure) -> Int64
  func commit(_ change: KeyCommit) throws(KeyStoreFailure)
}

package enum KeyStoreFailure: Error, Hashable, Sendable {
  /// The stored revision is another one, or the name exists: read again.
  case conflict
  /// Nothing was written; may be tried again. `reason` names no key material.
  case unavailable(reason: String)
  /// The commit may or may not have happened; read before trying again.
  case unknownOutcome(reason: String)
}
