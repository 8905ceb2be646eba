package import Access
import Clocks

extension Keyring {
  /// The key for one request, from the cache or loaded now.
  ///
  /// Demands nothing but its existence: the permit is demanded by what is done with the key.
  /// - Complexity: one dictionary lookup; on a miss two store reads and one engine load (RSA 0.2 ms).
  package func ready(_ name: KeyName, version: KeyVersionID? = nil) throws(CustodyError) -> ReadyKey {
    let slot = ReadyKeyCache.Slot(name: name, version: version)
    if let key = cache.find(slot) { return key }
    let epoch = cache.begin()
    let record = try selected(version, of: activeRecord(of: name, version: version))
    guard record.engine == engine.name else { throw .engineMissing(record.version.identity, engine: record.engine) }
    let handle: any KeyHandle
    do { handle = try engine.load(record.sealed, record.binding(in: hsm)) } catch {
      // The row's MAC was right, so a broken seal means that row and sealed key were mixed by someone holding the row key.
      throw .engine(error)
    }
    guard let key = ReadyKey(record, handle: handle, time: time) else { throw .keyNotFound(name, version: version) }
    cache.keep(key, at: slot, begunAt: epoch)
    return key
  }

  /// The key if it is loaded already: never touches store or engine, so an event loop may ask.
  package func readyIfLoaded(_ name: KeyName, version: KeyVersionID? = nil) -> ReadyKey? {
    cache.find(ReadyKeyCache.Slot(name: name, version: version))
  }

  /// Random bytes from the engine.
  package func random(_ count: Int, permit: Permit) throws(CustodyError) -> [UInt8] {
    try demand(permit, .random, at: .root)
    guard Self.randomCounts.contains(count) else { throw .invalidRandomCount(count, allowed: Self.randomCounts) }
    do { return try engine.random(count) } catch { throw .engine(error) }
  }
  /// SDK documentation of `getRandomBytes`.
  package static let randomCounts = 1...128

  /// Makes a throw-away P-256 key in the engine, signs with it and verifies: what readiness means. Nothing is stored.
  package func probe() throws(CustodyError) {
    guard let name = KeyName("readiness-probe") else { return }
    let binding = KeyBinding(
      hsm: hsm, identity: KeyIdentity(name: name, version: KeyVersionID(entropy: entropy)), spec: .ec(.p256), exportable: false,
      created: now)
    do {
      let handle = try engine.load(engine.generate(binding).sealed, binding)
      let digest = entropy.bytes(32)
      let valid = try handle.verify(handle.sign(digest, .es256), digest, .es256)
      guard valid else { throw EngineFailure.libraryFailed(step: "probe", code: 0) }
    } catch let failure as EngineFailure { throw .engine(failure) } catch { throw .engine(.libraryFailed(step: "probe", code: 0)) }
  }
}
