package import Custody
import FoundationEssentials
import GRDB

extension Store: KeyStore {
  private static let keyColumns = "name, ordinal, revision, deleted, payload, mac"
  private static let versionColumns = "name, version, ordinal, payload, mac"

  package func key(named name: String) throws(KeyStoreFailure) -> KeyRow? {
    try reading { database in
      try Row.fetchOne(database, sql: "SELECT \(Self.keyColumns) FROM key_row WHERE name = ?", arguments: [name]).map(KeyRow.init)
    }
  }

  package func version(of name: String, id: String) throws(KeyStoreFailure) -> KeyVersionRow? {
    try reading { database in
      try Row.fetchOne(
        database, sql: "SELECT \(Self.versionColumns) FROM version_row WHERE name = ? AND version = ?", arguments: [name, id]
      ).map(KeyVersionRow.init)
    }
  }

  package func keys(deleted: Bool, after ordinal: Int64, limit: Int) throws(KeyStoreFailure) -> [KeyRow] {
    try reading { database in
      try Row.fetchAll(
        database, sql: "SELECT \(Self.keyColumns) FROM key_row WHERE deleted = ? AND ordinal > ? ORDER BY ordinal LIMIT ?",
        arguments: [deleted, ordinal, max(limit, 0)]
      ).map(KeyRow.init)
    }
  }

  package func versions(of name: String, after ordinal: Int64, limit: Int) throws(KeyStoreFailure) -> [KeyVersionRow] {
    try reading { database in
      try Row.fetchAll(
        database, sql: "SELECT \(Self.versionColumns) FROM version_row WHERE name = ? AND ordinal > ? ORDER BY ordinal LIMIT ?",
        arguments: [name, ordinal, max(limit, 0)]
      ).map(KeyVersionRow.init)
    }
  }

  package func keyCount() throws(KeyStoreFailure) -> Int {
    try reading { try Int.fetchOne($0, sql: "SELECT count(*) FROM key_row") ?? 0 }
  }

  package func largestOrdinal() throws(KeyStoreFailure) -> Int64 {
    try reading {
      try Int64.fetchOne(
        $0, sql: "SELECT max(coalesce((SELECT max(ordinal) FROM key_row), 0), coalesce((SELECT max(ordinal) FROM version_row), 0))")
        ?? 0
    }
  }

  package func commit(_ change: KeyCommit) throws(KeyStoreFailure) {
    do {
      try write { database in
        try Self.apply(change.key, database)
        for row in change.versions {
          try database.execute(
            sql: """
              INSERT INTO version_row (\(Self.versionColumns)) VALUES (?, ?, ?, ?, ?)
              ON CONFLICT (name, version) DO UPDATE SET ordinal = excluded.ordinal, payload = excluded.payload, mac = excluded.mac
              """,
            arguments: [row.name, row.version, row.ordinal, Data(row.payload), Data(row.mac)])
        }
      }
    } catch let failure as KeyStoreFailure { throw failure } catch {
      guard let error = error as? DatabaseError else { throw .unknownOutcome(reason: storeReason(error)) }
      switch error.resultCode {
      case .SQLITE_CONSTRAINT: throw .conflict
      // Refused before anything was written.
      case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_READONLY, .SQLITE_MISUSE: throw .unavailable(reason: storeReason(error))
      default: throw .unknownOutcome(reason: storeReason(error))
      }
    }
  }

  private static func apply(_ change: KeyCommit.KeyChange, _ database: Database) throws {
    switch change {
    case .insert(let row):
      try database.execute(
        sql: "INSERT INTO key_row (\(keyColumns)) VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [row.name, row.ordinal, row.revision, row.deleted, Data(row.payload), Data(row.mac)])
    case .replace(let row):
      try database.execute(
        sql: "UPDATE key_row SET ordinal = ?, revision = ?, deleted = ?, payload = ?, mac = ? WHERE name = ? AND revision = ?",
        arguments: [row.ordinal, row.revision, row.deleted, Data(row.payload), Data(row.mac), row.name, row.revision - 1])
      guard database.changesCount == 1 else { throw KeyStoreFailure.conflict }
    case .remove(let name, let revision):
      try database.execute(sql: "DELETE FROM key_row WHERE name = ? AND revision = ?", arguments: [name, revision])
      guard database.changesCount == 1 else { throw KeyStoreFailure.conflict }
    }
  }

  private func reading<T>(_ body: (Database) throws -> T) throws(KeyStoreFailure) -> T {
    do { return try read(body) } catch { throw .unavailable(reason: storeReason(error)) }
  }
}

extension KeyRow {
  fileprivate init(_ row: Row) {
    self.init(
      name: row["name"], ordinal: row["ordinal"], revision: row["revision"], deleted: row["deleted"],
      payload: [UInt8](row["payload"] as Data), mac: [UInt8](row["mac"] as Data))
  }
}

extension KeyVersionRow {
  fileprivate init(_ row: Row) {
    self.init(
      name: row["name"], version: row["version"], ordinal: row["ordinal"], payload: [UInt8](row["payload"] as Data),
      mac: [UInt8](row["mac"] as Data))
  }
}
