import Access
@testable import Custody
import Secrets
import Synchronization
import Testing

@Suite("Making and changing keys")
struct LifecycleTests {
  @Test("A created key shows what was asked, defaults for the rest, and who made it under which assignment")
  func create() throws {
    let house = try House(days: 90)
    let made = try house.ring.create(
      name("Release"), CreateKey(.ec(.p384), operations: [.verify], attributes: AttributeRequest(enabled: false, notBefore: UnixTime(seconds: 5), expires: UnixTime(seconds: 6), exportable: false), tags: try KeyTags([" a ": "b"])),
      permit: permit(.keysCreate))
    #expect(made.operations == [.verify] && made.spec == .ec(.p384) && made.origin == .generated)
    #expect(made.attributes.enabled == false && made.attributes.notBefore?.seconds == 5 && made.attributes.expires?.seconds == 6)
    #expect(made.attributes.created.seconds == house.clock.now && made.attributes.updated == made.attributes.created)
    #expect(made.tags.pairs == [" a ": "b"] && made.recovery.level == "Recoverable+Purgeable")
    #expect(made.createdBy == permit(.keysCreate).principal.objectID.text && made.createdUnder == permit(.keysCreate).assignment.id.text)
    #expect(try house.ring.key(name("release"), permit: permit(.keysRead)) == made)
    #expect(made.identity.path == "keys/Release/\(made.identity.version.text)")
  }

  @Test("Creating on an existing name adds a version and keeps the spelling of the first")
  func newVersion() throws {
    let house = try House()
    let first = try house.create("MyKey")
    let second = try house.create("mykey", .rsa(bits: 3072, publicExponent: 3))
    #expect(second.identity.name.text == "MyKey" && second.identity.version != first.identity.version)
    #expect(try house.ring.key(name("MYKEY"), permit: permit(.keysRead)) == second)
    #expect(try house.ring.key(name("mykey"), version: first.identity.version, permit: permit(.keysRead)) == first)
  }

  @Test("Sizes and exponents outside the table are refused before the engine is asked", arguments: [
    KeySpec.rsa(bits: 1024, publicExponent: 65537), .rsa(bits: 2049, publicExponent: 65537), .rsa(bits: 0, publicExponent: 65537),
    .rsa(bits: 8192, publicExponent: 65537), .rsa(bits: 2048, publicExponent: 1), .rsa(bits: 2048, publicExponent: 2),
    .rsa(bits: 2048, publicExponent: 0), .rsa(bits: 2048, publicExponent: 65536), .rsa(bits: 2048, publicExponent: 1 << 32 + 1),
    .oct(bits: 0), .oct(bits: 64), .oct(bits: 512), .oct(bits: -8),
  ])
  func badSpecs(spec: KeySpec) throws {
    let house = try House()
    guard case .unsupportedSpec = refusal({ try house.create("k", spec) }) else {
      Issue.record("not refused")
      return
    }
    #expect(house.engine.generated.load(ordering: .relaxed) == 0)
    #expect(house.store.contents.withLock { $0.commits } == 0)
  }

  @Test("import stands alone, on RSA keys only", arguments: [
    (KeySpec.rsa(bits: 2048, publicExponent: 65537), KeyOperations.import, true),
    (.rsa(bits: 2048, publicExponent: 65537), [.import, .sign], false), (.ec(.p256), .import, false), (.oct(bits: 256), .import, false),
  ] as [(KeySpec, KeyOperations, Bool)])
  func importOperation(spec: KeySpec, operations: KeyOperations, allowed: Bool) throws {
    let house = try House()
    let key = try name("k")
    let refused = refusal { try house.ring.create(key, CreateKey(spec, operations: operations), permit: permit(.keysCreate)) }
    #expect(refused == (allowed ? nil : .importMustStandAlone(key)))
  }

  @Test("A key that may leave needs a release policy, which cannot be given yet")
  func exportable() throws {
    let house = try House()
    #expect(refusal { try house.create("k", .ec(.p256), AttributeRequest(exportable: true)) } == .exportableNeedsReleasePolicy(try name("k")))
  }

  @Test("An update replaces what it names, keeps the rest, and moves only 'updated'")
  func update() throws {
    let house = try House()
    let made = try house.ring.create(
      name("k"), CreateKey(.ec(.p256), attributes: AttributeRequest(expires: UnixTime(seconds: 9)), tags: try KeyTags(["a": "1", "b": "2"])),
      permit: permit(.keysCreate))
    house.clock.advance(10)
    let updated = try house.ring.update(
      name("k"), UpdateKey(operations: [.sign], attributes: AttributeRequest(enabled: false), tags: try KeyTags(["c": "3"])), permit: permit(.keysWrite))
    #expect(updated.operations == [.sign] && updated.tags.pairs == ["c": "3"] && !updated.attributes.enabled)
    #expect(updated.attributes.expires?.seconds == 9 && updated.attributes.created == made.attributes.created)
    #expect(updated.attributes.updated.seconds == made.attributes.updated.seconds + 10)
    let untouched = try house.ring.update(name("k"), UpdateKey(), permit: permit(.keysWrite))
    #expect(untouched.operations == [.sign] && untouched.tags.pairs == ["c": "3"])
    #expect(try house.ring.update(name("k"), UpdateKey(tags: .empty), permit: permit(.keysWrite)).tags.isEmpty)
  }

