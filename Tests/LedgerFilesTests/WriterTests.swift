import Audit
import Foundation
import Ledger
import Merkle
import Synchronization
import Testing

@testable import LedgerFiles

@Suite struct WriterTests {
  @Test("Records get consecutive sequences from 1, and the whole log verifies after a clean shutdown")
  func cleanLog() async throws {
    let scratch = Scratch()
    let writer = try LedgerFileWriter.open(scratch.configuration())
    let results = await append(0..<500, to: writer)
    writer.close()
    #expect(Set(try results.map { try $0.get().sequence }) == Set(1...500))
    let report = try scratch.verify()
    #expect(report.verifies)
    #expect(report.entries == 500)
    #expect(report.proven?.size == 500)
    #expect(report.unsignedTail == nil)
  }

  @Test("One flush serves all that queued: far fewer flushes than records")
  func groupCommit() async throws {
    let scratch = Scratch()
    let writer = try LedgerFileWriter.open(scratch.configuration())
    await append(0..<2000, to: writer)
    #expect(writer.figures.leaves == 2000)
    #expect(writer.figures.flushes < 2000)
    writer.close()
  }

  @Test("A log goes on after it was opened again, across several files")
  func segmentsAndReopening() async throws {
    let scratch = Scratch()
    for round in 0..<4 {
      let writer = try LedgerFileWriter.open(scratch.configuration(interval: 20, segmentBytes: 4000))
      for start in stride(from: 0, to: 50, by: 5) { await append((round * 50 + start)..<(round * 50 + start + 5), to: writer) }
      writer.close()
    }
    #expect(try scratch.segments().count > 3)
    let report = try scratch.verify()
    #expect(report.verifies)
    #expect(report.entries == 200)
    #expect(report.checkpointsVerified > 5)
  }

  @Test("A long log is opened from its newest checkpoint without reading what is before")
  func partialCheck() async throws {
    let scratch = Scratch()
    let first = try LedgerFileWriter.open(scratch.configuration(interval: 10, segmentBytes: 4000))
    for start in stride(from: 0, to: 100, by: 5) { await append(start..<(start + 5), to: first) }
    first.close()
    let opening = LedgerOpening(configuration: scratch.configuration(fullCheckBytes: 0), files: SystemFiles())
    let recovery = try opening.recover()
    #expect(!recovery.checkedEverything)
    #expect(recovery.frontier.size == 100)
    let again = try LedgerFileWriter.open(scratch.configuration(fullCheckBytes: 0))
    await append(100..<110, to: again)
    again.close()
    #expect(try scratch.verify().verifies)
    #expect(try scratch.verify().entries == 110)
  }

  @Test("A second writer is refused while the first one lives, and admitted after it closed")
  func lock() throws {
    let scratch = Scratch()
    let writer = try LedgerFileWriter.open(scratch.configuration())
    #expect(throws: LedgerError.locked(folder: scratch.folder)) { _ = try LedgerFileWriter.open(scratch.configuration()) }
    writer.close()
    try LedgerFileWriter.open(scratch.configuration()).close()
  }

  @Test("After close every record is refused as closed")
  func closed() async throws {
    let scratch = Scratch()
    let writer = try LedgerFileWriter.open(scratch.configuration())
    writer.close()
    let results = await append(0..<1, to: writer)
    #expect(throws: AuditError.closed) { try results[0].get() }
  }

  @Test("A full queue refuses at once and stores nothing of it")
  func queueFull() {
    let queue = CommitQueue(limit: 2)
    let leaf = PendingLeaf(leaf: LeafDraft(head: "", tail: []), completion: { _ in })
    #expect(queue.add(leaf) == nil)
    #expect(queue.add(leaf) == nil)
    #expect(queue.add(leaf) == .queueFull(limit: 2))
    #expect(queue.depth == 2)
  }

  @Test("Short writes are completed")
  func shortWrites() async throws {
    let scratch = Scratch()
    let files = FaultyFiles()
    let writer = try LedgerFileWriter.open(scratch.configuration(), files: files)
    files.set(.shortWrites)
    for result in await append(0..<20, to: writer) { _ = try result.get() }
    writer.close()
    #expect(try scratch.verify().entries == 20)
  }

  @Test("A failed write fails every waiter and everything later, until the log is opened again")
  func failedWrite() async throws {
    try await fails(.write(errno: ENOSPC), expected: .writeFailed(operation: "write", errno: ENOSPC))
  }

  @Test("A failed flush fails every waiter and everything later, until the log is opened again")
  func failedFlush() async throws {
    try await fails(.flush(errno: EIO), expected: .writeFailed(operation: "flush", errno: EIO))
  }

