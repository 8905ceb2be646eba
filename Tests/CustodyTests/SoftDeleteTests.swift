import Access
import Custody
import Synchronization
import Testing

@Suite("Soft delete")
struct SoftDeleteTests {
  @Test("A deleted key is gone everywhere but among the deleted ones, at once")
  func delete() throws {
    let house = try House()
    try house.create("Key")
    let latest = try house.create("key")
    _ = try house.sign("key")
    let deleted = try house.ring.delete(name("key"), permit: permit(.keysDelete))
    #expect(deleted.latest == latest && deleted.deletedAt.seconds == house.clock.now)
    #expect(deleted.scheduledPurge.seconds == house.clock.now + 7 * 86_400)
    #expect(try house.ring.deletedKey(name("KEY"), permit: permit(.deletedKeysRead)) == deleted)
    let gone = CustodyError.keyNotFound(try name("key"), version: nil)
    #expect(refusal { _ = try house.sign("key") } == gone)
    #expect(refusal { _ = try house.ring.key(name("key"), permit: permit(.keysRead)) } == gone)
    #expect(refusal { _ = try house.ring.delete(name("key"), permit: permit(.keysDelete)) } == gone)
    #expect(refusal { _ = try house.ring.update(name("key"), UpdateKey(), permit: permit(.keysWrite)) } == gone)
    #expect(refusal { _ = try house.ring.rotate(name("key"), permit: permit(.keysRotate)) } == gone)
    #expect(refusal { _ = try house.ring.ready(name("key"), version: latest.identity.version) } == .keyNotFound(try name("key"), version: latest.identity.version))
    let all = try #require(PageRequest())
    #expect(try house.ring.keys(all, permit: permit(.keysRead)).items.isEmpty)
    #expect(try house.ring.versions(of: name("key"), all, permit: permit(.keysRead)).items.isEmpty)
  }

  @Test("A deleted name cannot be created, imported over or rotated")
  func nameTaken() throws {
    let house = try House()
    try house.create("key")
    _ = try house.ring.delete(name("key"), permit: permit(.keysDelete))
    #expect(refusal { try house.create("KEY") } == .nameIsDeleted(try name("key")))
    #expect(house.engine.generated.load(ordering: .relaxed) == 1)
  }

  @Test("Recovering brings back the same versions with the same times")
  func recover() throws {
    let house = try House()
    let first = try house.create("key"), second = try house.create("key")
    _ = try house.ring.delete(name("key"), permit: permit(.keysDelete))
    house.clock.advance(100)
    #expect(try house.ring.recover(name("key"), permit: permit(.deletedKeysRecover)) == second)
    #expect(try house.ring.versions(of: name("key"), #require(PageRequest()), permit: permit(.keysRead)).items == [first, second])
    _ = try house.sign("key")
    #expect(refusal { _ = try house.ring.recover(name("key"), permit: permit(.deletedKeysRecover)) } == .deletedKeyNotFound(try name("key")))
  }

  @Test("Purging frees the name and forgets the versions")
  func purge() throws {
    let house = try House()
    let first = try house.create("key")
    #expect(refusal { try house.ring.purge(name("key"), permit: permit(.deletedKeysPurge)) } == .deletedKeyNotFound(try name("key")))
    _ = try house.ring.delete(name("key"), permit: permit(.keysDelete))
    try house.ring.purge(name("key"), permit: permit(.deletedKeysPurge))
    #expect(house.store.contents.withLock { $0.keys.isEmpty && $0.versions.isEmpty })
    let anew = try house.create("key")
    #expect(anew.identity.version != first.identity.version)
    #expect(refusal { _ = try house.ring.key(name("key"), version: first.identity.version, permit: permit(.keysRead)) } != nil)
  }

  @Test("Under purge protection only time purges")
  func protection() throws {
    let house = try House(purgeProtection: true)
    try house.create("key")
    let deleted = try house.ring.delete(name("key"), permit: permit(.keysDelete))
    house.clock.advance(7 * 86_400 - 1)
    #expect(refusal { try house.ring.purge(name("key"), permit: permit(.deletedKeysPurge)) } == .purgeProtected(try name("key"), until: deleted.scheduledPurge))
    #expect(try house.ring.purgeDue().isEmpty)
    house.clock.advance(1)
    #expect(try house.ring.purgeDue() == [try name("key")])
    #expect(refusal { _ = try house.ring.recover(name("key"), permit: permit(.deletedKeysRecover)) } == .deletedKeyNotFound(try name("key")))
  }

  @Test("purgeDue takes all that is due, over several pages, and nothing else")
  func purgeDue() throws {
    let house = try House()
    for index in 0..<60 { try house.create("old-\(index)") }
    for index in 0..<60 { _ = try house.ring.delete(name("old-\(index)"), permit: permit(.keysDelete)) }
    house.clock.advance(86_400)
    try house.create("young")
    try house.create("alive")
    _ = try house.ring.delete(name("young"), permit: permit(.keysDelete))
    house.clock.advance(6 * 86_400)
    #expect(try house.ring.purgeDue().count == 60)
    _ = try house.ring.deletedKey(name("young"), permit: permit(.deletedKeysRead))
    _ = try house.ring.key(name("alive"), permit: permit(.keysRead))
  }

  /// Absent, active, deleted: every operation in every state does what the table says, over a long random walk.
  @Test("The state machine holds over random walks", arguments: 0..<20 as Range<UInt64>)
  func walk(seed: UInt64) throws {
    enum State { case absent, active, deleted }
    var generator = Seeded(state: seed &+ 1)
    let house = try House()
    var states: [String: State] = [:]
    var steps = 0
    for _ in 0..<300 {
      let text = ["a", "b", "c"][Int.random(in: 0..<3, using: &generator)]
      let key = try name(text)
      let state = states[text] ?? .absent
      switch Int.random(in: 0..<5, using: &generator) {
      case 0:
        let refused = refusal { try house.create(text) }
        if state == .deleted { #expect(refused == .nameIsDeleted(key)) } else { #expect(refused == nil); states[text] = .active }
      case 1:
        let refused = refusal { _ = try house.ring.delete(key, permit: permit(.keysDelete)) }
        if state == .active { #expect(refused == nil); states[text] = .deleted } else { #expect(refused == .keyNotFound(key, version: nil)) }
      case 2:
        let refused = refusal { _ = try house.ring.recover(key, permit: permit(.deletedKeysRecover)) }
        if state == .deleted { #expect(refused == nil); states[text] = .active } else { #expect(refused == .deletedKeyNotFound(key)) }
      case 3:
        let refused = refusal { try house.ring.purge(key, permit: permit(.deletedKeysPurge)) }
        if state == .deleted { #expect(refused == nil); states[text] = .absent } else { #expect(refused == .deletedKeyNotFound(key)) }
      default:
        let refused = refusal { _ = try house.sign(text) }
        #expect(refused == (state == .active ? nil : .keyNotFound(key, version: nil)), "seed \(seed)")
      }
      let listed = try house.ring.keys(#require(PageRequest()), permit: permit(.keysRead)).items.map(\.identity.name.text)
      #expect(Set(listed) == Set(states.filter { $0.value == .active }.keys), "seed \(seed)")
      steps += 1
    }
    #expect(steps == 300)
  }
}

/// SplitMix64: a repeatable source for random walks.
struct Seeded: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
