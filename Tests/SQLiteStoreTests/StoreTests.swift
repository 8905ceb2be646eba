import Access
import Custody
import Foundation
import GRDB
import Synchronization
import Testing

@testable import SQLiteStore

private final class Scratch {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString).sqlite").path
  deinit { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
}

private let mac = Array(repeating: UInt8(9), count: 32)

private func access(_ id: String, _ body: [UInt8] = [1], table: AccessTable = .assignment) -> AccessRow {
  AccessRow(table: table, id: id, body: body, mac: mac)
}

private func key(_ name: String, _ ordinal: Int64, revision: Int64 = 1, deleted: Bool = false) -> KeyRow {
  KeyRow(name: name, ordinal: ordinal, revision: revision, deleted: deleted, payload: [UInt8(ordinal)], mac: mac)
}

private func version(_ name: String, _ id: String, _ ordinal: Int64) -> KeyVersionRow {
  KeyVersionRow(name: name, version: id, ordinal: ordinal, payload: [7, UInt8(ordinal)], mac: mac)
}

@Suite struct OpeningTests {
  @Test("The writing connection is durable: synchronous reads 2, also after reopening")
  func durable() throws {
    let scratch = Scratch()
    for _ in 0..<2 {
      let store = try Store(path: scratch.path)
      #expect(try store.synchronousLevel() == 2)
      store.close()
    }
  }

  @Test("Nobody but the owner can read the file")
  func mode() throws {
    let scratch = Scratch()
    let store = try Store(path: scratch.path)
    try store.setStateValue(of: "a", to: [1])
    for suffix in ["", "-wal"] {
      let mode = try FileManager.default.attributesOfItem(atPath: scratch.path + suffix)[.posixPermissions] as? Int
      #expect(mode == 0o600)
    }
    store.close()
  }

  @Test("A file that is no database is refused and left alone")
  func notADatabase() throws {
    let scratch = Scratch()
    let bytes = Data(repeating: 0x41, count: 8192)
    try bytes.write(to: URL(fileURLWithPath: scratch.path))
    #expect(throws: StoreOpeningError.notOurs(file: scratch.path)) { _ = try Store(path: scratch.path) }
    #expect(try Data(contentsOf: URL(fileURLWithPath: scratch.path)) == bytes)
  }

  @Test("Another program's database is refused")
  func foreign() throws {
    let scratch = Scratch()
    let queue = try DatabaseQueue(path: scratch.path)
    try queue.inDatabase { try $0.execute(sql: "CREATE TABLE theirs (a)") }
    try queue.close()
    #expect(throws: StoreOpeningError.notOurs(file: scratch.path)) { _ = try Store(path: scratch.path) }
  }

  @Test("A newer schema is refused with both versions")
  func newer() throws {
    let scratch = Scratch()
    try Store(path: scratch.path).close()
    let queue = try DatabaseQueue(path: scratch.path)
    try queue.inDatabase { try $0.execute(sql: "PRAGMA user_version = 99") }
    try queue.close()
    #expect(throws: StoreOpeningError.newerSchema(file: scratch.path, found: 99, supported: Store.schemaVersion)) { _ = try Store(path: scratch.path) }
  }

  @Test("A folder that does not exist is unavailable")
  func missingFolder() {
    #expect(throws: StoreOpeningError.unavailable(file: "/nonexistent/x.sqlite", code: 14)) { _ = try Store(path: "/nonexistent/x.sqlite") }
  }

  @Test("A closed store fails and does not crash")
  func closed() throws {
    let scratch = Scratch()
    let store = try Store(path: scratch.path)
    store.close()
    #expect(throws: AccessStoreError.self) { try store.load() }
    #expect(throws: KeyStoreFailure.self) { try store.keyCount() }
    #expect(throws: StoreStateError.self) { try store.setStateValue(of: "a", to: [1]) }
  }
}

@Suite struct AccessRowTests {
  @Test("Rows are put, replaced and deleted, and survive reopening")
  func lifecycle() throws {
    let scratch = Scratch()
    let store = try Store(path: scratch.path)
    #expect(try store.load().isEmpty)
    try store.commit([.put(access("a")), .put(access("a", [2], table: .principal)), .put(access("b", [])), .put(access("c"))])
    try store.commit([.put(access("a", [3])), .delete(.assignment, id: "c"), .delete(.issuer, id: "never")])
    store.close()
    let again = try Store(path: scratch.path)
    #expect(Set(try again.load()) == [access("a", [3]), access("a", [2], table: .principal), access("b", [])])
    again.close()
  }

  @Test("A commit that fails leaves nothing of it")
  func atomic() throws {
    let scratch = Scratch()
    let store = try Store(path: scratch.path)
    try store.commit([.put(access("a"))])
    store.faults.withLock { $0.failNextCommits = 1 }
    #expect(throws: AccessStoreError.self) { try store.commit([.put(access("b")), .delete(.assignment, id: "a")]) }
    #expect(try store.load() == [access("a")])
    let short = AccessRow(table: .issuer, id: "x", body: [], mac: [1])
    #expect(throws: AccessStoreError.self) { try store.commit([.put(access("c")), .put(short)]) }
    #expect(try store.load() == [access("a")])
    store.close()
  }

