import Access
package import Clocks
import Synchronization

/// All keys of one HSM: their lifecycles and the way to their use.
///
/// Synchronous and thread safe. Reads go to the store; a read begun after a write's return sees that write. Writes of one process
/// are taken one after another (a mutex is held across the store's commit), writes of other nodes are noticed by their
/// revision and answered with `.changedMeanwhile`. Generating RSA keys takes seconds and happens outside that mutex, so callers run
/// `create`, `importKey` and `rotate` on a thread pool, never on an event loop.
package final class Keyring: Sendable {
  package let hsm: HSMIdentity
  package let recovery: RecoveryPolicy
  package let limits: CustodyLimits
  let engine: any KeyEngine
  let store: any KeyStore
  let seal: RowSeal
  let time: TimeSource
  let entropy: Entropy
  let cache: ReadyKeyCache
  /// Held while a key changes; the value is the largest ordinal given out.
  let writing: Mutex<Int64>

  /// - Parameter cacheCapacity: how many keys stay loaded in the engine.
  /// - Throws: `.store` if the store cannot be read.
  package init(
    hsm: HSMIdentity, partition: PartitionKey, engine: any KeyEngine, store: any KeyStore, recovery: RecoveryPolicy,
    limits: CustodyLimits = .none, time: TimeSource = .system, entropy: Entropy = .system, cacheCapacity: Int = 1024
  ) throws(CustodyError) {
    self.hsm = hsm
    self.recovery = recovery
    self.limits = limits
    self.engine = engine
    self.store = store
    self.time = time
    self.entropy = entropy
    seal = RowSeal(partition, hsm: hsm)
    cache = ReadyKeyCache(capacity: cacheCapacity)
    do { writing = Mutex(try store.largestOrdinal()) } catch { throw .store(error) }
  }

  /// The name that audit records carry as the engine.
  package var engineName: String { engine.name }

  var now: UnixTime { UnixTime(seconds: time.now().seconds) }

  /// Larger than every earlier ordinal, and near the clock so that nodes sharing a store stay in order.
  func nextOrdinal(after last: inout Int64) -> Int64 {
    last = max(last + 1, time.now().nanoseconds)
    return last
  }
}

/// Bounds on how much one HSM holds. Azure's own apply under `--strict-limits` only.
package struct CustodyLimits: Hashable, Sendable {
  /// Deleted keys count too.
  package var keys: Int?
  package var versionsPerKey: Int?

  package init(keys: Int?, versionsPerKey: Int?) {
    self.keys = keys
    self.versionsPerKey = versionsPerKey
  }
  package static let none = CustodyLimits(keys: nil, versionsPerKey: nil)
  /// Managed HSM service limits (managed-hsm.md §6.1).
  package static let strict = CustodyLimits(keys: 5000, versionsPerKey: 100)
}

// MARK: - Proofs

extension Keyring {
  func demand(_ permit: borrowing Permit, _ action: DataAction, on name: KeyName) throws(CustodyError) {
    guard let scope = Scope.key(named: name.text) else { throw .keyNotFound(name, version: nil) }
    try demand(permit, action, at: scope)
  }

  func demand(_ permit: borrowing Permit, _ action: DataAction, at scope: Scope) throws(CustodyError) {
    guard permit.allows(action, at: scope) else {
      throw .permitDoesNotFit(wanted: "\(action.text) on \(scope.text)", given: "\(permit.action.text) on \(permit.scope.text)")
    }
  }
}

// MARK: - Rows

extension Keyring {
  /// The record of a name, active or deleted; nil if unknown.
  func record(of name: KeyName) throws(CustodyError) -> KeyRecord? {
    let row: KeyRow?
    do { row = try store.key(named: name.folded) } catch { throw .store(error) }
    guard let row else { return nil }
    guard row.name == name.folded else { throw .rowTampered(.key(name.folded)) }
    return try seal.open(row)
  }

  func activeRecord(of name: KeyName, version: KeyVersionID? = nil) throws(CustodyError) -> KeyRecord {
    guard let record = try record(of: name), record.deletion == nil else { throw .keyNotFound(name, version: version) }
    return record
  }

  func versionRecord(_ id: KeyVersionID, of key: KeyRecord) throws(CustodyError) -> VersionRecord? {
    let row: KeyVersionRow?
    do { row = try store.version(of: key.name.folded, id: id.text) } catch { throw .store(error) }
    guard let row else { return nil }
    guard row.name == key.name.folded, row.version == id.text else {
      throw .rowTampered(.version(name: key.name.folded, version: id.text))
    }
    return try seal.open(row, recovery: recovery)
  }

  /// The latest version, which must be there: its absence means that somebody removed the row, unless the key itself
  /// changed or went between the two reads.
  func latestVersion(of key: KeyRecord) throws(CustodyError) -> VersionRecord {
    if let version = try versionRecord(key.latest, of: key) { return version }
    guard let again = try record(of: key.name) else { throw .keyNotFound(key.name, version: nil) }
    guard again.ordinal == key.ordinal, again.latest == key.latest else { throw .changedMeanwhile(key.name) }
    throw .rowTampered(.version(name: key.name.folded, version: key.latest.text))
  }

  func selected(_ id: KeyVersionID?, of key: KeyRecord) throws(CustodyError) -> VersionRecord {
    guard let id, id != key.latest else { return try latestVersion(of: key) }
    guard let version = try versionRecord(id, of: key) else { throw .keyNotFound(key.name, version: id) }
    return version
  }

  /// Makes a change durable, then forgets what was loaded of the key. Call while `writing` is held.
  func commit(_ change: KeyCommit.KeyChange, versions: [VersionRecord] = [], of name: KeyName) throws(CustodyError) {
    defer { cache.forget(name) }
    do {
      try store.commit(KeyCommit(key: change, versions: versions.map { seal.row($0) }))
    } catch {
      if case .conflict = error { throw .changedMeanwhile(name) }
      throw .store(error)
    }
  }
}
