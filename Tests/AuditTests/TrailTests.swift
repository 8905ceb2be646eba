import Clocks
import Ledger
import Synchronization
import Testing

@testable import Audit

/// A ledger in memory that answers when told, or fails on command.
private final class MemoryLedger: LedgerWriter {
  struct State {
    var lines: [[UInt8]] = []
    var failure: LedgerError?
    var held: [@Sendable () -> Void] = []
    var holds = false
  }
  let state = Mutex(State())

  func append(_ leaf: LeafDraft, completion: @escaping @Sendable (Result<UInt64, LedgerError>) -> Void) {
    let answer: (@Sendable () -> Void)? = state.withLock { state in
      if let failure = state.failure { return { completion(.failure(failure)) } }
      var line: [UInt8] = []
      leaf.write(sequence: UInt64(state.lines.count + 1), to: &line)
      state.lines.append(line)
      let sequence = UInt64(state.lines.count)
      guard state.holds else { return { completion(.success(sequence)) } }
      state.held.append { completion(.success(sequence)) }
      return nil
    }
    answer?()
  }
}

@Suite struct TrailTests {
  private var entry: AuditEntry {
    AuditEntry(
      time: Instant(seconds: 1), requestID: "r", principal: nil, operation: .keyCreate, store: "h", decision: .deny, status: 403,
      durationMilliseconds: 0)
  }

  @Test("A reply comes back only when its record is durable, with the record's sequence")
  func durableFirst() throws {
    let ledger = MemoryLedger()
    ledger.state.withLock { $0.holds = true }
    let trail = AuditTrail(ledger: ledger, node: "n")
    let got = Mutex<Result<Audited<String>, AuditError>?>(nil)
    trail.record(entry, reply: "reply") { result in got.withLock { $0 = result } }
    #expect(got.withLock { $0 == nil })
    for answer in ledger.state.withLock({ $0.held }) { answer() }
    let audited = try #require(got.withLock { $0 }).get()
    #expect(audited.reply == "reply")
    #expect(audited.sequence == 1)
    #expect(try AuditRecord(line: ledger.state.withLock { $0.lines[0] }).entry == entry)
  }

  @Test("Every refusal of the ledger keeps the reply back and says whether to retry", arguments: [
    (LedgerError.queueFull(limit: 1), AuditError.queueFull), (.closed, .closed),
    (.writeFailed(operation: "flush", errno: 5), .notDurable(.writeFailed(operation: "flush", errno: 5))),
  ])
  func refusals(cause: LedgerError, expected: AuditError) async {
    let ledger = MemoryLedger()
    ledger.state.withLock { $0.failure = cause }
    let trail = AuditTrail(ledger: ledger, node: "n")
    await #expect(throws: expected) { try await trail.record(entry, reply: 1) }
  }
}
