import Clocks
import Custody
import Secrets
@testable import SoftwareEngine
import Testing

@Suite("Sealed keys")
struct SealTests {
  @Test("A sealed key opens for its own binding only", arguments: [KeySpec.ec(.p256), .ec(.p521), .oct(bits: 256)])
  func moved(spec: KeySpec) throws {
    let id = "0123456789abcdef0123456789abcdef"
    let home = Bench.binding(spec, name: "mine", version: id)
    let sealed = try Bench.engine.generate(home).sealed
    _ = try Bench.engine.load(sealed, home)
    _ = try Bench.engine.load(sealed, Bench.binding(spec, name: "MINE", version: id))
    let others = [
      Bench.binding(spec, name: "other", version: id), Bench.binding(spec, name: "mine"), Bench.binding(spec, name: "mine", version: id, hsm: HSMIdentity("elsewhere")!),
      Bench.binding(spec, name: "mine", version: id, exportable: true), Bench.binding(spec, name: "mine", version: id, created: 1_800_000_001),
    ] + ([.ec(.p256), .ec(.p384), .ec(.p521), .ec(.p256K), .oct(bits: 128), .oct(bits: 256), .rsa(bits: 2048, publicExponent: 3)] as [KeySpec])
      .filter { $0 != spec }.map { Bench.binding($0, name: "mine", version: id) }
    for other in others { #expect(failure { try Bench.engine.load(sealed, other) } == .bindingBroken) }
    #expect(others.count == 11)
  }

  @Test("A sealed key with any bit changed, or of another length, does not open")
  func changed() throws {
    let made = try Bench.key(.ec(.p256))
    var cells = 0
    for index in made.key.sealed.indices {
      var wrong = made.key.sealed
      wrong[index] ^= 1 << UInt8(index % 8)
      #expect(failure { try Bench.engine.load(wrong, made.binding) } == .bindingBroken)
      cells += 1
    }
    for wrong in [[], [1], Array(made.key.sealed.dropLast()), made.key.sealed + [0], [UInt8](repeating: 1, count: 100_000)] {
      #expect(failure { try Bench.engine.load(wrong, made.binding) } == .bindingBroken)
    }
    #expect(cells == made.key.sealed.count)
  }

  @Test("Another partition key does not open it, the same one on another engine does")
  func otherPartition() throws {
    let made = try Bench.key(.ec(.p384))
    let stranger = SoftwareEngine(PartitionKey(SecretBytes(random: 32) { Entropy.system.bytes($0) })!)
    #expect(failure { try stranger.load(made.key.sealed, made.binding) } == .bindingBroken)
    _ = try SoftwareEngine(Bench.partition).load(made.key.sealed, made.binding)
  }

  @Test("The same key is sealed differently each time")
  func fresh() throws {
    let binding = Bench.binding(.oct(bits: 128))
    let key = ImportedKey(.oct(ImportTests.secret([UInt8](repeating: 1, count: 16))))
    #expect(try Bench.engine.take(key, binding).sealed != Bench.engine.take(key, binding).sealed)
  }

  @Test("Generated public parts have their size, without leading zeros for RSA", arguments: Bench.specs)
  func publicParts(spec: KeySpec) throws {
    switch (spec, try Bench.key(spec).key.publicKey) {
    case (.rsa(let bits, _), .rsa(let n, let e)): #expect(n.count == bits / 8 && n[0] >= 0x80 && e == [1, 0, 1])
    case (.ec(let curve), .ec(let made, let x, let y)): #expect(made == curve && x.count == curve.coordinateLength && y.count == curve.coordinateLength)
    default: Issue.record("wrong kind")
    }
  }

  @Test("A public exponent of 3 is generated as asked")
  func exponent() throws {
    guard case .rsa(_, let e) = try Bench.engine.generate(Bench.binding(.rsa(bits: 2048, publicExponent: 3))).publicKey else { return }
    #expect(e == [3])
  }

  @Test("Random bytes have the length asked and differ")
  func random() throws {
    for count in [1, 16, 128] { #expect(try Bench.engine.random(count).count == count) }
    #expect(try Bench.engine.random(32) != Bench.engine.random(32))
  }

  @Test("Hardening says what it did, and core files are off afterwards")
  func hardening() {
    let done = ProcessHardening.apply()
    #expect(done.noCoreFiles && done.noTracing)
    #expect(done.shortcomings.count == (done.allMemoryLocked ? 0 : 1) + (done.arenaLocked ? 0 : 1))
  }
}
