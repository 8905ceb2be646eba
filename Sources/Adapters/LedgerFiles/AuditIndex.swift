package import Audit
import Clocks
import GRDB
package import Ledger

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

  private static let version = 2
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
    CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE principal (
      id INTEGER PRIMARY KEY, object TEXT NOT NULL, client TEXT, subject TEXT NOT NULL, UNIQUE (object, client, subject));
    CREATE INDEX principal_client ON principal (client);
    CREATE INDEX principal_subject ON principal (subject);
    CREATE TABLE record (
      sequence INTEGER PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL,
      time INTEGER NOT NULL, operation TEXT NOT NULL, allowed INTEGER NOT NULL,
      key INTEGER, version INTEGER, principal INTEGER, digest INTEGER, request INTEGER);
    CREATE INDEX record_time ON record (time);
    CREATE INDEX record_key ON record (key) WHERE key IS NOT NULL;
    CREATE INDEX record_version ON record (version) WHERE version IS NOT NULL;
    CREATE INDEX record_principal ON record (principal) WHERE principal IS NOT NULL;
    CREATE INDEX record_digest ON record (digest) WHERE digest IS NOT NULL;
    CREATE INDEX record_request ON record (request) WHERE request IS NOT NULL;
    CREATE INDEX record_operation ON record (operation) WHERE operation <> 'sign';
    PRAGMA user_version = \(version);
    """

  /// Takes in what was appended since the last call. Returns the number of records indexed now.
  /// - Complexity: about 20 µs for each new record.
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
      try database.execute(sql: "DELETE FROM record; DELETE FROM name; DELETE FROM principal; UPDATE cursor SET file = '', offset = 0, next = 1")
      start = LedgerPosition(file: "", offset: 0)
      next = 1
    }
    if let last = segments.last, last.name == start.file, last.length == start.offset { return next - 1 }
    let insert = try database.makeStatement(sql: "INSERT INTO record VALUES (?,?,?,?,?,?,?,?,?,?,?,?)")
    var words = IndexWords(database)
    var failure: (any Error)?
    let end = try LedgerScan(folder: folder, leafLimit: AuditLimits.lineBytes, sequence: { AuditRecord.sequence(ofLine: $0) })
      .walk(segments, from: start, next: next) { sequence, position, bytes in
        do {
          let entry = try AuditRecord(line: bytes).entry
          try insert.execute(arguments: [
            Int64(sequence), Int64(LedgerFolder.segmentFirst(position.file) ?? 0), Int64(position.offset), bytes.count,
            entry.time.nanoseconds, entry.operation.rawValue, entry.decision == .allow,
            try entry.key.map { try words.id(of: $0) }, try entry.version.map { try words.id(of: $0) },
            try entry.principal.map { try words.id(of: $0) }, entry.digest.map { IndexWords.mark($0.bytes) },
            entry.requestID.map { IndexWords.mark(Array($0.utf8)) },
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
    var records: [AuditRecord] = []
    var rest = query
    // Digests and request ids are found by eight bytes of them, so a page may hold records that do not match.
    while records.count < query.limit {
      rest.limit = query.limit - records.count
      let page = rest
      let places = try Self.storing(Self.fileName) { try database.read { try Self.places(matching: page, $0) } }
      for place in places {
        let line = try self.line(at: place)
        do {
          let record = try AuditRecord(line: line)
          if query.matches(record) { records.append(record) }
        } catch {
          throw .refused(.unreadableLeaf(position: place.position, sequence: place.sequence, why: "\(error)"))
        }
      }
      guard let last = places.last, places.count == rest.limit else { break }
      rest.after = last.sequence
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
    /// Named one by one, so that a single match walks its index in order of sequence.
    func addPrincipal(_ who: String) throws {
      let ids = try Int64.fetchAll(
        database, sql: "SELECT id FROM principal WHERE object = ? UNION SELECT id FROM principal WHERE client = ? UNION SELECT id FROM principal WHERE subject = ?",
        arguments: [who, who, who])
      conditions.append(ids.count == 1 ? "principal = \(ids[0])" : "principal IN (\(ids.map(String.init).joined(separator: ",")))")
    }
    if let key = query.key { add("key = (SELECT id FROM name WHERE text = ?)", key) }
    if let version = query.version { add("version = (SELECT id FROM name WHERE text = ?)", version) }
    if let who = query.principal { try addPrincipal(who) }
    if let since = query.since { add("time >= ?", since.nanoseconds) }
    if let until = query.until { add("time < ?", until.nanoseconds) }
    if let operation = query.operation { add("operation = ?", operation.rawValue) }
    if let decision = query.decision { add("allowed = ?", decision == .allow) }
    if let digest = query.digest { add("digest = ?", IndexWords.mark(digest.bytes)) }
    if let request = query.requestID { add("request = ?", IndexWords.mark(Array(request.utf8))) }
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
