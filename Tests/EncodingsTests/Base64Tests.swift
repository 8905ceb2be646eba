import Encodings
import Testing

struct Base64Tests {
  /// RFC 4648 §10.
  static let rfc4648: [(plain: String, encoded: String)] = [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ]

  @Test("The vectors of RFC 4648 encode and decode, padded and not")
  func vectors() throws {
    #expect(Self.rfc4648.count == 7)
    for (plain, encoded) in Self.rfc4648 {
      let bare = String(encoded.prefix { $0 != "=" })
      #expect(Base64.encode(plain.utf8) == encoded)
      #expect(Base64URL.encode(plain.utf8) == bare)
      #expect(try Base64.decode(encoded) == Array(plain.utf8))
      #expect(try Base64URL.decode(bare) == Array(plain.utf8))
    }
  }

  @Test("Both alphabets are read; only the URL one is written by Base64URL")
  func alphabets() throws {
    #expect(Base64URL.encode([0xFB, 0xFF, 0xFE]) == "-__-")
    #expect(Base64.encode([0xFB, 0xFF, 0xFE]) == "+//+")
    #expect(try Base64URL.decode("-__-") == [0xFB, 0xFF, 0xFE])
    #expect(try Base64URL.decode("+//+") == [0xFB, 0xFF, 0xFE])
  }

  @Test(
    "Garbage is refused with its reason",
    arguments: [
      ("A", EncodingError.badLength(1)), ("AAAAA", .badLength(5)), ("Zg=", .badPadding), ("Zg===", .badPadding),
      ("Zm9v=", .badPadding), ("=", .badPadding), ("Zg==Zg==", .badCharacter(offset: 2)), ("Z===", .badCharacter(offset: 1)),
      ("====", .badCharacter(offset: 0)), ("Zh", .trailingBits), ("Zm9", .trailingBits), ("Zh==", .trailingBits),
      ("Zm 9", .badCharacter(offset: 2)), ("Zm9v\n", .badLength(5)), ("Zm9v\r\n", .badCharacter(offset: 4)),
      ("-+AA", .badCharacter(offset: 1)), ("_AA/", .badCharacter(offset: 3)), ("AAA\u{0}", .badCharacter(offset: 3)),
      ("AAé", .badCharacter(offset: 2)), ("Zm9v.", .badLength(5)), ("Zm.v", .badCharacter(offset: 2)),
    ])
  func garbage(text: String, error: EncodingError) {
    #expect(throws: error) { try Base64URL.decode(text) }
  }

  @Test("Encoding and decoding are inverse for every length and random bytes")
  func roundTrip() throws {
    var random = SeededGenerator(seed: 20_260_302)
    for count in 0..<300 {
      let bytes = random.bytes(count)
      #expect(try Base64URL.decode(Base64URL.encode(bytes)) == bytes)
      #expect(try Base64.decode(Base64.encode(bytes)) == bytes)
      #expect(try Base64URL.decode(Base64.encode(bytes)) == bytes)
      var appended: [UInt8] = [1]
      Base64URL.append(bytes, to: &appended)
      #expect(appended.dropFirst().elementsEqual(Base64URL.encode(bytes).utf8))
      #expect(try Base64URL.decode(appended[1...]) == bytes)
    }
  }

  @Test("Every text that decodes is the one its bytes encode to")
  func canonical() throws {
    var random = SeededGenerator(seed: 7)
    let alphabet = Array("ABab01-_+/=.".utf8)
    var accepted = 0
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 0...9, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
      guard let bytes = try? Base64URL.decode(text) else { continue }
      accepted += 1
      let forms = [Base64URL.encode(bytes), Base64.encode(bytes), String(Base64.encode(bytes).prefix { $0 != "=" })]
      let urlPadded = Base64.encode(bytes).map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }
      #expect((forms + [String(urlPadded)]).contains(String(decoding: text, as: UTF8.self)))
    }
    #expect(accepted > 1000)
  }
}

struct HexTests {
  @Test("Hexadecimal is written in lower case and read in either")
  func both() throws {
    #expect(Hex.encode([0x00, 0xAB, 0xFF]) == "00abff")
    #expect(try Hex.decode("00aBFf") == [0x00, 0xAB, 0xFF])
    #expect(try Hex.decode("") == [])
  }

  @Test(
    "What is not hexadecimal is refused",
    arguments: [("0", EncodingError.badLength(1)), ("0g", .badCharacter(offset: 1)), (" 00", .badLength(3)), ("0x00", .badCharacter(offset: 1))])
  func refused(text: String, error: EncodingError) {
    #expect(throws: error) { try Hex.decode(text) }
  }
}
