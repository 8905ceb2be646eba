import Clocks
import DiagnosticLogs
import Encodings
import Foundation
import Watch

/// Reads files of logs and ledgers into an engine, in pieces, and notes what could not be read.
struct WatchSources {
  /// What was wrong, for standard error.
  var notes: [String] = []
  /// A source holds no records at all, but something else.
  var invalid = false
  /// A source, or a part of one, could not be read.
  var unread = false

  static func file(_ path: String, maxBytes: Int) throws -> [UInt8] {
    guard FileManager.default.isReadableFile(atPath: path) else { throw CommandFailure("cannot read \(path)", why: "there is no such file, or it may not be read", code: Exit.undecided) }
    return try LocalFile.bytes(path, maxBytes: maxBytes)
  }

  /// One log. Of a blob that was read before, only what is new counts, and what was read must be as it was.
  mutating func log(_ path: String, into engine: inout WatchEngine, now: Instant) {
    let group = BlobWatch.group(ofPath: path)
    var blob = BlobWatch(earlier: engine.state.blobs[group])
    let start = engine.state.blobs[group]
    var reader = LogRecordReader(source: path, offset: start?.offset ?? 0, line: start?.line ?? 0)
    var skipped = start?.offset ?? 0
    let isRead = pieces(path) { piece in
      blob.feed(piece)
      let new = piece.dropFirst(min(skipped, piece.count))
      skipped -= piece.count - new.count
      if !new.isEmpty { reader.feed(new) { engine.observe($0) } }
    }
    guard isRead else { return }
    reader.finish { engine.observe($0) }
    engine.state.blobs[group] = blob.finish(offset: reader.consumed, line: reader.lastLine)
    if let why = blob.broken { engine.blobChanged(path, group: group, why: why, now: now) }
    judge(reader, path)
  }

  mutating func ledger(_ path: String, into engine: inout WatchEngine, now: Instant) {
    var reader = LogRecordReader(source: path)
    var last: [String: Int64] = [:]
    engine.beginLedger()
    func take(_ entry: LogEntry) {
      guard case .request(let record) = entry else { return }
      if let sequence = record.sequence { last[record.node ?? ""] = max(last[record.node ?? ""] ?? 0, sequence) }
      engine.observe(ledger: record)
    }
    guard pieces(path, { reader.feed($0, take) }) else { return }
    reader.finish(take)
    for (node, sequence) in last { engine.ledgerEnded(node: node, sequence: sequence, source: path, now: now) }
    judge(reader, path)
  }

  private mutating func judge(_ reader: LogRecordReader, _ path: String) {
    for problem in reader.problems.prefix(10) { notes.append(problem.description) }
    if reader.problemCount > 10 { notes.append("\(path): \(reader.problemCount - 10) more lines are no records") }
    if reader.problemCount > 0 { if reader.recordCount == 0 { invalid = true } else { unread = true } }
    if let why = reader.incomplete {
      notes.append("\(path): the answer is not whole: \(why)")
      unread = true
    }
  }

  private mutating func pieces(_ path: String, _ body: ([UInt8]) -> Void) -> Bool {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue, let handle = FileHandle(forReadingAtPath: path) else {
      notes.append("cannot read \(path): there is no such file, or it may not be read")
      unread = true
      return false
    }
    defer { try? handle.close() }
    while true {
      guard let piece = try? handle.read(upToCount: 1 << 20) else {
        if (try? handle.offset()) == nil { notes.append("cannot read \(path)"); unread = true; return false }
        return true
      }
      if piece.isEmpty { return true }
      body([UInt8](piece))
    }
  }
}
