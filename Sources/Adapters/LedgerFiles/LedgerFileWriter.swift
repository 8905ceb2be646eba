package import Ledger
import Merkle
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The writing end of a log in a folder: one thread, one flush for all that wait.
///
/// - Durable means `fdatasync` returned after the leaf's line was written, and the file's entry in the folder was flushed before.
/// - After any failed write or flush every waiter gets the error and the log takes nothing more until it is opened again.
/// - A checkpoint is signed on the writer's thread after answers went out; see `LedgerFileConfiguration` for when.
package final class LedgerFileWriter: LedgerWriter {
  /// What is durable now.
  package struct Durable: Sendable, Equatable {
    package var size: UInt64
    /// After the last durable leaf.
    package var position: LedgerPosition
    /// How many leaves a signed checkpoint covers.
    package var signedSize: UInt64
  }

  /// Figures for metrics.
  package struct Figures: Sendable, Equatable {
    package var leaves: UInt64 = 0
    package var flushes: UInt64 = 0
    package var checkpoints: UInt64 = 0
    package var failures: UInt64 = 0
  }

  private struct Published {
    var durable: Durable
    var figures = Figures()
    var checkpoint: Checkpoint?
  }

  private let queue: CommitQueue
  private let published: Mutex<Published>
  /// Signalled once when the thread ends; `close` waits for it.
  private let ended = ThreadEnd()
  package let configuration: LedgerFileConfiguration

  /// Opens or creates the log, proves it and starts the writer.
  ///
  /// - Throws: `.locked`, `.refused` with what does not verify, `.unreadable`, `.writeFailed`, `.signingFailed`.
  /// - Complexity: reads the log up to `fullCheckBytes`, else what follows the newest checkpoint.
  package static func open(_ configuration: LedgerFileConfiguration) throws(LedgerError) -> LedgerFileWriter {
    try open(configuration, files: SystemFiles())
  }

  static func open(_ configuration: LedgerFileConfiguration, files: any FileOperations) throws(LedgerError) -> LedgerFileWriter {
    let opening = LedgerOpening(configuration: configuration, files: files)
    let lock = try opening.lock()
    do throws(LedgerError) {
      let recovery = try opening.recover()
      let writer = LedgerFileWriter(configuration, recovery)
      var loop = try WriterLoop(configuration: configuration, files: files, recovery: recovery, lock: lock)
      try loop.signIfBehind()
      writer.publish(loop)
      let start = ThreadStart { [loop] in
        var loop = loop
        writer.run(&loop)
        loop.closeFiles()
        writer.ended.signal()
      }
      try start.launch()
      return writer
    } catch {
      closeDescriptor(lock)
      throw error
    }
  }

  private init(_ configuration: LedgerFileConfiguration, _ recovery: LedgerRecovery) {
    self.configuration = configuration
    queue = CommitQueue(limit: configuration.queueLimit)
    published = Mutex(
      Published(durable: Durable(size: recovery.frontier.size, position: recovery.position, signedSize: recovery.signedSize)))
  }

  package func append(_ leaf: LeafDraft, completion: @escaping @Sendable (Result<UInt64, LedgerError>) -> Void) {
    if let refusal = queue.add(PendingLeaf(leaf: leaf, completion: completion)) { completion(.failure(refusal)) }
  }

  /// Signs what is durable now, unless it is signed already.
  package func checkpoint(completion: @escaping @Sendable (Result<Checkpoint, LedgerError>) -> Void) {
    if let refusal = queue.add(.checkpoint(completion)) { completion(.failure(refusal)) }
  }

  /// Finishes what is queued, signs a last checkpoint, closes the files and gives the lock back. Blocks until then.
  package func close() {
    queue.close()
    ended.wait()
  }

  package var durable: Durable { published.withLock { $0.durable } }
  package var figures: Figures { published.withLock { $0.figures } }
  package var newestCheckpoint: Checkpoint? { published.withLock { $0.checkpoint } }
  /// Leaves that wait for the medium now.
  package var queueDepth: Int { queue.depth }

  // MARK: The writer's thread

  private func run(_ loop: inout WriterLoop) {
    var batch: [PendingLeaf] = []
    batch.reserveCapacity(256)
    while true {
      let seconds = loop.unsigned > 0 ? configuration.idleSeconds : nil
      let work = queue.take(into: &batch, timeoutSeconds: seconds)
      do throws(LedgerError) {
        if !batch.isEmpty {
          let first = loop.frontier.size + 1
          try loop.commit(batch)
          publish(loop)
          for (index, pending) in batch.enumerated() { pending.completion(.success(first + UInt64(index))) }
          batch.removeAll(keepingCapacity: true)
        }
        if work.closing || work.timedOut || !work.commands.isEmpty || loop.isCheckpointDue {
          try loop.signIfBehind()
          publish(loop)
          for case .checkpoint(let completion) in work.commands { completion(.success(loop.newest)) }
        }
      } catch {
        stop(error, batch: batch, work: work)
        return
      }
      if work.closing { return }
    }
  }

  /// The state of the medium is not known any more: answer everybody, take nothing more.
  private func stop(_ error: LedgerError, batch: [PendingLeaf], work: CommitQueue.Work) {
    published.withLock { $0.figures.failures += 1 }
    let queued = queue.fail(error)
    for pending in batch { pending.completion(.failure(error)) }
    for pending in queued.leaves { pending.completion(.failure(error)) }
    for case .checkpoint(let completion) in work.commands + queued.commands { completion(.failure(error)) }
  }

  private func publish(_ loop: WriterLoop) {
    published.withLock {
      $0.durable.size = loop.frontier.size
      $0.durable.position = loop.position
      $0.durable.signedSize = loop.newest.size
      $0.figures.leaves = loop.leaves
      $0.figures.flushes = loop.flushes
      $0.figures.checkpoints = loop.checkpoints
      $0.checkpoint = loop.newest
    }
  }
}
