import Encodings
import SigstoreFormats
import Testing

/// Statements: what cosign writes is read, what we write every client reads, all else is refused.
@Suite("in-toto statements")
struct StatementTests {
  static let sha256 = [UInt8](repeating: 0xAB, count: 32)
  static let hex = String(repeating: "ab", count: 32)

  static func text(_ change: (inout JSONObject) -> Void = { _ in }) -> [UInt8] {
    var object: JSONObject = [
      "_type": "https://in-toto.io/Statement/v1", "subject": [["name": "a", "digest": ["sha256": .string(hex)]]],
      "predicateType": "https://example.com/p", "predicate": ["k": 1],
    ]
    change(&object)
    return JSONValue.object(object).serialized()
  }

  @Test("What cosign signs for an image is read: one subject without a name, an empty predicate")
  func cosignImage() throws {
    // The payload cosign 3.1.1 signs; the digest is shortened to a pattern.
    let text = #"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"\#(Self.hex)"},"annotations":{"env":"prod"}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}"#
    let statement = try Statement.parse(text.utf8)
    #expect(statement.version == .v1 && statement.predicateType == PredicateType.cosignImage.rawValue)
    #expect(statement.subjects.count == 1 && statement.subjects[0].name == nil)
    #expect(statement.subjects[0].annotations["env"]?.string == "prod")
    #expect(statement.predicate == Array("{}".utf8))
    #expect(statement.subject(matching: MessageDigest(algorithm: .sha256, bytes: Self.sha256)) == statement.subjects[0])
    #expect(statement.subject(matching: MessageDigest(algorithm: .sha256, bytes: [UInt8](repeating: 1, count: 32))) == nil)
  }

  @Test("Version 0.1, several digests and members of a resource descriptor are read")
  func older() throws {
    let text = Self.text {
      $0["_type"] = "https://in-toto.io/Statement/v0.1"
      $0["subject"] = [["name": "", "uri": "git+https://h/r", "digest": ["gitCommit": "c0ffee", "sha512": "00", "sha256": .string(Self.hex)]]]
      $0["somethingNew"] = ["a": 1]
    }
    let statement = try Statement.parse(text)
    #expect(statement.version == .v01)
    #expect(statement.subjects[0].name == nil)
    #expect(statement.subjects[0].digests.map(\.algorithm) == ["gitCommit", "sha512", "sha256"])
    // Too short to be one.
    #expect(statement.subjects[0].digest(.sha512) == nil)
    #expect(statement.subjects[0].digest(.sha256)?.bytes == Self.sha256)
  }

  @Test("A predicate keeps its bytes, however it is written")
  func verbatim() throws {
    let predicate = "{ \"b\" : 1.0e0,\n\t\"a\":[ \"\\u0041\\/\", 12345678901234567890 ] }"
    let statement = try Statement(
      subjects: [.init(name: "sbom.json", sha256: Self.sha256)], predicateType: "https://example.com/p", predicate: Array("\n \(predicate)\r\n".utf8))
    let payload = statement.serialized()
    #expect(String(decoding: payload, as: UTF8.self).contains(predicate + "}"))
    let read = try Statement.parse(payload)
    #expect(read.predicate == Array(predicate.utf8))
    #expect(read == statement)
  }

  @Test("The image statement names the repository and carries annotations")
  func ownImage() throws {
    let statement = try Statement.cosignImage(repository: "h:5000/r", manifestSHA256: Self.sha256, annotations: [("a", "1")])
    #expect(String(decoding: statement.serialized(), as: UTF8.self)
      == #"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"h:5000/r","digest":{"sha256":"\#(Self.hex)"},"annotations":{"a":"1"}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}"#)
  }

