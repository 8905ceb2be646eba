import Ledger
import Merkle

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the writer's thread owns: the open file, the tree's right edge and the newest checkpoint. Never shared.
struct WriterLoop: Sendable {
  private let configuration: LedgerFileConfiguration
  private let files: any FileOperations
  private let folder: LedgerFolder
  private let lock: Int32
  private var segment: Int32 = -1
  private var buffer: [UInt8] = []
  private var historySize: UInt64
  private var signedAt: Int

  /// Covers everything written, also what a failed flush left uncertain; the thread ends then.
  private(set) var frontier: MerkleFrontier
  private(set) var position: LedgerPosition
  private(set) var newest: Checkpoint
  private(set) var leaves: UInt64 = 0
  private(set) var flushes: UInt64 = 0
  private(set) var checkpoints: UInt64 = 0

  /// Bytes collected before they are handed to the system; a batch may be longer and still gets one flush.
  private static let writeBytes = 4 << 20

  init(
    configuration: LedgerFileConfiguration, files: any FileOperations, recovery: LedgerRecovery, lock: Int32
  ) throws(LedgerError) {
    self.configuration = configuration
    self.files = files
    self.lock = lock
    folder = LedgerFolder(path: configuration.folder)
    frontier = recovery.frontier
    position = recovery.position
    historySize = recovery.historySize
    signedAt = monotonicSeconds()
    guard let stored = try folder.newestCheckpoint(configuration.trust) else { throw .refused(.noCheckpoint(entries: frontier.size)) }
    newest = stored.checkpoint
    if !position.file.isEmpty {
      let path = folder.file(position.file)
      segment = try mapped { () throws(FileFailure) in try files.open(path, flags: O_WRONLY | O_APPEND) }
    }
  }

  /// Leaves that no checkpoint covers.
  var unsigned: UInt64 { frontier.size - newest.size }

  var isCheckpointDue: Bool {
    unsigned >= configuration.checkpointInterval
      || (unsigned > 0 && monotonicSeconds() - signedAt >= 5 * configuration.idleSeconds)
  }

  /// Writes all leaves of a batch and flushes once.
  mutating func commit(_ batch: [PendingLeaf]) throws(LedgerError) {
    if segment < 0 || position.offset >= configuration.segmentBytes { try startSegment() }
    buffer.removeAll(keepingCapacity: true)
    for pending in batch {
      let start = buffer.count
      pending.leaf.write(sequence: frontier.size + 1, to: &buffer)
      buffer.withUnsafeBytes { frontier.append(leaf: UnsafeRawBufferPointer(rebasing: $0[start...])) }
      buffer.append(0x0A)
      if buffer.count >= Self.writeBytes { try writeBuffer() }
    }
    try writeBuffer()
    try mapped { () throws(FileFailure) in try files.synchronizeData(segment) }
    leaves += UInt64(batch.count)
    flushes += 1
  }

  private mutating func writeBuffer() throws(LedgerError) {
    guard !buffer.isEmpty else { return }
    try mapped { () throws(FileFailure) in try files.writeAll(segment, buffer) }
    position.offset += UInt64(buffer.count)
    buffer.removeAll(keepingCapacity: true)
  }

  private mutating func startSegment() throws(LedgerError) {
    let name = LedgerFolder.segmentName(first: frontier.size + 1)
    let path = folder.file(name)
    let next = try mapped { () throws(FileFailure) in
      let descriptor = try files.open(path, flags: O_WRONLY | O_APPEND | O_CREAT | O_EXCL)
      try files.synchronizeFolder(folder.path)
      return descriptor
    }
    if segment >= 0 { close(segment) }
    segment = next
    position = LedgerPosition(file: name, offset: 0)
  }

  /// Signs what is durable, unless it is signed. A key that cannot sign stops the log only when it is four intervals behind.
  mutating func signIfBehind() throws(LedgerError) {
    guard unsigned > 0 else { return }
    let made: Checkpoint
    do {
      made = try Checkpoint.signed(
        origin: configuration.origin, size: frontier.size, root: frontier.root(), by: configuration.signer)
    } catch {
      signedAt = monotonicSeconds()
      guard unsigned < 4 * configuration.checkpointInterval else { throw error }
      return
    }
    let line = StoredCheckpoint(checkpoint: made, position: position, frontier: frontier).line()
    let goesToHistory = made.size - historySize >= configuration.checkpointInterval
    let path = folder.file(LedgerFolder.checkpointName)
    let historyPath = folder.file(LedgerFolder.historyName)
    try mapped { () throws(FileFailure) in
      if goesToHistory {
        let history = try files.open(historyPath, flags: O_WRONLY | O_APPEND | O_CREAT)
        defer { close(history) }
        try files.writeAll(history, line)
        try files.synchronize(history)
      }
      try files.replace(path, in: folder.path, with: line)
    }
    if goesToHistory { historySize = made.size }
    newest = made
    signedAt = monotonicSeconds()
    checkpoints += 1
  }

  /// Gives the lock back.
  func closeFiles() {
    if segment >= 0 { close(segment) }
    close(lock)
  }
}

func monotonicSeconds() -> Int {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return time.tv_sec
}
