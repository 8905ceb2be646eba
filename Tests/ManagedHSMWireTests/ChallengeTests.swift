import ManagedHSMWire
import Testing

/// The challenge byte for byte, and as the clients' own parsers read it. The parsers are written again here from the description of the
/// clients' sources, each as strict as the client.
@Suite("The challenge")
struct ChallengeTests {
  static let tenant = "6b1f0c52-9b0e-4f1d-8c55-0f5a3a7f2d10"
  static let challenge = Challenge(authority: "https://managedhsm.example:8443", tenant: tenant, resource: "https://managedhsm.example:8443")

  @Test("It is the live service's form, byte for byte")
  func bytes() {
    #expect(
      Challenge(authority: "https://login.microsoftonline.com", tenant: "72f988bf-86f1-41af-91ab-2d7cd011db47", resource: "https://managedhsm.azure.net").headerValue
        == #"Bearer authorization="https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47", resource="https://managedhsm.azure.net""#)
  }

  @Test("The Go client finds tenant and resource: pieces between single spaces, each exactly one name and one value")
  func go() throws {
    var found: [String: String] = [:]
    #expect(Self.challenge.headerValue.hasPrefix("Bearer "))
    for piece in Self.challenge.headerValue.dropFirst("Bearer ".count).split(separator: " ", omittingEmptySubsequences: false) {
      let parts = piece.split(separator: "=", omittingEmptySubsequences: false)
      try #require(parts.count == 2, "\(piece)")
      found[String(parts[0])] = parts[1].filter { $0 != "\"" && $0 != "," }
    }
    #expect(found["authorization_uri"] == nil && found["scope"] == nil)
    let authorization = try #require(found["authorization"])
    // scheme, empty, host, tenant: the tenant is the path of the URL without its slash.
    #expect(authorization.split(separator: "/", omittingEmptySubsequences: false).map(String.init) == ["https:", "", "managedhsm.example:8443", Self.tenant])
    #expect(found["resource"] == "https://managedhsm.example:8443")
    #expect(found.count == 2)
  }

  @Test("The JavaScript client finds them: pieces after optional comma and spaces, the text between the first two equals signs")
  func javaScript() throws {
    var found: [String: String] = [:]
    let text = try #require(Self.challenge.headerValue.split(separator: " ", maxSplits: 1).last)
    for piece in text.split(separator: " ").map({ $0.hasSuffix(",") ? $0.dropLast() : $0 }) {
      let parts = piece.split(separator: "=", omittingEmptySubsequences: false)
      try #require(parts.count >= 2)
      found[String(parts[0])] = parts[1].filter { $0 != "\"" }
    }
    let authorization = try #require(found["authorization"])
    // The tenant is the whole path minus its first slash: a second segment or a trailing slash would become part of it.
    let path = authorization.dropFirst("https://".count).drop { $0 != "/" }
    #expect(path.dropFirst() == Self.tenant)
    #expect(found["resource"] == "https://managedhsm.example:8443")
  }

  @Test("The Java client finds them: no quotes, pieces between commas, split at the first equals sign")
  func java() {
    var found: [String: String] = [:]
    let text = Self.challenge.headerValue.filter { $0 != "\"" }.dropFirst("Bearer ".count)
    for piece in text.split(separator: ",") {
      let parts = piece.split(separator: "=", maxSplits: 1)
      found[parts[0].filter { $0 != " " }] = String(parts[1]).filter { $0 != " " }
    }
    #expect(found == ["authorization": "https://managedhsm.example:8443/\(Self.tenant)", "resource": "https://managedhsm.example:8443"])
  }

  @Test("The Python client finds them: scheme up to the first space, pieces between commas")
  func python() {
    let parts = Self.challenge.headerValue.split(separator: " ", maxSplits: 1)
    #expect(parts[0].lowercased() == "bearer")
    var found: [String: String] = [:]
    for piece in parts[1].split(separator: ",") {
      let pair = piece.split(separator: "=", omittingEmptySubsequences: false)
      #expect(pair.count == 2)
      found[pair[0].filter { $0 != " " && $0 != "\"" }] = pair[1].filter { $0 != " " && $0 != "\"" }
    }
    let authority = found["authorization"]
    #expect(authority?.split(separator: "/").dropFirst(2).first.map(String.init) == Self.tenant)
    #expect(found["resource"] == "https://managedhsm.example:8443")
  }

  @Test("It holds no line break, no second scheme and no character outside printable ASCII")
  func printable() {
    let value = Self.challenge.headerValue
    #expect(value.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    #expect(value.components(of: "Bearer") == 1)
    #expect(!value.contains("  ") && !value.contains("scope") && !value.hasSuffix("/\""))
  }
}

extension String {
  fileprivate func components(of word: String) -> Int {
    var rest = self[...]
    var count = 0
    while let range = rest.firstRange(of: word) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}
