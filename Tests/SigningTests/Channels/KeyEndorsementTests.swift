import Clocks
import Crypto
import Encodings
import Signing
import SigstoreFormats
import Testing
import Trust

@Suite("Short-lived keys")
struct KeyEndorsementTests {
  static let policy = """
    {"schema":"hallmark.signing/v1","channels":{"dev":{"keys":["fw-dev"],"shortLived":"1h"},"release":{"keys":["fw-sign"],"refs":["refs/tags/*"]}}}
    """

  static func grant(_ channel: SigningPolicy.ChannelName, key: String) throws -> ChannelGrant {
    let policy = try SigningPolicy.parse(JSONValue.parse(policy.utf8), source: Array(policy.utf8))
    let request = ChannelRequest(channel: channel, key: KeyReference(store: nil, name: key), ref: "refs/tags/v1", identity: .init(issuer: nil, subject: "repo:me/app"))
    guard case .allowed(let grant) = policy.evaluate(request) else { throw SigningError.badKeyReference(key) }
    return grant
  }

  static func made(by hsm: MemoryKey, clock: TimeSource = .fixed(Instant(seconds: Fixture.now))) async throws -> ShortLivedSigning {
    try await ShortLivedSigning.make(
      grant: grant(.dev, key: "fw-dev"), endorser: hsm.seat(), identity: .init(issuer: nil, subject: "repo:me/app"), purpose: "run 1",
      verifier: CryptoSignatureVerifier(), clock: clock)
  }

  private func verdict(_ bundle: SigstoreBundle, _ endorsement: SigstoreBundle?, _ hsm: MemoryKey, channel: TrustPolicy.Channel, rule: TrustPolicy.Channel, at: Int64) -> Decision {
    let policy = TrustPolicy(
      keys: [.init(name: "k", key: hsm.pinned.publicKey, channel: channel)],
      rules: [.init(name: "all", repositories: [.everything], blobs: true, requirement: .key("k"), channel: rule)])
    var evidence = [SignatureEvidence(source: "a", content: .bundle(bundle))]
    if let endorsement { evidence.append(SignatureEvidence(source: "b", content: .bundle(endorsement))) }
    return policy.decide(on: .blob(Fixture.digests("x")), evidence: evidence, at: at, verifier: CryptoSignatureVerifier())
  }

  private func signed(_ service: ShortLivedSigning) async throws -> SigstoreBundle {
    let digest = try #require(Fixture.digests("x")[.sha256])
    let answer = try await service.sign(digest, scheme: .es256, key: service.pinned)
    let der = try #require(ECDSASignatureForm.der(raw: answer.signature, fieldBytes: 32))
    return SigstoreBundle(blob: MessageSignature(digest: digest, signature: der), spkiDigest: service.pinned.publicKey.fingerprint)
  }

  @Test("one HSM operation endorses a key for a whole run, and dev rules accept what it signs")
  func accepted() async throws {
    let hsm = try MemoryKey(name: "fw-dev")
    let service = try await Self.made(by: hsm)
    var last: SigstoreBundle?
    for _ in 0..<5 { last = try await signed(service) }
    #expect(hsm.calls.count == 1)
    let bundle = try #require(last)
    #expect(verdict(bundle, service.endorsement, hsm, channel: .dev, rule: .dev, at: Fixture.now + 10).verdict == .trusted)
  }

  @Test("without endorsement, after its time, before it, under a release rule or another endorser, the signature is refused")
  func refused() async throws {
    let hsm = try MemoryKey(name: "fw-dev")
    let service = try await Self.made(by: hsm)
    let bundle = try await signed(service)
    #expect(verdict(bundle, nil, hsm, channel: .dev, rule: .dev, at: Fixture.now).verdict != .trusted)
    #expect(verdict(bundle, service.endorsement, hsm, channel: .dev, rule: .dev, at: Fixture.now + 3600).verdict != .trusted)
    #expect(verdict(bundle, service.endorsement, hsm, channel: .dev, rule: .dev, at: Fixture.now - 3600).verdict != .trusted)
    #expect(verdict(bundle, service.endorsement, hsm, channel: .dev, rule: .release, at: Fixture.now).verdict != .trusted)
    // Even when a release key endorsed it, what it signs is dev.
    #expect(verdict(bundle, service.endorsement, hsm, channel: .release, rule: .release, at: Fixture.now).verdict != .trusted)
    let stranger = try MemoryKey(name: "fw-dev")
    #expect(verdict(bundle, service.endorsement, stranger, channel: .dev, rule: .dev, at: Fixture.now).verdict != .trusted)
    let other = try await Self.made(by: hsm)
    #expect(verdict(bundle, other.endorsement, hsm, channel: .dev, rule: .dev, at: Fixture.now).verdict != .trusted)
  }

