import Secrets

extension RowSeal {
  private static let chainFormat: UInt8 = 1

  func row(_ chain: KeptChain) -> ChainRow {
    var writer = RowWriter()
    writer.byte(Self.chainFormat)
    writer.integer(chain.storedAt.seconds)
    writer.text(chain.storedBy)
    writer.integer(Int64(chain.certificates.count))
    for certificate in chain.certificates { writer.blob(certificate) }
    var row = ChainRow(
      name: chain.key.identity.name.folded, version: chain.key.identity.version.text, payload: writer.bytes, mac: [])
    row.mac = mac.tag(fields(row))
    return row
  }

  /// Nil when the row is not one that we wrote for this place.
  func open(_ row: ChainRow, _ key: KeyVersion) -> KeptChain? {
    guard row.name == key.identity.name.folded, row.version == key.identity.version.text, mac.isValid(row.mac, for: fields(row)) else { return nil }
    return try? KeptChain(payload: row.payload, key: key, format: Self.chainFormat)
  }

  private func fields(_ row: ChainRow) -> RowMAC.Fields {
    var fields = RowMAC.Fields(kind: "certificate chain")
    fields.append(hsm.text)
    fields.append(row.name)
    fields.append(row.version)
    fields.append(row.payload)
    return fields
  }
}

extension KeptChain {
  fileprivate init(payload: [UInt8], key: KeyVersion, format: UInt8) throws(RowReader.Malformed) {
    var reader = RowReader(payload)
    guard try reader.byte() == format else { throw RowReader.Malformed() }
    let storedAt = UnixTime(seconds: try reader.integer())
    let storedBy = try reader.text()
    let count = try reader.integer()
    guard (1...Int64(CertificateShelf.maxCertificates)).contains(count) else { throw RowReader.Malformed() }
    var certificates: [[UInt8]] = []
    for _ in 0..<count { certificates.append(try reader.blob()) }
    try reader.end()
    self.init(key: key, certificates: certificates, storedAt: storedAt, storedBy: storedBy)
  }
}
