import Signing
import Testing

@Suite("Key references")
struct KeyReferenceTests {
  static let version = String(repeating: "a", count: 32)

  @Test("Key references", arguments: [
    ("fw-sign", nil, "fw-sign", nil), ("https://H.example/keys/fw-sign", "https://h.example", "fw-sign", nil),
    ("https://h.example:8443/keys/a/\(version)", "https://h.example:8443", "a", version), ("a/\(version)", nil, "a", version),
    ("https://h.example/keys/a/", "https://h.example", "a", nil),
  ] as [(String, String?, String, String?)])
  func references(_ text: String, _ store: String?, _ name: String, _ version: String?) throws {
    #expect(try KeyReference(parsing: text) == KeyReference(store: store, name: name, version: version))
  }

  @Test("Other texts are no key references", arguments: [
    "", "/", "a b", "a/b", "http://h/keys/a", "https://h", "https:///keys/a", "https://h/secrets/a", "https://h/keys/", "https://h/keys/a/b/c",
    "https://u@h/keys/a", "ä", "a/\(version.uppercased())", "https://h/keys/../a", String(repeating: "a", count: 128),
  ])
  func badReferences(_ text: String) {
    #expect(throws: SigningError.self) { try KeyReference(parsing: text) }
  }
}
