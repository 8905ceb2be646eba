import Access
import Clocks
@testable import Custody
import Secrets
@testable import SoftwareEngine
import Synchronization
import Testing

/// Custody and the engine together, as the server wires them.
@Suite("A keyring on the software engine")
struct KeyringTests {
  private func ring(_ store: MemoryKeyStore, _ hsm: String = "house") throws -> Keyring {
    try Keyring(
      hsm: try #require(HSMIdentity(hsm)), partition: Bench.partition, engine: Bench.engine, store: store, recovery: try #require(RecoveryPolicy(days: 7)))
  }

  @Test("A key made before a restart signs after it, and openssl agrees", arguments: [KeySpec.rsa(bits: 2048, publicExponent: 65537)] + Curve.allCases.map { .ec($0) })
  func restart(spec: KeySpec) throws {
    let openssl = try OpenSSL()
    defer { openssl.close() }
    let store = MemoryKeyStore()
    let made = try ring(store).create(name("release"), CreateKey(spec), permit: permit(.keysCreate))
    let key = try ring(store).ready(name("Release"))
    #expect(key.identity == made.identity && key.path == "keys/release/\(made.identity.version.text)" && key.engine == "software")
    for algorithm in SignatureAlgorithm.allCases where algorithm.fits(spec) {
      let digest = Entropy.system.bytes(algorithm.digest?.length ?? 36)
      let signature = try key.sign(algorithm, digest: digest, permit: permit(.keysSign))
      #expect(try openssl.verifies(signature, digest, algorithm, made.publicKey))
      #expect(try key.verify(algorithm, signature: signature, digest: digest, permit: permit(.keysVerify)))
      #expect(try !key.verify(algorithm, signature: signature.reversed(), digest: digest, permit: permit(.keysVerify)))
    }
  }

  @Test("An oct key is kept, shows nothing and signs nothing")
  func oct() throws {
    let store = MemoryKeyStore()
    let made = try ring(store).create(name("secret"), CreateKey(.oct(bits: 192)), permit: permit(.keysCreate))
    #expect(made.publicKey == .oct)
    let key = try ring(store).ready(name("secret"))
    for algorithm in SignatureAlgorithm.allCases {
      #expect(refusal { try key.sign(algorithm, digest: [UInt8](repeating: 0, count: algorithm.digest?.length ?? 20), permit: permit(.keysSign)) } == .algorithmDoesNotFit(made.identity, algorithm, made.spec))
    }
  }

  @Test("A sealed key put into another key's row, with a right MAC even, does not open")
  func swapped() throws {
    let store = MemoryKeyStore()
    let ring = try ring(store)
    let mine = try ring.create(name("mine"), CreateKey(.ec(.p256)), permit: permit(.keysCreate))
    let theirs = try ring.create(name("theirs"), CreateKey(.ec(.p256)), permit: permit(.keysCreate))
    let (mineRow, theirRow) = try store.contents.withLock {
      (try #require($0.versions["mine"]?[mine.identity.version.text]), try #require($0.versions["theirs"]?[theirs.identity.version.text]))
    }
    let stolen = try ring.seal.open(theirRow, recovery: ring.recovery)
    let kept = try ring.seal.open(mineRow, recovery: ring.recovery)
    let forged = ring.seal.row(VersionRecord(version: kept.version, ordinal: kept.ordinal, engine: kept.engine, sealed: stolen.sealed))
    store.contents.withLock { $0.versions["mine"]?[mine.identity.version.text] = forged }
    #expect(refusal { try ring.ready(name("mine")) } == .engine(.bindingBroken))
  }

  @Test("What is refused on import leaves no trace")
  func refusedImport() throws {
    let store = MemoryKeyStore()
    let point = [UInt8](repeating: 1, count: 32)
    let material = ImportedKey(.ec(.p256, x: point, y: point, d: ImportTests.secret(point)))
    #expect(refusal { try ring(store).importKey(name("bad"), material, ImportRequest(), permit: permit(.keysImport)) } == .invalidMaterial(.curvePointInvalid))
    #expect(store.contents.withLock { $0.keys.isEmpty && $0.versions.isEmpty })
  }

  @Test("The engine passes the readiness probe")
  func probe() throws { try ring(MemoryKeyStore()).probe() }
}
