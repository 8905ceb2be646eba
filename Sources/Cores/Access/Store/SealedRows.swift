import Crypto
import Encodings
import Synchronization

/// All access rows, verified at load and sealed at every commit.
///
/// Besides the MAC of each row there is one manifest row: a generation counter and a digest over every other row but sessions.
/// So a row that was changed, removed, or brought back after its deletion stops the load. Rolling the whole store back to an
/// earlier state is not visible here; the audit trail shows it.
///
/// `AccessControl` and `Directory` share one instance, which serialises their commits.
package final class SealedRows: Sendable {
  /// At most this many bytes in a row.
  static let maxBody = 64 << 10

  private struct State {
    /// MACs of the rows under the manifest, by table and id.
    var macs: [String: [UInt8]]
    var generation: Int64
    /// A commit failed and may have been made nevertheless.
    var inDoubt = false
  }

  private let store: any AccessStore
  private let seal: RowSeal
  private let state: Mutex<State>
  /// As loaded; the owners take theirs once, at start.
  private let loaded: [AccessTable: [AccessRow]]

  /// Loads and verifies.
  ///
  /// - Throws: `.rowTampered`, `.rowsMissingOrRevived`, `.rowUnreadable`, `.store`.
  package init(store: any AccessStore, seal: RowSeal) throws(AccessError) {
    self.store = store
    self.seal = seal
    let (rows, state) = try Self.load(store, seal)
    loaded = rows
    self.state = Mutex(state)
  }

  /// The rows of a table as they were when the process started, by ascending id.
  func rows(of table: AccessTable) -> [AccessRow] { loaded[table, default: []].sorted { $0.id < $1.id } }

  /// One change before it is sealed.
  enum Edit {
    case put(AccessTable, id: String, body: JSONValue)
    case delete(AccessTable, id: String)
  }

  /// Seals and stores; durable when it returns. On an error nothing may be assumed of it, and the owner keeps its old state.
  func commit(_ edits: [Edit]) throws(AccessError) {
    let failure: AccessError? = state.withLock { state in
      do throws(AccessError) { try commit(edits, &state) } catch { return error }
      return nil
    }
    if let failure { throw failure }
  }

  private func commit(_ edits: [Edit], _ state: inout State) throws(AccessError) {
    if state.inDoubt {
      let (_, found) = try Self.load(store, seal)
      guard found.generation == state.generation, found.macs == state.macs else { throw .storeChangedUnderneath }
      state.inDoubt = false
    }
    var next = state
    var changes: [AccessChange] = []
    for edit in edits {
      switch edit {
      case .put(let table, let id, let body):
        let row = seal.seal(table, id: id, body: body.serialized(sortedKeys: true))
        guard row.body.count <= Self.maxBody else { throw .rowTooLong(table, id: id, limit: Self.maxBody) }
        if Self.isListed(table) { next.macs[Self.name(table, id)] = row.mac }
        changes.append(.put(row))
      case .delete(let table, let id):
        next.macs[Self.name(table, id)] = nil
        changes.append(.delete(table, id: id))
      }
    }
    if next.macs != state.macs {
      next.generation += 1
      changes.append(.put(seal.seal(.manifest, id: "manifest", body: Self.manifest(next).serialized(sortedKeys: true))))
    }
    do { try store.commit(changes) } catch {
      state.inDoubt = true
      throw .store(error)
    }
    state = next
  }

  private static func load(_ store: any AccessStore, _ seal: RowSeal) throws(AccessError) -> ([AccessTable: [AccessRow]], State) {
    let rows: [AccessRow]
    do { rows = try store.load() } catch { throw .store(error) }
    var tables: [AccessTable: [AccessRow]] = [:]
    var state = State(macs: [:], generation: 0)
    for row in rows {
      guard row.body.count <= maxBody, seal.isOurs(row) else { throw .rowTampered(row.table, id: row.id) }
      if isListed(row.table), state.macs.updateValue(row.mac, forKey: name(row.table, row.id)) != nil {
        throw .rowsMissingOrRevived
      }
      tables[row.table, default: []].append(row)
    }
    let manifests = tables[.manifest, default: []]
    guard let manifest = manifests.first else {
      guard rows.isEmpty else { throw .rowsMissingOrRevived }
      return (tables, state)
    }
    guard manifests.count == 1, let generation = (try? JSONValue.parse(manifest.body))?["generation"]?.int64 else {
      throw .rowUnreadable(.manifest, id: manifest.id)
    }
    state.generation = generation
    guard manifest.body == Self.manifest(state).serialized(sortedKeys: true) else { throw .rowsMissingOrRevived }
    return (tables, state)
  }

  private static func isListed(_ table: AccessTable) -> Bool {
    switch table {
    case .definition, .assignment, .principal, .issuer: true
    case .session, .manifest: false
    }
  }

  private static func name(_ table: AccessTable, _ id: String) -> String { table.rawValue + "/" + id }

  private static func manifest(_ state: State) -> JSONValue {
    var hash = SHA256()
    for (name, mac) in state.macs.sorted(by: { $0.key < $1.key }) {
      hash.update(data: Array(name.utf8) + [0])
      hash.update(data: mac)
    }
    return ["generation": .integer(state.generation), "rows": .integer(state.macs.count), "digest": .string(Hex.encode(hash.finalize()))]
  }
}
