import Encodings
import Testing

struct JSONScannerTests {
  static let members = JSONMembers("alg", "value", "n", "o")

  private func scan(_ text: [UInt8], limits: JSONLimits = .standard) throws(JSONError) -> [JSONField] {
    let result: Result<[JSONField], JSONError> = text.withUnsafeBytes { bytes in
      do throws(JSONError) { return .success(try JSONScanner.scan(bytes, Self.members, limits: limits)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  @Test("Wanted members are found in any order, the others skipped")
  func found() throws {
    let text = Array(#" {"x":[1,{"y":null}],"value":"3q2-7w","alg":"ES\u0032\u0035\u0036","n":-7,"z":"\""} "#.utf8)
    let fields = try scan(text)
    try text.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws -> Void in
      #expect(fields[0].equals("ES256", in: bytes))
      #expect(fields[0].string(in: bytes) == "ES256")
      #expect(fields[0].plain(in: bytes) == nil)
      #expect(try fields[1].base64(in: bytes) == [0xDE, 0xAD, 0xBE, 0xEF])
      #expect(fields[1].plain(in: bytes).map(Array.init) == Array("3q2-7w".utf8))
      #expect(fields[2].int64(in: bytes) == -7)
      #expect(fields[2].string(in: bytes) == nil)
      #expect(fields[3].isAbsent)
    }
  }

  @Test("An object or array member is handed out as a tree")
  func tree() throws {
    let text = Array(#"{"o":{"k":[1]},"n":null,"alg":true}"#.utf8)
    let fields = try scan(text)
    try text.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws -> Void in
      #expect(try fields[3].value(in: bytes) == ["k": [1]])
      #expect(fields[2].isNull)
      #expect(fields[0].bool(in: bytes) == true)
      #expect(try fields[1].value(in: bytes) == nil)
    }
  }

  @Test("A text that is no object is refused", arguments: ["[]", "1", "\"x\"", "null", " true"])
  func noObject(text: String) {
    let error = #expect(throws: JSONError.self) { try scan(Array(text.utf8)) }
    #expect(error?.reason == .expectedObject)
  }

  @Test("Every refusal of the parser is the scanner's too")
  func refusals() {
    for (text, reason, offset) in JSONTests.refusals {
      #expect(throws: JSONError(reason, at: offset), "\(text.debugDescription)") { try scan(Array(text.utf8)) }
    }
  }

  @Test("Scanner and parser accept and refuse alike on mutated texts", arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func equal(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let seeds = [
      #"{"alg":"ES256","value":"3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#, #"{"a":1,"b":{"a":[1,2,{}]},"value":"\u0041\ud83d\ude00"}"#,
      #"{"n":-1.5e+7,"o":null,"alg":true,"é":"ü€😀"}"#, "{\"alg\" : \"x\" ,\n\"n\":0}",
      "{" + (0..<30).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}",
    ].map { Array($0.utf8) }
    let tokens = ["{", "}", "[", "]", ",", ":", "\"", "\\", "\\u00", "\"alg\"", "\"alg\":1,", "0", "-", "1e", " ", "\u{0}", "null"].map { Array($0.utf8) }
    let limits = JSONLimits(maxBytes: 2000, maxDepth: 4, maxElements: 40)
    var accepted = 0
    for _ in 0..<20_000 {
      var text = seeds.randomElement(using: &random)!
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        let place = Int.random(in: 0...text.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text.insert(contentsOf: tokens.randomElement(using: &random)!, at: place)
        case 1: if place < text.count { text[place] = UInt8.random(in: 0...255, using: &random) }
        case 2: if place < text.count { text.remove(at: place) }
        default: text.insert(contentsOf: text[place..<min(text.count, place + 12)], at: place)
        }
      }
      let parsed = Result { () throws(JSONError) in try JSONValue.parse(text, limits: limits) }
      let scanned = Result { () throws(JSONError) in try scan(text, limits: limits) }
      switch (parsed, scanned) {
      case (.success(.object(let object)), .success(let fields)):
        accepted += 1
        text.withUnsafeBytes { bytes in
          for (name, field) in zip(["alg", "value", "n", "o"], fields) {
            #expect(object[name] == (try? field.value(in: bytes)), "\(text)")
          }
        }
      case (.success, .failure(let error)): #expect(error.reason == .expectedObject, "\(text)")
      case (.failure(let a), .failure(let b)): #expect(a == b, "\(text)")
      case (.success, .success), (.failure, .success): Issue.record("disagreement on \(text)")
      }
    }
    #expect(accepted > 2000)
  }

  @Test("A string of a megabyte is scanned whole")
  func large() throws {
    let text = Array((#"{"value":""# + String(repeating: "A", count: 1 << 20) + #""}"#).utf8)
    #expect(try scan(text)[1].range.count == 1 << 20)
  }
}
