import Custody
import Foundation
import GRDB
import Synchronization
import Testing

@testable import SQLiteStore

/// The `ChainStore` contract over a file.
@Suite struct ChainTests {
  private let mac = [UInt8](repeating: 9, count: 32)
  private let first = String(repeating: "1", count: 32)
  private let second = String(repeating: "2", count: 32)

  private func withStore(_ body: (Store, String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("chains-\(UUID().uuidString).sqlite").path
    defer { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
    let store = try Store(path: path)
    defer { store.close() }
    try body(store, path)
  }

  private func addKey(_ store: Store, _ name: String, _ ordinal: Int64) throws {
    try store.commit(
      KeyCommit(
        key: .insert(KeyRow(name: name, ordinal: ordinal, revision: 1, deleted: false, payload: [1], mac: mac)),
        versions: [
          KeyVersionRow(name: name, version: first, ordinal: ordinal + 1, payload: [1], mac: mac),
          KeyVersionRow(name: name, version: second, ordinal: ordinal + 2, payload: [1], mac: mac),
        ]))
  }

  private func row(_ name: String, _ version: String, _ byte: UInt8 = 7) -> ChainRow { ChainRow(name: name, version: version, payload: [byte], mac: mac) }

  @Test("A chain is kept, replaced, read and removed")
  func life() throws {
    try withStore { store, _ in
      try addKey(store, "a", 1)
      #expect(try store.chain(of: "a", version: first) == nil)
      try store.keep(row("a", first))
      try store.keep(row("a", first, 8))
      #expect(try store.chain(of: "a", version: first) == row("a", first, 8))
      #expect(try store.chain(of: "a", version: second) == nil)
      #expect(try store.removeChain(of: "a", version: first))
      #expect(try !store.removeChain(of: "a", version: first))
    }
  }

  @Test("A chain for a key version that is not there is a conflict, and nothing is written")
  func unknownVersion() throws {
    try withStore { store, _ in
      try addKey(store, "a", 1)
      #expect(throws: KeyStoreFailure.conflict) { try store.keep(row("a", String(repeating: "3", count: 32))) }
      #expect(throws: KeyStoreFailure.conflict) { try store.keep(row("b", first)) }
      #expect(try store.chains(after: nil, limit: 10).isEmpty)
    }
  }

  @Test("The list is in the order of name and version, and goes on after a place")
  func order() throws {
    try withStore { store, _ in
      for (index, name) in ["b", "a"].enumerated() {
        try addKey(store, name, Int64(index * 10 + 1))
        for version in [second, first] { try store.keep(row(name, version)) }
      }
      let all = try store.chains(after: nil, limit: 10)
      #expect(all.map { "\($0.name)\($0.version.prefix(1))" } == ["a1", "a2", "b1", "b2"])
      #expect(try store.chains(after: ChainPlace(name: "a", version: first), limit: 2) == Array(all[1...2]))
      #expect(try store.chains(after: ChainPlace(name: "b", version: second), limit: 2).isEmpty)
    }
  }

  @Test("When a key goes, its chains go in the same transaction; those of other keys and versions stay")
  func purge() throws {
    try withStore { store, _ in
      try addKey(store, "a", 1)
      try addKey(store, "b", 11)
      for name in ["a", "b"] { try store.keep(row(name, first)) }
      try store.commit(KeyCommit(key: .remove(name: "a", revision: 1)))
      #expect(try store.chains(after: nil, limit: 10).map(\.name) == ["b"])
    }
  }

  @Test("A new version of a key, written over the old row, leaves its chain in place")
  func replaced() throws {
    try withStore { store, _ in
      try addKey(store, "a", 1)
      try store.keep(row("a", first))
      try store.commit(
        KeyCommit(
          key: .replace(KeyRow(name: "a", ordinal: 1, revision: 2, deleted: false, payload: [2], mac: mac)),
          versions: [KeyVersionRow(name: "a", version: first, ordinal: 2, payload: [9], mac: mac)]))
      #expect(try store.chain(of: "a", version: first) == row("a", first))
    }
  }

  @Test("A failed commit leaves the chain that was there")
  func fault() throws {
    try withStore { store, _ in
      try addKey(store, "a", 1)
      try store.keep(row("a", first))
      store.faults.withLock { $0.failNextCommits = 1 }
      #expect(throws: KeyStoreFailure.self) { try store.keep(row("a", first, 8)) }
      #expect(try store.chain(of: "a", version: first) == row("a", first))
    }
  }

  @Test("A store of the first schema gets the table and keeps its keys")
  func migration() throws {
    try withStore { store, path in
      try addKey(store, "a", 1)
      store.close()
      let queue = try DatabaseQueue(path: path)
      try queue.inDatabase { try $0.execute(sql: "DROP TABLE chain_row; PRAGMA user_version = 1") }
      try queue.close()
      let again = try Store(path: path)
      defer { again.close() }
      try again.keep(row("a", first))
      #expect(try again.chain(of: "a", version: first) == row("a", first))
    }
  }
}
