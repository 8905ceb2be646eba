import Audit
import Crypto
import Foundation
import Ledger
import Merkle
import Testing

@testable import LedgerFiles

/// Each test changes a closed log in one way; `audit verify` and opening must both say no, precisely.
@Suite struct TamperingTests {
  /// A log of 60 records in several files; the first 50 are covered by checkpoints, the last 10 only when `signed`.
  private func log(signed: Bool = true) async throws -> Scratch {
    let scratch = Scratch()
    let writer = try LedgerFileWriter.open(scratch.configuration(interval: 10, segmentBytes: 6000))
    for start in stride(from: 0, to: 50, by: 5) { await append(start..<(start + 5), to: writer) }
    writer.close()
    let checkpoint = try scratch.bytes("checkpoint")
    let more = try LedgerFileWriter.open(scratch.configuration(interval: 1000))
    await append(50..<60, to: more)
    more.close()
    // Without its last checkpoint the log is as a crash leaves it.
    if !signed { try scratch.overwrite("checkpoint", checkpoint) }
    let report = try scratch.verify()
    #expect(report.verifies)
    #expect(report.unsignedTail == (signed ? nil : 51...60))
    return scratch
  }

  private func refuses(_ scratch: Scratch, _ matches: (LedgerFinding) -> Bool, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let findings = try scratch.verify().findings
    let found = findings.contains(where: matches)
    #expect(found, "verify found \(findings)", sourceLocation: sourceLocation)
    do throws(LedgerError) {
      try LedgerFileWriter.open(scratch.configuration(interval: 10)).close()
      Issue.record("opening accepted it", sourceLocation: sourceLocation)
    } catch {
      guard case .refused = error else {
        Issue.record("opening failed otherwise: \(error)", sourceLocation: sourceLocation)
        return
      }
    }
  }

  @Test("One flipped bit in any record under a checkpoint", arguments: [0, 17, 33])
  func flippedBit(record: Int) async throws {
    let scratch = try await log()
    var remaining = record
    for name in try scratch.segments() {
      var lines = try scratch.lines(name)
      if remaining < lines.count {
        let place = lines[remaining].firstRange(of: Array("request-".utf8))!.upperBound
        lines[remaining][place] ^= 1
        try scratch.overwriteLines(name, lines)
        break
      }
      remaining -= lines.count
    }
    try refuses(scratch) { if case .rootMismatch = $0 { true } else { false } }
  }

  @Test("A removed line is found at its place")
  func removedLine() async throws {
    let scratch = try await log()
    let name = try scratch.segments()[1]
    var lines = try scratch.lines(name)
    lines.remove(at: 2)
    try scratch.overwriteLines(name, lines)
    try refuses(scratch) { if case .wrongSequence(let position, _, _) = $0 { position.file == name } else { false } }
  }

  @Test("Two lines in the other order are found, also where nothing is signed", arguments: [true, false])
  func reorderedLines(signed: Bool) async throws {
    let scratch = try await log(signed: signed)
    let name = try scratch.segments().last!
    var lines = try scratch.lines(name)
    lines.swapAt(lines.count - 1, lines.count - 2)
    try scratch.overwriteLines(name, lines)
    try refuses(scratch) { if case .wrongSequence = $0 { true } else { false } }
  }

  @Test("A record inserted twice")
  func duplicatedLine() async throws {
    let scratch = try await log(signed: false)
    let name = try scratch.segments().last!
    let lines = try scratch.lines(name)
    try scratch.overwriteLines(name, lines + [lines.last!])
    try refuses(scratch) { if case .wrongSequence(_, 61, 60) = $0 { true } else { false } }
  }

  @Test("A log that ends before its newest checkpoint, at a line's end and within a line", arguments: [0, 5])
  func truncated(extra: Int) async throws {
    let scratch = try await log()
    let name = try scratch.segments().last!
    let lines = try scratch.lines(name)
    let kept = lines.dropLast().flatMap { $0 + [0x0A] } + lines.last!.prefix(extra)
    try scratch.overwrite(name, kept)
    try refuses(scratch) { $0 == .truncated(signedSize: 60, entries: 59) }
  }

  @Test("A missing file")
  func missingFile() async throws {
    let scratch = try await log()
    let name = try scratch.segments()[1]
    try FileManager.default.removeItem(atPath: scratch.folder + "/" + name)
    try refuses(scratch) { $0 == .missingFile(name: name) }
  }

  @Test("Entries without any checkpoint")
  func removedCheckpoint() async throws {
    let scratch = try await log()
    try FileManager.default.removeItem(atPath: scratch.folder + "/checkpoint")
    try FileManager.default.removeItem(atPath: scratch.folder + "/checkpoints.jsonl")
    try refuses(scratch) { if case .noCheckpoint = $0 { true } else { false } }
  }

