import Ledger
import Merkle

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What recovery found and did: where the writer goes on.
struct LedgerRecovery: Sendable {
  var frontier: MerkleFrontier
  var position: LedgerPosition
  /// Size of the newest stored checkpoint.
  var signedSize: UInt64
  /// Size of the newest checkpoint in the history file.
  var historySize: UInt64
  /// Bytes of an unfinished leaf that were cut off. They were never acknowledged.
  var tornBytes: UInt64
  /// Whether every leaf was read, not only those after the newest checkpoint.
  var checkedEverything: Bool
}

/// Opens a folder for writing: proves what is there, repairs what a crash explains, refuses all else.
///
/// A crash explains exactly three things: bytes without line feed at the end of the last file, the same at the end of the
/// checkpoint history, and a `.new` file that was never renamed. Whatever was acknowledged ends in a line feed that was flushed.
struct LedgerOpening {
  let configuration: LedgerFileConfiguration
  let files: any FileOperations

  private var folder: LedgerFolder { LedgerFolder(path: configuration.folder) }

  /// Takes the writer's lock. The descriptor holds it until it is closed (or the process ends, however it ends).
  func lock() throws(LedgerError) -> Int32 {
    mkdir(configuration.folder, 0o700)
    let descriptor = try mapped { () throws(FileFailure) in
      try files.open(folder.file(LedgerFolder.lockName), flags: O_RDWR | O_CREAT)
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw .locked(folder: configuration.folder)
    }
    return descriptor
  }

  func recover() throws(LedgerError) -> LedgerRecovery {
    let segments = try folder.segments()
    let stored = try folder.newestCheckpoint(configuration.trust)
    guard let stored else { return try create(segments) }
    let total = segments.reduce(UInt64(0)) { $0 + $1.length }
    let everything = total <= configuration.fullCheckBytes
    let history = try readHistory(everything: everything)
    // A crash between the two files leaves the history ahead by one.
    let newest = history.newest.map { $0.checkpoint.size > stored.checkpoint.size ? $0 : stored } ?? stored

    var checker = LedgerChecker(startingAt: everything ? MerkleFrontier() : newest.frontier)
    if everything {
      for (line, old) in history.checkpoints {
        if let finding = checker.checkpoint(old, line: line) { throw .refused(finding) }
      }
    }
    if newest.checkpoint.size >= (history.newest?.checkpoint.size ?? 0), let finding = checker.checkpoint(newest.checkpoint, line: 0) {
      throw .refused(finding)
    }
    let start = everything ? LedgerPosition(file: "", offset: 0) : newest.position
    let end = try LedgerScan(folder: folder, leafLimit: configuration.leafLimit, sequence: configuration.sequence)
      .walk(segments, from: start, next: checker.size + 1) { _, _, bytes in checker.leaf(bytes) }
    if let finding = checker.finish() { throw .refused(finding) }
    try makeCertain(end, segments: segments, after: newest)
    return LedgerRecovery(
      frontier: checker.frontier, position: end.position, signedSize: stored.checkpoint.size,
      historySize: history.newest?.checkpoint.size ?? 0, tornBytes: end.tornBytes, checkedEverything: everything)
  }

  /// A new log: the signed empty checkpoint first, so that entries without any checkpoint are always a finding.
  private func create(_ segments: [LedgerFolder.Segment]) throws(LedgerError) -> LedgerRecovery {
    guard segments.isEmpty else { throw .refused(.noCheckpoint(entries: segments.last.map(\.first) ?? 1)) }
    if try readHistory(everything: false).newest.map({ $0.checkpoint.size > 0 }) ?? false {
      throw .refused(.missingFile(name: LedgerFolder.checkpointName))
    }
    let frontier = MerkleFrontier()
    let genesis = StoredCheckpoint(
      checkpoint: try .signed(origin: configuration.origin, size: 0, root: frontier.root(), by: configuration.signer),
      position: LedgerPosition(file: "", offset: 0), frontier: frontier)
    try mapped { () throws(FileFailure) in
      try files.replace(folder.file(LedgerFolder.checkpointName), in: folder.path, with: genesis.line())
    }
    return LedgerRecovery(
      frontier: frontier, position: genesis.position, signedSize: 0, historySize: 0, tornBytes: 0, checkedEverything: true)
  }

