import Encodings
import Testing

@testable import ManagedHSMWire

@Suite("Request bodies")
struct RequestBodyTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  private func refusal<R>(_ body: () throws -> R) -> WireError? {
    do {
      _ = try body()
      return nil
    } catch { return error as? WireError }
  }

  /// Texts that are no JSON object of one value each.
  static let notObjects = [
    "", " ", "null", "true", "0", "\"x\"", "[]", "[{}]", "{", "}", "{}x", "{}{}", "{} {}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{'a':1}", "{\"a\":01}",
    "{\"a\":+1}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":tru}", "{\"a\":nul}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\u{1}\"}",
    "{\"a\":\"\\ud800\"}", "{\"a\":1 \"b\":2}", "// comment\n{}", "{}\u{0}", "\u{FEFF}{}", "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}",
    String(repeating: "[", count: 100_000), "{\"a\":" + String(repeating: "[", count: 100) + String(repeating: "]", count: 100) + "}",
  ]

  @Test("A body that is no strict JSON object is refused by every reader", arguments: notObjects)
  func notAnObject(_ text: String) {
    let body = bytes(text)
    for error in [
      refusal { try RequestBody.object(body) }, refusal { try RequestBody.createKey(body) }, refusal { try RequestBody.importKey(body) },
      refusal { try RequestBody.updateKey(body) }, refusal { try RequestBody.randomCount(body) },
    ] {
      #expect(error?.status == 400)
      #expect(error?.code == "BadParameter")
      #expect((error?.message.utf8.count ?? 0) < 400)
    }
  }

  @Test("Bytes that are not UTF-8 are refused")
  func notText() {
    for bad: [UInt8] in [[0xFF], [0xC3, 0x28], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC0, 0x80]] {
      #expect(refusal { try RequestBody.createKey(bytes("{\"kty\":\"") + bad + bytes("\"}")) }?.code == "BadParameter")
    }
    #expect(refusal { try RequestBody.object([0xFF, 0xFE, 0x7B, 0, 0x7D, 0]) } != nil)
  }

  @Test("A body over 1 MiB and one of too many elements are refused")
  func tooBig() {
    #expect(refusal { try RequestBody.object(bytes("{\"a\":\"" + String(repeating: "x", count: 1 << 20) + "\"}")) } != nil)
    #expect(refusal { try RequestBody.object(bytes("{\"a\":[" + String(repeating: "0,", count: 30_000) + "0]}")) } != nil)
  }

  // MARK: - Create

  @Test("az's body for a new key is read whole")
  func createKey() throws {
    let request = try RequestBody.createKey(
      bytes(
        #"{"kty":"RSA-HSM","key_size":3072,"public_exponent":65537,"key_ops":["sign","verify"],"attributes":{"enabled":true,"nbf":1,"exp":2,"exportable":false},"tags":{"a":"b "," c":""},"crv":null,"Hsm":true}"#
      ))
    #expect(
      request
        == CreateKeyRequest(
          kty: "RSA-HSM", keySize: 3072, publicExponent: 65537, operations: ["sign", "verify"],
          attributes: AttributesRequest(enabled: true, notBefore: 1, expires: 2, exportable: false), tags: ["a": "b ", " c": ""], curve: nil, hasReleasePolicy: false))
  }

  @Test("Null is absence, everywhere")
  func nulls() throws {
    let request = try RequestBody.createKey(
      bytes(#"{"kty":"EC","key_size":null,"key_ops":null,"attributes":null,"tags":null,"crv":null,"public_exponent":null,"release_policy":null}"#))
    #expect(
      request
        == CreateKeyRequest(
          kty: "EC", keySize: nil, publicExponent: nil, operations: nil, attributes: AttributesRequest(), tags: nil, curve: nil, hasReleasePolicy: false))
    let inner = try RequestBody.updateKey(bytes(#"{"attributes":{"enabled":null,"exp":null,"nbf":null,"exportable":null}}"#))
    #expect(inner.attributes == AttributesRequest())
  }

  @Test("An empty list and an empty object of tags are not absence")
  func emptyIsNotAbsent() throws {
    let request = try RequestBody.updateKey(bytes(#"{"key_ops":[],"tags":{}}"#))
    #expect(request.operations == [])
    #expect(request.tags == [:])
    #expect(try RequestBody.updateKey(bytes("{}")).tags == nil)
  }

  @Test("A release policy is noticed, whatever it is")
  func releasePolicy() throws {
    for value in ["{}", "{\"data\":\"\"}", "[]", "\"x\"", "0", "false"] {
      #expect(try RequestBody.createKey(bytes("{\"kty\":\"RSA\",\"release_policy\":\(value)}")).hasReleasePolicy)
    }
  }

  /// Member and values of a wrong type: each must be refused by the member's name.
  static let wrongTypes: [(member: String, values: [String])] = [
    ("kty", ["1", "true", "[]", "{}", "[\"RSA\"]"]), ("key_size", ["\"2048\"", "true", "2048.0", "2.048e3", "[2048]", "{}", "99999999999999999999"]),
    ("public_exponent", ["\"3\"", "3.0", "{}", "1e1"]), ("key_ops", ["\"sign\"", "{}", "1", "[1]", "[null]", "[[\"sign\"]]", "[\"sign\",2]", "true"]),
    ("crv", ["1", "[]", "{}", "false"]), ("tags", ["[]", "\"a\"", "1", "true"]), ("attributes", ["[]", "1", "\"x\"", "true"]),
  ]

  @Test("A member of the wrong type is refused by its name, never converted", arguments: wrongTypes.indices)
  func wrongType(_ row: Int) {
    let (member, values) = Self.wrongTypes[row]
    for value in values {
      let text = member == "kty" ? "{\"kty\":\(value)}" : "{\"kty\":\"RSA\",\"\(member)\":\(value)}"
      let error = refusal { try RequestBody.createKey(bytes(text)) }
      #expect(error?.code == "BadParameter", "\(text)")
      #expect(error?.message.contains("'\(member)'") == true, "\(text): \(error?.message ?? "accepted")")
    }
  }

  @Test("An attribute of the wrong type is refused by its name")
  func wrongAttribute() {
    for (member, values) in [
      ("enabled", ["\"true\"", "1", "0", "[]", "{}"]), ("exp", ["\"1\"", "1.5", "true", "{}", "1e3", "9223372036854775808"]), ("nbf", ["\"1\"", "1.0", "[]"]),
      ("exportable", ["\"false\"", "0", "{}"]),
    ] {
      for value in values {
        let error = refusal { try RequestBody.updateKey(bytes("{\"attributes\":{\"\(member)\":\(value)}}")) }
        #expect(error?.message.contains("'\(member)'") == true, "\(member): \(value)")
      }
    }
  }

  @Test("A tag that is no string is refused, and its name is said")
  func wrongTag() {
    for value in ["1", "true", "null", "[]", "{}"] {
      #expect(refusal { try RequestBody.createKey(bytes("{\"kty\":\"RSA\",\"tags\":{\"stage\":\(value)}}")) }?.message.contains("'stage'") == true, "\(value)")
    }
  }

  @Test("Two tags whose names only look alike are not merged into one without a word")
  func lookAlikeTags() {
    // é composed and decomposed: different bytes, so no duplicate member, but one key of a Swift dictionary.
    #expect(refusal { try RequestBody.createKey(bytes("{\"kty\":\"RSA\",\"tags\":{\"\u{E9}\":\"1\",\"e\u{301}\":\"2\"}}")) }?.code == "BadParameter")
  }

  @Test("A new key needs a kty", arguments: ["{}", "{\"kty\":null}", "{\"KTY\":\"RSA\"}", "{\"key_size\":2048}"])
  func noType(_ text: String) {
    #expect(refusal { try RequestBody.createKey(bytes(text)) }?.message.contains("'kty'") == true)
  }

  // MARK: - Import

  @Test("An import needs a key object", arguments: ["{}", "{\"key\":null}", "{\"key\":\"x\"}", "{\"key\":[]}", "{\"key\":1}", "{\"Key\":{}}"])
  func noKey(_ text: String) {
    #expect(refusal { try RequestBody.importKey(bytes(text)) }?.message.contains("'key'") == true)
  }

  @Test("What an import refuses is never quoted: it may be a private key")
  func importErrorsAreSilent() {
    let secret = "c2VjcmV0LXNjYWxhcg"
    for text in [
      "{\"key\":\"\(secret)\"}", "{\"key\":{\"d\":\"\(secret)\"},\"tags\":1}", "{\"key\":{\"d\":\"\(secret)\"}", "{\"key\":{\"d\":\"\(secret)\",\"d\":\"\(secret)\"}}",
      "{\"key\":{\"d\":\"\(secret)\\x\"}}",
    ] {
      let error = refusal { try RequestBody.importKey(bytes(text)) }
      #expect(error != nil)
      #expect(error?.message.contains(secret) != true)
    }
  }

  // MARK: - rng

  @Test("rng takes 1 to 128 and nothing else")
  func random() throws {
    for count in [1, 2, 16, 127, 128] { #expect(try RequestBody.randomCount(bytes("{\"count\":\(count)}")) == count) }
    for value in ["0", "-1", "129", "1000000", "9223372036854775807", "-9223372036854775808", "99999999999999999999", "1.0", "1e1", "\"16\"", "null", "true", "[]", "{}"] {
      let error = refusal { try RequestBody.randomCount(bytes("{\"count\":\(value)}")) }
      #expect(error?.status == 400, "\(value)")
      #expect(error?.message.contains("'count'") == true, "\(value)")
    }
    #expect(refusal { try RequestBody.randomCount(bytes("{}")) }?.message.contains("'count'") == true)
  }
}
