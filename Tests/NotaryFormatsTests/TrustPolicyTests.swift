import Encodings
import NotaryFormats
import Testing

@Suite("notation's trust policy")
struct NotationTrustPolicyTests {
  static let subject = "x509.subject: C=US, ST=WA, O=example, CN=release-signer"

  static let good: JSONValue = [
    "version": "1.0",
    "trustPolicies": [
      [
        "name": "release-images", "registryScopes": ["registry.example/team/app", "127.0.0.1:5000/x"],
        "signatureVerification": ["level": "strict", "override": ["revocation": "log"], "verifyTimestamp": "always"],
        "trustStores": ["ca:hsm-a", "ca:hsm-b", "tsa:our-tsa"], "trustedIdentities": [.string(subject)],
      ],
      ["name": "rest", "registryScopes": ["*"], "signatureVerification": ["level": "skip"]],
    ],
  ]

  /// The good document with one member of its first statement changed.
  static func changed(_ name: String, _ value: JSONValue?) -> [UInt8] {
    guard var root = good.object, var statements = root["trustPolicies"]?.array, var first = statements[0].object else { return [] }
    first[name] = value
    statements[0] = .object(first)
    root["trustPolicies"] = .array(statements)
    return JSONValue.object(root).serialized()
  }

  @Test("The example reads, is written back the same, and finds the right statement")
  func reads() throws {
    let policy = try NotationTrustPolicy.parse(Self.good.serialized())
    #expect(policy.statement(forScope: "registry.example/team/app")?.name == "release-images")
    #expect(policy.statement(forScope: "localhost:5000/x")?.name == "rest")
    #expect(policy.statements[0].verification.action(for: .revocation) == .log)
    #expect(policy.statements[0].verification.action(for: .expiry) == .enforce)
    #expect(try JSONValue.parse(policy.serialized()) == Self.good)
    #expect(try NotationTrustPolicy.parse(policy.serialized()) == policy)
  }

  static let wrong: [(String, JSONValue?)] = [
    ("name", ""), ("name", nil), ("name", "rest"), ("extra", true), ("registryScopes", []), ("registryScopes", nil),
    ("registryScopes", ["*", "registry.example/a"]), ("registryScopes", ["*"]), ("registryScopes", ["registry.example"]),
    ("registryScopes", ["registry.example/a:v1"]), ("registryScopes", ["registry.example/a@sha256:00"]), ("registryScopes", ["registry.example/*"]),
    ("registryScopes", ["registry.example/A"]), ("registryScopes", ["https://registry.example/a"]), ("registryScopes", ["/a"]), ("registryScopes", ["r.example/a/"]),
    ("registryScopes", ["registry.example/a", "registry.example/a"]), ("signatureVerification", nil), ("signatureVerification", ["level": "lax"]),
    ("signatureVerification", ["level": "strict", "override": ["integrity": "log"]]), ("signatureVerification", ["level": "strict", "override": ["expiry": "skip"]]),
    ("signatureVerification", ["level": "strict", "override": ["revocation": "off"]]), ("signatureVerification", ["level": "strict", "verifyTimestamp": "never"]),
    ("signatureVerification", ["level": "strict", "x": 1]), ("signatureVerification", ["level": "skip"]), ("trustStores", []), ("trustStores", nil),
    ("trustStores", ["hsm-a"]), ("trustStores", ["ca:"]), ("trustStores", ["ca:a/b"]), ("trustStores", ["ca:.."]), ("trustStores", ["CA:a"]),
    ("trustStores", ["tsa:only"]), ("trustStores", ["x:a"]), ("trustedIdentities", []), ("trustedIdentities", nil),
    ("trustedIdentities", ["*", .string(subject)]), ("trustedIdentities", ["release-signer"]), ("trustedIdentities", ["x509.san: a"]),
    ("trustedIdentities", ["x509.subject: C=US, O=example"]), ("trustedIdentities", ["x509.subject: C=US, ST=WA, O=example, O=other"]),
    ("trustedIdentities", ["x509.subject: C=US, ST=WA, O=example", .string(subject)]), ("trustedIdentities", [.string(subject), .string(subject)]),
  ]

  @Test("A statement that breaks a rule is refused", arguments: wrong)
  func refusals(_ name: String, _ value: JSONValue?) {
    #expect(throws: NotaryError.self) { try NotationTrustPolicy.parse(Self.changed(name, value)) }
  }

