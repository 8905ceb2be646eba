import Encodings
import Testing

@Suite("CBOR")
struct CBORTests {
  /// RFC 8949 appendix A, those items that are of our subset, in diagnostic order.
  static let standard: [(hex: String, value: CBORValue)] = [
    ("00", .integer(0)), ("01", .integer(1)), ("0a", .integer(10)), ("17", .integer(23)), ("1818", .integer(24)), ("1819", .integer(25)),
    ("1864", .integer(100)), ("1903e8", .integer(1000)), ("1a000f4240", .integer(1_000_000)),
    ("1b000000e8d4a51000", .integer(1_000_000_000_000)), ("20", .integer(-1)), ("29", .integer(-10)), ("3863", .integer(-100)),
    ("3903e7", .integer(-1000)), ("f4", .bool(false)), ("f5", .bool(true)), ("f6", .null), ("c11a514b67b0", .tagged(1, .integer(1_363_896_240))),
    ("40", .bytes([])), ("4401020304", .bytes([1, 2, 3, 4])), ("60", .text("")), ("6161", .text("a")), ("6449455446", .text("IETF")),
    ("62225c", .text("\"\\")), ("62c3bc", .text("ü")), ("63e6b0b4", .text("水")), ("64f0908591", .text("𐅑")), ("80", .array([])),
    ("83010203", .array([.integer(1), .integer(2), .integer(3)])),
    ("8301820203820405", .array([.integer(1), .array([.integer(2), .integer(3)]), .array([.integer(4), .integer(5)])])),
    (
      "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
      .array((1...25).map { .integer($0) })
    ),
    ("a0", .map([:])), ("a201020304", .map([.integer(1): .integer(2), .integer(3): .integer(4)])),
    ("a26161016162820203", .map([.text("a"): .integer(1), .text("b"): .array([.integer(2), .integer(3)])])),
    ("826161a161626163", .array([.text("a"), .map([.text("b"): .text("c")])])),
    (
      "a56161614161626142616361436164614461656145",
      .map([.text("a"): .text("A"), .text("b"): .text("B"), .text("c"): .text("C"), .text("d"): .text("D"), .text("e"): .text("E")])
    ),
  ]

  @Test("The examples of RFC 8949 that are of our subset read as the RFC says, and are written back byte for byte")
  func standardExamples() throws {
    for (hex, value) in Self.standard {
      let bytes = try Hex.decode(hex)
      #expect(try CBORValue.parse(bytes) == value, "\(hex)")
      #expect(value.serialized() == bytes, "\(hex)")
    }
    #expect(Self.standard.count == 36)
  }

  /// RFC 8949 appendix A and §3, §5.3: valid or invalid CBOR that is outside of what is read here.
  static let refused: [(hex: String, reason: CBORError.Reason)] = [
    ("", .empty), ("f97e00", .unsupportedType), ("fb3ff199999999999a", .unsupportedType), ("f7", .unsupportedType), ("f0", .unsupportedType),
    ("f8ff", .unsupportedType), ("f818", .unsupportedType), ("1bffffffffffffffff", .integerTooLarge), ("3bffffffffffffffff", .integerTooLarge),
    ("c249010000000000000000", .unsupportedTag(2)), ("c074323031332d30332d32315432303a30343a30305a", .unsupportedTag(0)),
    ("d82076687474703a2f2f7777772e6578616d706c652e636f6d", .unsupportedTag(32)), ("5f42010243030405ff", .indefiniteLength),
    ("7f657374726561646d696e67ff", .indefiniteLength), ("9fff", .indefiniteLength), ("bf61610161629f0203ffff", .indefiniteLength),
    ("ff", .indefiniteLength), ("1800", .notShortestForm), ("1817", .notShortestForm), ("190018", .notShortestForm),
    ("1a0000ffff", .notShortestForm), ("1b00000000ffffffff", .notShortestForm), ("580101", .notShortestForm), ("990000", .notShortestForm),
    ("1c", .unsupportedType), ("1d", .unsupportedType), ("fe", .unsupportedType), ("18", .truncated), ("19ff", .truncated),
    ("4401", .truncated), ("61", .truncated), ("82", .truncated), ("8201", .truncated), ("a1", .truncated), ("a161", .truncated), ("c1", .truncated),
    ("a201020103", .duplicateLabel), ("a2616101616102", .duplicateLabel), ("a14100 00", .badLabel), ("a1f500", .badLabel), ("a18000", .badLabel),
    ("61ff", .invalidUTF8), ("62c328", .invalidUTF8), ("63eda080", .invalidUTF8), ("0000", .trailingBytes), ("d28400", .truncated),
    ("5bffffffffffffffff00", .truncated), ("9bffffffffffffffff00", .truncated), ("bb7fffffffffffffff00", .truncated),
  ]

