import Clocks
import DiagnosticLogs
import Estate
import Foundation

/// Reads diagnostic logs for `inventory ask unused-…`: files, or the folder that `inventory sync` keeps them in, piece by piece.
struct UseLogs {
  private static let maxFiles = 200_000

  private var collected: LoggedUse

  init(_ snapshot: InventorySnapshot) { collected = LoggedUse(snapshot) }

  func facts(until: Instant?) -> UseFacts { collected.facts(until: until) }

  mutating func read(_ path: String) throws {
    for file in try Self.files(path) { try one(file) }
  }

  private static func files(_ path: String) throws -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw CommandFailure.usage("cannot read the log \(path)", why: "there is no such file or folder")
    }
    guard isFolder.boolValue else { return [path] }
    guard let walk = FileManager.default.enumerator(atPath: path) else {
      throw CommandFailure.usage("cannot read the log \(path)", why: "permission denied")
    }
    var found: [String] = []
    for case let name as String in walk where name.hasSuffix(".json") || name.hasSuffix(".jsonl") {
      found.append("\(path)/\(name)")
      guard found.count <= maxFiles else { throw CommandFailure.usage("cannot read the log \(path)", why: "it holds more than \(maxFiles) files") }
    }
    guard !found.isEmpty else { throw CommandFailure.usage("cannot read the log \(path)", why: "the folder holds no .json and no .jsonl file") }
    return found.sorted()
  }

  /// A file of which not one record could be read is no log; one with bad lines breaks what can be said of unused things.
  private mutating func one(_ path: String) throws {
    guard let handle = FileHandle(forReadingAtPath: path) else { throw CommandFailure.usage("cannot read the log \(path)", why: "permission denied") }
    var reader = LogRecordReader(source: path)
    var collected = collected
    func take(_ entry: LogEntry) { if case .request(let record) = entry { collected.add(record) } }
    do {
      while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty { reader.feed(piece, take) }
      try handle.close()
    } catch { throw CommandFailure.usage("cannot read the log \(path)", why: "it is a folder, or reading it failed") }
    reader.finish(take)
    if reader.problemCount > 0 {
      for problem in reader.problems.prefix(3) { Console.note("hallmark: \(Console.plain(problem.description))") }
      guard reader.recordCount > 0 else { throw CommandFailure.usage("cannot use the log \(path)", why: "it holds no log record") }
      collected.breakOff("\(reader.problemCount) pieces of \(path) are no records")
    }
    if let why = reader.incomplete { collected.breakOff("\(path) is not whole: \(why)") }
    self.collected = collected
  }
}
