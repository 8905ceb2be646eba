import Clocks
import DiagnosticLogs
import Encodings
import Estate
import Foundation
import Outbound
import SQLiteStore

/// The estate database of commands: a file that imports fill, or one in memory made of the documents that were named.
struct EstateDatabase {
  let store: EstateStore
  /// What the documents left out, one sentence each.
  private(set) var gaps: [String] = []
  private(set) var total = EstateImport(changed: false)

  /// `$XDG_STATE_HOME/hallmark/estate.db`.
  static var standardPath: String { "\(ConnectionSettings(environment: ProcessInfo.processInfo.environment).stateFolder)/estate.db" }

  /// - Parameter making: whether a file that is not there is made.
  init(path: String, making: Bool) throws {
    guard making || LocalFile.exists(path) else {
      throw CommandFailure.usage("cannot read \(path)", why: "there is no such file", next: "hallmark inventory import --database \(path)")
    }
    do throws(StoreOpeningError) { store = try EstateStore(path: path) } catch {
      throw CommandFailure.usage("cannot use the estate database", why: Console.plain(error.description))
    }
  }

  init() throws {
    do throws(StoreOpeningError) { store = try EstateStore() } catch { throw CommandFailure.usage("cannot use the estate database", why: error.description) }
  }

  /// Every failure of the database is an input that does not fit, or a broken file.
  static func explained<Result>(_ body: () throws(EstateStoreError) -> Result) throws -> Result {
    do { return try body() } catch { throw CommandFailure.usage("cannot use the estate database", why: Console.plain(error.description)) }
  }

  mutating func add(_ snapshot: InventorySnapshot) throws { count(try Self.explained { () throws(EstateStoreError) in try store.add(snapshot) }) }

  private mutating func add(_ records: [OperationRecord]) throws { count(try Self.explained { () throws(EstateStoreError) in try store.add(records) }) }

  private mutating func count(_ one: EstateImport) {
    total.changed = total.changed || one.changed
    total.newArtifacts += one.newArtifacts
    total.newSignatures += one.newSignatures
    total.newEvents += one.newEvents
    total.completed += one.completed
    total.skipped += one.skipped
  }

  private static let batch = 20_000
  private static let maxLine = 256 << 10

  /// Reads a ledger or audit export piece by piece. A last line that was cut is said; any other line that is no record refuses the file.
  mutating func add(ledger path: String) throws {
    let handle = try Self.opened(path)
    defer { try? handle.close() }
    var records: [OperationRecord] = []
    var rest: [UInt8] = []
    var number = 0
    func read(_ line: some Collection<UInt8>) throws(FactError) {
      number += 1
      guard !line.allSatisfy({ $0 <= 0x20 }) else { return }
      records.append(try OperationRecord(auditLine: line, path: "line \(number)"))
    }
    do {
      while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
        rest += piece
        var start = rest.startIndex
        while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
          try read(rest[start..<end])
          start = end + 1
        }
        rest.removeSubrange(..<start)
        guard rest.count <= Self.maxLine else { throw FactError(path: "line \(number + 1)", wanted: "at most \(Self.maxLine) bytes") }
        if records.count >= Self.batch {
          try add(records)
          records = []
        }
      }
      if !rest.isEmpty {
        do throws(FactError) { try read(rest) } catch {
          guard (try? JSONValue.parse(rest)) == nil else { throw error }
          gaps.append("the last line of \(path) is cut")
        }
      }
    } catch let error as FactError {
      throw CommandFailure.usage("cannot use \(path)", why: Console.plain(error.description), next: "docs/formats/audit-record.md")
    }
    try add(records)
  }

  /// Reads a diagnostic log piece by piece.
  mutating func add(log path: String) throws {
    let handle = try Self.opened(path)
    defer { try? handle.close() }
    var reader = LogRecordReader(source: path)
    var records: [OperationRecord] = []
    func take(_ entry: LogEntry) { if case .request(let record) = entry { records.append(OperationRecord(record)) } }
    while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
      reader.feed(piece, take)
      if records.count >= Self.batch {
        try add(records)
        records = []
      }
    }
    reader.finish(take)
    try add(records)
    if reader.hasPartialLine { gaps.append("the last line of \(path) is cut") }
    if reader.problemCount > 0 || reader.hasPartialLine {
      guard reader.recordCount > 0 else { throw CommandFailure.usage("cannot use the log \(path)", why: "it holds no log record") }
      if reader.problemCount > 0 { gaps.append("\(reader.problemCount) pieces of \(path) are no records") }
    }
    if let why = reader.incomplete { gaps.append("\(path) is not whole: \(why)") }
  }

  private static func opened(_ path: String) throws -> FileHandle {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { throw CommandFailure.usage("cannot read \(path)", why: "there is no such file") }
    guard !isFolder.boolValue, let handle = FileHandle(forReadingAtPath: path) else {
      throw CommandFailure.usage("cannot read \(path)", why: isFolder.boolValue ? "it is a folder" : "permission denied")
    }
    return handle
  }
}

extension OperationRecord {
  /// A request of a diagnostic log. Azure names no digest, and an assignment only where it says which one applied.
  init(_ record: LogRecord) {
    self.init(
      sequence: record.sequence, time: record.time / 1_000_000_000, requestID: record.correlationId, objectID: record.identity.objectId,
      clientID: record.identity.appId, operation: record.operation.rawValue, store: record.store, key: record.key, version: record.version,
      algorithm: record.algorithm, digest: record.digest, allowed: record.isSuccess, assignment: record.appliedAssignmentId, status: record.status,
      callerAddress: record.callerAddress)
  }
}
