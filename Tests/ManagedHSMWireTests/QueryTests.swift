import ManagedHSMWire
import Testing

@Suite("Queries")
struct QueryTests {
  @Test("Names are compared without case, values are decoded, and the first of a repeated name counts")
  func reading() throws {
    let query = try #require(Query("API-Version=7.6&maxresults=5&$skiptoken=a%2Fb%3D&%24filter=principalId%20eq%20x&maxresults=9&flag&empty="))
    #expect(query["api-version"] == "7.6")
    #expect(query["MaxResults"] == "5")
    #expect(query["$skiptoken"] == "a/b=")
    #expect(query["$filter"] == "principalId eq x")
    #expect(query["flag"] == "")
    #expect(query["empty"] == "")
    #expect(query["absent"] == nil)
  }

  @Test("A plus stays a plus, and a second equals sign belongs to the value")
  func oddCharacters() throws {
    let query = try #require(Query("a=1+2&b=x=y&&c=3&=nameless&d"))
    #expect(query["a"] == "1+2")
    #expect(query["b"] == "x=y")
    #expect(query["c"] == "3")
    #expect(query[""] == "nameless")
  }

  @Test("No query and an empty query hold nothing", arguments: ["", "&", "&&&"])
  func empty(_ text: String) throws {
    #expect(try #require(Query(text))["a"] == nil)
  }

  @Test(
    "A broken escape anywhere refuses the whole query",
    arguments: ["a=%", "a=%1", "a=%zz", "%=a", "%g0=a", "ok=1&bad=%f", "a=%00", "a=%ff", "a=%c3%28", "a=%ed%a0%80"])
  func broken(_ text: String) {
    #expect(Query(text) == nil)
  }

  @Test("A query over the limit is refused, one of exactly the limit is read")
  func limit() throws {
    let longest = "a=" + String(repeating: "x", count: Query.byteLimit - 2)
    #expect(try #require(Query(longest))["a"]?.utf8.count == Query.byteLimit - 2)
    #expect(Query(longest + "x") == nil)
  }

  @Test("Api-versions that the service was seen to answer look like versions", arguments: [
    "7.2-preview", "7.2", "7.3", "7.4-preview.1", "7.4", "7.5", "7.6-preview.2", "7.6", "2025-07-01", "2026-01-01-preview", "2026-03-01-preview", "9.9",
  ])
  func versions(_ text: String) {
    #expect(ManagedHSMWire.isVersion(text))
  }

  @Test("What is no version is refused", arguments: [
    "", " ", "latest", "v7.5", "-7", ".5", "7.5 ", " 7.5", "7,5", "7.5%20", "7.5/", "7.5\n", "٧.٥", "7.5;drop", "7.5-PREVIEW", String(repeating: "7", count: 33), "7.5\"", "7.5\u{0}",
  ])
  func notVersions(_ text: String) {
    #expect(!ManagedHSMWire.isVersion(text))
  }
}
