import Encodings
import Estate
import Foundation

/// What a sweep has finished, one line a unit, so that an interrupted one goes on where it stopped. Deleted when the sweep is done.
///
/// A line is written whole and flushed before its unit counts; a line cut off by a kill is dropped. The file belongs to one configuration.
final class SyncJournal {
  let path: String
  private(set) var done: [String: EstateFragment] = [:]
  private let handle: FileHandle

  /// - Parameters:
  ///   - resume: whether to keep what is there; else an old file is replaced.
  ///   - configuration: SHA-256 of the configuration in hexadecimal: a journal of another one is refused.
  init(path: String, configuration: String, resume: Bool) throws {
    self.path = path
    let head: JSONValue = ["schema": "hallmark.sync-journal/v1", "configuration": .string(configuration)]
    var kept = head.serialized() + [UInt8(ascii: "\n")]
    if resume, LocalFile.exists(path) {
      let bytes = try LocalFile.bytes(path, maxBytes: 1 << 30)
      let lines = bytes.split(separator: UInt8(ascii: "\n"))
      guard let first = lines.first, let found = try? JSONValue.parse(first), found["configuration"]?.string == configuration else {
        throw CommandFailure.usage("cannot resume from \(path)", why: "it belongs to another configuration", next: "run without --resume")
      }
      for line in lines.dropFirst() {
        guard let (unit, fragment) = EstateFragment.read(line: line) else { continue }
        done[unit] = fragment
        kept += line + [UInt8(ascii: "\n")]
      }
    }
    try LocalFile.write(kept, to: path, mode: 0o600)
    guard let handle = FileHandle(forWritingAtPath: path) else { throw CommandFailure.usage("cannot write \(path)", why: "it cannot be opened") }
    self.handle = handle
    try handle.seekToEnd()
  }

  /// Keeps a unit's result when it is whole: what was denied or broke is asked again after a restart.
  func record(_ unit: String, _ fragment: EstateFragment) throws {
    guard fragment.gaps.isEmpty else { return }
    try handle.write(contentsOf: Data(fragment.line(unit: unit)))
    try handle.synchronize()
  }

  func finish() {
    try? handle.close()
    unlink(path)
  }
}
