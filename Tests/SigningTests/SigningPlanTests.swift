import Clocks
import Crypto
import Encodings
import Foundation
import Signing
import SigstoreFormats
import Testing
import Trust

@Suite("Signing plans")
struct SigningPlanTests {
  static let version = String(repeating: "a", count: 32)
  static let kid = "https://hsm.example/keys/fw-sign/\(version)"

  let key = P256.Signing.PrivateKey()

  func pinned(_ change: (inout PinnedKey) -> Void = { _ in }) throws -> PinnedKey {
    var pinned = PinnedKey(
      kid: Self.kid, name: "fw-sign", version: Self.version, publicKey: try PublicKey(spki: Array(key.publicKey.derRepresentation)),
      operations: ["sign", "verify"])
    change(&pinned)
    return pinned
  }

  func digests(_ text: String) -> ArtifactDigests {
    var stream = DigestStream([.sha256])
    stream.update(Array(text.utf8))
    return stream.finish()
  }

  func plan(_ texts: [String]) throws -> SigningPlan {
    try SigningPlan.make(
      key: pinned(), artifacts: texts.enumerated().map { ("file\($0.offset)", digests($0.element), [.bundle(path: "out\($0.offset)")]) }, now: 100)
  }

  /// Signs with a key in memory, as an HSM would answer; `twist` spoils the answer.
  struct InMemoryService: SigningService {
    let key: P256.Signing.PrivateKey
    var kid = SigningPlanTests.kid
    var twist: @Sendable ([UInt8]) -> [UInt8] = { $0 }
    var fails = false
    struct Refused: Error {}

    func pin(_: KeyReference) async throws -> PinnedKey { throw Refused() }
    func sign(_ digest: MessageDigest, scheme _: SignatureScheme, key _: PinnedKey) async throws -> SignedDigest {
      guard !fails else { throw Refused() }
      // The message whose digest this is: the tests sign "a" and "b" only.
      let message = ["a", "b"].first { Array(SHA256.hash(data: Data($0.utf8))) == digest.bytes } ?? ""
      let raw = Array(try key.signature(for: Data(message.utf8)).rawRepresentation)
      return SignedDigest(signature: twist(raw), kid: kid, requestID: "r", attempts: 1)
    }
  }

  @Test("Equal digests cost one HSM operation, and every artifact gets its bundle")
  func deduplication() async throws {
    let plan = try plan(["a", "b", "a"])
    #expect(plan.calls.count == 2)
    let result = try await plan.run(with: InMemoryService(key: key), verifier: CryptoSignatureVerifier())
    #expect(result.signatures.count == 2)
    #expect(result.outputs.map(\.path) == ["out0", "out1", "out2"])
    for (index, text) in ["a", "b", "a"].enumerated() {
      let bundle = try SigstoreBundle.parse(result.outputs[index].bytes)
      let decision = TrustPolicy(key: plan.key.publicKey, name: "k").decide(
        on: digests(text), signatures: [.init(source: "t", content: .bundle(bundle))], at: 0, verifier: CryptoSignatureVerifier())
      #expect(decision.verdict == .trusted)
      #expect(bundle.keyFingerprint == plan.key.publicKey.fingerprint)
    }
  }

  @Test("A signature that does not verify, is too short, or is by another version is never placed")
  func badAnswers() async throws {
    let plan = try plan(["a"])
    let other = P256.Signing.PrivateKey()
    let services = [
      InMemoryService(key: other), InMemoryService(key: key, twist: { Array($0.dropLast()) }), InMemoryService(key: key, twist: { _ in [] }),
      InMemoryService(key: key, twist: { $0.map { $0 ^ 1 } }),
      InMemoryService(key: key, kid: "https://hsm.example/keys/fw-sign/\(String(repeating: "b", count: 32))"),
      InMemoryService(key: key, kid: "https://hsm.example/keys/other/\(Self.version)"), InMemoryService(key: key, fails: true),
    ]
    for service in services {
      await #expect(throws: (any Error).self) { try await plan.run(with: service, verifier: CryptoSignatureVerifier()) }
    }
  }

  @Test("A key that cannot sign is refused before any HSM operation")
  func unusableKeys() throws {
    let changes: [(inout PinnedKey) -> Void] = [
      { $0.enabled = false }, { $0.operations = ["verify"] }, { $0.notBefore = 101 }, { $0.expires = 100 },
    ]
    for change in changes {
      #expect(throws: SigningError.self) {
        try SigningPlan.make(key: pinned(change), artifacts: [("f", digests("a"), [])], now: 100)
      }
    }
    #expect(throws: SigningError.self) {
      try SigningPlan.make(key: pinned(), scheme: .rs256, artifacts: [("f", digests("a"), [])], now: 100)
    }
    #expect(throws: SigningError.digestMissing(artifact: "f", hash: "sha256")) {
      try SigningPlan.make(key: pinned(), artifacts: [("f", ArtifactDigests(), [])], now: 100)
    }
  }

  @Test("The digest of a stream does not depend on how it was cut, and agrees with published vectors")
  func streams() {
    // FIPS 180-4 examples: "abc".
    var whole = DigestStream(HashAlgorithm.allCases)
    whole.update(Array("abc".utf8))
    var pieces = DigestStream(HashAlgorithm.allCases)
    for byte in "abc".utf8 { pieces.update([byte]) }
    #expect(whole.finish() == pieces.finish())
    #expect(whole.finish().byteCount == 3)
    #expect(whole.finish()[.sha256]?.text == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

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
