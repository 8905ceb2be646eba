import GRDB
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One HSM's durable rows. Synchronous: call it on a worker thread. Thread safe; one writer at a time, readers beside it.
package final class Store: Sendable {
  private let pool: DatabasePool
  /// Set while tests make the next commit fail.
  let faults = Mutex(Faults())

  struct Faults { var failNextCommits = 0 }

  /// `HMRK`: marks the file as ours (SQLite's application_id).
  static let applicationID = 0x484D_524B
  package static let schemaVersion = Schema.steps.count

  /// Opens the store, making it when the file does not exist or is empty, and brings an older schema up to date.
  ///
  /// - Throws: `.notOurs`, `.newerSchema`, `.notDurable`, `.unavailable`; a refused file is left as it was.
  package init(path: String) throws(StoreOpeningError) {
    do {
      try Self.recognise(path)
      var configuration = Configuration()
      configuration.foreignKeysEnabled = true
      configuration.busyMode = .timeout(5)
      configuration.maximumReaderCount = 4
      pool = try DatabasePool(path: path, configuration: configuration)
      let level = try pool.writeWithoutTransaction { database -> Int in
        try database.execute(sql: "PRAGMA synchronous = FULL")
        try Self.migrate(database)
        return try Int.fetchOne(database, sql: "PRAGMA synchronous") ?? -1
      }
      guard level == 2 else { throw StoreOpeningError.notDurable(file: path, found: level) }
    } catch let error as StoreOpeningError { throw error } catch let error as DatabaseError {
      if error.resultCode == .SQLITE_NOTADB { throw .notOurs(file: path) }
      throw .unavailable(file: path, code: error.resultCode.rawValue)
    } catch { throw .unavailable(file: path, code: 0) }
  }

  /// Looks at the file before anything writes to it.
  private static func recognise(_ path: String) throws {
    // SQLite would make it readable for others; the files beside it take over this one's mode.
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw StoreOpeningError.unavailable(file: path, code: 14) }
    closeDescriptor(descriptor)
    var configuration = Configuration()
    configuration.busyMode = .timeout(5)
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    defer { try? queue.close() }
    try queue.inDatabase { database in
      let mark = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
      let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
      let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
      if mark == 0, version == 0, tables == 0 { return }
      guard mark == applicationID else { throw StoreOpeningError.notOurs(file: path) }
      guard version <= schemaVersion else {
        throw StoreOpeningError.newerSchema(file: path, found: version, supported: schemaVersion)
      }
    }
  }

  /// Each step runs in one transaction with the version it leads to.
  private static func migrate(_ database: Database) throws {
    let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    for (index, step) in Schema.steps.enumerated() where index >= found {
      try database.inTransaction(.immediate) {
        try database.execute(sql: step)
        try database.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(index + 1)")
        return .commit
      }
    }
  }

  func read<T>(_ body: (Database) throws -> T) throws -> T { try pool.read(body) }

  /// One durable transaction.
  func write<T>(_ body: (Database) throws -> T) throws -> T {
    try pool.writeWithoutTransaction { database in
      var result: T?
      try database.inTransaction(.immediate) {
        result = try body(database)
        let fails = faults.withLock { faults in
          guard faults.failNextCommits > 0 else { return false }
          faults.failNextCommits -= 1
          return true
        }
        if fails { throw DatabaseError(resultCode: .SQLITE_IOERR) }
        return .commit
      }
      guard let result else { throw DatabaseError(resultCode: .SQLITE_INTERNAL) }
      return result
    }
  }

  /// What the writing connection says about durability; 2 is FULL.
  func synchronousLevel() throws -> Int {
    try pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") ?? -1 }
  }

  /// Closes all connections. Calls made later fail as unavailable.
  package func close() { try? pool.close() }
}

private func closeDescriptor(_ descriptor: Int32) { close(descriptor) }

/// Where SQLite itself reported the failure: its code is all that goes into errors and logs, never a row.
func storeReason(_ error: any Error) -> String {
  guard let error = error as? DatabaseError else { return "the store failed" }
  return "SQLite error \(error.extendedResultCode.rawValue)"
}
