import Audit
import Ledger
import ManagedHSMService
import Synchronization

/// An audit trail in memory. On command it refuses, or keeps its answers back until it is told that the medium has them.
final class MemoryLedger: LedgerWriter {
  private struct State {
    var lines: [[UInt8]] = []
    var failure: LedgerError?
    var holding = false
    var held: [@Sendable () -> Void] = []
  }
  private let state = Mutex(State())

  func append(_ leaf: LeafDraft, completion: @escaping @Sendable (Result<UInt64, LedgerError>) -> Void) {
    let answer: (@Sendable () -> Void)? = state.withLock { state in
      if let failure = state.failure { return { completion(.failure(failure)) } }
      let sequence = UInt64(state.lines.count + 1)
      var line: [UInt8] = []
      leaf.write(sequence: sequence, to: &line)
      state.lines.append(line)
      if state.holding {
        state.held.append { completion(.success(sequence)) }
        return nil
      }
      return { completion(.success(sequence)) }
    }
    answer?()
  }

  /// Every append fails like this until nil is set.
  func fail(_ failure: LedgerError?) { state.withLock { $0.failure = failure } }
  /// Answers wait from now on.
  func hold() { state.withLock { $0.holding = true } }
  var heldCount: Int { state.withLock { $0.held.count } }
  /// Gives every answer that waits; later ones come at once.
  func release() {
    let held = state.withLock { state in
      state.holding = false
      defer { state.held = [] }
      return state.held
    }
    for answer in held { answer() }
  }

  var lines: [[UInt8]] { state.withLock { $0.lines } }
  func records() throws -> [AuditRecord] { try lines.map { try AuditRecord(line: $0) } }
}

/// Reads the memory back as the index of files does.
struct MemoryReader: AuditReader {
  let ledger: MemoryLedger

  func records(matching query: AuditQuery) throws(LedgerError) -> [AuditRecord] {
    var found: [AuditRecord] = []
    do { found = try ledger.records() } catch { throw .malformedNote("a line of the test's own trail does not parse: \(error)") }
    if query.order == .newestFirst { found.reverse() }
    let wanted = found.filter { record in
      guard query.matches(record) else { return false }
      guard let after = query.after else { return true }
      return query.order == .oldestFirst ? record.sequence > after : record.sequence < after
    }
    return Array(wanted.prefix(query.limit))
  }

  func line(of sequence: UInt64) throws(LedgerError) -> [UInt8]? {
    let lines = ledger.lines
    return sequence >= 1 && sequence <= lines.count ? lines[Int(sequence) - 1] : nil
  }
}

struct NoEvidence: AuditEvidence {
  func checkpoint() throws(LedgerError) -> [UInt8] { Array("checkpoint\n".utf8) }
}

/// State values in memory; every access fails on command.
final class MemoryStateStore: StateStore {
  private let values: Mutex<[String: [UInt8]]>
  private let broken = Mutex(false)

  init(_ values: [String: [UInt8]] = [:]) { self.values = Mutex(values) }

  func breakDown(_ yes: Bool = true) { broken.withLock { $0 = yes } }

  func value(of name: String) throws(StateStoreFailure) -> [UInt8]? {
    if broken.withLock({ $0 }) { throw StateStoreFailure("asked to fail") }
    return values.withLock { $0[name] }
  }
  func set(_ name: String, to value: [UInt8]) throws(StateStoreFailure) {
    if broken.withLock({ $0 }) { throw StateStoreFailure("asked to fail") }
    values.withLock { $0[name] = value }
  }
}