  /// Reads the history, cutting off an unfinished last line. Only the newest one is kept unless `everything` is wanted.
  private func readHistory(everything: Bool) throws(LedgerError)
    -> (newest: StoredCheckpoint?, checkpoints: [(line: Int, checkpoint: Checkpoint)])
  {
    guard folder.exists(LedgerFolder.historyName) else { return (nil, []) }
    let path = folder.file(LedgerFolder.historyName)
    var lines = try LineStream(path: path, lineLimit: StoredCheckpoint.lineLimit)
    var newest: StoredCheckpoint?
    var all: [(line: Int, checkpoint: Checkpoint)] = []
    var number = 0
    while true {
      number += 1
      var read: Result<StoredCheckpoint, LedgerFinding>?
      let step = try lines.next { line in
        do throws(LedgerFinding) {
          read = .success(try StoredCheckpoint(line: line, number: number, key: configuration.trust))
        } catch { read = .failure(error) }
      }
      switch step {
      case .tooLong: throw .refused(.malformedCheckpoint(line: number, why: "longer than \(StoredCheckpoint.lineLimit) bytes"))
      case .end:
        if lines.remainder > 0 { try cut(LedgerFolder.historyName, to: lines.offset) }
        return (newest, all)
      case .line:
        guard let read else { continue }
        do {
          let stored = try read.get()
          newest = stored
          if everything { all.append((number, stored.checkpoint)) }
        } catch { throw .refused(error) }
      }
    }
  }

  /// Cuts off what was never finished and writes everything after the newest checkpoint once more: after a failed flush the
  /// system may show bytes that are not on the medium and would never be written again.
  private func makeCertain(
    _ end: LedgerScan.End, segments: [LedgerFolder.Segment], after newest: StoredCheckpoint
  ) throws(LedgerError) {
    guard let last = segments.last else { return }
    if end.tornBytes > 0 { try cut(last.name, to: end.position.offset) }
    for segment in segments where newest.position.file.isEmpty || segment.name >= newest.position.file {
      let from = segment.name == newest.position.file ? newest.position.offset : 0
      let to = segment.name == last.name ? end.position.offset : segment.length
      try rewrite(segment.name, from: from, to: to)
    }
    try mapped { () throws(FileFailure) in try files.synchronizeFolder(folder.path) }
  }

  private func rewrite(_ name: String, from: UInt64, to end: UInt64) throws(LedgerError) {
    guard from < end else { return }
    let descriptor = try mapped { () throws(FileFailure) in try files.open(folder.file(name), flags: O_WRONLY) }
    defer { close(descriptor) }
    var offset = from
    while offset < end {
      let bytes = try folder.bytes(of: name, at: offset, count: Int(min(end - offset, 1 << 20)))
      guard !bytes.isEmpty else { throw .refused(.truncated(signedSize: 0, entries: 0)) }
      var done = 0
      while done < bytes.count {
        let position = Int64(offset) + Int64(done)
        let outcome: Result<Int, FileFailure> = bytes.withUnsafeBytes { buffer in
          do throws(FileFailure) {
            return .success(try files.write(descriptor, UnsafeRawBufferPointer(rebasing: buffer[done...]), at: position))
          } catch { return .failure(error) }
        }
        done += try mapped { () throws(FileFailure) in try outcome.get() }
      }
      offset += UInt64(bytes.count)
    }
    try mapped { () throws(FileFailure) in try files.synchronize(descriptor) }
  }

  private func cut(_ name: String, to length: UInt64) throws(LedgerError) {
    try mapped { () throws(FileFailure) in
      let descriptor = try files.open(folder.file(name), flags: O_WRONLY)
      defer { close(descriptor) }
      try files.truncate(descriptor, to: Int64(length))
      try files.synchronize(descriptor)
    }
  }
}

func mapped<T>(_ body: () throws(FileFailure) -> T) throws(LedgerError) -> T {
  do { return try body() } catch { throw .writeFailed(operation: error.operation, errno: error.errno) }
}
