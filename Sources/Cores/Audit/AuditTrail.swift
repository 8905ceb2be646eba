package import Ledger

/// A reply whose audit record is durable. Made only by `AuditTrail`.
package struct Audited<Reply: Sendable>: Sendable {
  package let reply: Reply
  /// The record's place in the trail.
  package let sequence: UInt64

  init(reply: Reply, sequence: UInt64) {
    self.reply = reply
    self.sequence = sequence
  }
}

/// Why a record did not become durable. The reply it stood for must not leave; the caller gets 503.
package enum AuditError: Error, Equatable, Sendable {
  /// Too many requests wait for the medium. May be retried after a moment.
  case queueFull
  /// The medium failed. The trail takes nothing more until it is opened again.
  case notDurable(LedgerError)
  /// The trail was shut down.
  case closed
}

/// The one way to write audit records, and so the one way to release a reply.
///
/// Never blocks. Encoding happens on the caller; sequence, write and flush on the ledger's one writer thread, which flushes once
/// for everything that queued meanwhile.
package final class AuditTrail: Sendable {
  private let ledger: any LedgerWriter
  private let node: [UInt8]

  /// - Parameter node: this server's name in a cluster, the `node` member of each record.
  package init(ledger: any LedgerWriter, node: String) {
    self.ledger = ledger
    self.node = AuditRecordWriter.encodedNode(node)
  }

  /// Records one request, then gives its reply back as `Audited`.
  ///
  /// - Parameter completion: called exactly once, on the writer's thread (or at once on the caller's when the trail refuses);
  ///   it must be short and must not wait. Hop to your event loop in it.
  /// - Complexity: encoding on the caller (about 1 µs), one shared flush.
  package func record<Reply: Sendable>(
    _ entry: AuditEntry, reply: Reply, completion: @escaping @Sendable (Result<Audited<Reply>, AuditError>) -> Void
  ) {
    let leaf = LeafDraft(head: AuditRecordWriter.head, tail: AuditRecordWriter.tail(of: entry, node: node))
    ledger.append(leaf) { outcome in
      switch outcome {
      case .success(let sequence): completion(.success(Audited(reply: reply, sequence: sequence)))
      case .failure(let error): completion(.failure(AuditError(error)))
      }
    }
  }

  /// The same for callers that await. Costs an executor hop: not for the hot path.
  package func record<Reply: Sendable>(_ entry: AuditEntry, reply: Reply) async throws(AuditError) -> Audited<Reply> {
    let outcome = await withCheckedContinuation { continuation in
      record(entry, reply: reply) { continuation.resume(returning: $0) }
    }
    return try outcome.get()
  }
}

extension AuditError {
  init(_ error: LedgerError) {
    switch error {
    case .queueFull: self = .queueFull
    case .closed: self = .closed
    default: self = .notDurable(error)
    }
  }
}

extension AuditError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .queueFull: "too many requests wait for the audit trail; try again"
    case .notDurable(let cause): "the audit record could not be made durable: \(cause)"
    case .closed: "the audit trail is closed"
    }
  }
}
