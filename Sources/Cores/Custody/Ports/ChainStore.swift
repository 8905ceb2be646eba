/// One row per key version that has a certificate chain.
package struct ChainRow: Hashable, Sendable {
  /// Lower-case name of the key; unique together with `version`.
  package var name: String
  /// 32 lower-case hex digits.
  package var version: String
  /// Opaque to the store; up to `CertificateShelf.maxChainBytes` and a little more.
  package var payload: [UInt8]
  /// 32 bytes, opaque to the store: covers all the other columns.
  package var mac: [UInt8]

  package init(name: String, version: String, payload: [UInt8], mac: [UInt8]) {
    self.name = name
    self.version = version
    self.payload = payload
    self.mac = mac
  }
}

/// Where certificate chains live. Declared here, implemented by SQLiteStore and by an in-memory double in the tests.
///
/// Trust, ordering, durability, concurrency: as `KeyStore`, of whose versions these rows are parts: when a key version goes, its chain
/// goes in the same transaction.
package protocol ChainStore: Sendable {
  /// - Parameter name: lower case.
  func chain(of name: String, version: String) throws(KeyStoreFailure) -> ChainRow?
  /// Rows after that place in the order of (name, version), at most `limit`; nil for the beginning.
  func chains(after place: ChainPlace?, limit: Int) throws(KeyStoreFailure) -> [ChainRow]
  /// Inserts or replaces. Fails with `.conflict` when the store has no such key version.
  func keep(_ row: ChainRow) throws(KeyStoreFailure)
  /// - Returns: whether there was one.
  func removeChain(of name: String, version: String) throws(KeyStoreFailure) -> Bool
}

/// A place in the list of chains.
package struct ChainPlace: Hashable, Sendable {
  package var name: String
  package var version: String

  package init(name: String, version: String) {
    self.name = name
    self.version = version
  }
}

/// The rules for a chain before it is kept. Custody does not read certificates; whoever wires the service gives the rules.
///
/// Trusted: a chain it accepts is stored as it returns it.
package protocol ChainRules: Sendable {
  /// - Parameters:
  ///   - bytes: PEM, at most `CertificateShelf.maxChainBytes`.
  ///   - key: the version whose public key the first certificate must hold.
  ///   - now: seconds since the epoch.
  /// - Returns: the certificates in DER, leaf first.
  func accept(_ bytes: [UInt8], for key: KeyVersion, at now: Int64) throws(ChainRefusal) -> [[UInt8]]
}

/// Why a chain is not kept, in words for the caller.
package struct ChainRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}
