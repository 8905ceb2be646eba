import Encodings
import Testing

/// Listing an object's members without a tree takes and refuses exactly what the tree parser does.
@Suite("JSON members without a tree")
struct JSONMembersTests {
  static func members(_ text: String, _ limits: JSONLimits = .standard) throws(JSONError) -> [JSONScanner.Member] {
    let bytes = Array(text.utf8)
    return try bytes.withUnsafeBytes { (buffer) -> Result<[JSONScanner.Member], JSONError> in
      do throws(JSONError) { return .success(try JSONScanner.members(buffer, limits: limits)) } catch { return .failure(error) }
    }.get()
  }

  @Test("Every member is listed with its kind and its text")
  func listing() throws {
    let text = #" { "a" : {"x":[1,2]} , "b\u0063":"t\n", "d":[ ] ,"e":-1.5e3,"f":true,"g":null } "#
    let found = try Self.members(text)
    #expect(found.map(\.name) == ["a", "bc", "d", "e", "f", "g"])
    #expect(found.map(\.field.kind) == [.object, .string, .array, .number, .bool, .null])
    let bytes = Array(text.utf8)
    #expect(String(decoding: bytes[found[0].field.range], as: UTF8.self) == #"{"x":[1,2]}"#)
    #expect(String(decoding: bytes[found[2].field.range], as: UTF8.self) == "[ ]")
    bytes.withUnsafeBytes { #expect(found[1].field.string(in: $0) == "t\n") }
    #expect(try Self.members("{}").isEmpty)
  }

  @Test("It refuses what the tree parser refuses, with the same error", arguments: [
    "", " ", "{", "{}x", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, #"{"x":{"a":1,"a":2}}"#, #"{"x":[{"a":1,"b":2,"\u0061":3}]}"#,
    #"{"a":01}"#, #"{"a":tru}"#, #"{"a":"\x"}"#, #"{"a":"\ud800"}"#, #"{"a":[1,]}"#, #"{"a":[1 2]}"#, "{\"a\":\"\u{1}\"}", #"{a:1}"#, #"{"a":{"b":}}"#, "nul", "[1,",
  ])
  func refusals(_ text: String) throws {
    let expected = try #require(throws: JSONError.self) { try JSONValue.parse(text) }
    #expect(throws: expected) { try Self.members(text) }
  }

  @Test("A doubled name is found among many")
  func many() {
    for at in [3, 15, 16, 17, 40] {
      let names = (0..<41).map { "\"n\($0 == 40 ? at - 1 : $0)\":0" }.joined(separator: ",")
      #expect(throws: JSONError.self) { try Self.members("{\"x\":{\(names)}}") }
      #expect(throws: JSONError.self) { try Self.members("{\(names)}") }
    }
  }

  @Test("Limits of bytes, depth and values hold without a tree")
  func limits() {
    let limits = JSONLimits(maxBytes: 64, maxDepth: 3, maxElements: 6)
    #expect(throws: JSONError(.tooLong(limit: 64), at: 64)) { try Self.members("{\"a\":\"\(String(repeating: "x", count: 80))\"}", limits) }
    #expect(throws: JSONError(.tooDeep(limit: 3), at: 7)) { try Self.members(#"{"a":[[[1]]]}"#, limits) }
    #expect(throws: JSONError.self) { try Self.members(#"{"a":[1,2,3,4,5]}"#, limits) }
    #expect(throws: JSONError.self) { try Self.members("[1]") }
  }

  @Test("A value without a tree: where it lies, white space left out")
  func check() throws {
    let bytes = Array(" \n[1] ".utf8)
    #expect(try bytes.withUnsafeBytes { try JSONScanner.check($0) } == 2..<5)
  }
}
