import Access
import Synchronization

/// The in-memory double of the store: keeps rows, and on command fails a commit before or after it took effect.
final class MemoryAccessStore: AccessStore {
  enum Fault { case before, after }

  private struct State {
    var rows: [String: AccessRow] = [:]
    var fault: Fault?
    var commits = 0
  }

  private let state = Mutex(State())

  func load() throws(AccessStoreError) -> [AccessRow] { state.withLock { Array($0.rows.values) } }

  func commit(_ changes: [AccessChange]) throws(AccessStoreError) {
    let failed = state.withLock { state -> Bool in
      let fault = state.fault
      state.fault = nil
      if fault == .before { return true }
      state.commits += 1
      for change in changes {
        switch change {
        case .put(let row): state.rows[Self.key(row.table, row.id)] = row
        case .delete(let table, let id): state.rows[Self.key(table, id)] = nil
        }
      }
      return fault == .after
    }
    if failed { throw .commitFailed(detail: "asked to") }
  }

  func failNextCommit(_ fault: Fault) { state.withLock { $0.fault = fault } }
  var commits: Int { state.withLock { $0.commits } }

  // What an attacker who can write to the store does.
  var rows: [AccessRow] { state.withLock { Array($0.rows.values) } }
  func overwrite(_ row: AccessRow) { state.withLock { $0.rows[Self.key(row.table, row.id)] = row } }
  func erase(_ row: AccessRow) { state.withLock { $0.rows[Self.key(row.table, row.id)] = nil } }

  private static func key(_ table: AccessTable, _ id: String) -> String { table.rawValue + "/" + id }
}
