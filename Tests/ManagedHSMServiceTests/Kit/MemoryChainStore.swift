import Custody
import Synchronization

/// An in-memory `ChainStore`; a test may change its rows behind Custody's back.
final class MemoryChainStore: ChainStore {
  let rows = Mutex<[String: ChainRow]>([:])
  private let keys: MemoryKeyStore

  init(keys: MemoryKeyStore) { self.keys = keys }

  func chain(of name: String, version: String) throws(KeyStoreFailure) -> ChainRow? { rows.withLock { $0["\(name)/\(version)"] } }

  func chains(after place: ChainPlace?, limit: Int) throws(KeyStoreFailure) -> [ChainRow] {
    let after = place.map { "\($0.name)/\($0.version)" } ?? ""
    return rows.withLock { rows in rows.filter { $0.key > after }.sorted { $0.key < $1.key }.prefix(limit).map(\.value) }
  }

  func keep(_ row: ChainRow) throws(KeyStoreFailure) {
    guard keys.contents.withLock({ $0.versions[row.name]?[row.version] }) != nil else { throw .conflict }
    rows.withLock { $0["\(row.name)/\(row.version)"] = row }
  }

  func removeChain(of name: String, version: String) throws(KeyStoreFailure) -> Bool { rows.withLock { $0.removeValue(forKey: "\(name)/\(version)") } != nil }
}

/// Rules without certificates: a chain is the word "chain for" and the version. What real chains must be is tested where they are judged.
struct WordRules: ChainRules {
  static func good(_ version: String) -> String { "chain for \(version)" }

  func accept(_ bytes: [UInt8], for key: KeyVersion, at now: Int64) throws(ChainRefusal) -> [[UInt8]] {
    guard String(decoding: bytes, as: UTF8.self) == Self.good(key.identity.version.text) else {
      throw ChainRefusal("the leaf certificate belongs to another key")
    }
    return [bytes, Array("root".utf8)]
  }
}