  @Test("What sigstore-python would refuse is not written")
  func unfit() {
    func make(_ subjects: [Statement.Subject], type: String = "https://example.com/p", _ predicate: String = "{}") throws -> Statement {
      try Statement(subjects: subjects, predicateType: type, predicate: Array(predicate.utf8))
    }
    let good = Statement.Subject(name: "a", sha256: Self.sha256)
    let bad: [[Statement.Subject]] = [
      [], Array(repeating: good, count: 1025), [.init(name: nil, digests: good.digests)], [.init(name: "", digests: good.digests)],
      [.init(name: "a", digests: [])], [.init(name: "a", digests: [.init(algorithm: "sha512", value: String(repeating: "a", count: 128))])],
      [.init(name: "a", digests: [.init(algorithm: "sha256", value: "ab")])],
      [.init(name: "a", digests: [.init(algorithm: "sha256", value: Self.hex.uppercased())])],
      [.init(name: "a", digests: good.digests + good.digests)],
      [.init(name: "a", digests: good.digests + [.init(algorithm: "sha512", value: "00")])],
      [good, .init(name: "b", digests: [])],
    ]
    for subjects in bad { #expect(throws: DocumentError.self) { try make(subjects) } }
    for type in ["", "spdx", "https://a b", ":x", "1:x", "x:"] { #expect(throws: DocumentError.self) { try make([good], type: type) } }
    for predicate in ["", "{", "1", "\"text\"", "{} {}", #"{"a":1,"a":2}"#] { #expect(throws: DocumentError.self) { try make([good], predicate) } }
  }

  @Test("Another type of statement is refused", arguments: ["", "https://in-toto.io/Statement/v2", "https://in-toto.io/Statement/V1", "link"])
  func otherTypes(_ type: String) {
    #expect(throws: DocumentError.self) { try Statement.parse(Self.text { $0["_type"] = .string(type) }) }
  }

  @Test("A missing or misshapen member is refused")
  func misshapen() {
    for name in ["_type", "subject", "predicateType"] {
      #expect(throws: DocumentError.self) { try Statement.parse(Self.text { $0[name] = nil }) }
      #expect(throws: DocumentError.self) { try Statement.parse(Self.text { $0[name] = 1 }) }
      #expect(throws: DocumentError.self) { try Statement.parse(Self.text { $0[name] = "" }) }
    }
    let subjects: [JSONValue] = [
      [], [1], [[:]], [["name": "a"]], [["digest": [:]]], [["digest": []]], [["digest": ["sha256": 1]]], [["digest": ["sha256": ""]]],
      [["name": 1, "digest": ["sha256": "ab"]]], [["digest": ["sha256": "ab"], "annotations": []]], ["digest": ["sha256": "ab"]],
    ]
    for subject in subjects { #expect(throws: DocumentError.self) { try Statement.parse(Self.text { $0["subject"] = subject }) } }
    for predicate: JSONValue in [1, "text", true] { #expect(throws: DocumentError.self) { try Statement.parse(Self.text { $0["predicate"] = predicate }) } }
  }

  @Test("Limits: 1024 subjects, 32 digests each")
  func limits() throws {
    let subject: JSONValue = ["name": "a", "digest": ["sha256": .string(Self.hex)]]
    #expect(try Statement.parse(Self.text { $0["subject"] = .array(Array(repeating: subject, count: 1024)) }).subjects.count == 1024)
    #expect(throws: DocumentError.malformed(.statement, .tooMany(path: "subject", limit: 1024))) {
      try Statement.parse(Self.text { $0["subject"] = .array(Array(repeating: subject, count: 1025)) })
    }
    func digests(_ count: Int) -> JSONObject {
      var object: JSONObject = [:]
      for i in 0..<count { object["d\(i)"] = "00" }
      return object
    }
    #expect(try Statement.parse(Self.text { $0["subject"] = [["digest": .object(digests(32))]] }).subjects[0].digests.count == 32)
    #expect(throws: DocumentError.malformed(.statement, .tooMany(path: "subject[0].digest", limit: 32))) {
      try Statement.parse(Self.text { $0["subject"] = [["digest": .object(digests(33))]] })
    }
  }

  @Test("A doubled member anywhere is refused, in the predicate too", arguments: [
    #"{"_type":"https://in-toto.io/Statement/v1","_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"ab"}}],"predicateType":"u:x","predicate":{}}"#,
    #"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"ab","sha256":"cd"}}],"predicateType":"u:x","predicate":{}}"#,
    #"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"ab"}}],"predicateType":"u:x","predicate":{"a":[{"b":1,"b":2}]}}"#,
    #"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"ab"}}],"predicateType":"u:x","predicate":{"a":1,"\u0061":2}}"#,
  ])
  func doubled(_ text: String) { #expect(throws: DocumentError.self) { try Statement.parse(text.utf8) } }

  @Test("Every prefix of a statement is refused")
  func prefixes() {
    let bytes = Self.text()
    for end in 0..<bytes.count { #expect(throws: DocumentError.self) { try Statement.parse(bytes[..<end]) } }
  }

  @Test("Nesting in a predicate is bounded")
  func nesting() {
    let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
    let text = #"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"ab"}}],"predicateType":"u:x","predicate":\#(deep)}"#
    #expect(throws: DocumentError.self) { try Statement.parse(text.utf8) }
  }
}
