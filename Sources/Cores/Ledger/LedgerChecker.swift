package import Merkle
import Encodings

/// Re-derives a log from its leaves and holds it against its checkpoints. No I/O: the caller feeds it.
///
/// Feed leaves in order with `leaf`, and every checkpoint with `checkpoint` *before* the leaf that follows the last one it covers.
/// Memory: one hash per bit of the size, one checkpoint.
package struct LedgerChecker: Sendable {
  package private(set) var frontier: MerkleFrontier
  /// The newest checkpoint whose root was re-derived from leaves.
  package private(set) var proven: Checkpoint?
  package private(set) var checkpointsVerified = 0
  private var pending: [Checkpoint] = []
  private var previousSize: UInt64 = 0

  /// - Parameter frontier: where to start; empty for genesis.
  package init(startingAt frontier: MerkleFrontier = MerkleFrontier()) {
    self.frontier = frontier
    previousSize = frontier.size
  }

  package var size: UInt64 { frontier.size }

  /// A checkpoint whose signature was verified. Sizes may not decrease.
  package mutating func checkpoint(_ checkpoint: Checkpoint, line: Int) -> LedgerFinding? {
    guard checkpoint.size >= previousSize else {
      return .checkpointOrder(line: line, size: checkpoint.size, previous: previousSize)
    }
    previousSize = checkpoint.size
    if checkpoint.size == frontier.size { return compare(checkpoint) }
    pending.append(checkpoint)
    return nil
  }

  /// The next leaf's bytes, without line feed.
  package mutating func leaf(_ bytes: UnsafeRawBufferPointer) -> LedgerFinding? {
    frontier.append(leaf: bytes)
    guard let next = pending.first, next.size == frontier.size else { return nil }
    var finding: LedgerFinding?
    while let due = pending.first, due.size == frontier.size {
      pending.removeFirst()
      finding = finding ?? compare(due)
    }
    return finding
  }

  /// No more leaves: whatever checkpoint is left covers leaves that are missing.
  package mutating func finish() -> LedgerFinding? {
    pending.last.map { .truncated(signedSize: $0.size, entries: frontier.size) }
  }

  private mutating func compare(_ checkpoint: Checkpoint) -> LedgerFinding? {
    let derived = frontier.root()
    guard derived == checkpoint.root else {
      return .rootMismatch(
        size: checkpoint.size, signed: Hex.encode(checkpoint.root.bytes), derived: Hex.encode(derived.bytes))
    }
    proven = checkpoint
    checkpointsVerified += 1
    return nil
  }
}
