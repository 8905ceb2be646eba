package import Access

extension Keyring {
  /// One version, or the latest. A disabled or expired key is shown like any other.
  package func key(_ name: KeyName, version: KeyVersionID? = nil, permit: Permit) throws(CustodyError) -> KeyVersion {
    try demand(permit, .keysRead, on: name)
    return try selected(version, of: activeRecord(of: name, version: version)).version
  }

  /// The active keys, each as its latest version, in order of their creation.
  /// - Complexity: one store read, and two more per item.
  package func keys(_ request: PageRequest, permit: Permit) throws(CustodyError) -> Page<KeyVersion> {
    try demand(permit, .keysRead, at: .keys)
    let (records, next) = try names(deleted: false, request)
    var items: [KeyVersion] = []
    items.reserveCapacity(records.count)
    for record in records {
      // A key deleted and purged between the two reads is no longer listed.
      guard let current = try self.record(of: record.name), current.deletion == nil else { continue }
      items.append(try latestVersion(of: current).version)
    }
    return Page(items: items, next: next)
  }

  /// The versions of a key, oldest first; an empty page for an unknown or deleted key (recorded).
  package func versions(of name: KeyName, _ request: PageRequest, permit: Permit) throws(CustodyError) -> Page<KeyVersion> {
    try demand(permit, .keysRead, on: name)
    guard let record = try record(of: name), record.deletion == nil else { return Page(items: [], next: nil) }
    let rows: [KeyVersionRow]
    do { rows = try store.versions(of: name.folded, after: request.after?.ordinal ?? 0, limit: request.size + 1) } catch {
      throw .store(error)
    }
    var items: [KeyVersion] = []
    var last = request.after?.ordinal ?? 0
    for row in rows.prefix(request.size) {
      guard row.name == record.name.folded, row.ordinal > last else {
        throw .rowTampered(.version(name: row.name, version: row.version))
      }
      items.append(try seal.open(row, recovery: recovery).version)
      last = row.ordinal
    }
    return Page(items: items, next: rows.count > request.size ? PageToken(ordinal: last) : nil)
  }

  package func deletedKey(_ name: KeyName, permit: Permit) throws(CustodyError) -> DeletedKey {
    try demand(permit, .deletedKeysRead, on: name)
    return try deletedKey(deletedRecord(of: name))
  }

  /// The deleted keys in order of their creation (not of their deletion).
  package func deletedKeys(_ request: PageRequest, permit: Permit) throws(CustodyError) -> Page<DeletedKey> {
    try demand(permit, .deletedKeysRead, at: .keys)
    let (records, next) = try names(deleted: true, request)
    var items: [DeletedKey] = []
    for record in records {
      guard let current = try self.record(of: record.name), current.deletion != nil else { continue }
      items.append(try deletedKey(current))
    }
    return Page(items: items, next: next)
  }

  // MARK: - Steps

  private func names(deleted: Bool, _ request: PageRequest) throws(CustodyError) -> ([KeyRecord], PageToken?) {
    let rows: [KeyRow]
    do { rows = try store.keys(deleted: deleted, after: request.after?.ordinal ?? 0, limit: request.size + 1) } catch {
      throw .store(error)
    }
    var records: [KeyRecord] = []
    var last = request.after?.ordinal ?? 0
    for row in rows.prefix(request.size) {
      guard row.ordinal > last, row.deleted == deleted else { throw .rowTampered(.key(row.name)) }
      records.append(try seal.open(row))
      last = row.ordinal
    }
    return (records, rows.count > request.size ? PageToken(ordinal: last) : nil)
  }

  func deletedRecord(of name: KeyName) throws(CustodyError) -> KeyRecord {
    guard let record = try record(of: name), record.deletion != nil else { throw .deletedKeyNotFound(name) }
    return record
  }

  func deletedKey(_ record: KeyRecord) throws(CustodyError) -> DeletedKey {
    guard let deletion = record.deletion else { throw .deletedKeyNotFound(record.name) }
    return DeletedKey(
      latest: try latestVersion(of: record).version, deletedAt: deletion.deletedAt, scheduledPurge: deletion.scheduledPurge)
  }
}