  @Test("A row of a kind this version does not know is an error, not left out")
  func unknownKind() throws {
    let scratch = Scratch()
    let store = try Store(path: scratch.path)
    try store.write { try $0.execute(sql: "INSERT INTO access_row VALUES ('future', 'x', x'', zeroblob(32))") }
    #expect(throws: AccessStoreError.self) { try store.load() }
    store.close()
  }
}

@Suite struct KeyRowTests {
  @Test("A key and its versions are inserted in one step and read in creation order, page by page")
  func reading() throws {
    let scratch = Scratch()
    let store = try Store(path: scratch.path)
    #expect(try store.largestOrdinal() == 0)
    try store.commit(KeyCommit(key: .insert(key("a", 1)), versions: [version("a", "v1", 2)]))
    try store.commit(KeyCommit(key: .insert(key("b", 3)), versions: [version("b", "v1", 4)]))
    try store.commit(KeyCommit(key: .replace(key("a", 1, revision: 2)), versions: [version("a", "v2", 9)]))
    try store.commit(KeyCommit(key: .insert(key("c", 6, deleted: true))))
    #expect(try store.keys(deleted: false, after: 0, limit: 1).map(\.name) == ["a"])
    #expect(try store.keys(deleted: false, after: 1, limit: 10).map(\.name) == ["b"])
    #expect(try store.keys(deleted: true, after: 0, limit: 10).map(\.name) == ["c"])
    #expect(try store.versions(of: "a", after: 0, limit: 10) == [version("a", "v1", 2), version("a", "v2", 9)])
    #expect(try store.versions(of: "a", after: 2, limit: 10).map(\.version) == ["v2"])
    #expect(try store.versions(of: "none", after: 0, limit: 10).isEmpty)
    #expect(try store.version(of: "b", id: "v1") == version("b", "v1", 4))
    #expect(try store.version(of: "b", id: "v2") == nil)
    #expect(try store.key(named: "a") == key("a", 1, revision: 2))
    #expect(try store.key(named: "A") == nil)
    #expect(try store.keyCount() == 3)
    #expect(try store.largestOrdinal() == 9)
    store.close()
  }

  @Test("Removing a key removes its versions")
  func removing() throws {
    let scratch = Scratch()
    let store = try Store(path: scratch.path)
    try store.commit(KeyCommit(key: .insert(key("a", 1)), versions: [version("a", "v1", 2), version("a", "v2", 3)]))
    try store.commit(KeyCommit(key: .remove(name: "a", revision: 1)))
    #expect(try store.key(named: "a") == nil)
    #expect(try store.versions(of: "a", after: 0, limit: 10).isEmpty)
    store.close()
  }

  @Test("Every conflict is refused as one, and nothing of the commit stays", arguments: [
    KeyCommit(key: .insert(key("a", 5)), versions: [version("a", "v9", 6)]),
    KeyCommit(key: .replace(key("a", 1, revision: 1)), versions: [version("a", "v9", 6)]),
    KeyCommit(key: .replace(key("a", 1, revision: 3)), versions: [version("a", "v9", 6)]),
    KeyCommit(key: .replace(key("none", 5, revision: 2))),
    KeyCommit(key: .remove(name: "a", revision: 2)),
    KeyCommit(key: .remove(name: "none", revision: 1)),
    KeyCommit(key: .insert(key("z", 1))),
    KeyCommit(key: .replace(key("a", 1, revision: 2)), versions: [version("a", "v9", 2)]),
    KeyCommit(key: .replace(key("a", 1, revision: 2)), versions: [version("other", "v9", 6)]),
  ])
  func conflicts(commit: KeyCommit) throws {
    let scratch = Scratch()
    let store = try Store(path: scratch.path)
    try store.commit(KeyCommit(key: .insert(key("a", 1)), versions: [version("a", "v1", 2)]))
    #expect(throws: KeyStoreFailure.conflict) { try store.commit(commit) }
    #expect(try store.key(named: "a") == key("a", 1))
    #expect(try store.versions(of: "a", after: 0, limit: 10) == [version("a", "v1", 2)])
    #expect(try store.keyCount() == 1)
    store.close()
  }

  @Test("A commit whose outcome is not certain says so")
  func unknownOutcome() throws {
    let scratch = Scratch()
    let store = try Store(path: scratch.path)
    store.faults.withLock { $0.failNextCommits = 1 }
    #expect(throws: KeyStoreFailure.self) { try store.commit(KeyCommit(key: .insert(key("a", 1)))) }
    #expect(try store.keyCount() == 0)
    try store.commit(KeyCommit(key: .insert(key("a", 1))))
    store.close()
  }
}

@Suite struct StateTests {
  @Test("Named values are stored together, replaced and removed")
  func values() throws {
    let scratch = Scratch()
    let store = try Store(path: scratch.path)
    #expect(try store.stateValue(of: "a") == nil)
    try store.setStateValues(["a": [1, 2], "b": []])
    #expect(try store.stateValue(of: "a") == [1, 2])
    #expect(try store.stateValue(of: "b") == [])
    try store.setStateValue(of: "a", to: [3])
    try store.setStateValue(of: "b", to: nil)
    #expect(try store.stateNames() == ["a"])
    store.close()
    let again = try Store(path: scratch.path)
    #expect(try again.stateValue(of: "a") == [3])
    again.close()
  }
}
