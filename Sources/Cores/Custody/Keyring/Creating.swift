package import Access
import Synchronization

extension Keyring {
  /// Makes a key, or a new version of it if the name exists.
  ///
  /// - Throws: `.nameIsDeleted` while a deleted key holds the name; `.unsupportedSpec`, `.tooManyKeys`, `.tooManyVersions`.
  /// - Complexity: one engine call (RSA: 0.1 to several seconds), one commit.
  package func create(_ name: KeyName, _ request: CreateKey, permit: Permit) throws(CustodyError) -> KeyVersion {
    try demand(permit, .keysCreate, on: name)
    try check(request.spec)
    let operations = try operations(request.operations, for: name, request.spec, request.spec.defaultOperationsWhenCreated)
    return try add(name, request.spec, .generated, operations, request.attributes, request.tags, permit) {
      binding throws(EngineFailure) in try self.engine.generate(binding)
    }
  }

  /// Takes over a key made elsewhere, as a new key or a new version.
  ///
  /// - Throws: as `create`, and `.invalidMaterial`.
  /// - Complexity: one engine call (RSA: primality checks, tens of milliseconds), one commit.
  package func importKey(
    _ name: KeyName, _ material: borrowing ImportedKey, _ request: ImportRequest, permit: Permit
  ) throws(CustodyError) -> KeyVersion {
    try demand(permit, .keysImport, on: name)
    let spec = try material.spec()
    let operations = try operations(request.operations, for: name, spec, spec.defaultOperationsWhenImported)
    let identity = try vacancy(name)
    let attributes = try attributes(request.attributes, for: name)
    let made: EngineKey
    do { made = try engine.take(material, binding(identity, spec, attributes)) } catch { throw CustodyError(error) }
    return try insert(
      KeyVersion(
        identity: identity, spec: spec, publicKey: made.publicKey, operations: operations, attributes: attributes,
        tags: request.tags, recovery: recovery, origin: .imported, createdBy: permit.principal.objectID.text,
        createdUnder: permit.assignment.id.text), made.sealed)
  }

  /// Makes a new version like the latest one: same type and size, operations and tags; enabled if that one is.
  ///
  /// A rotation policy's expiry time sets `exp`. Needs no policy (recorded: managed-hsm-recorded.md §6).
  package func rotate(_ name: KeyName, permit: Permit) throws(CustodyError) -> KeyVersion {
    try demand(permit, .keysRotate, on: name)
    let record = try activeRecord(of: name)
    let latest = try latestVersion(of: record).version
    var attributes = AttributeRequest(enabled: latest.attributes.enabled)
    if let expiry = record.rotation?.expiryTime { attributes.expires = UnixTime(seconds: now.seconds + expiry.seconds) }
    return try add(name, latest.spec, .rotated, latest.operations, attributes, latest.tags, permit) {
      binding throws(EngineFailure) in try self.engine.generate(binding)
    }
  }

  // MARK: - Steps

  private func add(
    _ name: KeyName, _ spec: KeySpec, _ origin: KeyOrigin, _ operations: KeyOperations, _ wanted: AttributeRequest,
    _ tags: KeyTags, _ permit: Permit, make: (KeyBinding) throws(EngineFailure) -> EngineKey
  ) throws(CustodyError) -> KeyVersion {
    let identity = try vacancy(name)
    let attributes = try attributes(wanted, for: name)
    let made: EngineKey
    do { made = try make(binding(identity, spec, attributes)) } catch { throw CustodyError(error) }
    return try insert(
      KeyVersion(
        identity: identity, spec: spec, publicKey: made.publicKey, operations: operations, attributes: attributes, tags: tags,
        recovery: recovery, origin: origin, createdBy: permit.principal.objectID.text,
        createdUnder: permit.assignment.id.text), made.sealed)
  }

  private func binding(_ identity: KeyIdentity, _ spec: KeySpec, _ attributes: KeyAttributes) -> KeyBinding {
    KeyBinding(hsm: hsm, identity: identity, spec: spec, exportable: attributes.exportable, created: attributes.created)
  }

  /// A fresh identity under the name, in the spelling the name already has. Refuses early, before costly work;
  /// `insert` decides again.
  private func vacancy(_ name: KeyName) throws(CustodyError) -> KeyIdentity {
    let existing = try record(of: name)
    try admit(existing, name)
    return KeyIdentity(name: existing?.name ?? name, version: KeyVersionID(entropy: entropy))
  }

  private func admit(_ existing: KeyRecord?, _ name: KeyName) throws(CustodyError) {
    guard let existing else {
      if let limit = limits.keys {
        let count: Int
        do { count = try store.keyCount() } catch { throw .store(error) }
        guard count < limit else { throw .tooManyKeys(limit: limit) }
      }
      return
    }
    guard existing.deletion == nil else { throw .nameIsDeleted(name) }
    if let limit = limits.versionsPerKey, existing.versionCount >= limit { throw .tooManyVersions(name, limit: limit) }
  }

  private func insert(_ version: KeyVersion, _ sealed: [UInt8]) throws(CustodyError) -> KeyVersion {
    try writing.withLock { last throws(CustodyError) in
      let name = version.identity.name
      let existing = try record(of: name)
      try admit(existing, name)
      let ordinal = nextOrdinal(after: &last)
      let added = VersionRecord(version: version, ordinal: ordinal, engine: engine.name, sealed: sealed)
      if var key = existing {
        // Two first creations at once may differ in spelling; the seal is bound to the folded name, the row keeps one spelling.
        key.latest = version.identity.version
        key.versionCount += 1
        key.revision += 1
        try commit(.replace(seal.row(key)), versions: [added], of: name)
      } else {
        let key = KeyRecord(name: name, ordinal: ordinal, latest: version.identity.version)
        try commit(.insert(seal.row(key)), versions: [added], of: name)
      }
      return version
    }
  }

  private func check(_ spec: KeySpec) throws(CustodyError) {
    switch spec {
    case .rsa(let bits, let exponent):
      guard KeySpec.rsaSizes.contains(bits) else { throw .unsupportedSpec(.rsaSize(bits)) }
      guard exponent >= 3, exponent % 2 == 1, exponent <= UInt64(UInt32.max) else {
        throw .unsupportedSpec(.publicExponent(exponent))
      }
    case .ec: break
    case .oct(let bits):
      guard KeySpec.octSizes.contains(bits) else { throw .unsupportedSpec(.octSize(bits)) }
    }
  }

  private func attributes(_ wanted: AttributeRequest, for name: KeyName) throws(CustodyError) -> KeyAttributes {
    // Release is not served yet, so no release policy can exist.
    guard wanted.exportable != true else { throw .exportableNeedsReleasePolicy(name) }
    let created = now
    return KeyAttributes(
      enabled: wanted.enabled ?? true, notBefore: wanted.notBefore, expires: wanted.expires, exportable: false,
      created: created, updated: created)
  }

  /// The operations to store. A type that cannot do an operation may still list it: using it is refused by the algorithm table.
  func operations(
    _ wanted: KeyOperations?, for name: KeyName, _ spec: KeySpec, _ usual: KeyOperations
  ) throws(CustodyError) -> KeyOperations {
    guard let wanted else { return usual }
    if wanted.contains(.import) {
      guard wanted == .import, spec.type == .rsa else { throw .importMustStandAlone(name) }
    }
    return wanted
  }
}

extension CustodyError {
  init(_ failure: EngineFailure) {
    if case .material(let fault) = failure { self = .invalidMaterial(fault) } else { self = .engine(failure) }
  }
}
