import Crypto

/// Makes and checks the MAC of stored rows: HMAC-SHA-256 under the `keyRows` subkey.
///
/// The MAC covers the HSM's identity, the table and every column, each with its length, so that no row can stand in for
/// another one. What it cannot see: a row put back to an older state of itself.
struct RowSeal: Sendable {
  let key: SymmetricKey
  let hsm: HSMIdentity

  init(_ partition: PartitionKey, hsm: HSMIdentity) {
    key = partition.subkey(.keyRows)
    self.hsm = hsm
  }

  private func covered(_ row: KeyRow) -> [UInt8] {
    var writer = RowWriter()
    writer.text("key")
    writer.text(hsm.text)
    writer.text(row.name)
    writer.integer(row.ordinal)
    writer.integer(row.revision)
    writer.byte(row.deleted ? 1 : 0)
    writer.blob(row.payload)
    return writer.bytes
  }

  private func covered(_ row: KeyVersionRow) -> [UInt8] {
    var writer = RowWriter()
    writer.text("version")
    writer.text(hsm.text)
    writer.text(row.name)
    writer.text(row.version)
    writer.integer(row.ordinal)
    writer.blob(row.payload)
    return writer.bytes
  }

  private func mac(_ bytes: [UInt8]) -> [UInt8] { Array(HMAC<SHA256>.authenticationCode(for: bytes, using: key)) }
  private func fits(_ mac: [UInt8], _ bytes: [UInt8]) -> Bool {
    HMAC<SHA256>.isValidAuthenticationCode(mac, authenticating: bytes, using: key)
  }

  func row(_ record: KeyRecord) -> KeyRow {
    var row = KeyRow(
      name: record.name.folded, ordinal: record.ordinal, revision: record.revision, deleted: record.deletion != nil,
      payload: record.payload, mac: [])
    row.mac = mac(covered(row))
    return row
  }

  func row(_ record: VersionRecord) -> KeyVersionRow {
    var row = KeyVersionRow(
      name: record.version.identity.name.folded, version: record.version.identity.version.text, ordinal: record.ordinal,
      payload: record.payload, mac: [])
    row.mac = mac(covered(row))
    return row
  }

  func open(_ row: KeyRow) throws(CustodyError) -> KeyRecord {
    guard fits(row.mac, covered(row)), let record = try? KeyRecord(payload: row.payload, of: row) else {
      throw .rowTampered(.key(row.name))
    }
    return record
  }

  func open(_ row: KeyVersionRow, recovery: RecoveryPolicy) throws(CustodyError) -> VersionRecord {
    guard fits(row.mac, covered(row)), let record = try? VersionRecord(payload: row.payload, of: row, recovery: recovery) else {
      throw .rowTampered(.version(name: row.name, version: row.version))
    }
    return record
  }
}