  @Test("Another version, no statement, duplicates and unknown members of the document are refused")
  func document() {
    for text in [
      "", "{}", "[]", #"{"version":"1.0","trustPolicies":[]}"#, #"{"version":"1.1","trustPolicies":[]}"#, #"{"version":"1.0"}"#,
      #"{"version":"1.0","version":"1.0","trustPolicies":[]}"#, Self.good.text().replacingOccurrences("{\"version\"", with: "{\"more\":1,\"version\""),
    ] { #expect(throws: NotaryError.self) { try NotationTrustPolicy.parse(text.utf8) } }
  }

  @Test("Stores serve their own scheme only")
  func stores() {
    typealias Store = NotationTrustPolicy.TrustStore
    #expect(Store(kind: .ca, name: "a").serves(.x509) && !Store(kind: .ca, name: "a").serves(.signingAuthority))
    #expect(Store(kind: .signingAuthority, name: "a").serves(.signingAuthority) && !Store(kind: .signingAuthority, name: "a").serves(.x509))
    #expect(!Store(kind: .tsa, name: "a").serves(.x509))
  }
}

@Suite("Distinguished names")
struct DistinguishedNameTests {
  @Test("Names read with escapes, semicolons and spaces, and S counts as ST")
  func reads() throws {
    let name = try NotaryDistinguishedName(parsing: " c = US ; S=WA, O=a\\, b\\\\c \\22x\\22,CN=\\ edge\\ , OU=é ")
    #expect(name.attributes.map(\.type) == ["C", "ST", "O", "CN", "OU"])
    #expect(name.attributes.map(\.value) == ["US", "WA", "a, b\\c \"x\"", " edge ", "é"])
    #expect(try NotaryDistinguishedName(parsing: name.description) == name)
  }

  @Test(
    "What is no name is refused",
    arguments: [
      "", ",", "C=US", "C=US, ST=WA", "C=US, ST=WA, O=", "C=US, ST=WA, O=x,", "C=US,, ST=WA, O=x", "C=US, ST=WA, O=x, C=DE", "C=US, ST=WA, S=OR, O=x",
      "C=US+ST=WA, O=x", "C=US, ST=WA, O=\"x\"", "C=US, ST=WA, O=x\\", "C=US, ST=WA, O=x\\q", "C=US, ST=WA, O=x\\4", "C=US, ST=WA, O=x\u{1}",
      "US, WA, x", "=US, ST=WA, O=x", "C-=US, ST=WA, O=x", "C=US, \u{17F}T=WA, O=x", "C=US, \u{17F}=WA, O=x", "C=US, ST=WA, O=\\ff",
    ])
  func refused(_ text: String) {
    #expect(throws: NotaryError.self) { try NotaryDistinguishedName(parsing: text) }
  }

  @Test("A name is written so that it reads back, whatever its values hold", arguments: ["\\00A9", ",\u{301}", "\u{301}, O2=x", "\\0d\\0a", "a  b", "\\ \\ ", "\\#x"])
  func writesBack(_ value: String) throws {
    guard let name = try? NotaryDistinguishedName(parsing: "C=US, ST=WA, O=x, CN=\(value)") else { return }
    #expect(try NotaryDistinguishedName(parsing: name.description) == name)
    #expect(name.description.utf8.allSatisfy { $0 >= 0x20 })
  }

  @Test("A policy's name matches a certificate that has all of it, and more, but not less or otherwise")
  func subset() throws {
    let leaf = try NotaryDistinguishedName(parsing: "CN=signer, OU=build, O=example, ST=WA, C=US")
    #expect(try NotaryDistinguishedName(parsing: "C=US, ST=WA, O=example").isSubset(of: leaf))
    #expect(try NotaryDistinguishedName(parsing: "C=US, ST=WA, O=example, CN=signer").isSubset(of: leaf))
    #expect(try !NotaryDistinguishedName(parsing: "C=US, ST=WA, O=example, CN=Signer").isSubset(of: leaf))
    #expect(try !NotaryDistinguishedName(parsing: "C=US, ST=WA, O=example, L=Seattle").isSubset(of: leaf))
    let (composed, decomposed) = ("C=US, ST=WA, O=\u{e9}", "C=US, ST=WA, O=e\u{301}")
    #expect(try !NotaryDistinguishedName(parsing: composed).isSubset(of: NotaryDistinguishedName(parsing: decomposed)))
  }
}