  @Test("An update of one version leaves the others alone")
  func updateOneVersion() throws {
    let house = try House()
    let first = try house.create("k"), second = try house.create("k")
    _ = try house.ring.update(name("k"), version: first.identity.version, UpdateKey(attributes: AttributeRequest(enabled: false)), permit: permit(.keysWrite))
    #expect(try house.ring.key(name("k"), permit: permit(.keysRead)) == second)
    #expect(try !house.ring.key(name("k"), version: first.identity.version, permit: permit(.keysRead)).attributes.enabled)
  }

  @Test("exportable cannot be changed, but its present value may be sent")
  func exportableFixed() throws {
    let house = try House()
    let made = try house.create("k")
    _ = try house.ring.update(name("k"), UpdateKey(attributes: AttributeRequest(exportable: false)), permit: permit(.keysWrite))
    #expect(throws: CustodyError.exportableIsFixed(made.identity)) {
      try house.ring.update(name("k"), UpdateKey(attributes: AttributeRequest(exportable: true)), permit: permit(.keysWrite))
    }
  }

  @Test("Rotation makes a like version; the policy's expiry time becomes its exp")
  func rotate() throws {
    let house = try House()
    let first = try house.ring.create(
      name("k"), CreateKey(.rsa(bits: 2048, publicExponent: 3), operations: [.sign], tags: try KeyTags(["a": "b"])), permit: permit(.keysCreate))
    let second = try house.ring.rotate(name("k"), permit: permit(.keysRotate))
    #expect(second.spec == first.spec && second.operations == first.operations && second.tags == first.tags)
    #expect(second.origin == .rotated && second.attributes.expires == nil && second.identity.version != first.identity.version)
    _ = try house.ring.setRotationPolicy(
      RotationPolicyRequest(rotate: .afterCreation(try #require(CalendarSpan("P30D"))), expiryTime: CalendarSpan("P90D")), of: name("k"), permit: permit(.keysWrite))
    house.clock.advance(60)
    let third = try house.ring.rotate(name("k"), permit: permit(.keysRotate))
    #expect(third.attributes.expires?.seconds == third.attributes.created.seconds + 7_776_000)
    #expect(third.attributes.created.seconds == house.clock.now)
  }

  @Test("Rotating a disabled key does not enable it")
  func rotateDisabled() throws {
    let house = try House()
    try house.create("k", .ec(.p256), AttributeRequest(enabled: false))
    #expect(try !house.ring.rotate(name("k"), permit: permit(.keysRotate)).attributes.enabled)
  }

  @Test("Rotation policies under 28 days, or counting from an expiry that is not set, are refused", arguments: [
    (nil, nil, "P27D", RotationPolicyFault.expiryTooShort(minimumDays: 28)), ("P27D", nil, nil, .rotationTooSoon(minimumDays: 28)),
    (nil, "P7D", nil, .expiryMissing), (nil, "P70D", "P90D", .rotationTooSoon(minimumDays: 28)),
  ] as [(String?, String?, String?, RotationPolicyFault)])
  func badPolicies(after: String?, before: String?, expiry: String?, fault: RotationPolicyFault) throws {
    let house = try House()
    try house.create("k")
    let trigger: RotationPolicy.Trigger? = after.flatMap { CalendarSpan($0) }.map { .afterCreation($0) } ?? before.flatMap { CalendarSpan($0) }.map { .beforeExpiry($0) }
    #expect(throws: CustodyError.invalidRotationPolicy(try name("k"), fault)) {
      try house.ring.setRotationPolicy(RotationPolicyRequest(rotate: trigger, expiryTime: expiry.flatMap { CalendarSpan($0) }), of: name("k"), permit: permit(.keysWrite))
    }
    #expect(try house.ring.rotationPolicy(of: name("k"), permit: permit(.keysRead)) == nil)
  }

  @Test("A rotation policy keeps its creation time, gives back the text it got, and an empty one removes it")
  func policyLife() throws {
    let house = try House()
    try house.create("k")
    let request = RotationPolicyRequest(rotate: .beforeExpiry(try #require(CalendarSpan("P30D"))), expiryTime: CalendarSpan("P1Y"))
    let first = try #require(try house.ring.setRotationPolicy(request, of: name("k"), permit: permit(.keysWrite)))
    house.clock.advance(5)
    let second = try #require(try house.ring.setRotationPolicy(request, of: name("k"), permit: permit(.keysWrite)))
    #expect(second.created == first.created && second.updated.seconds == first.updated.seconds + 5)
    #expect(try house.neighbour().rotationPolicy(of: name("k"), permit: permit(.keysRead)) == second)
    #expect(second.expiryTime?.text == "P1Y")
    _ = try house.ring.setRotationPolicy(RotationPolicyRequest(rotate: nil, expiryTime: nil), of: name("k"), permit: permit(.keysWrite))
    #expect(try house.ring.rotationPolicy(of: name("k"), permit: permit(.keysRead)) == nil)
  }

  @Test("A missing key is named in every refusal")
  func missing() throws {
    let house = try House()
    let key = try name("nothing")
    let missing = CustodyError.keyNotFound(key, version: nil)
    #expect(refusal { _ = try house.ring.key(key, permit: permit(.keysRead)) } == missing)
    #expect(refusal { _ = try house.ring.update(key, UpdateKey(), permit: permit(.keysWrite)) } == missing)
    #expect(refusal { _ = try house.ring.rotate(key, permit: permit(.keysRotate)) } == missing)
    #expect(refusal { _ = try house.ring.delete(key, permit: permit(.keysDelete)) } == missing)
    #expect(refusal { _ = try house.ring.ready(key) } == missing)
    #expect(refusal { _ = try house.ring.rotationPolicy(of: key, permit: permit(.keysRead)) } == missing)
    #expect(refusal { _ = try house.ring.recover(key, permit: permit(.deletedKeysRecover)) } == .deletedKeyNotFound(key))
    #expect(refusal { try house.ring.purge(key, permit: permit(.deletedKeysPurge)) } == .deletedKeyNotFound(key))
    #expect(refusal { _ = try house.ring.deletedKey(key, permit: permit(.deletedKeysRead)) } == .deletedKeyNotFound(key))
    try house.create("k")
    let id = try #require(KeyVersionID("00000000000000000000000000000000"))
    #expect(refusal { _ = try house.ring.key(name("k"), version: id, permit: permit(.keysRead)) } == .keyNotFound(try name("k"), version: id))
    #expect(refusal { _ = try house.ring.ready(name("k"), version: id) } == .keyNotFound(try name("k"), version: id))
  }

  @Test("An imported key takes its size from the material", arguments: [(1, 8), (16, 128), (33, 264), (64, 512), (512, 4096), (0, nil), (513, nil)] as [(Int, Int?)])
  func importOct(bytes: Int, bits: Int?) throws {
    let house = try House()
    let secret = SecretBytes(random: bytes) { [UInt8](repeating: 3, count: $0) }
    if let bits {
      let made = try house.ring.importKey(name("k"), ImportedKey(.oct(secret)), ImportRequest(), permit: permit(.keysImport))
      #expect(made.spec == .oct(bits: bits) && made.origin == .imported && made.publicKey == .oct)
    } else {
      #expect(throws: CustodyError.invalidMaterial(.octSize(bytes: bytes))) {
        try house.ring.importKey(name("k"), ImportedKey(.oct(secret)), ImportRequest(), permit: permit(.keysImport))
      }
    }
  }

  @Test("A store that fails leaves everything as it was", arguments: [KeyStoreFailure.unavailable(reason: "disk"), .unknownOutcome(reason: "disk"), .conflict])
  func storeFailure(failure: KeyStoreFailure) throws {
    let house = try House()
    let made = try house.create("k")
    let expected: CustodyError = failure == .conflict ? .changedMeanwhile(try name("k")) : .store(failure)
    for change: (Keyring) throws -> Void in [
      { _ = try $0.update(name("k"), UpdateKey(operations: []), permit: permit(.keysWrite)) },
      { _ = try $0.delete(name("k"), permit: permit(.keysDelete)) }, { _ = try $0.rotate(name("k"), permit: permit(.keysRotate)) },
    ] {
      house.store.contents.withLock { $0.failNextCommit = failure }
      #expect(refusal { try change(house.ring) } == expected)
      #expect(try house.ring.key(name("k"), permit: permit(.keysRead)) == made)
    }
    _ = try house.ring.delete(name("k"), permit: permit(.keysDelete))
  }

  @Test("Strict limits stop the 101st version and the key after the last one; deleted keys count")
  func limits() throws {
    let house = try House(limits: CustodyLimits(keys: 3, versionsPerKey: 100))
    for _ in 0..<100 { try house.create("k") }
    #expect(refusal { try house.create("k") } == .tooManyVersions(try name("k"), limit: 100))
    #expect(refusal { _ = try house.ring.rotate(name("k"), permit: permit(.keysRotate)) } == .tooManyVersions(try name("k"), limit: 100))
    try house.create("l")
    try house.create("m")
    _ = try house.ring.delete(name("m"), permit: permit(.keysDelete))
    #expect(refusal { try house.create("n") } == .tooManyKeys(limit: 3))
    try house.ring.purge(name("m"), permit: permit(.deletedKeysPurge))
    try house.create("n")
    #expect(CustodyLimits.strict == CustodyLimits(keys: 5000, versionsPerKey: 100))
  }

  @Test("Without strict limits there are none")
  func noLimits() throws {
    let house = try House()
    for _ in 0..<130 { try house.create("k") }
  }
}
