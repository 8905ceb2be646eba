import Audit
import Clocks
import Crypto
import Foundation
import Ledger
import Synchronization
import Testing

@testable import LedgerFiles

/// A log in a folder of its own, removed with the last reference.
final class Scratch: Sendable {
  let folder: String
  let key = P256.Signing.PrivateKey()

  init() {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("ledger-\(UUID().uuidString)").path
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  var signer: LocalCheckpointSigner { LocalCheckpointSigner(name: "audit.test", p256: key) }
  var trust: CheckpointTrust { CheckpointTrust(origin: "audit.test", verifier: signer.verifier) }

  func configuration(interval: UInt64 = 16_384, segmentBytes: UInt64 = 64 << 20, fullCheckBytes: UInt64 = 256 << 20)
    -> LedgerFileConfiguration
  {
    var configuration = LedgerFileConfiguration(
      folder: folder, origin: "audit.test", signer: signer, sequence: { AuditRecord.sequence(ofLine: $0) })
    configuration.checkpointInterval = interval
    configuration.segmentBytes = segmentBytes
    configuration.fullCheckBytes = fullCheckBytes
    // Checkpoints by idleness would make what is signed depend on time.
    configuration.idleSeconds = 3600
    return configuration
  }

  func verify(anchors: [Checkpoint] = []) throws -> LedgerReport {
    try LedgerVerification(
      folder: folder, trust: trust, sequence: { AuditRecord.sequence(ofLine: $0) },
      inspect: { line in
        do throws(AuditRecordError) {
          _ = try AuditRecord(line: line)
          return nil
        } catch { return "\(error)" }
      }
    ).run(anchors: anchors)
  }

  /// Names of the files of leaves, in order.
  func segments() throws -> [String] { try LedgerFolder(path: folder).segments().map(\.name) }

  func bytes(_ name: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))) }

  func overwrite(_ name: String, _ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name)) }

  func lines(_ name: String) throws -> [[UInt8]] { try bytes(name).split(separator: 0x0A).map { Array($0) } }

  func overwriteLines(_ name: String, _ lines: [[UInt8]]) throws { try overwrite(name, lines.flatMap { $0 + [0x0A] }) }
}

func entry(_ number: Int, operation: AuditOperation = .sign, decision: AuditDecision = .allow) -> AuditEntry {
  AuditEntry(
    time: Instant(seconds: 1_790_000_000 + Int64(number)), requestID: "request-\(number)",
    principal: AuditPrincipal(objectID: "object-\(number % 3)", clientID: "client-\(number % 3)", issuer: "https://issuer.example", subject: "subject-\(number % 3)"),
    operation: operation, store: "hsm", key: "key-\(number % 2)", version: "v\(number % 4)",
    digest: AuditDigest(.sha256, Array(repeating: UInt8(truncatingIfNeeded: number), count: 32)), decision: decision, status: 200,
    durationMilliseconds: 1)
}

/// Appends entries `numbers` one after another and waits for the last answer.
@discardableResult
func append(_ numbers: Range<Int>, to writer: LedgerFileWriter) async -> [Result<Audited<Int>, AuditError>] {
  let trail = AuditTrail(ledger: writer, node: "n1")
  return await withTaskGroup(of: (Int, Result<Audited<Int>, AuditError>).self) { group in
    for number in numbers {
      group.addTask {
        do throws(AuditError) { return (number, .success(try await trail.record(entry(number), reply: number))) } catch {
          return (number, .failure(error))
        }
      }
    }
    var results: [(Int, Result<Audited<Int>, AuditError>)] = []
    for await result in group { results.append(result) }
    return results.sorted { $0.0 < $1.0 }.map(\.1)
  }
}

/// The real file operations with switches that break one of them.
final class FaultyFiles: FileOperations {
  enum Fault: Sendable { case none, write(errno: Int32), partialThenFail, shortWrites, flush(errno: Int32), rename }
  let fault = Mutex(Fault.none)
  private let system = SystemFiles()

  func set(_ new: Fault) { fault.withLock { $0 = new } }
  private var current: Fault { fault.withLock { $0 } }

  func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(FileFailure) -> Int {
    switch current {
    case .write(let errno): throw FileFailure(operation: "write", errno: errno)
    case .partialThenFail:
      set(.write(errno: ENOSPC))
      return try system.write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[..<max(bytes.count / 2, 1)]))
    case .shortWrites: return try system.write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[..<min(bytes.count, 7)]))
    default: return try system.write(descriptor, bytes)
    }
  }

  func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(FileFailure) -> Int {
    try system.write(descriptor, bytes, at: offset)
  }

  func synchronizeData(_ descriptor: Int32) throws(FileFailure) {
    if case .flush(let errno) = current { throw FileFailure(operation: "flush", errno: errno) }
    try system.synchronizeData(descriptor)
  }

  func synchronize(_ descriptor: Int32) throws(FileFailure) { try system.synchronize(descriptor) }
  func truncate(_ descriptor: Int32, to length: Int64) throws(FileFailure) { try system.truncate(descriptor, to: length) }

  func rename(_ from: String, to: String) throws(FileFailure) {
    if case .rename = current { throw FileFailure(operation: "rename", errno: EIO) }
    try system.rename(from, to: to)
  }

  func open(_ path: String, flags: Int32) throws(FileFailure) -> Int32 { try system.open(path, flags: flags) }
}
