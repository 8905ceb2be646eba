import Access
import Custody
import Testing

@Suite("Lists")
struct ListTests {
  private func all<Item>(_ size: Int?, _ page: (PageRequest) throws -> Page<Item>) throws -> (items: [Item], sizes: [Int]) {
    var items: [Item] = []
    var sizes: [Int] = []
    var token: PageToken?
    repeat {
      // Through its text, as a client sends it back.
      let next = try page(#require(PageRequest(size: size, after: token.flatMap { PageToken($0.text) })))
      items += next.items
      sizes.append(next.items.count)
      token = next.next
    } while token != nil
    return (items, sizes)
  }

  @Test("Pages are full but the last, oldest first, nothing twice, nothing missing", arguments: [1, 2, 6, 7, 24, 25, 26, nil] as [Int?])
  func keys(size: Int?) throws {
    let house = try House()
    let names = (0..<53).map { "key-\(($0 * 17) % 53)" }
    for name in names { try house.create(name) }
    let (items, sizes) = try all(size) { try house.ring.keys($0, permit: permit(.keysRead)) }
    #expect(items.map(\.identity.name.text) == names)
    #expect(sizes.dropLast().allSatisfy { $0 == min(size ?? 25, 25) })
  }

  @Test("An exactly full last page has no successor, and an empty list is one empty page")
  func edges() throws {
    let house = try House()
    #expect(try house.ring.keys(#require(PageRequest()), permit: permit(.keysRead)).items.isEmpty)
    for index in 0..<50 { try house.create("k\(index)") }
    let (_, sizes) = try all(25) { try house.ring.keys($0, permit: permit(.keysRead)) }
    #expect(sizes == [25, 25])
  }

  @Test("A key is listed once, as its latest version, at the place of its first")
  func latest() throws {
    let house = try House()
    try house.create("a")
    try house.create("b")
    let newest = try house.create("a")
    let items = try house.ring.keys(#require(PageRequest()), permit: permit(.keysRead)).items
    #expect(items.map(\.identity.name.text) == ["a", "b"] && items[0] == newest)
  }

  @Test("Versions come oldest first and change their place never", arguments: [1, 3, 25])
  func versions(size: Int) throws {
    let house = try House()
    let made = try (0..<30).map { _ in try house.create("k") }
    _ = try house.ring.update(name("k"), version: made[3].identity.version, UpdateKey(operations: [.sign]), permit: permit(.keysWrite))
    try house.create("other")
    let (items, _) = try all(size) { try house.ring.versions(of: name("k"), $0, permit: permit(.keysRead)) }
    #expect(items.map(\.identity) == made.map(\.identity))
  }

  @Test("Versions of an unknown key are an empty list")
  func unknown() throws {
    let page = try House().ring.versions(of: name("nothing"), #require(PageRequest()), permit: permit(.keysRead))
    #expect(page.items.isEmpty && page.next == nil)
  }

  @Test("Deleted keys are listed in order of creation, not deletion")
  func deleted() throws {
    let house = try House()
    for text in ["a", "b", "c", "d"] { try house.create(text) }
    for text in ["c", "a", "d"] { _ = try house.ring.delete(name(text), permit: permit(.keysDelete)) }
    let (items, _) = try all(2) { try house.ring.deletedKeys($0, permit: permit(.deletedKeysRead)) }
    #expect(items.map(\.latest.identity.name.text) == ["a", "c", "d"])
    #expect(try house.ring.keys(#require(PageRequest()), permit: permit(.keysRead)).items.map(\.identity.name.text) == ["b"])
  }

  @Test("What appears or disappears between two pages neither repeats nor hides the others")
  func changingList() throws {
    let house = try House()
    for index in 0..<10 { try house.create("k\(index)") }
    let first = try house.ring.keys(#require(PageRequest(size: 5)), permit: permit(.keysRead))
    _ = try house.ring.delete(name("k2"), permit: permit(.keysDelete))
    _ = try house.ring.delete(name("k7"), permit: permit(.keysDelete))
    try house.create("late")
    let second = try house.ring.keys(#require(PageRequest(size: 25, after: first.next)), permit: permit(.keysRead))
    #expect(second.items.map(\.identity.name.text) == ["k5", "k6", "k8", "k9", "late"])
  }

  @Test("Order survives a clock that stands still and a restart")
  func restart() throws {
    let house = try House()
    try house.create("first")
    let other = try house.neighbour()
    _ = try other.create(name("second"), CreateKey(.ec(.p256)), permit: permit(.keysCreate))
    #expect(try other.keys(#require(PageRequest()), permit: permit(.keysRead)).items.map(\.identity.name.text) == ["first", "second"])
  }
}
