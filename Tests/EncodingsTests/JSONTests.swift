import Encodings
import Testing

struct JSONTests {
  @Test("A document keeps the order of its members and the text of its numbers")
  func faithful() throws {
    let text = #"{"b":1.50,"a":[true,false,null,-0,1e5,"x"],"ü":{"":{}}}"#
    #expect(try JSONValue.parse(text).text() == text)
  }

  @Test("Escapes become characters, and only what must be escaped is written so")
  func escapes() throws {
    let value = try JSONValue.parse(#""\u0041\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\\u0000""#)
    #expect(value.string == "A\u{E9}\u{1F600}/\u{8}\u{C}\n\r\t\"\\\u{0}")
    #expect(value.text() == "\"A\u{E9}\u{1F600}/\\b\\f\\n\\r\\t\\\"\\\\\\u0000\"")
  }

  @Test("Sorted compact text is that of RFC 8785 §3.2.3")
  func canonical() throws {
    // Names from the sorting example of RFC 8785 §3.2.3.
    let value = try JSONValue.parse(
      #"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#)
    let sorted = try JSONValue.parse(value.serialized(sortedKeys: true))
    #expect(
      sorted.object?.members.compactMap(\.value.string) == [
        "Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign", "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
      ])
  }

  @Test("Literals, subscripts and accessors agree")
  func ergonomics() {
    var value: JSONObject = ["s": "x", "i": 7, "b": true, "n": nil, "a": [1, "two"], "o": ["k": "v"]]
    let tree = JSONValue.object(value)
    #expect(tree["s"]?.string == "x")
    #expect(tree["i"]?.int == 7)
    #expect(tree["b"]?.bool == true)
    #expect(tree["n"]?.isNull == true)
    #expect(tree["a"]?[1]?.string == "two")
    #expect(tree["a"]?[2] == nil)
    #expect(tree["o"]?["k"]?.string == "v")
    #expect(tree["missing"] == nil)
    #expect(tree["s"]?.int == nil)
    value["i"] = nil
    #expect(value.names == ["s", "b", "n", "a", "o"])
    #expect(value.firstName(notIn: ["s", "b", "n", "o"]) == "a")
  }

  @Test("An integer is one only when written as one and within 64 bits")
  func integers() throws {
    #expect(try JSONValue.parse("9223372036854775807").int64 == .max)
    #expect(try JSONValue.parse("-9223372036854775808").int64 == .min)
    #expect(try JSONValue.parse("9223372036854775808").int64 == nil)
    #expect(try JSONValue.parse("1.0").int == nil)
    #expect(try JSONValue.parse("1e2").int == nil)
    #expect(try JSONValue.parse("1e2").number?.double == 100)
    #expect(try JSONValue.parse("1e999").number?.double == nil)
  }

  static let refusals: [(String, JSONError.Reason, Int)] = [
    ("", .empty, 0), ("  ", .empty, 2), ("{", .expectedName, 1), ("[", .expectedValue, 1), ("[1,]", .expectedValue, 3),
    ("{\"a\":1,}", .expectedName, 7), ("{a:1}", .expectedName, 1), ("{'a':1}", .expectedName, 1), ("{\"a\" 1}", .expectedColon, 5),
    ("{\"a\":}", .expectedValue, 5), ("[1 2]", .expectedCommaOrEnd, 3), ("{\"a\":1]", .expectedCommaOrEnd, 6), ("1 1", .trailingBytes, 2),
    ("{}{}", .trailingBytes, 2), ("nul", .expectedValue, 0), ("nulll", .trailingBytes, 4), ("NaN", .expectedValue, 0),
    ("Infinity", .expectedValue, 0), ("-", .badNumber, 1), ("01", .badNumber, 1), ("-01", .badNumber, 2), ("1.", .badNumber, 2),
    (".5", .expectedValue, 0), ("1e", .badNumber, 2), ("1e+", .badNumber, 3), ("+1", .expectedValue, 0), ("0x10", .trailingBytes, 1),
    ("\"a", .unterminatedString, 2), ("\"a\\\"", .unterminatedString, 4), ("\"\n\"", .controlCharacter, 1), ("\"\\x\"", .badEscape, 1),
    ("\"\\u12\"", .badEscape, 5), ("\"\\ud800\"", .loneSurrogate, 1), ("\"\\udc00\"", .loneSurrogate, 1),
    ("\"\\ud800\\u0041\"", .loneSurrogate, 1), ("{\"a\":1,\"a\":2}", .duplicateMember, 7), ("{\"a\":1,\"\\u0061\":2}", .duplicateMember, 7),
    ("{\"o\":{\"x\":1,\"x\":1}}", .duplicateMember, 12), ("// c\n1", .expectedValue, 0), ("\u{FEFF}1", .expectedValue, 0), ("\u{A0}1", .expectedValue, 0),
  ]

  @Test("Malformed text is refused with the reason and the place")
  func refused() {
    #expect(Self.refusals.count == 41)
    for (text, reason, offset) in Self.refusals {
      #expect(throws: JSONError(reason, at: offset), "\(text.debugDescription)") { try JSONValue.parse(text) }
    }
  }

  @Test(
    "Bytes that are not UTF-8 are refused",
    arguments: [
      [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xEF, 0xBF], [0xF0, 0x80, 0x80, 0x80],
      [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xE2, 0x82, 0x41], [0xF0, 0x9F, 0x98, 0x22],
    ] as [[UInt8]])
  func notUTF8(bytes: [UInt8]) {
    let text = [UInt8(ascii: "\"")] + bytes + [UInt8(ascii: "\"")]
    #expect(throws: JSONError(.invalidUTF8, at: 1)) { try JSONValue.parse(text) }
  }

  @Test("Limits of size, depth and number are kept exactly")
  func limits() throws {
    let limits = JSONLimits(maxBytes: 20, maxDepth: 3, maxElements: 5)
    #expect(throws: Never.self) { try JSONValue.parse("[[[]]]", limits: limits) }
    #expect(throws: JSONError(.tooDeep(limit: 3), at: 3)) { try JSONValue.parse("[[[[]]]]", limits: limits) }
    #expect(throws: Never.self) { try JSONValue.parse("[1,2,3,4]", limits: limits) }
    #expect(throws: JSONError(.tooManyElements(limit: 5), at: 9)) { try JSONValue.parse("[1,2,3,4,5]", limits: limits) }
    #expect(throws: JSONError(.tooLong(limit: 20), at: 20)) { try JSONValue.parse(String(repeating: " ", count: 21), limits: limits) }
    #expect(throws: JSONError(.tooDeep(limit: 64), at: 64)) { try JSONValue.parse(String(repeating: "[", count: 100_000)) }
  }

  @Test("Names that differ only by Unicode normalisation are two names")
  func normalisation() throws {
    let value = try JSONValue.parse("{\"\u{E9}\":1,\"e\u{301}\":2}")
    #expect(value["\u{E9}"]?.int == 1)
    #expect(value["e\u{301}"]?.int == 2)
  }

  @Test("An error tells line and column")
  func position() throws {
    let text = "{\n  \"a\": 1,\n  \"a\": 2\n}"
    let error = #expect(throws: JSONError.self) { try JSONValue.parse(text) }
    let position = try #require(error).position(in: text.utf8)
    #expect(position.line == 3)
    #expect(position.column == 3)
  }

  @Test("Pretty text reads back to the same value")
  func pretty() throws {
    let value: JSONValue = ["a": [1, [], [:]], "b": ["c": "d"]]
    #expect(value.text(pretty: true) == "{\n  \"a\": [\n    1,\n    [],\n    {}\n  ],\n  \"b\": {\n    \"c\": \"d\"\n  }\n}")
    #expect(try JSONValue.parse(value.serialized(pretty: true)) == value)
  }
}
