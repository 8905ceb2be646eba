package import Ledger
import Merkle

/// What `audit verify` found: proof from genesis to the newest checkpoint, and the tail that is not signed yet.
package struct LedgerReport: Sendable, Equatable {
  /// Leaves that were read, in order and well formed.
  package var entries: UInt64 = 0
  /// Checkpoints whose signature and root were verified, genesis and anchors included.
  package var checkpointsVerified = 0
  /// The newest checkpoint that the leaves prove. Sequences 1…`size` are certain.
  package var proven: Checkpoint?
  /// Complete leaves after it: present, in order, but changeable by whoever writes to the folder.
  package var unsignedTail: ClosedRange<UInt64>? {
    let signed = proven?.size ?? 0
    return entries > signed ? (signed + 1)...entries : nil
  }
  /// Bytes of a last line that is not finished (being written now, or cut by a crash). No acknowledged leaf ends so.
  package var unfinishedBytes: UInt64 = 0
  /// Everything that is wrong; the log verifies exactly when this is empty.
  package var findings: [LedgerFinding] = []

  package var verifies: Bool { findings.isEmpty }
}

/// Reads a whole log and proves it, while a server may be writing. Memory does not grow with the log, apart from
/// one checkpoint per interval.
package struct LedgerVerification: Sendable {
  private let folder: LedgerFolder
  private let trust: CheckpointTrust
  private let leafLimit: Int
  private let sequence: @Sendable (UnsafeRawBufferPointer) -> UInt64?
  private let inspect: @Sendable (UnsafeRawBufferPointer) -> String?

  /// - Parameters:
  ///   - sequence: reads the sequence a leaf states about itself.
  ///   - inspect: why a leaf is not readable, nil when it is. Costs what it costs, for every leaf.
  package init(
    folder: String, trust: CheckpointTrust, leafLimit: Int = 192 * 1024,
    sequence: @escaping @Sendable (UnsafeRawBufferPointer) -> UInt64?,
    inspect: @escaping @Sendable (UnsafeRawBufferPointer) -> String? = { _ in nil }
  ) {
    self.folder = LedgerFolder(path: folder)
    self.trust = trust
    self.leafLimit = leafLimit
    self.sequence = sequence
    self.inspect = inspect
  }

  /// - Parameters:
  ///   - anchors: checkpoints of this log that were kept elsewhere, signatures verified; they reveal a rolled-back folder.
  ///   - progress: bytes read so far and in all, called every few thousand leaves.
  /// - Throws: `.unreadable` when a file cannot be read; what does not verify is in the report.
  package func run(anchors: [Checkpoint] = [], progress: (_ done: UInt64, _ total: UInt64) -> Void = { _, _ in })
    throws(LedgerError) -> LedgerReport
  {
    var report = LedgerReport()
    // Checkpoints before entries: a server that is writing signs only what it wrote before.
    let signed = try checkpoints(&report)
    let segments = try folder.segments()
    let total = segments.reduce(UInt64(0)) { $0 + $1.length }
    if signed.isEmpty { report.findings.append(.noCheckpoint(entries: segments.last.map(\.first) ?? 0)) }

    var checker = LedgerChecker()
    for (line, checkpoint) in Self.merged(signed, anchors) {
      if let finding = checker.checkpoint(checkpoint, line: line) { report.findings.append(finding) }
    }
    var done: UInt64 = 0
    do {
      let scan = LedgerScan(folder: folder, leafLimit: leafLimit, sequence: sequence)
      let end = try scan.walk(segments, from: LedgerPosition(file: "", offset: 0), next: 1) { sequence, position, bytes in
        done += UInt64(bytes.count) + 1
        if sequence & 0xFFF == 0 { progress(done, total) }
        if let why = inspect(bytes) { return .unreadableLeaf(position: position, sequence: sequence, why: why) }
        return checker.leaf(bytes)
      }
      report.unfinishedBytes = end.tornBytes
      if let finding = checker.finish() { report.findings.append(finding) }
    } catch {
      guard case .refused(let finding) = error else { throw error }
      report.findings.append(finding)
    }
    progress(total, total)
    report.entries = checker.size
    report.checkpointsVerified = checker.checkpointsVerified
    report.proven = checker.proven
    return report
  }

  /// All stored checkpoints with a good signature; the others become findings. Line 0 is the file `checkpoint`.
  private func checkpoints(_ report: inout LedgerReport) throws(LedgerError) -> [(line: Int, checkpoint: Checkpoint)] {
    var found: [(line: Int, checkpoint: Checkpoint)] = []
    do {
      if let newest = try folder.newestCheckpoint(trust) { found.append((0, newest.checkpoint)) }
    } catch {
      guard case .refused(let finding) = error else { throw error }
      report.findings.append(finding)
    }
    guard folder.exists(LedgerFolder.historyName) else { return found }
    var lines = try LineStream(
      path: folder.file(LedgerFolder.historyName), lineLimit: StoredCheckpoint.lineLimit)
    var history: [(line: Int, checkpoint: Checkpoint)] = []
    var number = 0
    var previous: UInt64 = 0
    while true {
      number += 1
      var outcome: Result<StoredCheckpoint, LedgerFinding>?
      let step = try lines.next { line in
        do throws(LedgerFinding) {
          outcome = .success(try StoredCheckpoint(line: line, number: number, key: trust))
        } catch { outcome = .failure(error) }
      }
      guard step == .line, let outcome else {
        if step == .tooLong { report.findings.append(.malformedCheckpoint(line: number, why: "too long")) }
        return history + found
      }
      switch outcome {
      case .success(let stored):
        if stored.checkpoint.size < previous {
          report.findings.append(.checkpointOrder(line: number, size: stored.checkpoint.size, previous: previous))
        }
        previous = max(previous, stored.checkpoint.size)
        history.append((number, stored.checkpoint))
      case .failure(let finding): report.findings.append(finding)
      }
    }
  }

  private static func merged(_ signed: [(line: Int, checkpoint: Checkpoint)], _ anchors: [Checkpoint])
    -> [(line: Int, checkpoint: Checkpoint)]
  {
    (signed + anchors.map { (line: 0, checkpoint: $0) }).sorted { $0.checkpoint.size < $1.checkpoint.size }
  }
}
