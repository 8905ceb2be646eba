package import Secrets

/// The MAC of access rows: HMAC-SHA-256 under a subkey of the HSM, bound to the HSM, the table and the row's id.
package struct RowSeal: Sendable {
  private let mac: RowMAC
  private let hsm: String

  /// - Parameters:
  ///   - mac: over a subkey derived for access rows and used for nothing else.
  ///   - hsm: the HSM's stable identity, so that a row of another HSM under a shared key is foreign.
  package init(mac: RowMAC, hsm: String) {
    self.mac = mac
    self.hsm = hsm
  }

  func seal(_ table: AccessTable, id: String, body: [UInt8]) -> AccessRow {
    AccessRow(table: table, id: id, body: body, mac: mac.tag(fields(table, id, body)))
  }

  /// Constant time in the contents of the MAC.
  func isOurs(_ row: AccessRow) -> Bool { mac.isValid(row.mac, for: fields(row.table, row.id, row.body)) }

  private func fields(_ table: AccessTable, _ id: String, _ body: [UInt8]) -> RowMAC.Fields {
    var fields = RowMAC.Fields(kind: "hallmark access row v1")
    fields.append(hsm)
    fields.append(table.rawValue)
    fields.append(id)
    fields.append(body)
    return fields
  }
}
