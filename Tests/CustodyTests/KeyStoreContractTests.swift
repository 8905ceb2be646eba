import Custody
import Testing

/// What every `KeyStore` does. The in-memory double proves itself here; an adapter runs the same list with its own store.
enum KeyStoreContract {
  static func check(_ make: () throws -> any KeyStore) throws {
    let store = try make()
    #expect(try store.largestOrdinal() == 0 && store.keyCount() == 0)
    #expect(try store.key(named: "a") == nil && store.version(of: "a", id: id(1)) == nil)
    #expect(try store.keys(deleted: false, after: 0, limit: 10).isEmpty && store.versions(of: "a", after: 0, limit: 10).isEmpty)

    try store.commit(KeyCommit(key: .insert(key("a", 1, 1)), versions: [version("a", 1, 2)]))
    #expect(try store.key(named: "a") == key("a", 1, 1) && store.version(of: "a", id: id(1)) == version("a", 1, 2))
    #expect(try store.largestOrdinal() == 2 && store.keyCount() == 1)
    // A name is inserted once; a refused commit does nothing at all.
    #expect(throws: KeyStoreFailure.conflict) { try store.commit(KeyCommit(key: .insert(key("a", 9, 1)), versions: [version("a", 7, 9)])) }
    #expect(try store.version(of: "a", id: id(7)) == nil)
    // Replacing demands the next revision.
    for revision in [1, 3, 0] as [Int64] {
      #expect(throws: KeyStoreFailure.conflict) { try store.commit(KeyCommit(key: .replace(key("a", 1, revision)), versions: [version("a", 7, 9)])) }
    }
    #expect(throws: KeyStoreFailure.conflict) { try store.commit(KeyCommit(key: .replace(key("b", 1, 2)))) }
    #expect(try store.version(of: "a", id: id(7)) == nil && store.key(named: "a")?.revision == 1)
    try store.commit(KeyCommit(key: .replace(key("a", 1, 2)), versions: [version("a", 2, 5), version("a", 1, 2, payload: [9])]))
    #expect(try store.version(of: "a", id: id(1))?.payload == [9])
    #expect(try store.versions(of: "a", after: 0, limit: 10).map(\.ordinal) == [2, 5])
    #expect(try store.versions(of: "a", after: 2, limit: 10).map(\.ordinal) == [5])
    #expect(try store.versions(of: "a", after: 0, limit: 1).map(\.ordinal) == [2])

    // Lists: by deletion state, by ordinal, bounded.
    for (index, name) in ["z", "y", "x"].enumerated() {
      try store.commit(KeyCommit(key: .insert(key(name, Int64(10 + index), 1)), versions: [version(name, 1, Int64(20 + index))]))
    }
    try store.commit(KeyCommit(key: .replace(key("y", 11, 2, deleted: true))))
    #expect(try store.keys(deleted: false, after: 0, limit: 10).map(\.name) == ["a", "z", "x"])
    #expect(try store.keys(deleted: false, after: 1, limit: 1).map(\.name) == ["z"])
    #expect(try store.keys(deleted: true, after: 0, limit: 10).map(\.name) == ["y"])
    #expect(try store.keyCount() == 4)

    // Removing takes the versions along and demands the revision.
    #expect(throws: KeyStoreFailure.conflict) { try store.commit(KeyCommit(key: .remove(name: "y", revision: 1))) }
    #expect(throws: KeyStoreFailure.conflict) { try store.commit(KeyCommit(key: .remove(name: "nothing", revision: 1))) }
    try store.commit(KeyCommit(key: .remove(name: "y", revision: 2)))
    #expect(try store.key(named: "y") == nil && store.versions(of: "y", after: 0, limit: 10).isEmpty && store.keyCount() == 3)
    try store.commit(KeyCommit(key: .insert(key("y", 30, 1)), versions: [version("y", 3, 31)]))
    #expect(try store.largestOrdinal() == 31)
  }

  private static func id(_ number: Int) -> String { String(repeating: "0", count: 31) + String(number, radix: 16) }
  private static func key(_ name: String, _ ordinal: Int64, _ revision: Int64, deleted: Bool = false) -> KeyRow {
    KeyRow(name: name, ordinal: ordinal, revision: revision, deleted: deleted, payload: [1, 2, 0, 255], mac: [UInt8](repeating: 3, count: 32))
  }
  private static func version(_ name: String, _ number: Int, _ ordinal: Int64, payload: [UInt8] = [0, 7]) -> KeyVersionRow {
    KeyVersionRow(name: name, version: id(number), ordinal: ordinal, payload: payload, mac: [UInt8](repeating: 4, count: 32))
  }
}

@Suite("The key store contract")
struct KeyStoreContractTests {
  @Test("The in-memory double keeps the contract")
  func memory() throws { try KeyStoreContract.check { MemoryKeyStore() } }
}
