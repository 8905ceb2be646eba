import Access
import Custody
import Synchronization
import Testing

@Suite("Using keys")
struct UseTests {
  private static let digest = [UInt8](repeating: 5, count: 32)

  /// enabled, nbf and exp relative to now, and whether signing and verifying work (reference: managed-hsm.md §2.5).
  @Test("Window and enabled rules", arguments: [
    (true, nil, nil, true, true), (true, 0, nil, true, true), (true, 1, nil, false, true), (true, -1, nil, true, true),
    (true, nil, 1, true, true), (true, nil, 0, false, true), (true, nil, -1, false, true), (true, -5, 5, true, true),
    (true, 5, -5, false, true), (true, 3, 5, false, true), (true, -5, -3, false, true),
    (false, nil, nil, false, false), (false, 1, nil, false, false), (false, nil, -1, false, false),
  ] as [(Bool, Int64?, Int64?, Bool, Bool)])
  func window(enabled: Bool, notBefore: Int64?, expires: Int64?, signs: Bool, verifies: Bool) throws {
    let house = try House()
    let now = house.clock.now
    let made = try house.create(
      "k", .ec(.p256),
      AttributeRequest(
        enabled: enabled, notBefore: notBefore.map { UnixTime(seconds: now + $0) }, expires: expires.map { UnixTime(seconds: now + $0) }))
    let key = try house.ring.ready(name("k"))
    let signed = refusal { _ = try key.sign(.es256, digest: Self.digest, permit: permit(.keysSign)) }
    let verified = refusal { _ = try key.verify(.es256, signature: [], digest: Self.digest, permit: permit(.keysVerify)) }
    #expect((signed == nil) == signs && (verified == nil) == verifies)
    if !enabled { #expect(signed == .keyDisabled(made.identity) && verified == .keyDisabled(made.identity)) }
    else if let start = notBefore, start > 0 { #expect(signed == .notYetValid(made.identity, notBefore: UnixTime(seconds: now + start))) }
    else if let end = expires, end <= 0 { #expect(signed == .expired(made.identity, expires: UnixTime(seconds: now + end))) }
    // Whatever the state, the key can be read.
    #expect(try house.ring.key(name("k"), permit: permit(.keysRead)) == made)
  }

  @Test("A loaded key follows the clock through its window")
  func clock() throws {
    let house = try House()
    try house.create("k", .ec(.p256), AttributeRequest(notBefore: UnixTime(seconds: house.clock.now + 10), expires: UnixTime(seconds: house.clock.now + 20)))
    #expect(refusal { _ = try house.sign("k") } != nil)
    house.clock.advance(10)
    #expect(refusal { _ = try house.sign("k") } == nil)
    house.clock.advance(10)
    #expect(refusal { _ = try house.sign("k") } != nil)
    #expect(house.engine.loads.load(ordering: .relaxed) == 1)
  }

  @Test("Times that no clock reaches are kept and obeyed", arguments: [Int64.max, 253_402_300_799, Int64.min, -1])
  func farTimes(seconds: Int64) throws {
    let house = try House()
    let made = try house.create("k", .ec(.p256), AttributeRequest(expires: UnixTime(seconds: seconds)))
    #expect(try house.ring.key(name("k"), permit: permit(.keysRead)).attributes.expires?.seconds == seconds)
    #expect(refusal { _ = try house.sign("k") } == (seconds > 0 ? nil : .expired(made.identity, expires: UnixTime(seconds: seconds))))
  }

  @Test("An operation that key_ops does not list is refused", arguments: [(KeyOperations.verify, KeyOperation.sign), (.sign, .verify), ([], .sign), ([.encrypt, .decrypt, .wrapKey], .sign)] as [(KeyOperations, KeyOperation)])
  func keyOps(operations: KeyOperations, refused: KeyOperation) throws {
    let house = try House()
    let made = try house.ring.create(name("k"), CreateKey(.ec(.p256), operations: operations), permit: permit(.keysCreate))
    let key = try house.ring.ready(name("k"))
    let refusal = refusal {
      if refused == .sign { _ = try key.sign(.es256, digest: Self.digest, permit: permit(.keysSign)) }
      else { _ = try key.verify(.es256, signature: [], digest: Self.digest, permit: permit(.keysVerify)) }
    }
    #expect(refusal == .operationNotInKeyOps(made.identity, refused))
  }

  @Test("Every algorithm of another type or curve is refused, and every digest of another length")
  func misfits() throws {
    let house = try House()
    let specs: [KeySpec] = [.rsa(bits: 2048, publicExponent: 65537), .ec(.p256), .ec(.p384), .ec(.p521), .ec(.p256K), .oct(bits: 256)]
    var refusals = 0
    for (index, spec) in specs.enumerated() {
      let made = try house.create("k\(index)", spec)
      let key = try house.ring.ready(name("k\(index)"))
      for algorithm in SignatureAlgorithm.allCases {
        if !algorithm.fits(spec) {
          #expect(refusal { _ = try key.sign(algorithm, digest: [UInt8](repeating: 1, count: algorithm.digest?.length ?? 32), permit: permit(.keysSign)) } == .algorithmDoesNotFit(made.identity, algorithm, spec))
          refusals += 1
          continue
        }
        for length in [0, 1, 20, 31, 32, 33, 47, 48, 49, 63, 64, 65, 245, 246, 4096] {
          let allowed = algorithm.digest.map { length == $0.length } ?? (1...245).contains(length)
          let digest = [UInt8](repeating: 1, count: length)
          let expected: CustodyError? = allowed ? nil : .wrongDigestLength(made.identity, algorithm, given: length, allowed: algorithm.digestLengths(for: spec))
          #expect(refusal { _ = try key.sign(algorithm, digest: digest, permit: permit(.keysSign)) } == expected)
          #expect(refusal { _ = try key.verify(algorithm, signature: [], digest: digest, permit: permit(.keysVerify)) } == expected)
          refusals += allowed ? 0 : 1
        }
      }
    }
    // 55 misfits; ten hashed algorithms refuse 14 of 15 lengths each, RSNULL refuses 0, 246 and 4096.
    #expect(refusals == 11 * 6 - 11 + 10 * 14 + 3)
  }

  @Test("A permit for another action or another key does not serve", arguments: [
    (DataAction.keysSign, "/keys/other"), (.keysVerify, "/"), (.keysRead, "/keys/k"), (.keysEncrypt, "/"),
  ])
  func permits(action: DataAction, scope: String) throws {
    let house = try House()
    try house.create("k")
    let key = try house.ring.ready(name("k"))
    let refused = refusal { _ = try key.sign(.es256, digest: Self.digest, permit: permit(action, at: Scope(scope)!)) }
    guard case .permitDoesNotFit = refused else {
      Issue.record("\(String(describing: refused))")
      return
    }
    _ = try key.sign(.es256, digest: Self.digest, permit: permit(.keysSign, at: Scope("/keys/K")!))
  }

  @Test("Each operation of the keyring demands its own action")
  func everyPermit() throws {
    let house = try House()
    let key = try name("k"), page = try #require(PageRequest())
    try house.create("k")
    let operations: [(DataAction, (Permit) throws -> Void)] = [
      (.keysCreate, { _ = try house.ring.create(key, CreateKey(.ec(.p256)), permit: $0) }), (.keysRotate, { _ = try house.ring.rotate(key, permit: $0) }),
      (.keysRead, { _ = try house.ring.key(key, permit: $0) }), (.keysRead, { _ = try house.ring.keys(page, permit: $0) }),
      (.keysRead, { _ = try house.ring.versions(of: key, page, permit: $0) }), (.keysRead, { _ = try house.ring.rotationPolicy(of: key, permit: $0) }),
      (.keysWrite, { _ = try house.ring.update(key, UpdateKey(), permit: $0) }),
      (.keysWrite, { _ = try house.ring.setRotationPolicy(RotationPolicyRequest(rotate: nil, expiryTime: nil), of: key, permit: $0) }),
      (.keysDelete, { _ = try house.ring.delete(key, permit: $0) }), (.deletedKeysRead, { _ = try house.ring.deletedKey(key, permit: $0) }),
      (.deletedKeysRead, { _ = try house.ring.deletedKeys(page, permit: $0) }), (.deletedKeysRecover, { _ = try house.ring.recover(key, permit: $0) }),
      (.random, { _ = try house.ring.random(16, permit: $0) }),
    ]
    var refusals = 0
    for (action, operation) in operations {
      for other in DataAction.allCases where other != action {
        guard case .permitDoesNotFit = refusal({ try operation(permit(other)) }) else {
      Issue.record("\(other) served for \(action)")
      return
    }
        refusals += 1
      }
      #expect(refusal { try operation(permit(action)) } == nil, "\(action)")
    }
    #expect(refusals == operations.count * (DataAction.allCases.count - 1))
  }

  @Test("Random bytes: 1 to 128", arguments: [0, -1, 129, Int.max])
  func randomCounts(count: Int) throws {
    #expect(throws: CustodyError.invalidRandomCount(count, allowed: 1...128)) { try House().ring.random(count, permit: permit(.random)) }
  }

  @Test("A key is loaded once; any change of it makes the next use see the change")
  func coherence() throws {
    let house = try House()
    let made = try house.create("k")
    for _ in 0..<5 {
      _ = try house.sign("k")
      _ = try house.sign("K", version: made.identity.version)
    }
    #expect(house.engine.loads.load(ordering: .relaxed) == 2)
    _ = try house.ring.update(name("k"), UpdateKey(attributes: AttributeRequest(enabled: false)), permit: permit(.keysWrite))
    #expect(refusal { _ = try house.sign("k") } == .keyDisabled(made.identity))
    #expect(refusal { _ = try house.sign("k", version: made.identity.version) } == .keyDisabled(made.identity))
    _ = try house.ring.update(name("k"), UpdateKey(attributes: AttributeRequest(enabled: true)), permit: permit(.keysWrite))
    let before = try house.ring.ready(name("k")).identity
    let rotated = try house.ring.rotate(name("k"), permit: permit(.keysRotate))
    #expect(try house.ring.ready(name("k")).identity == rotated.identity && before == made.identity)
  }

  @Test("A load that a change overtakes is not kept")
  func overtakenLoad() throws {
    let house = try House()
    try house.create("k")
    let done = Atomic<Bool>(false)
    house.engine.duringLoad.withLock { hook in
      hook = {
        if done.exchange(true, ordering: .relaxed) { return }
        _ = try? house.ring.update(KeyName("k")!, UpdateKey(attributes: AttributeRequest(enabled: false)), permit: permit(.keysWrite))
      }
    }
    // This one began before the change and may still see the old state; the next one may not.
    _ = try? house.sign("k")
    let overtaken = done.load(ordering: .relaxed)
    #expect(overtaken)
    guard case .keyDisabled = refusal({ _ = try house.sign("k") }) else {
      Issue.record("the old state was kept")
      return
    }
    house.engine.duringLoad.withLock { $0 = nil }
  }

  @Test("The cache holds no more than its bound and drops the least recently used")
  func bound() throws {
    let house = try House(cacheCapacity: 3)
    for text in ["a", "b", "c", "d"] { try house.create(text) }
    for text in ["a", "b", "c", "a", "d"] { _ = try house.sign(text) }
    #expect(house.engine.loads.load(ordering: .relaxed) == 4)
    _ = try house.sign("a")
    _ = try house.sign("c")
    _ = try house.sign("d")
    #expect(house.engine.loads.load(ordering: .relaxed) == 4)
    _ = try house.sign("b")
    #expect(house.engine.loads.load(ordering: .relaxed) == 5)
    _ = try house.sign("a")
    #expect(house.engine.loads.load(ordering: .relaxed) == 6)
  }

  @Test("Many threads may use, change and replace keys at once")
  func threads() async throws {
    let house = try House(cacheCapacity: 4)
    for index in 0..<6 { try house.create("k\(index)") }
    let failures = await withTaskGroup(of: Int.self) { group in
      for worker in 0..<8 {
        group.addTask {
          (0..<400).reduce(0) { failures, step in
            let text = "k\((worker &* 7 &+ step) % 6)"
            let refused = refusal {
              if step % 40 == worker {
                _ = try house.ring.rotate(name(text), permit: permit(.keysRotate))
              } else {
                _ = try house.sign(text)
              }
            }
            return failures + (refused == nil ? 0 : 1)
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(failures == 0)
  }

  @Test("The readiness probe stores nothing")
  func probe() throws {
    let house = try House()
    try house.ring.probe()
    #expect(house.store.contents.withLock { $0.keys.isEmpty && $0.commits == 0 })
  }
}
