import Encodings
import ManagedHSMWire
import Testing

/// The hot bodies, read without a tree: every acceptance and refusal is held against a reading through `JSONValue.parse`, written here from the
/// rules (strict JSON, unknown members ignored, null is absence, either base64 alphabet, padding correct or absent).
@Suite("Bodies of sign and verify")
struct CryptographicRequestTests {
  enum Outcome: Equatable {
    case taken([String], [[UInt8]])
    case refused
  }

  static func sign(_ bytes: [UInt8]) -> Outcome {
    bytes.withUnsafeBytes { raw in
      do {
        let request = try SignRequest(raw)
        return .taken([request.algorithm], [request.digest])
      } catch { return .refused }
    }
  }

  static func verify(_ bytes: [UInt8]) -> Outcome {
    bytes.withUnsafeBytes { raw in
      do {
        let request = try VerifyRequest(raw)
        return .taken([request.algorithm], [request.digest, request.signature])
      } catch { return .refused }
    }
  }

  /// The reference reading.
  static func tree(_ bytes: [UInt8], _ names: [String]) -> Outcome {
    guard let value = try? JSONValue.parse(bytes, limits: JSONLimits(maxBytes: 1 << 20, maxDepth: 32, maxElements: 20_000)), let object = value.object,
      let algorithm = object["alg"]?.string
    else { return .refused }
    var values: [[UInt8]] = []
    for name in names {
      guard let text = object[name]?.string, let decoded = slowBase64(text) else { return .refused }
      values.append(decoded)
    }
    return .taken([algorithm], values)
  }

  /// Base64 bit by bit, from RFC 4648: one alphabet per text, padding none or right, unused bits zero.
  static func slowBase64(_ text: String) -> [UInt8]? {
    var characters = Array(text.utf8)
    if characters.last == UInt8(ascii: "=") {
      guard characters.count % 4 == 0 else { return nil }
      characters.removeLast()
      if characters.last == UInt8(ascii: "=") { characters.removeLast() }
    }
    let standard = characters.contains(UInt8(ascii: "+")) || characters.contains(UInt8(ascii: "/"))
    let alphabet = Array(("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + (standard ? "+/" : "-_")).utf8)
    guard characters.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    var accumulator = 0
    var bits = 0
    for character in characters {
      guard let value = alphabet.firstIndex(of: character) else { return nil }
      accumulator = accumulator << 6 | value
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(accumulator >> bits & 255))
        accumulator &= (1 << bits) - 1
      }
    }
    return accumulator == 0 ? bytes : nil
  }

  private func refusal(_ text: String, verify: Bool = false) -> WireError? {
    Array(text.utf8).withUnsafeBytes { raw -> WireError? in
      do throws(WireError) {
        if verify { _ = try VerifyRequest(raw) } else { _ = try SignRequest(raw) }
        return nil
      } catch { return error }
    }
  }

  static let digest = [UInt8](0..<32)

  @Test("A digest is read in both alphabets, with and without padding, and as the client wrote it")
  func alphabets() throws {
    let bytes: [UInt8] = [0xFB, 0xEF, 0xBE, 0xFF, 0xFF, 0xFE, 0x3E]
    for text in ["----___-Pg", "++++///+Pg", "----___-Pg==", "++++///+Pg=="] {
      #expect(Self.sign(Array("{\"alg\":\"ES256\",\"value\":\"\(text)\"}".utf8)) == .taken(["ES256"], [bytes]), "\(text)")
    }
    #expect(Self.sign(Array("{\"alg\":\"ES256\",\"value\":\"++++\\/\\/\\/+Pg\"}".utf8)) == .taken(["ES256"], [bytes]))
    #expect(Self.sign(Array(#"{"alg":"ES256","value":"\u0041\u0041\u0041\u0041"}"#.utf8)) == .taken(["ES256"], [[0, 0, 0]]))
  }

