package import Access
import Synchronization

extension Keyring {
  /// Changes attributes, operations and tags of one version, or of the latest.
  ///
  /// `updated` moves, `created` and `exportable` never do; sending the present value of `exportable` is fine (recorded).
  /// Every use after the return sees the change.
  package func update(
    _ name: KeyName, version: KeyVersionID? = nil, _ request: UpdateKey, permit: Permit
  ) throws(CustodyError) -> KeyVersion {
    try demand(permit, .keysWrite, on: name)
    return try writing.withLock { _ throws(CustodyError) in
      var key = try activeRecord(of: name, version: version)
      var record = try selected(version, of: key)
      let identity = record.version.identity
      if let exportable = request.attributes.exportable, exportable != record.version.attributes.exportable {
        throw .exportableIsFixed(identity)
      }
      record.version.operations = try operations(request.operations, for: name, record.version.spec, record.version.operations)
      if let tags = request.tags { record.version.tags = tags }
      if let enabled = request.attributes.enabled { record.version.attributes.enabled = enabled }
      if let notBefore = request.attributes.notBefore { record.version.attributes.notBefore = notBefore }
      if let expires = request.attributes.expires { record.version.attributes.expires = expires }
      record.version.attributes.updated = max(now, record.version.attributes.updated)
      key.revision += 1
      try commit(.replace(seal.row(key)), versions: [record], of: name)
      return record.version
    }
  }

  /// The policy in force; nil if none was set.
  package func rotationPolicy(of name: KeyName, permit: Permit) throws(CustodyError) -> RotationPolicy? {
    try demand(permit, .keysRead, on: name)
    return try activeRecord(of: name).rotation
  }

  /// Sets the policy; an empty request removes it.
  /// - Throws: `.invalidRotationPolicy` for times under 28 days, or an action before an expiry that is not set.
  package func setRotationPolicy(
    _ request: RotationPolicyRequest, of name: KeyName, permit: Permit
  ) throws(CustodyError) -> RotationPolicy? {
    try demand(permit, .keysWrite, on: name)
    return try writing.withLock { _ throws(CustodyError) in
      var key = try activeRecord(of: name)
      if request.rotate == nil && request.expiryTime == nil {
        key.rotation = nil
      } else {
        key.rotation = try RotationPolicy(request, for: name, created: key.rotation?.created ?? now, updated: now)
      }
      key.revision += 1
      try commit(.replace(seal.row(key)), of: name)
      return key.rotation
    }
  }

  /// Deletes all versions of a key; it stays recoverable for `recovery.days`.
  package func delete(_ name: KeyName, permit: Permit) throws(CustodyError) -> DeletedKey {
    try demand(permit, .keysDelete, on: name)
    return try writing.withLock { _ throws(CustodyError) in
      var key = try activeRecord(of: name)
      let deletedAt = now
      key.deletion = KeyRecord.Deletion(
        deletedAt: deletedAt, scheduledPurge: UnixTime(seconds: deletedAt.seconds + Int64(recovery.days) * 86_400))
      key.revision += 1
      let deleted = try deletedKey(key)
      try commit(.replace(seal.row(key)), of: name)
      return deleted
    }
  }

  /// Brings a deleted key back as it was: same versions, same times.
  package func recover(_ name: KeyName, permit: Permit) throws(CustodyError) -> KeyVersion {
    try demand(permit, .deletedKeysRecover, on: name)
    return try writing.withLock { _ throws(CustodyError) in
      var key = try deletedRecord(of: name)
      key.deletion = nil
      key.revision += 1
      let latest = try latestVersion(of: key).version
      try commit(.replace(seal.row(key)), of: name)
      return latest
    }
  }

  /// Destroys a deleted key for good. Under purge protection only time does that.
  package func purge(_ name: KeyName, permit: Permit) throws(CustodyError) {
    try demand(permit, .deletedKeysPurge, on: name)
    try writing.withLock { _ throws(CustodyError) in
      let key = try deletedRecord(of: name)
      if recovery.purgeProtection, let deletion = key.deletion, now < deletion.scheduledPurge {
        throw .purgeProtected(name, until: deletion.scheduledPurge)
      }
      try commit(.remove(name: name.folded, revision: key.revision), of: name)
    }
  }

  /// Destroys the deleted keys whose time has come. To be called now and then (hourly is enough); no permit, the clock decides.
  /// - Returns: the names destroyed, for the audit trail.
  package func purgeDue() throws(CustodyError) -> [KeyName] {
    var purged: [KeyName] = []
    var after: Int64 = 0
    while true {
      let rows: [KeyRow]
      do { rows = try store.keys(deleted: true, after: after, limit: PageRequest.largest) } catch { throw .store(error) }
      guard let last = rows.last else { return purged }
      after = last.ordinal
      for row in rows {
        let name = try seal.open(row).name
        let gone = try writing.withLock { _ throws(CustodyError) -> Bool in
          guard let key = try record(of: name), let deletion = key.deletion, deletion.scheduledPurge <= now else { return false }
          try commit(.remove(name: name.folded, revision: key.revision), of: name)
          return true
        }
        if gone { purged.append(name) }
      }
    }
  }
}
