package import Audit
import Clocks
import GRDB
package import Ledger
import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Answers audit queries from the log's files through an SQLite index beside them.
///
/// The index is a projection: it holds positions and the values to search by, never the record. It is brought up to date at the start of
/// every query, so a durable record is visible to the next one; it may be deleted at any time. What a query returns was read
/// from the log and its sequence checked.
///
/// Blocks; call it on a worker thread. Works beside a writing process, and without write access to the folder
/// (`inMemory`).
package final class AuditIndex: AuditReader {
  private let folder: LedgerFolder
  private let database: DatabaseQueue

  private static let version = 1
  package static let fileName = "audit-index.sqlite"

  /// Where the index is kept.
  package enum Place: Sendable {
    /// In the log's folder.
    case folder
    /// Nowhere: rebuilt by each process. For readers without write access.
    case memory
  }

  /// - Throws: `.unreadable` when the index can neither be opened nor made anew.
  package init(folder path: String, place: Place = .folder) throws(LedgerError) {
    folder = LedgerFolder(path: path)
    let file = folder.file(Self.fileName)
    switch place {
    case .memory: database = try Self.open(nil)
    case .folder:
      if let opened = try? Self.open(file) {
        database = opened
      } else {
        // Not an index, or one of another version: it holds nothing that is not in the log.
        for suffix in ["", "-wal", "-shm", "-journal"] { unlink(file + suffix) }
        database = try Self.open(file)
      }
    }
  }

  private static func open(_ file: String?) throws(LedgerError) -> DatabaseQueue {
    try storing(file ?? "audit index") {
      var configuration = Configuration()
      configuration.busyMode = .timeout(5)
      let queue = try file.map { try DatabaseQueue(path: $0, configuration: configuration) } ?? DatabaseQueue(configuration: configuration)
      try queue.inDatabase { database in
        // Losing the tail of a projection costs nothing, so it never waits for the medium.
        try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF")
        try database.inTransaction(.immediate) {
          let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
          if found == 0 {
            try database.execute(sql: schema)
          } else if found != version {
            throw DatabaseError(resultCode: .SQLITE_SCHEMA)
          }
          return .commit
        }
      }
      return queue
    }
  }

  private static let schema = """
    CREATE TABLE cursor (one INTEGER PRIMARY KEY CHECK (one = 1), file TEXT NOT NULL, offset INTEGER NOT NULL, next INTEGER NOT NULL);
    INSERT INTO cursor VALUES (1, '', 0, 1);
    CREATE TABLE record (
      sequence INTEGER PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL,
      time INTEGER NOT NULL, operation TEXT NOT NULL, allowed INTEGER NOT NULL,
      key TEXT, version TEXT, object TEXT, client TEXT, subject TEXT, digest BLOB, request TEXT);
    CREATE INDEX record_time ON record (time);
    CREATE INDEX record_key ON record (key, version) WHERE key IS NOT NULL;
    CREATE INDEX record_object ON record (object) WHERE object IS NOT NULL;
    CREATE INDEX record_client ON record (client) WHERE client IS NOT NULL;
    CREATE INDEX record_subject ON record (subject) WHERE subject IS NOT NULL;
    CREATE INDEX record_digest ON record (digest) WHERE digest IS NOT NULL;
    CREATE INDEX record_request ON record (request) WHERE request IS NOT NULL;
    CREATE INDEX record_operation ON record (operation) WHERE operation <> 'sign';
    PRAGMA user_version = \(version);
    """

  /// Takes in what was appended since the last call. Returns the number of records indexed now.
  /// - Complexity: about 10 µs for each new record.
  @discardableResult
  package func catchUp() throws(LedgerError) -> UInt64 {
    try Self.storing(Self.fileName) {
      try database.inDatabase { database in
        var size: UInt64 = 0
        try database.inTransaction(.immediate) {
          size = try self.catchUp(database)
          return .commit
        }
        return size
      }
    }
  }

  private func catchUp(_ database: Database) throws -> UInt64 {
    let segments = try folder.segments()
    guard let row = try Row.fetchOne(database, sql: "SELECT file, offset, next FROM cursor") else { throw DatabaseError(resultCode: .SQLITE_CORRUPT) }
    var start = LedgerPosition(file: row["file"], offset: UInt64(row["offset"] as Int64))
    var next = UInt64(row["next"] as Int64)
    let isOurs = segments.contains { $0.name == start.file && $0.length >= start.offset } || (start.file.isEmpty && next == 1)
    if !isOurs {
      // Another log lies here now.
      try database.execute(sql: "DELETE FROM record; UPDATE cursor SET file = '', offset = 0, next = 1")
      start = LedgerPosition(file: "", offset: 0)
      next = 1
    }
    if let last = segments.last, last.name == start.file, last.length == start.offset { return next - 1 }
    let insert = try database.makeStatement(
      sql: "INSERT INTO record VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
    var failure: (any Error)?
    let end = try LedgerScan(folder: folder, leafLimit: AuditLimits.lineBytes, sequence: { AuditRecord.sequence(ofLine: $0) })
      .walk(segments, from: start, next: next) { sequence, position, bytes in
        do {
          let entry = try AuditRecord(line: bytes).entry
          try insert.execute(arguments: [
            Int64(sequence), Int64(LedgerFolder.segmentFirst(position.file) ?? 0), Int64(position.offset), bytes.count,
            entry.time.nanoseconds, entry.operation.rawValue, entry.decision == .allow, entry.key, entry.version,
            entry.principal?.objectID, entry.principal?.clientID, entry.principal?.subject,
            (entry.digest?.bytes).map { Data($0) }, entry.requestID,
          ])
          return nil
        } catch let error as AuditRecordError {
          return .unreadableLeaf(position: position, sequence: sequence, why: "\(error)")
        } catch {
          failure = error
          return .unreadableLeaf(position: position, sequence: sequence, why: "not indexed")
        }
      }
    if let failure { throw failure }
    try database.execute(
      sql: "UPDATE cursor SET file = ?, offset = ?, next = ?",
      arguments: [end.position.file, Int64(end.position.offset), Int64(end.next)])
    return end.next - 1
  }

  package func records(matching query: AuditQuery) throws(LedgerError) -> [AuditRecord] {
    try catchUp()
    let places = try Self.storing(Self.fileName) { try database.read { try Self.places(matching: query, $0) } }
    var records: [AuditRecord] = []
    records.reserveCapacity(places.count)
    for place in places {
      let line = try self.line(at: place)
      do { records.append(try AuditRecord(line: line)) } catch {
        throw .refused(.unreadableLeaf(position: place.position, sequence: place.sequence, why: "\(error)"))
      }
    }
    return records
  }

  package func line(of sequence: UInt64) throws(LedgerError) -> [UInt8]? {
    guard let wanted = Int64(exactly: sequence) else { return nil }
    try catchUp()
    let place = try Self.storing(Self.fileName) {
      try database.read { database in
        try Row.fetchOne(database, sql: "SELECT sequence, segment, offset, length FROM record WHERE sequence = ?", arguments: [wanted])
          .map(Entry.init)
      }
    }
    return try place.map { (place) throws(LedgerError) in try line(at: place) }
  }

  private struct Entry {
    let sequence: UInt64
    let position: LedgerPosition
    let length: Int

    init(_ row: Row) {
      sequence = UInt64(row["sequence"] as Int64)
      position = LedgerPosition(
        file: LedgerFolder.segmentName(first: UInt64(row["segment"] as Int64)), offset: UInt64(row["offset"] as Int64))
      length = row["length"]
    }
  }

  private func line(at place: Entry) throws(LedgerError) -> [UInt8] {
    let line = try folder.bytes(of: place.position.file, at: place.position.offset, count: place.length)
    let found = line.withUnsafeBytes { AuditRecord.sequence(ofLine: $0) }
    guard found == place.sequence else {
      throw .refused(.wrongSequence(position: place.position, expected: place.sequence, found: found))
    }
    return line
  }

  private static func places(matching query: AuditQuery, _ database: Database) throws -> [Entry] {
    var conditions: [String] = []
    var arguments: StatementArguments = []
    func add(_ condition: String, _ values: (any DatabaseValueConvertible)...) {
      conditions.append(condition)
      for value in values { arguments += [value] }
    }
    if let key = query.key { add("key = ?", key) }
    if let version = query.version { add("version = ?", version) }
    if let who = query.principal { add("(object = ? OR client = ? OR subject = ?)", who, who, who) }
    if let since = query.since { add("time >= ?", since.nanoseconds) }
    if let until = query.until { add("time < ?", until.nanoseconds) }
    if let operation = query.operation { add("operation = ?", operation.rawValue) }
    if let decision = query.decision { add("allowed = ?", decision == .allow) }
    if let digest = query.digest { add("digest = ?", Data(digest.bytes)) }
    if let request = query.requestID { add("request = ?", request) }
    if let after = query.after {
      add(query.order == .oldestFirst ? "sequence > ?" : "sequence < ?", Int64(clamping: after))
    }
    let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
    let order = query.order == .oldestFirst ? "ASC" : "DESC"
    let sql = "SELECT sequence, segment, offset, length FROM record \(filter) ORDER BY sequence \(order) LIMIT \(query.limit)"
    return try Row.fetchAll(database, sql: sql, arguments: arguments).map(Entry.init)
  }

  private static func storing<T>(_ file: String, _ body: () throws -> T) throws(LedgerError) -> T {
    do { return try body() } catch let error as LedgerError { throw error } catch let error as DatabaseError {
      throw .unreadable(file: file, operation: "query the index", errno: error.resultCode.rawValue)
    } catch { throw .unreadable(file: file, operation: "query the index", errno: 0) }
  }
}
