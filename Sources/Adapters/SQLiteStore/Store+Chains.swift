package import Custody
import FoundationEssentials
import GRDB

extension Store: ChainStore {
  package func chain(of name: String, version: String) throws(KeyStoreFailure) -> ChainRow? {
    do {
      return try read {
        try Row.fetchOne($0, sql: "SELECT name, version, payload, mac FROM chain_row WHERE name = ? AND version = ?", arguments: [name, version])
          .map(ChainRow.init)
      }
    } catch { throw .unavailable(reason: storeReason(error)) }
  }

  package func chains(after place: ChainPlace?, limit: Int) throws(KeyStoreFailure) -> [ChainRow] {
    do {
      return try read {
        try Row.fetchAll(
          $0, sql: "SELECT name, version, payload, mac FROM chain_row WHERE (name, version) > (?, ?) ORDER BY name, version LIMIT ?",
          arguments: [place?.name ?? "", place?.version ?? "", max(limit, 0)]
        ).map(ChainRow.init)
      }
    } catch { throw .unavailable(reason: storeReason(error)) }
  }

  package func keep(_ row: ChainRow) throws(KeyStoreFailure) {
    do {
      try write {
        try $0.execute(
          sql: """
            INSERT INTO chain_row (name, version, payload, mac) VALUES (?, ?, ?, ?)
            ON CONFLICT (name, version) DO UPDATE SET payload = excluded.payload, mac = excluded.mac
            """,
          arguments: [row.name, row.version, Data(row.payload), Data(row.mac)])
      }
    } catch { throw Self.failure(error) }
  }

  package func removeChain(of name: String, version: String) throws(KeyStoreFailure) -> Bool {
    do {
      return try write {
        try $0.execute(sql: "DELETE FROM chain_row WHERE name = ? AND version = ?", arguments: [name, version])
        return $0.changesCount == 1
      }
    } catch { throw Self.failure(error) }
  }

  private static func failure(_ error: any Error) -> KeyStoreFailure {
    switch (error as? DatabaseError)?.resultCode {
    // No such key version: the foreign key.
    case .SQLITE_CONSTRAINT?: .conflict
    // Refused before anything was written.
    case .SQLITE_BUSY?, .SQLITE_LOCKED?, .SQLITE_READONLY?, .SQLITE_MISUSE?: .unavailable(reason: storeReason(error))
    default: .unknownOutcome(reason: storeReason(error))
    }
  }
}

extension ChainRow {
  fileprivate init(_ row: Row) {
    self.init(name: row["name"], version: row["version"], payload: [UInt8](row["payload"] as Data), mac: [UInt8](row["mac"] as Data))
  }
}