  @Test("Order, white space, unknown members and an escaped name change nothing")
  func tolerance() {
    let value = Base64URL.encode(Self.digest)
    for text in [
      "{\"value\":\"\(value)\",\"alg\":\"ES256\"}", " \r\n\t{ \"alg\" : \"ES256\" , \"value\" : \"\(value)\" } \n",
      "{\"x\":{\"alg\":\"RS256\",\"value\":[1,{}]},\"alg\":\"ES256\",\"value\":\"\(value)\",\"iv\":null,\"Alg\":\"none\"}",
      "{\"\\u0061lg\":\"ES256\",\"v\\u0061lue\":\"\(value)\"}",
    ] { #expect(Self.sign(Array(text.utf8)) == .taken(["ES256"], [Self.digest]), "\(text)") }
  }

  @Test("Base64 that is not is refused and says which property", arguments: [
    "=", "==", "A", "AAAAA", "AA=A", "A===", "AA=", "AAA==", "AAAA=", "AAAA====", "A A=", " AAAA", "AAAA ", "AA\\nAA", "AAA*", "AA+_", "-A/A", "ÄÄÄÄ", "AB", "AAB", "AB==", "AAB=", "AA\\u0000A", "🔑",
  ])
  func garbage(_ text: String) {
    let error = refusal("{\"alg\":\"ES256\",\"value\":\"\(text)\"}")
    #expect(error?.code == "BadParameter" && error?.status == 400)
    #expect(error?.message.contains("'value'") == true)
    #expect(refusal("{\"alg\":\"ES256\",\"digest\":\"AAAA\",\"value\":\"\(text)\"}", verify: true)?.message.contains("'value'") == true)
    #expect(refusal("{\"alg\":\"ES256\",\"digest\":\"\(text)\",\"value\":\"AAAA\"}", verify: true)?.message.contains("'digest'") == true)
  }

  @Test("A missing, null or mistyped property is refused by its name")
  func members() {
    for value in ["null", "1", "true", "[]", "{}", "[\"AAAA\"]"] {
      #expect(refusal("{\"alg\":\"ES256\",\"value\":\(value)}")?.message.contains("'value'") == true, "\(value)")
      #expect(refusal("{\"alg\":\(value),\"value\":\"AAAA\"}")?.message.contains("'alg'") == true, "\(value)")
      #expect(refusal("{\"alg\":\"ES256\",\"digest\":\(value),\"value\":\"AAAA\"}", verify: true)?.message.contains("'digest'") == true, "\(value)")
    }
    #expect(refusal("{\"value\":\"AAAA\"}")?.message.contains("'alg'") == true)
    #expect(refusal("{\"alg\":\"ES256\"}")?.message.contains("'value'") == true)
    #expect(refusal("{\"alg\":\"ES256\",\"value\":\"AAAA\"}", verify: true)?.message.contains("'digest'") == true)
    #expect(refusal("{}")?.status == 400)
  }

  @Test("A repeated member is refused even when both say the same", arguments: [
    #"{"alg":"ES256","alg":"ES256","value":"AAAA"}"#, #"{"alg":"ES256","value":"AAAA","value":"AAAA"}"#, #"{"alg":"ES256","value":"AAAA","\u0076alue":"AAAB"}"#,
    #"{"x":1,"x":2,"alg":"ES256","value":"AAAA"}"#, #"{"alg":"ES256","value":"AAAA","y":{"a":1,"a":2}}"#,
  ])
  func duplicates(_ text: String) {
    #expect(refusal(text)?.code == "BadParameter")
  }

  @Test("What is no JSON object is refused", arguments: RequestBodyTests.notObjects)
  func notObjects(_ text: String) {
    #expect(Self.sign(Array(text.utf8)) == .refused)
    #expect(Self.verify(Array(text.utf8)) == .refused)
  }

  @Test("Nothing may follow the object", arguments: ["x", "{}", ",", "\u{0}", "]", "//", "\u{FEFF}"])
  func trailing(_ text: String) {
    #expect(refusal(#"{"alg":"ES256","value":"AAAA"}"# + text)?.code == "BadParameter")
  }

  @Test("Both readers take and refuse exactly what a reading through the tree does, over 60 000 mutated bodies")
  func mutations() {
    let seed: UInt64 = 0x5EED_2026
    var generator = SeededGenerator(seed: seed)
    let value = Base64URL.encode(Self.digest)
    let seeds = [
      "{\"alg\":\"ES256\",\"value\":\"\(value)\"}", "{\"alg\":\"RS256\",\"digest\":\"\(value)\",\"value\":\"AAAA\"}", "{\"value\":\"++//\",\"alg\":\"PS512\",\"x\":[1,2.5e3,null,true,{\"a\":\"b\"}]}",
      "{\"digest\":\"AA==\",\"alg\":\"\\u0045S256\",\"value\":\"A\\u0041A=\",\"kid\":null}",
    ].map { Array($0.utf8) }
    let tokens = ["\"", "\\", "{", "}", "[", "]", ",", ":", "\"alg\"", "\"value\"", "\"digest\"", "null", "true", "0", "-1e5", "=", "\\u0041", "\\ud83d\\ude00", "é", "\u{0}", " ", "AAAA", "{}", "\"a\":1,"].map { Array($0.utf8) }
    var taken = 0
    for run in 0..<60_000 {
      var body = seeds.randomElement(using: &generator)!
      for _ in 0..<Int.random(in: 0...3, using: &generator) where !body.isEmpty {
        let at = Int.random(in: 0..<body.count, using: &generator)
        switch Int.random(in: 0...4, using: &generator) {
        case 0: body[at] = UInt8.random(in: 0...255, using: &generator)
        case 1: body.remove(at: at)
        case 2: body.insert(contentsOf: tokens.randomElement(using: &generator)!, at: at)
        case 3: body.removeSubrange(at..<min(body.count, at + Int.random(in: 1...12, using: &generator)))
        default:
          let end = min(body.count, at + Int.random(in: 1...20, using: &generator))
          body.insert(contentsOf: body[at..<end], at: Int.random(in: 0...body.count, using: &generator))
        }
      }
      let signed = Self.sign(body), verified = Self.verify(body)
      guard signed == Self.tree(body, ["value"]), verified == Self.tree(body, ["digest", "value"]) else {
        Issue.record("seed \(seed), run \(run): \(String(decoding: body, as: UTF8.self))")
        return
      }
      if signed != .refused { taken += 1 }
    }
    // The mutations must reach both outcomes, or the comparison says little.
    #expect(taken > 10_000 && taken < 50_000, "\(taken) of 60 000 were taken")
  }
}
