import Custody
import Synchronization

/// An in-memory `KeyStore` that keeps the contract, can fail on command, and lets a test change rows behind Custody's back.
final class MemoryKeyStore: KeyStore {
  struct Contents {
    var keys: [String: KeyRow] = [:]
    var versions: [String: [String: KeyVersionRow]] = [:]
    var commits = 0
    var reads = 0
    var failNextCommit: KeyStoreFailure?
  }
  let contents = Mutex(Contents())

  func key(named name: String) throws(KeyStoreFailure) -> KeyRow? {
    contents.withLock {
      $0.reads += 1
      return $0.keys[name]
    }
  }
  func version(of name: String, id: String) throws(KeyStoreFailure) -> KeyVersionRow? {
    contents.withLock {
      $0.reads += 1
      return $0.versions[name]?[id]
    }
  }
  func keys(deleted: Bool, after ordinal: Int64, limit: Int) throws(KeyStoreFailure) -> [KeyRow] {
    contents.withLock { contents in
      Array(
        contents.keys.values.filter { $0.deleted == deleted && $0.ordinal > ordinal }.sorted { $0.ordinal < $1.ordinal }.prefix(limit))
    }
  }
  func versions(of name: String, after ordinal: Int64, limit: Int) throws(KeyStoreFailure) -> [KeyVersionRow] {
    contents.withLock { contents in
      Array((contents.versions[name] ?? [:]).values.filter { $0.ordinal > ordinal }.sorted { $0.ordinal < $1.ordinal }.prefix(limit))
    }
  }
  func keyCount() throws(KeyStoreFailure) -> Int { contents.withLock { $0.keys.count } }
  func largestOrdinal() throws(KeyStoreFailure) -> Int64 {
    contents.withLock { contents in
      max(contents.keys.values.map(\.ordinal).max() ?? 0, contents.versions.values.flatMap(\.values).map(\.ordinal).max() ?? 0)
    }
  }
  func commit(_ change: KeyCommit) throws(KeyStoreFailure) {
    try contents.withLock { contents throws(KeyStoreFailure) in
      if let failure = contents.failNextCommit {
        contents.failNextCommit = nil
        throw failure
      }
      let name: String
      switch change.key {
      case .insert(let row):
        guard contents.keys[row.name] == nil else { throw .conflict }
        contents.keys[row.name] = row
        name = row.name
      case .replace(let row):
        guard contents.keys[row.name]?.revision == row.revision - 1 else { throw .conflict }
        contents.keys[row.name] = row
        name = row.name
      case .remove(let removed, let revision):
        guard contents.keys[removed]?.revision == revision else { throw .conflict }
        contents.keys[removed] = nil
        contents.versions[removed] = nil
        name = removed
      }
      for version in change.versions { contents.versions[name, default: [:]][version.version] = version }
      contents.commits += 1
    }
  }
}
