import Access
@testable import Custody
import Secrets
import Synchronization
import Testing

@Suite("Rows changed behind our back")
struct IntegrityTests {
  @Test("Every single changed bit of a version row is noticed by reading, listing, updating and use")
  func versionBits() throws {
    let house = try House()
    let id = try house.create("key").identity.version.text
    let original = try #require(house.store.contents.withLock { $0.versions["key"]?[id] })
    var cells = 0
    for index in 0..<(original.payload.count + original.mac.count) {
      var row = original
      if index < row.payload.count { row.payload[index] ^= 1 << UInt8(index % 8) } else { row.mac[index - row.payload.count] ^= 0x80 }
      house.store.contents.withLock { $0.versions["key"]?[id] = row }
      #expect(refusal { _ = try house.ring.ready(name("key")) } == .rowTampered(.version(name: "key", version: id)))
      cells += 1
    }
    #expect(cells == original.payload.count + 32)
    let tampered = CustodyError.rowTampered(.version(name: "key", version: id))
    #expect(refusal { _ = try house.ring.key(name("key"), permit: permit(.keysRead)) } == tampered)
    #expect(refusal { _ = try house.ring.keys(#require(PageRequest()), permit: permit(.keysRead)) } == tampered)
    #expect(refusal { _ = try house.ring.versions(of: name("key"), #require(PageRequest()), permit: permit(.keysRead)) } == tampered)
    #expect(refusal { _ = try house.ring.update(name("key"), UpdateKey(), permit: permit(.keysWrite)) } == tampered)
    #expect(refusal { _ = try house.ring.rotate(name("key"), permit: permit(.keysRotate)) } == tampered)
    #expect(refusal { _ = try house.ring.delete(name("key"), permit: permit(.keysDelete)) } == tampered)
  }

  @Test("Every single changed bit of a key row is noticed")
  func keyBits() throws {
    let house = try House()
    try house.create("key")
    let original = try #require(house.store.contents.withLock { $0.keys["key"] })
    let tampered = CustodyError.rowTampered(.key("key"))
    for index in 0..<(original.payload.count + original.mac.count) {
      var row = original
      if index < row.payload.count { row.payload[index] ^= 1 << UInt8(index % 8) } else { row.mac[index - row.payload.count] ^= 1 }
      house.store.contents.withLock { $0.keys["key"] = row }
      #expect(refusal { _ = try house.ring.ready(name("key")) } == tampered)
    }
    for change: (inout KeyRow) -> Void in [
      { $0.ordinal += 1 }, { $0.revision += 1 }, { $0.deleted = true }, { $0.mac = [] }, { $0.payload = [] }, { $0.mac.append(0) },
    ] {
      var row = original
      change(&row)
      house.store.contents.withLock { $0.keys["key"] = row }
      #expect(refusal { _ = try house.ring.key(name("key"), permit: permit(.keysRead)) } == tampered)
    }
  }

  @Test("A row of another key or version does not pass in this one's place")
  func moved() throws {
    let house = try House()
    let a = try house.create("a").identity.version.text, b = try house.create("b").identity.version.text
    let older = try house.create("c").identity.version.text, newer = try house.create("c").identity.version.text
    house.store.contents.withLock { contents in
      // b's version row, relabelled as a's
      var row = contents.versions["b"]![b]!
      row.name = "a"
      row.version = a
      contents.versions["a"]![a] = row
      // c's older version under the newer one's id
      row = contents.versions["c"]![older]!
      row.version = newer
      contents.versions["c"]![newer] = row
    }
    #expect(refusal { _ = try house.ring.ready(name("a")) } == .rowTampered(.version(name: "a", version: a)))
    #expect(refusal { _ = try house.ring.ready(name("c")) } == .rowTampered(.version(name: "c", version: newer)))
    house.store.contents.withLock { contents in
      contents.versions["a"]![a] = contents.versions["b"]![b]!
      contents.keys["a"] = contents.keys["b"]
    }
    #expect(refusal { _ = try house.ring.ready(name("a")) } == .rowTampered(.key("a")))
  }

  @Test("Removing the newest version's row does not bring the older one back")
  func hiddenVersion() throws {
    let house = try House()
    try house.create("key")
    let newest = try house.create("key").identity.version.text
    house.store.contents.withLock { $0.versions["key"]![newest] = nil }
    #expect(refusal { _ = try house.ring.ready(name("key")) } == .rowTampered(.version(name: "key", version: newest)))
  }

  @Test("Rows of another HSM, or under another partition key, are refused")
  func otherHome() throws {
    let house = try House()
    try house.create("key")
    let stranger = try #require(PartitionKey(SecretBytes(random: 32) { [UInt8](repeating: 1, count: $0) }))
    for ring in [try house.neighbour(hsm: "other-hsm"), try house.neighbour(partition: stranger)] {
      #expect(refusal { _ = try ring.key(name("key"), permit: permit(.keysRead)) } == .rowTampered(.key("key")))
    }
    _ = try house.neighbour().key(name("key"), permit: permit(.keysRead))
  }

  @Test("Row payloads that are cut short or extended do not decode, whatever their MAC", arguments: [KeySpec.rsa(bits: 2048, publicExponent: 65537), .ec(.p521), .oct(bits: 192)])
  func malformedPayloads(spec: KeySpec) throws {
    let house = try House()
    let id = try house.ring.create(name("key"), CreateKey(spec, tags: KeyTags(["a": "b"])), permit: permit(.keysCreate)).identity.version.text
    let (key, version) = try house.store.contents.withLock { (try #require($0.keys["key"]), try #require($0.versions["key"]?[id])) }
    _ = try VersionRecord(payload: version.payload, of: version, recovery: house.ring.recovery)
    for count in 0..<version.payload.count {
      #expect(throws: RowReader.Malformed.self) { try VersionRecord(payload: Array(version.payload.prefix(count)), of: version, recovery: house.ring.recovery) }
    }
    for count in 0..<key.payload.count {
      #expect(throws: RowReader.Malformed.self) { try KeyRecord(payload: Array(key.payload.prefix(count)), of: key) }
    }
    #expect(throws: RowReader.Malformed.self) { try KeyRecord(payload: key.payload + [0], of: key) }
    #expect(throws: RowReader.Malformed.self) { try VersionRecord(payload: version.payload + [0], of: version, recovery: house.ring.recovery) }
  }

  @Test("Random bytes never crash the row decoders")
  func randomPayloads() throws {
    let house = try House()
    let id = try house.create("key").identity.version.text
    let (key, version) = try house.store.contents.withLock { (try #require($0.keys["key"]), try #require($0.versions["key"]?[id])) }
    var generator = Seeded(state: 42)
    for _ in 0..<5000 {
      var bytes = Bool.random(using: &generator) ? version.payload : key.payload
      for _ in 0..<Int.random(in: 1...4, using: &generator) { bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator) }
      _ = try? VersionRecord(payload: bytes, of: version, recovery: house.ring.recovery)
      _ = try? KeyRecord(payload: bytes, of: key)
    }
  }
}
