import Clocks
import Crypto
import Foundation
import Signing
import SigstoreFormats
import Synchronization
import Trust

/// The journal of a batch as a file: read once, then appended to, one write per line. Locked, so that two runs never share one.
///
/// A line is in the system's hands before the next step is taken, so a killed process loses none; a machine that loses power may lose the last
/// ones, and what they told of is signed again.
final class BatchJournalFile: Sendable {
  private let path: String
  private let descriptor: Int32
  private let before: BatchJournal
  private let keys: [String: PublicKey]
  private let open = Mutex(true)

  /// - Parameter signers: the keys of this run, for recognising what a killed run left behind.
  init(_ path: String, signers: [Signer]) throws {
    self.path = path
    keys = Dictionary(signers.map { ($0.key.kid, $0.key.publicKey) }) { first, _ in first }
    descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw CommandFailure.usage("cannot use the journal \(path)", why: String(cString: strerror(errno))) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw CommandFailure.usage("cannot use the journal \(path)", why: "another run is using it", next: "wait for that run, or name another --journal")
    }
    do {
      let bytes = try LocalFile.bytes(path, maxBytes: BatchJournal.maxBytes)
      before = try BatchJournal.parse(bytes)
      // A torn last line says nothing, and must not swallow the next one.
      let whole = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
      if whole < bytes.count, ftruncate(descriptor, off_t(whole)) != 0 {
        throw CommandFailure.usage("cannot use the journal \(path)", why: String(cString: strerror(errno)))
      }
    } catch {
      close(descriptor)
      if let error = error as? BatchError { throw CommandFailure.usage("cannot use the journal \(path)", why: error.description, next: "move it away to begin anew") }
      throw error
    }
  }

  deinit { close(descriptor) }

  var placedBefore: Int { before.placed.count }

  /// Whether an earlier run placed the document and it is still there; or left it complete without having noted it.
  func isDone(_ document: PlannedDocument, job: SigningJob) -> Bool {
    guard case .file(let path) = document.placement else { return before.placed[document.identity] != nil }
    let noted = before.placed[document.identity]
    guard noted != nil || before.begun.contains(document.identity),
      LocalFile.exists(path), let bytes = try? LocalFile.bytes(path, maxBytes: ArtifactReading.maxPredicateBytes * 2)
    else { return false }
    if let noted { return noted.bytes == Array(SHA256.hash(data: bytes)) }
    guard let key = keys[document.call.kid] else { return false }
    return document.isSatisfied(by: bytes, key: key, verifier: Verification.verifier)
  }

  /// Whether an earlier run asked for this document's signature and did not get to place it.
  func wasBegun(_ document: PlannedDocument) -> Bool { before.begun.contains(document.identity) }

  func begun(_ documents: [PlannedDocument], job: SigningJob) throws {
    let now = TimeSource.system.now().seconds
    try append(documents.flatMap { BatchJournal.begun($0, artifact: job.name, at: now) })
  }

  func placed(_ result: DocumentResult, job: SigningJob) throws {
    try append(BatchJournal.placed(result, artifact: job.name, at: TimeSource.system.now().seconds))
  }

  private func append(_ bytes: [UInt8]) throws {
    guard !bytes.isEmpty else { return }
    try open.withLock { _ in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw CommandFailure("cannot write the journal \(path)", why: String(cString: strerror(errno)), code: Exit.no) }
        rest = rest.dropFirst(count)
      }
    }
  }
}