  @Test("What is not one item in its shortest, definite form is refused for its own reason", arguments: refused)
  func refusals(_ hex: String, _ reason: CBORError.Reason) throws {
    let bytes = try Hex.decode(hex.filter { $0 != " " })
    let error = #expect(throws: CBORError.self) { try CBORValue.parse(bytes) }
    #expect(error?.reason == reason)
  }

  @Test("Length, depth and number of items are bounded")
  func limits() throws {
    let limits = CBORLimits(maxBytes: 8, maxDepth: 2, maxElements: 4)
    #expect(try CBORValue.parse(Hex.decode("818101"), limits: limits) == .array([.array([.integer(1)])]))
    #expect(throws: CBORError(.tooLong(limit: 8), at: 8)) { try CBORValue.parse([UInt8](repeating: 0x40, count: 9), limits: limits) }
    #expect(throws: CBORError(.tooDeep(limit: 2), at: 3)) { try CBORValue.parse(Hex.decode("81818101"), limits: limits) }
    #expect(throws: CBORError(.tooDeep(limit: 2), at: 3)) { try CBORValue.parse(Hex.decode("c1c1c100"), limits: limits) }
    #expect(throws: CBORError(.tooManyElements(limit: 4), at: 4)) { try CBORValue.parse(Hex.decode("8400000000"), limits: limits) }
    let deep = [UInt8](repeating: 0x81, count: 100_000)
    #expect(throws: CBORError(.tooDeep(limit: 16), at: 17)) { try CBORValue.parse(deep) }
  }

  @Test("Maps are written in one order: shorter labels first, then by their bytes")
  func order() throws {
    let map: CBORMap = [
      .text("bb"): .integer(1), .text("a"): .integer(2), .integer(-1): .integer(3), .integer(100): .integer(4), .integer(10): .integer(5),
    ]
    #expect(CBORValue.map(map).serialized() == (try Hex.decode("a50a052003186404616102626262" + "01")))
  }

  @Test("A map that is out of order is read, and keeps its labels apart by kind")
  func readsAnyOrder() throws {
    let map = try #require(try CBORValue.parse(Hex.decode("a3613102016131" + "20" + "f5")).map)
    #expect(map[.text("1")] == .integer(2))
    #expect(map[.integer(1)] == .text("1"))
    #expect(map[.integer(-1)] == .bool(true))
    #expect(map[.text("-1")] == nil)
  }

  @Test("Every prefix of a document is refused")
  func prefixes() throws {
    let bytes = CBORValue.tagged(18, .array([.bytes([1, 2]), .map([.text("k"): .text("v")]), .bytes([3]), .null])).serialized()
    for count in 0..<bytes.count { #expect(throws: CBORError.self) { try CBORValue.parse(bytes.prefix(count)) } }
    #expect(throws: Never.self) { try CBORValue.parse(bytes) }
  }

  @Test("Whatever is written is read back as it was", arguments: 0..<40)
  func roundTrip(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let value = Self.random(&generator, depth: 0)
    #expect(try CBORValue.parse(value.serialized(), limits: CBORLimits(maxElements: 100_000)).serialized() == value.serialized(), "seed \(seed)")
  }

  static func random(_ generator: inout SeededGenerator, depth: Int) -> CBORValue {
    switch Int.random(in: 0..<(depth < 4 ? 8 : 5), using: &generator) {
    case 0: return .integer(Int64.random(in: .min ... .max, using: &generator) >> Int64.random(in: 0..<64, using: &generator))
    case 1: return .bytes((0..<Int.random(in: 0..<300, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) })
    case 2: return .text(String(repeating: "é", count: Int.random(in: 0..<20, using: &generator)))
    case 3: return .bool(Bool.random(using: &generator))
    case 4: return .null
    case 5: return .tagged(1, random(&generator, depth: depth + 1))
    case 6: return .array((0..<Int.random(in: 0..<5, using: &generator)).map { _ in random(&generator, depth: depth + 1) })
    default:
      var map = CBORMap()
      for _ in 0..<Int.random(in: 0..<5, using: &generator) {
        let number = Int64.random(in: -300...300, using: &generator)
        map[Bool.random(using: &generator) ? .integer(number) : .text("\(number)")] = random(&generator, depth: depth + 1)
      }
      return .map(map)
    }
  }
}
