package import Access

/// The certificate chains of this HSM's keys, one per key version.
///
/// Reading needs the right to read the key, changing the right to change it; whoever may only sign cannot exchange a chain. A key that is
/// deleted shows none, and when it is purged its chains go with it. Nothing in them is secret; rows carry a MAC so that a chain changed
/// behind our back is refused.
package struct CertificateShelf: Sendable {
  /// Longest PEM text taken: Notary chains have two to four certificates of one to two KiB.
  package static let maxChainBytes = 256 << 10
  package static let maxCertificates = 16
  /// Most chains in one page of the list.
  package static let pageSize = 25

  private let keyring: Keyring
  private let store: any ChainStore
  private let rules: any ChainRules

  package init(keyring: Keyring, store: any ChainStore, rules: any ChainRules) {
    self.keyring = keyring
    self.store = store
    self.rules = rules
  }

  /// The chain of one key version.
  /// - Throws: `.none` when it has none, `.custody(.keyNotFound)` for an unknown or deleted key.
  package func chain(of name: KeyName, version: KeyVersionID, permit: Permit) throws(ShelfError) -> KeptChain {
    let key: KeyVersion
    do { key = try keyring.key(name, version: version, permit: permit) } catch { throw .custody(error) }
    guard let row = try reading({ () throws(KeyStoreFailure) in try store.chain(of: name.folded, version: version.text) }) else {
      throw .none(key.identity)
    }
    guard row.name == name.folded, row.version == version.text else { throw .tampered(name: name.folded, version: version.text) }
    return try opened(row, key)
  }

  /// Every chain of the active keys, in the order of (name, version).
  /// - Returns: at most `pageSize` chains, and where the next page begins; a page may be shorter than the limit and yet not the last.
  package func chains(after place: ChainPlace?, permit: Permit) throws(ShelfError) -> (chains: [KeptChain], next: ChainPlace?) {
    do { try keyring.demand(permit, .keysRead, at: .keys) } catch { throw .custody(error) }
    let rows = try reading { () throws(KeyStoreFailure) in try store.chains(after: place, limit: Self.pageSize + 1) }
    var chains: [KeptChain] = []
    for row in rows.prefix(Self.pageSize) {
      guard let name = KeyName(row.name), let version = KeyVersionID(row.version) else { throw .tampered(name: row.name, version: row.version) }
      if let key = try active(name, version) { chains.append(try opened(row, key)) }
    }
    let last = rows.prefix(Self.pageSize).last
    return (chains, rows.count > Self.pageSize ? last.map { ChainPlace(name: $0.name, version: $0.version) } : nil)
  }

  /// Keeps a chain, replacing the one before.
  /// - Throws: `.refused` when the rules do not take it; nothing was changed then.
  package func keep(_ bytes: [UInt8], of name: KeyName, version: KeyVersionID, permit: Permit) throws(ShelfError) -> KeptChain {
    let key = try writable(name, version, permit)
    guard bytes.count <= Self.maxChainBytes else {
      throw .refused(key.identity, ChainRefusal("the chain has \(bytes.count) bytes, more than the \(Self.maxChainBytes) that are kept"))
    }
    let certificates: [[UInt8]]
    do { certificates = try rules.accept(bytes, for: key, at: keyring.now.seconds) } catch { throw .refused(key.identity, error) }
    guard (1...Self.maxCertificates).contains(certificates.count) else {
      throw .refused(key.identity, ChainRefusal("\(certificates.count) certificates where 1 to \(Self.maxCertificates) are kept"))
    }
    let chain = KeptChain(key: key, certificates: certificates, storedAt: keyring.now, storedBy: permit.principal.objectID.text)
    do { try store.keep(keyring.seal.row(chain)) } catch {
      if case .conflict = error { throw .custody(.keyNotFound(name, version: version)) }
      throw .custody(.store(error))
    }
    return chain
  }

  package func remove(_ name: KeyName, version: KeyVersionID, permit: Permit) throws(ShelfError) {
    let key = try writable(name, version, permit)
    let removed = try reading { () throws(KeyStoreFailure) in try store.removeChain(of: name.folded, version: version.text) }
    guard removed else { throw .none(key.identity) }
  }

  // MARK: - Steps

  private func writable(_ name: KeyName, _ version: KeyVersionID, _ permit: Permit) throws(ShelfError) -> KeyVersion {
    do {
      try keyring.demand(permit, .keysWrite, on: name)
      return try keyring.selected(version, of: keyring.activeRecord(of: name, version: version)).version
    } catch { throw .custody(error) }
  }

  /// Nil for a key that is deleted, or went between the two reads.
  private func active(_ name: KeyName, _ version: KeyVersionID) throws(ShelfError) -> KeyVersion? {
    do {
      guard let record = try keyring.record(of: name), record.deletion == nil else { return nil }
      return try keyring.versionRecord(version, of: record)?.version
    } catch { throw .custody(error) }
  }

  private func opened(_ row: ChainRow, _ key: KeyVersion) throws(ShelfError) -> KeptChain {
    guard let chain = keyring.seal.open(row, key) else { throw .tampered(name: row.name, version: row.version) }
    return chain
  }

  private func reading<R>(_ body: () throws(KeyStoreFailure) -> R) throws(ShelfError) -> R {
    do { return try body() } catch { throw .custody(.store(error)) }
  }
}

/// A chain as it is kept.
package struct KeptChain: Hashable, Sendable {
  package let key: KeyVersion
  /// DER, leaf first.
  package let certificates: [[UInt8]]
  package let storedAt: UnixTime
  /// Object id of the principal.
  package let storedBy: String
}

/// Why the shelf did not do what was asked.
package enum ShelfError: Error, Hashable, Sendable {
  /// The key version has no chain.
  case none(KeyIdentity)
  case refused(KeyIdentity, ChainRefusal)
  /// The stored row does not carry our MAC: somebody changed it behind our back.
  case tampered(name: String, version: String)
  case custody(CustodyError)
}
