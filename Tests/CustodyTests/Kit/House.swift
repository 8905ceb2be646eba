import Access
import Clocks
@testable import Custody
import Secrets
import Synchronization
import Testing

/// A keyring with everything a test wants to hold: its store, engine and clock.
final class House: Sendable {
  let store = MemoryKeyStore()
  let engine = CountingEngine()
  let clock = Clock()
  let partition: PartitionKey
  let ring: Keyring

  final class Clock: Sendable {
    private let instant = Mutex(Instant(seconds: 1_800_000_000))
    var now: Int64 { instant.withLock { $0.seconds } }
    func advance(_ seconds: Int64) { instant.withLock { $0 = $0.advanced(bySeconds: seconds) } }
    var source: TimeSource { TimeSource { self.instant.withLock { $0 } } }
  }

  init(
    days: Int = 7, purgeProtection: Bool = false, limits: CustodyLimits = .none, cacheCapacity: Int = 8
  ) throws {
    partition = try #require(PartitionKey(SecretBytes(random: 32) { [UInt8](repeating: 9, count: $0) }))
    ring = try Keyring(
      hsm: try #require(HSMIdentity("test-hsm")), partition: partition, engine: engine, store: store,
      recovery: try #require(RecoveryPolicy(days: days, purgeProtection: purgeProtection)), limits: limits, time: clock.source,
      cacheCapacity: cacheCapacity)
  }

  /// A second keyring on the same store, as another node (or a restart) has it.
  func neighbour(hsm: String = "test-hsm", partition: PartitionKey? = nil) throws -> Keyring {
    try Keyring(
      hsm: try #require(HSMIdentity(hsm)), partition: partition ?? self.partition, engine: engine, store: store,
      recovery: ring.recovery, limits: ring.limits, time: clock.source)
  }

  @discardableResult
  func create(_ text: String, _ spec: KeySpec = .ec(.p256), _ attributes: AttributeRequest = AttributeRequest()) throws -> KeyVersion {
    try ring.create(name(text), CreateKey(spec, attributes: attributes), permit: permit(.keysCreate))
  }

  func sign(_ text: String, version: KeyVersionID? = nil) throws -> [UInt8] {
    try ring.ready(name(text), version: version).sign(.es256, digest: [UInt8](repeating: 5, count: 32), permit: permit(.keysSign))
  }
}
