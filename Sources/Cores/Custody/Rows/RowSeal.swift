import Secrets

/// Makes and checks the MAC of stored rows: HMAC-SHA-256 under the `keyRows` subkey.
///
/// The MAC covers the HSM's identity, the table and every column, each with its length, so that no row can stand in for
/// another one. What it cannot see: a row put back to an older state of itself.
struct RowSeal: Sendable {
  let mac: RowMAC
  let hsm: HSMIdentity

  init(_ partition: PartitionKey, hsm: HSMIdentity) {
    mac = RowMAC(key: partition.subkey(.keyRows))
    self.hsm = hsm
  }

  private func fields(_ row: KeyRow) -> RowMAC.Fields {
    var fields = RowMAC.Fields(kind: "key")
    fields.append(hsm.text)
    fields.append(row.name)
    fields.append(row.ordinal)
    fields.append(row.revision)
    fields.append([row.deleted ? 1 : 0])
    fields.append(row.payload)
    return fields
  }

  private func fields(_ row: KeyVersionRow) -> RowMAC.Fields {
    var fields = RowMAC.Fields(kind: "key version")
    fields.append(hsm.text)
    fields.append(row.name)
    fields.append(row.version)
    fields.append(row.ordinal)
    fields.append(row.payload)
    return fields
  }

  func row(_ record: KeyRecord) -> KeyRow {
    var row = KeyRow(
      name: record.name.folded, ordinal: record.ordinal, revision: record.revision, deleted: record.deletion != nil,
      payload: record.payload, mac: [])
    row.mac = mac.tag(fields(row))
    return row
  }

  func row(_ record: VersionRecord) -> KeyVersionRow {
    var row = KeyVersionRow(
      name: record.version.identity.name.folded, version: record.version.identity.version.text, ordinal: record.ordinal,
      payload: record.payload, mac: [])
    row.mac = mac.tag(fields(row))
    return row
  }

  func open(_ row: KeyRow) throws(CustodyError) -> KeyRecord {
    guard mac.isValid(row.mac, for: fields(row)), let record = try? KeyRecord(payload: row.payload, of: row) else {
      throw .rowTampered(.key(row.name))
    }
    return record
  }

  func open(_ row: KeyVersionRow, recovery: RecoveryPolicy) throws(CustodyError) -> VersionRecord {
    guard mac.isValid(row.mac, for: fields(row)), let record = try? VersionRecord(payload: row.payload, of: row, recovery: recovery) else {
      throw .rowTampered(.version(name: row.name, version: row.version))
    }
    return record
  }
}
