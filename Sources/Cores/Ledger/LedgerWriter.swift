/// A leaf whose sequence number is not known yet: `head ‖ decimal sequence ‖ tail`.
///
/// The caller pays for encoding, the one writer only joins three pieces. `tail` must not hold a line feed.
package struct LeafDraft: Sendable {
  package let head: StaticString
  package let tail: [UInt8]

  package init(head: StaticString, tail: [UInt8]) {
    self.head = head
    self.tail = tail
  }

  /// The leaf's bytes under `sequence`, appended to `bytes`.
  package func write(sequence: UInt64, to bytes: inout [UInt8]) {
    head.withUTF8Buffer { bytes.append(contentsOf: $0) }
    appendDecimal(sequence, to: &bytes)
    bytes.append(contentsOf: tail)
  }
}

/// Where a ledger's leaves go: the durable end of a log. Implemented by an adapter, which is trusted for durability only.
///
/// - **Never blocks**: `append` returns at once; the answer comes through `completion`, exactly once, on the writer's
///   own thread or (for refusals that are known at once) on the caller's. A completion must be short and must not wait.
/// - **Order**: leaves get consecutive sequences, in the order in which `append` was called by any one thread.
/// - **Durability**: `.success(sequence)` is given only after the leaf and all leaves before it were flushed to the
///   medium (`fdatasync` or the store's commit). One flush serves all that queued while the previous one ran.
/// - **Bounded**: when the queue is full the answer is `.queueFull` at once; nothing was stored and the caller may retry.
/// - **Failure**: after a failed write or flush every leaf of that batch gets `.writeFailed`, and so does
///   everything later, until the log is opened again: what is on the medium is then known.
///   A leaf that got `.writeFailed` may nevertheless be found in the log afterwards.
package protocol LedgerWriter: AnyObject, Sendable {
  func append(_ leaf: LeafDraft, completion: @escaping @Sendable (Result<UInt64, LedgerError>) -> Void)
}

/// Decimal digits of `value`, without leading zeros.
package func appendDecimal(_ value: UInt64, to bytes: inout [UInt8]) {
  if value < 10 {
    bytes.append(UInt8(truncatingIfNeeded: value) &+ 0x30)
    return
  }
  withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
    var rest = value
    var first = 20
    while rest > 0 {
      first -= 1
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      digits[first] = UInt8(truncatingIfNeeded: digit) &+ 0x30
      rest = quotient
    }
    bytes.append(contentsOf: UnsafeMutableBufferPointer(rebasing: digits[first..<20]))
  }
}
