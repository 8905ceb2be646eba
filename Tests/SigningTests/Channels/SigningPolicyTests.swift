import Encodings
import Signing
import SigstoreFormats
import Testing

@Suite("Signing policy")
struct SigningPolicyTests {
  static let text = """
    {"schema":"hallmark.signing/v1","channels":{
      "dev":{"keys":["https://a.example/keys/dev"],"shortLived":"8h","refs":["refs/heads/*"]},
      "release":{"keys":["https://a.example/keys/release"],"standbyKey":"https://b.example/keys/release","refs":["refs/tags/v*"],
        "identities":[{"issuer":"https://ci.example","subject":"repo:me/app:*","repository":"me/app"}],
        "promotion":{"required":"true","predicateType":"https://example.com/test/v1"},"cache":{"maxAge":"30d"}}},
      "standby":{"fallback":"unreachable","attempts":"3","seconds":"10"},"revoked":["sha256:\(String(repeating: "0", count: 64))"]}
    """

  static func parse(_ text: String = text) throws -> SigningPolicy { try SigningPolicy.parse(JSONValue.parse(text.utf8), source: Array(text.utf8)) }

  static let identity = SigningIdentity(issuer: "https://ci.example", subject: "repo:me/app:ref:refs/tags/v1", repository: "me/app", ref: "refs/tags/v1")
  static let promotion = Promotion(text: "sha256:" + String(repeating: "1", count: 64))

  func ask(
    _ channel: SigningPolicy.ChannelName = .release, key: String = "https://a.example/keys/release", ref: String? = nil,
    identity: SigningIdentity = identity, promotion: Promotion? = promotion
  ) throws -> ChannelDecision {
    try Self.parse().evaluate(ChannelRequest(channel: channel, key: KeyReference(parsing: key), ref: ref, identity: identity, promotion: promotion))
  }

  @Test("a release by its key, ref, identity and tested attestation is allowed")
  func allowed() throws {
    guard case .allowed(let grant) = try ask() else { Issue.record("refused"); return }
    #expect(grant.purpose == "release" && grant.cache == .maxAge(30 * 86_400) && grant.shortLivedSeconds == nil && grant.standby?.fallback == .unreachable)
    guard case .allowed = try ask(key: "https://b.example/keys/release/\(Fixture.version)") else { Issue.record("the standby's key is refused"); return }
  }

  @Test("each thing that is missing or other is refused with its own reason")
  func refused() throws {
    var identity = Self.identity
    #expect(try ask(key: "https://c.example/keys/release") == .refused(.keyNotInChannel(key: "release", channel: .release, belongsTo: nil)))
    #expect(try ask(key: "https://a.example/keys/dev") == .refused(.keyNotInChannel(key: "dev", channel: .release, belongsTo: .dev)))
    #expect(try ask(key: "release") == .refused(.keyNotInChannel(key: "release", channel: .release, belongsTo: nil)))
    #expect(try ask(ref: "refs/tags/v2") == .refused(.refContradicts(token: "refs/tags/v1", given: "refs/tags/v2")))
    identity.ref = "refs/heads/main"
    #expect(try ask(identity: identity) == .refused(.refNotAllowed("refs/heads/main", .release)))
    identity.ref = nil
    #expect(try ask(identity: identity) == .refused(.refUnknown(.release)))
    identity = Self.identity
    identity.repository = "you/app"
    #expect(try ask(identity: identity) == .refused(.identityNotAllowed(identity.text, .release)))
    identity = Self.identity
    identity.subject = nil
    #expect(try ask(identity: identity) == .refused(.identityNotAllowed("me/app", .release)))
    identity = Self.identity
    identity.issuer = "https://ci.example/"
    #expect(try ask(identity: identity) == .refused(.identityNotAllowed(identity.text, .release)))
    #expect(try ask(promotion: nil) == .refused(.promotionMissing(predicateType: "https://example.com/test/v1")))
    identity.ref = "refs/heads/main"
    #expect(try ask(.dev, key: "https://a.example/keys/dev", identity: identity) == .refused(.promotionOutsideRelease))
  }

  @Test("a channel that the policy does not have is refused")
  func noChannel() throws {
    let policy = try Self.parse("{\"schema\":\"hallmark.signing/v1\",\"channels\":{\"dev\":{\"keys\":[\"d\"]}}}")
    #expect(
      policy.evaluate(ChannelRequest(channel: .release, key: KeyReference(store: nil, name: "d"), identity: Self.identity)) == .refused(.noSuchChannel(.release)))
  }

  @Test(
    "what cannot be meant is an error",
    arguments: [
      ("hallmark.signing/v1", "hallmark.signing/v2"), ("\"channels\":{", "\"more\":1,\"channels\":{"), ("\"shortLived\":\"8h\"", "\"shortLived\":\"25h\""),
      ("\"shortLived\":\"8h\"", "\"shortLived\":\"0h\""), ("\"shortLived\":\"8h\"", "\"shortLived\":\"soon\""),
      ("\"shortLived\":\"8h\"", "\"promotion\":{\"required\":\"true\"}"), ("[\"refs/tags/v*\"]", "[\"*\"]"), ("[\"refs/tags/v*\"]", "[\"**\"]"),
      ("[\"refs/tags/v*\"]", "[\"\"]"), ("[\"refs/tags/v*\"]", "[\"*********\"]"), ("\"subject\":\"repo:me/app:*\"", "\"subject\":\"*\""),
      ("\"issuer\":\"https://ci.example\",", ""), ("\"subject\":\"repo:me/app:*\",\"repository\":\"me/app\"", "\"sub\":\"x\""),
      ("https://a.example/keys/dev", "https://a.example/keys/release"), ("https://a.example/keys/dev", "release"), ("https://a.example/keys/dev", "http://a/keys/x"),
      ("\"required\":\"true\"", "\"required\":\"yes\""), ("\"maxAge\":\"30d\"", "\"maxAge\":\"400d\""), ("\"maxAge\":\"30d\"", "\"maxAge\":\"P1M\""),
      ("\"fallback\":\"unreachable\"", "\"fallback\":\"always\""), ("sha256:0", "sha512:0"), ("\"keys\":[\"https://a.example/keys/dev\"]", "\"keys\":[]"),
    ])
  func errors(_ change: (String, String)) throws {
    #expect(Self.text.contains(change.0))
    #expect(throws: ChannelError.self) { try Self.parse(Self.text.replacing(change.0, with: change.1)) }
  }

  @Test("an asterisk stands for any run of characters, and every other character for itself")
  func patterns() throws {
    let cases: [(String, String, Bool)] = [
      ("refs/tags/v*", "refs/tags/v1", true), ("refs/tags/v*", "refs/tags/v", true), ("refs/tags/v*", "refs/tags/1", false), ("*.x", "a.x.x", true),
      ("a*b*c", "abc", true), ("a*b*c", "acb", false), ("a*b*c", "aXbYbZc", true), ("a", "A", false), ("a?", "ab", false), ("*", "", true), ("a*a", "a", false),
      ("ä*", "a\u{308}x", false),
    ]
    for (pattern, value, expected) in cases { #expect(try #require(TextPattern(pattern)).matches(value) == expected, "\(pattern) \(value)") }
    // Many stars over a long value end soon.
    #expect(!(try #require(TextPattern("*a*a*a*a*a*a*ab")).matches(String(repeating: "a", count: 4096))))
    #expect(TextPattern("") == nil && TextPattern("*********") == nil)
  }
}