  @Test("it signs as itself, ES256, within its time only")
  func limits() async throws {
    let hsm = try MemoryKey(name: "fw-dev")
    let service = try await Self.made(by: hsm)
    let digest = try #require(Fixture.digests("x")[.sha256])
    await #expect(throws: ChannelError.self) { try await service.sign(digest, scheme: .es256, key: hsm.pinned) }
    await #expect(throws: ChannelError.self) { try await service.sign(digest, scheme: .es384, key: service.pinned) }
    let long = try #require(Fixture.digests("x")[.sha512])
    await #expect(throws: ChannelError.self) { try await service.sign(long, scheme: .es256, key: service.pinned) }
  }

  @Test("a release channel makes no short-lived keys, and a bad endorsement signature stops the run")
  func unmade() async throws {
    let hsm = try MemoryKey()
    await #expect(throws: ChannelError.self) {
      try await ShortLivedSigning.make(
        grant: Self.grant(.release, key: "fw-sign"), endorser: hsm.seat(), identity: .init(issuer: nil, subject: nil), purpose: "p",
        verifier: CryptoSignatureVerifier(), clock: .fixed(Instant(seconds: Fixture.now)))
    }
    #expect(hsm.calls.isEmpty)
    let twisted = try MemoryKey(name: "fw-dev", twist: { var answer = $0; answer.signature[0] ^= 1; return answer })
    await #expect(throws: SigningError.self) { try await Self.made(by: twisted) }
  }

  @Test("an endorsement says dev, a window of at most a day, and a P-256 key")
  func bounds() throws {
    let spki = Array(P256.Signing.PrivateKey().publicKey.derRepresentation)
    func make(_ from: Int64, _ until: Int64, spki: [UInt8], identity: String = "i") throws -> KeyEndorsement {
      try KeyEndorsement(spki: spki, notBefore: from, notAfter: until, identity: identity, purpose: "p")
    }
    let good = try make(1000, 1000 + 86_400, spki: spki)
    #expect(try KeyEndorsement.parse(statement: good.statement) == good)
    #expect(good.isValid(at: 1000) && !good.isValid(at: 999) && !good.isValid(at: 1000 + 86_400))
    #expect(throws: ExtensionError.self) { try make(1000, 1001 + 86_400, spki: spki) }
    #expect(throws: ExtensionError.self) { try make(1000, 1000, spki: spki) }
    #expect(throws: ExtensionError.self) { try make(1000, 999, spki: spki) }
    #expect(throws: ExtensionError.self) { try make(Int64.min, Int64.max, spki: spki) }
    #expect(throws: ExtensionError.self) { try make(1000, 2000, spki: spki, identity: "a\nb") }
    #expect(throws: ExtensionError.otherKey) { try make(1000, 2000, spki: Array(P384.Signing.PrivateKey().publicKey.derRepresentation)) }
    #expect(throws: ExtensionError.otherKey) { try make(1000, 2000, spki: Array(repeating: 0, count: 91)) }
  }

  @Test("a statement for release, with another key, a longer window or more members is refused")
  func statements() throws {
    let spki = Array(P256.Signing.PrivateKey().publicKey.derRepresentation)
    let other = Array(P256.Signing.PrivateKey().publicKey.derRepresentation)
    let text = String(decoding: try KeyEndorsement(spki: spki, notBefore: 0, notAfter: 60, identity: "i", purpose: "p").statement, as: UTF8.self)
    for (a, b) in [
      ("\"channel\":\"dev\"", "\"channel\":\"release\""), (Base64.encode(spki), Base64.encode(other)), ("1970-01-01T00:01:00Z", "1970-01-03T00:01:00Z"),
      ("1970-01-01T00:01:00Z", "1970-01-01T00:01:00.5Z"), ("1970-01-01T00:01:00Z", "1970-01-01T01:01:00+01:00"), ("\"purpose\":\"p\"", "\"purpose\":\"\""),
      ("\"purpose\":\"p\"", "\"purpose\":\"p\",\"x\":1"), ("dev-key:v1", "dev-key:v2"), ("hallmarkKeySha256", "sha256"),
    ] {
      #expect(text.contains(a))
      #expect(throws: ExtensionError.self, "\(b)") { try KeyEndorsement.parse(statement: Array(text.replacing(a, with: b).utf8)) }
    }
    #expect(throws: ExtensionError.channelNotAllowed("release")) {
      try KeyEndorsement.parse(statement: Array(text.replacing("\"channel\":\"dev\"", with: "\"channel\":\"release\"").utf8))
    }
  }
}
