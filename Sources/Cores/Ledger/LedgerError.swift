/// Why a ledger did not take, give or confirm something.
package enum LedgerError: Error, Equatable, Sendable {
  /// The queue holds `limit` leaves already. Nothing was stored; may be retried.
  case queueFull(limit: Int)
  /// Writing or flushing failed with `errno`. The log takes nothing more until it is opened again.
  case writeFailed(operation: String, errno: Int32)
  /// The log was shut down; nothing was stored.
  case closed
  /// The log could not be opened or read: which file, which operation, `errno`.
  case unreadable(file: String, operation: String, errno: Int32)
  /// Another process writes this log.
  case locked(folder: String)
  /// What is stored does not verify. Nothing was changed; the log stays closed.
  case refused(LedgerFinding)
  /// The checkpoint key could not sign.
  case signingFailed(String)
  /// Bytes that are no signed note, or one that a log of ours cannot have made.
  case malformedNote(String)
}

extension LedgerError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .queueFull(let limit): "the ledger's queue is full (\(limit) leaves); try again"
    case .writeFailed(let operation, let errno):
      "the ledger could not \(operation) (errno \(errno)); it accepts nothing more until it is opened again"
    case .closed: "the ledger is closed"
    case .unreadable(let file, let operation, let errno): "\(file): \(operation) failed (errno \(errno))"
    case .locked(let folder): "\(folder): another process is writing this ledger"
    case .refused(let finding): "the ledger does not verify: \(finding)"
    case .signingFailed(let why): "the checkpoint key could not sign: \(why)"
    case .malformedNote(let why): "not a signed note: \(why)"
    }
  }
}

/// One precise thing that is wrong with a stored ledger.
package enum LedgerFinding: Error, Equatable, Sendable {
  /// The leaf at `position` (file and byte offset) should carry `expected` and carries `found` (nil: unreadable).
  case wrongSequence(position: LedgerPosition, expected: UInt64, found: UInt64?)
  /// The entries up to `size` hash to another root than the checkpoint of that size states.
  case rootMismatch(size: UInt64, signed: String, derived: String)
  /// A checkpoint signature that the ledger's key did not make.
  case badSignature(size: UInt64?, line: Int)
  /// A checkpoint line that cannot be read.
  case malformedCheckpoint(line: Int, why: String)
  /// A checkpoint covers more entries than there are.
  case truncated(signedSize: UInt64, entries: UInt64)
  /// A checkpoint smaller than the one before it.
  case checkpointOrder(line: Int, size: UInt64, previous: UInt64)
  /// There are entries but no checkpoint to start from.
  case noCheckpoint(entries: UInt64)
  /// A line feed is missing at the end of a file that is not the last, or bytes follow that are no leaf.
  case tornLine(position: LedgerPosition)
  /// A file of the log is missing or is one too many.
  case missingFile(name: String)
  /// A leaf longer than any leaf may be.
  case oversizedLeaf(position: LedgerPosition, limit: Int)
  /// An anchor (a checkpoint kept elsewhere) that this log does not extend.
  case anchorMismatch(size: UInt64)
  /// A leaf whose bytes its own reader refuses.
  case unreadableLeaf(position: LedgerPosition, sequence: UInt64, why: String)
}

/// Where a leaf lies: the file's name and the byte offset in it.
package struct LedgerPosition: Equatable, Sendable, CustomStringConvertible {
  package var file: String
  package var offset: UInt64

  package init(file: String, offset: UInt64) {
    self.file = file
    self.offset = offset
  }

  package var description: String { "\(file) at byte \(offset)" }
}

extension LedgerFinding: CustomStringConvertible {
  package var description: String {
    switch self {
    case .wrongSequence(let position, let expected, let found):
      "\(position): entry \(expected) expected, \(found.map { "entry \($0)" } ?? "no readable entry") found"
    case .rootMismatch(let size, let signed, let derived):
      "the first \(size) entries hash to \(derived), the signed checkpoint says \(signed)"
    case .badSignature(let size, let line):
      "checkpoint line \(line)\(size.map { " (size \($0))" } ?? ""): the signature is not by this ledger's key"
    case .malformedCheckpoint(let line, let why): "checkpoint line \(line): \(why)"
    case .truncated(let signed, let entries): "a signed checkpoint covers \(signed) entries, only \(entries) are there"
    case .checkpointOrder(let line, let size, let previous):
      "checkpoint line \(line): size \(size) after size \(previous)"
    case .noCheckpoint(let entries): "\(entries) entries but no signed checkpoint"
    case .tornLine(let position): "\(position): an incomplete entry where none can be"
    case .missingFile(let name): "\(name): missing"
    case .oversizedLeaf(let position, let limit): "\(position): an entry longer than \(limit) bytes"
    case .anchorMismatch(let size): "this log does not extend the known checkpoint of size \(size)"
    case .unreadableLeaf(let position, let sequence, let why): "\(position): entry \(sequence): \(why)"
    }
  }
}
