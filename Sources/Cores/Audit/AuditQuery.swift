package import Clocks
package import Ledger

/// Which records to read. Every filter that is not nil must hold; ordered by sequence.
package struct AuditQuery: Sendable, Equatable {
  package enum Order: Sendable { case oldestFirst, newestFirst }

  package var key: String?
  package var version: String?
  /// Matches the principal's object id, client id or subject.
  package var principal: String?
  /// Inclusive.
  package var since: Instant?
  /// Exclusive.
  package var until: Instant?
  package var operation: AuditOperation?
  package var decision: AuditDecision?
  package var digest: AuditDigest?
  package var requestID: String?
  /// Only records with a greater sequence (oldest first) or a smaller one (newest first): paging.
  package var after: UInt64?
  package var order: Order
  /// At most this many records; 1…10 000.
  package var limit: Int

  package init(
    key: String? = nil, version: String? = nil, principal: String? = nil, since: Instant? = nil, until: Instant? = nil,
    operation: AuditOperation? = nil, decision: AuditDecision? = nil, digest: AuditDigest? = nil, requestID: String? = nil,
    after: UInt64? = nil, order: Order = .oldestFirst, limit: Int = 100
  ) {
    self.key = key
    self.version = version
    self.principal = principal
    self.since = since
    self.until = until
    self.operation = operation
    self.decision = decision
    self.digest = digest
    self.requestID = requestID
    self.after = after
    self.order = order
    self.limit = min(max(limit, 1), 10_000)
  }

  /// Whether `record` passes every filter but `after` and `limit`.
  package func matches(_ record: AuditRecord) -> Bool {
    let entry = record.entry
    if let key, entry.key != key { return false }
    if let version, entry.version != version { return false }
    if let principal {
      guard let who = entry.principal else { return false }
      guard who.objectID == principal || who.clientID == principal || who.subject == principal else { return false }
    }
    if let since, entry.time < since { return false }
    if let until, entry.time >= until { return false }
    if let operation, entry.operation != operation { return false }
    if let decision, entry.decision != decision { return false }
    if let digest, entry.digest != digest { return false }
    if let requestID, entry.requestID != requestID { return false }
    return true
  }
}

/// Reads records back. Implemented by the adapter that stores them; a durable record is visible to the next call.
///
/// Blocks (files, SQLite): call it on a worker thread. The store is not trusted for truth; what a caller acts upon is proved by
/// `audit verify`.
package protocol AuditReader: Sendable {
  /// - Throws: `LedgerError.unreadable` or `.refused` when a stored record cannot be read.
  func records(matching query: AuditQuery) throws(LedgerError) -> [AuditRecord]
  /// The exact stored line of one record (without line feed), or nil when there is none.
  func line(of sequence: UInt64) throws(LedgerError) -> [UInt8]?
}
