import GRDB
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Why the estate database could not be used. Carries names, times and SQLite's codes, never a row.
package enum EstateStoreError: Error, Equatable, Sendable {
  /// An older snapshot than the newest one imported: what changed in between is no longer open. Seconds since the epoch.
  case outOfOrder(taken: Int64, newest: Int64)
  /// Another snapshot of the same time was imported. Seconds since the epoch.
  case sameTimeDiffers(taken: Int64)
  /// A row of the file does not read back, or SQLite refused to read or write.
  case unusable(detail: String)
}

extension EstateStoreError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .outOfOrder(let taken, let newest):
      "the snapshot (taken at \(taken)) is older than one that was imported (\(newest)); import oldest first, into a new database if need be"
    case .sameTimeDiffers(let taken):
      "another snapshot of the same time (\(taken)) was imported; give snapshots of one time together, so that they are read as one"
    case .unusable(let detail): "the estate database cannot be used: \(detail)"
    }
  }
}

/// What was signed by whom, with what, and where it runs, over time: the reverse questions are answered from here.
///
/// Synchronous and thread safe. Every import is one durable transaction and may be repeated: what is there already changes nothing.
package final class EstateStore: Sendable {
  private let writer: any DatabaseWriter
  /// Set while tests make the next commit fail.
  let failNextCommit = Mutex(false)

  /// `HMES`: marks the file as an estate database (SQLite's application_id); the HSM's own store has another mark.
  static let applicationID = 0x484D_4553
  package static let schemaVersion = EstateSchema.steps.count

  /// Opens the database, making it when the file does not exist or is empty, and brings an older schema up to date.
  ///
  /// - Throws: `.notOurs`, `.newerSchema`, `.notDurable`, `.unavailable`; a refused file is left as it was.
  package init(path: String) throws(StoreOpeningError) {
    do {
      // SQLite would make it readable for others; the files beside it take over this one's mode.
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw StoreOpeningError.unavailable(file: path, code: 14) }
      closeFile(descriptor)
      var configuration = Configuration()
      configuration.foreignKeysEnabled = true
      configuration.busyMode = .timeout(5)
      let looking = try DatabaseQueue(path: path, configuration: configuration)
      defer { try? looking.close() }
      try looking.inDatabase { try Self.recognise($0, path) }
      configuration.maximumReaderCount = 4
      configuration.prepareDatabase { try $0.execute(sql: "PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY") }
      writer = try DatabasePool(path: path, configuration: configuration)
      let level = try writer.writeWithoutTransaction { database -> Int in
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

  /// A database in memory, gone when closed.
  package init() throws(StoreOpeningError) {
    do {
      var configuration = Configuration()
      configuration.foreignKeysEnabled = true
      writer = try DatabaseQueue(configuration: configuration)
      try writer.writeWithoutTransaction { try Self.migrate($0) }
    } catch { throw .unavailable(file: ":memory:", code: (error as? DatabaseError)?.resultCode.rawValue ?? 0) }
  }

  private static func recognise(_ database: Database, _ path: String) throws {
    let mark = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
    let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
    if mark == 0, version == 0, tables == 0 { return }
    guard mark == applicationID else { throw StoreOpeningError.notOurs(file: path) }
    guard version <= schemaVersion else { throw StoreOpeningError.newerSchema(file: path, found: version, supported: schemaVersion) }
  }

  /// Each step runs in one transaction with the version it leads to.
  private static func migrate(_ database: Database) throws {
    let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    for (index, step) in EstateSchema.steps.enumerated() where index >= found {
      try database.inTransaction(.immediate) {
        try database.execute(sql: step)
        try database.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(index + 1)")
        return .commit
      }
    }
  }

  func read<T>(_ body: (Database) throws -> T) throws(EstateStoreError) -> T {
    do { return try writer.read(body) } catch { throw Self.failure(error) }
  }

  /// One durable transaction; nothing of it stays when it throws.
  func write<T>(_ body: (Database) throws -> T) throws(EstateStoreError) -> T {
    do {
      return try writer.writeWithoutTransaction { database in
        var result: T?
        try database.inTransaction(.immediate) {
          result = try body(database)
          if failNextCommit.withLock({ fails in defer { fails = false }; return fails }) { throw DatabaseError(resultCode: .SQLITE_IOERR) }
          return .commit
        }
        guard let result else { throw DatabaseError(resultCode: .SQLITE_INTERNAL) }
        return result
      }
    } catch { throw Self.failure(error) }
  }

  private static func failure(_ error: any Error) -> EstateStoreError {
    (error as? EstateStoreError) ?? .unusable(detail: storeReason(error))
  }

  /// Closes all connections. Calls made later fail as unusable.
  package func close() { try? writer.close() }
}

private func closeFile(_ descriptor: Int32) { close(descriptor) }