  @Test("A checkpoint signed by another key")
  func forgedCheckpoint() async throws {
    let scratch = try await log()
    let stored = try LedgerFolder(path: scratch.folder).newestCheckpoint(scratch.trust)!
    let forger = LocalCheckpointSigner(name: "audit.test", p256: P256.Signing.PrivateKey())
    let forged = StoredCheckpoint(
      checkpoint: try .signed(origin: "audit.test", size: 60, root: stored.checkpoint.root, by: forger),
      position: stored.position, frontier: stored.frontier)
    try scratch.overwrite("checkpoint", forged.line())
    try refuses(scratch) { if case .malformedCheckpoint = $0 { true } else { false } }
  }

  @Test("A rewritten log whose checkpoint keeps the old signature")
  func changedCheckpointText() async throws {
    let scratch = try await log()
    let text = String(decoding: try scratch.bytes("checkpoint"), as: UTF8.self).replacingOccurrences(of: "audit.test\\n60\\n", with: "audit.test\\n59\\n")
    try scratch.overwrite("checkpoint", Array(text.utf8))
    try refuses(scratch) { if case .malformedCheckpoint = $0 { true } else { false } }
  }

  @Test("A checkpoint for another log")
  func otherOrigin() async throws {
    let scratch = try await log()
    let other = CheckpointTrust(origin: "another.test", verifier: scratch.signer.verifier)
    let report = try LedgerVerification(folder: scratch.folder, trust: other, sequence: { AuditRecord.sequence(ofLine: $0) }).run()
    #expect(!report.verifies)
    #expect(report.checkpointsVerified == 0)
  }

  @Test("A line that is well formed for the scanner and no record for the reader is named")
  func unreadableRecord() async throws {
    let scratch = try await log(signed: false)
    let name = try scratch.segments().last!
    let lines = try scratch.lines(name)
    try scratch.overwriteLines(name, lines + [Array(#"{"schema":"hallmark.audit/v1","sequence":61,"time":7}"#.utf8)])
    #expect(try scratch.verify().findings.contains { if case .unreadableLeaf(_, 61, _) = $0 { true } else { false } })
  }

  @Test("A torn last line that no checkpoint covers is cut off, and only it")
  func tornTail() async throws {
    let scratch = try await log(signed: false)
    let name = try scratch.segments().last!
    let whole = try scratch.bytes(name)
    try scratch.overwrite(name, whole + Array(#"{"schema":"hallmark.audit/v1","sequence":61,"ti"#.utf8))
    #expect(try scratch.verify().unfinishedBytes > 0)
    try LedgerFileWriter.open(scratch.configuration()).close()
    #expect(try scratch.bytes(name) == whole)
    #expect(try scratch.verify().proven?.size == 60)
  }

  @Test("A torn line in a file that is not the last one is refused")
  func tornMiddle() async throws {
    let scratch = try await log()
    let name = try scratch.segments()[0]
    try scratch.overwrite(name, try scratch.bytes(name).dropLast())
    try refuses(scratch) { if case .tornLine = $0 { true } else { false } }
  }

  @Test("A folder put back to an older state is revealed by a checkpoint kept elsewhere, and only by it")
  func rollback() async throws {
    let scratch = Scratch()
    let first = try LedgerFileWriter.open(scratch.configuration())
    await append(0..<10, to: first)
    first.close()
    let copy = try (scratch.bytes("checkpoint"), scratch.bytes(scratch.segments()[0]))
    let second = try LedgerFileWriter.open(scratch.configuration())
    await append(10..<20, to: second)
    second.close()
    let anchor = try LedgerFolder(path: scratch.folder).newestCheckpoint(scratch.trust)!.checkpoint
    #expect(try scratch.verify(anchors: [anchor]).verifies)
    try scratch.overwrite("checkpoint", copy.0)
    try scratch.overwrite(try scratch.segments()[0], copy.1)
    #expect(try scratch.verify().verifies)
    #expect(try scratch.verify(anchors: [anchor]).findings == [.truncated(signedSize: 20, entries: 10)])
  }

  @Test("An unfinished line at the end of the checkpoint history is cut off")
  func tornHistory() async throws {
    let scratch = try await log()
    let whole = try scratch.bytes("checkpoints.jsonl")
    try scratch.overwrite("checkpoints.jsonl", whole + Array("{\"size\":".utf8))
    try LedgerFileWriter.open(scratch.configuration()).close()
    #expect(try scratch.bytes("checkpoints.jsonl") == whole)
  }
}
