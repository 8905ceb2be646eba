import DiagnosticLogs
import Foundation
import Watch

/// Where alert lines go: a file that is appended to, or standard output.
struct AlertLines {
  let sink: String?

  func write(_ line: String) throws {
    guard let sink else { return Console.print(line) }
    try Self.append(line + "\n", to: sink)
  }

  /// Hands over what a run before this one may not have: what already stands at the end of the file is not repeated, and a line that was cut
  /// is ended first. Standard output cannot be asked, so there the lines come again with the same content.
  func resume(_ outbox: [String]) throws {
    guard !outbox.isEmpty else { return }
    var written: Set<String> = []
    if let sink, let handle = FileHandle(forUpdatingAtPath: sink) {
      defer { try? handle.close() }
      let size = try handle.seekToEnd()
      let span = UInt64(outbox.reduce(0) { $0 + $1.utf8.count + 1 })
      try handle.seek(toOffset: size > span ? size - span : 0)
      let tail = try handle.readToEnd() ?? Data()
      written = Set(String(decoding: tail, as: UTF8.self).split(separator: "\n").map(String.init))
      if let end = tail.lastIndex(of: 0x0A) ?? (tail.isEmpty ? nil : tail.startIndex - 1), end + 1 < tail.endIndex {
        // A line without its end was cut by the crash: it is written again as a whole.
        try handle.truncate(atOffset: size - UInt64(tail.endIndex - end - 1))
        written.remove(String(decoding: tail[(end + 1)...], as: UTF8.self))
      }
    }
    for line in outbox where !written.contains(line) { try write(line) }
  }

  /// Appends and waits for the disk.
  static func append(_ text: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw CommandFailure.usage("cannot write \(path)", why: String(cString: strerror(errno))) }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    do {
      try handle.write(contentsOf: Data(text.utf8))
      try handle.synchronize()
    } catch { throw CommandFailure("cannot write \(path)", why: "the disk refused it", code: Exit.remote) }
  }
}

extension WatchEngine {
  /// Lines of our service's audit trail; the place they end at is remembered.
  mutating func observe(trail text: [UInt8]) {
    var reader = LogRecordReader(source: "audit")
    var last = state.sequences["\u{0}service"] ?? 0
    func take(_ entry: LogEntry) {
      guard case .request(let record) = entry else { return }
      last = max(last, record.sequence ?? 0)
      observe(entry)
    }
    reader.feed(text, take)
    reader.finish(take)
    state.sequences["\u{0}service"] = last
  }
}
