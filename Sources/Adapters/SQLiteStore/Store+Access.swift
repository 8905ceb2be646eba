package import Access
import FoundationEssentials
import GRDB

extension Store: AccessStore {
  package func load() throws(AccessStoreError) -> [AccessRow] {
    do {
      return try read { database in
        var rows: [AccessRow] = []
        let cursor = try Row.fetchCursor(database, sql: "SELECT kind, id, body, mac FROM access_row")
        while let row = try cursor.next() {
          // A kind of a newer version would be left out silently: refuse instead.
          guard let table = AccessTable(rawValue: row["kind"]) else { throw DatabaseError(resultCode: .SQLITE_MISMATCH) }
          rows.append(AccessRow(table: table, id: row["id"], body: [UInt8](row["body"] as Data), mac: [UInt8](row["mac"] as Data)))
        }
        return rows
      }
    } catch { throw .unreadable(detail: storeReason(error)) }
  }

  package func commit(_ changes: [AccessChange]) throws(AccessStoreError) {
    do {
      try write { database in
        for change in changes {
          switch change {
          case .put(let row):
            try database.execute(
              sql: """
                INSERT INTO access_row VALUES (?, ?, ?, ?)
                ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body, mac = excluded.mac
                """,
              arguments: [row.table.rawValue, row.id, Data(row.body), Data(row.mac)])
          case .delete(let table, let id):
            try database.execute(sql: "DELETE FROM access_row WHERE kind = ? AND id = ?", arguments: [table.rawValue, id])
          }
        }
      }
    } catch { throw .commitFailed(detail: storeReason(error)) }
  }
}
