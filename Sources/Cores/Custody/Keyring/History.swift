extension Keyring {
  /// Every version of a key, active or deleted, oldest first: for tracing a signature made with it. Purged keys are gone.
  ///
  /// Needs no permit of its own; the surface demands the right to read the audit trail.
  /// - Returns: an empty list for an unknown name, and whether the key is in the deleted state.
  package func history(of name: KeyName) throws(CustodyError) -> (versions: [KeyVersion], deleted: Bool) {
    guard let record = try record(of: name) else { return ([], false) }
    var versions: [KeyVersion] = []
    var after: Int64 = 0
    while true {
      let rows: [KeyVersionRow]
      do { rows = try store.versions(of: name.folded, after: after, limit: 100) } catch { throw .store(error) }
      guard let last = rows.last else { break }
      guard last.ordinal > after else { throw .rowTampered(.version(name: last.name, version: last.version)) }
      after = last.ordinal
      for row in rows {
        guard row.name == record.name.folded else { throw .rowTampered(.version(name: row.name, version: row.version)) }
        versions.append(try seal.open(row, recovery: recovery).version)
      }
    }
    return (versions, record.deletion != nil)
  }
}