  @Test("A write that breaks off in the middle of a line is cut off when the log is opened again")
  func tornWrite() async throws {
    try await fails(.partialThenFail, expected: .writeFailed(operation: "write", errno: ENOSPC))
  }

  private func fails(_ fault: FaultyFiles.Fault, expected: LedgerError) async throws {
    let scratch = Scratch()
    let files = FaultyFiles()
    let writer = try LedgerFileWriter.open(scratch.configuration(), files: files)
    for result in await append(0..<10, to: writer) { _ = try result.get() }
    files.set(fault)
    for result in await append(10..<20, to: writer) { #expect(throws: AuditError.notDurable(expected)) { try result.get() } }
    files.set(.none)
    for result in await append(20..<22, to: writer) { #expect(throws: AuditError.notDurable(expected)) { try result.get() } }
    writer.close()
    let again = try LedgerFileWriter.open(scratch.configuration())
    #expect(again.durable.size >= 10)
    let next = again.durable.size + 1
    let sequence = try await append(22..<23, to: again)[0].get().sequence
    #expect(sequence == next)
    again.close()
    #expect(try scratch.verify().verifies)
  }

  @Test("A checkpoint that cannot be replaced stops the log, and the old one still stands")
  func failedRename() async throws {
    let scratch = Scratch()
    let files = FaultyFiles()
    let writer = try LedgerFileWriter.open(scratch.configuration(interval: 5), files: files)
    files.set(.rename)
    await append(0..<30, to: writer)
    let later = await append(30..<31, to: writer)
    #expect(throws: AuditError.notDurable(.writeFailed(operation: "rename", errno: EIO))) { try later[0].get() }
    writer.close()
    try LedgerFileWriter.open(scratch.configuration(interval: 5)).close()
    #expect(try scratch.verify().verifies)
  }

  @Test("An asked-for checkpoint covers everything that was durable")
  func checkpointOnDemand() async throws {
    let scratch = Scratch()
    let writer = try LedgerFileWriter.open(scratch.configuration())
    await append(0..<7, to: writer)
    let checkpoint = await withCheckedContinuation { continuation in
      writer.checkpoint { continuation.resume(returning: $0) }
    }
    #expect(try checkpoint.get().size == 7)
    await append(7..<9, to: writer)
    let report = try scratch.verify()
    #expect(report.verifies)
    #expect(report.unsignedTail == 8...9)
    writer.close()
  }

  @Test("A copy of the folder taken at any moment opens, holds every record acknowledged before, and verifies")
  func crashAtAnyMoment() async throws {
    let scratch = Scratch()
    let writer = try LedgerFileWriter.open(scratch.configuration(interval: 50, segmentBytes: 20_000))
    let running = Task { await append(0..<3000, to: writer) }
    for _ in 0..<8 {
      let acknowledged = writer.durable.size
      let copy = Crashed(of: scratch)
      let report = try copy.verify()
      #expect(report.verifies, "\(report.findings)")
      #expect(report.entries >= acknowledged)
      let again = try LedgerFileWriter.open(copy.configuration)
      #expect(again.durable.size >= acknowledged)
      again.close()
    }
    for result in await running.value { _ = try result.get() }
    // A reader beside the writer sees everything that was answered.
    #expect(try scratch.verify().entries == 3000)
    writer.close()
  }
}

/// A log as a killed process leaves it: its files copied in the order in which a crash could show them.
private final class Crashed {
  let folder: String
  let configuration: LedgerFileConfiguration
  private let trust: CheckpointTrust

  init(of scratch: Scratch) {
    folder = scratch.folder + "-crashed-" + UUID().uuidString
    var configuration = scratch.configuration(interval: 50, segmentBytes: 20_000)
    configuration.folder = folder
    self.configuration = configuration
    trust = scratch.trust
    let files = FileManager.default
    try? files.createDirectory(atPath: folder, withIntermediateDirectories: true)
    // Checkpoints first: entries may only grow between two copies, as they do on the medium.
    for name in ["checkpoint", "checkpoints.jsonl"] {
      try? files.copyItem(atPath: scratch.folder + "/" + name, toPath: folder + "/" + name)
    }
    for name in ((try? files.contentsOfDirectory(atPath: scratch.folder)) ?? []).sorted() where name.hasPrefix("entries-") {
      try? files.copyItem(atPath: scratch.folder + "/" + name, toPath: folder + "/" + name)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func verify() throws -> LedgerReport {
    try LedgerVerification(folder: folder, trust: trust, sequence: { AuditRecord.sequence(ofLine: $0) }).run()
  }
}
