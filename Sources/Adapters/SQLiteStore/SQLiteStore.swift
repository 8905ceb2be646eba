/// SQLiteStore: the embedded store of one HSM, one SQLite file through GRDB.
///
/// Implements the store ports of Access (`AccessStore`) and Custody (`KeyStore`) and keeps a few named values (`stateValue`): settings,
/// activation, the sealed partition key. Rows and their MACs are opaque here.
///
/// Commits are durable: WAL with `synchronous = FULL`, set after GRDB opened the connection (GRDB sets NORMAL itself) and asserted.
///
/// The store is trusted for durability, not for truth: whoever can write to the file can destroy, or put back an older copy of the *whole*
/// file; a row that was changed is refused by the core that reads it, since its MAC does not fit.
///
/// `Estate/` holds a second, separate file: the estate database of the client (inventory snapshots over time, signings, what ties them), which is
/// evidence gathered and no truth of the HSM; it can be made again from its documents.
///
/// This target must never know what a row of the HSM means, a key that makes MACs, or any wire form.
/// Allowed imports: Access, Custody, Estate, Trust, Clocks, Encodings, GRDB.

/// Why the store could not be opened.
package enum StoreOpeningError: Error, Equatable, Sendable {
  /// The file is no database, or not one of Hallmark's.
  case notOurs(file: String)
  /// Made by a newer Hallmark; `supported` is the newest this one reads.
  case newerSchema(file: String, found: Int, supported: Int)
  /// The connection would not be durable: `PRAGMA synchronous` reads `found` instead of 2.
  case notDurable(file: String, found: Int)
  /// SQLite's result code.
  case unavailable(file: String, code: Int32)
}

extension StoreOpeningError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notOurs(let file): "\(file): not a Hallmark store"
    case .newerSchema(let file, let found, let supported):
      "\(file): made by a newer version (schema \(found), this one reads up to \(supported)); update Hallmark"
    case .notDurable(let file, let found): "\(file): commits would not be durable (synchronous is \(found))"
    case .unavailable(let file, let code): "\(file): SQLite error \(code)"
    }
  }
}
