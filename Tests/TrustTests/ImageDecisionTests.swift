import Crypto
import Encodings
import Foundation
import Merkle
import NotaryFormats
import SigstoreFormats
import Testing
import Trust

@Suite("Decisions over images")
struct ImageDecisionTests {
  static let signer = TestSigner(name: "release")
  static let stranger = TestSigner(name: "stranger")
  static let provenance = "https://slsa.dev/provenance/v1"

  var policy: TrustPolicy { get throws { try .oneRule([Self.signer], .key("release")) } }

  private func refused(_ evidence: SignatureEvidence, _ code: Reason.Code, _ place: SourceLocation = #_sourceLocation) throws {
    let decision = try policy.judge([evidence])
    #expect(decision.verdict == .refused, sourceLocation: place)
    #expect(decision.findings[0].reasons.map(\.code).contains(code), "\(decision.findings[0].reasons)", sourceLocation: place)
  }

  @Test("A cosign statement by the key is trusted")
  func good() throws {
    let decision = try policy.judge([try Self.signer.statement(), try Self.stranger.statement()])
    #expect(decision.verdict == .trusted)
    #expect(decision.outcome == .admit)
    #expect(decision.findings.map(\.verdict) == [.trusted, .refused])
    #expect(try policy.judge([try Self.signer.statement(hint: false)]).verdict == .trusted)
  }

  @Test("A statement about another artifact is a replay, and has its own reason")
  func replayed() throws { try refused(try Self.signer.statement(about: TestImage.other), .subjectMismatch) }

  @Test("A swapped payload, a strange key, another payload type and a doubled member each have their own reason")
  func envelopes() throws {
    var swapped = try Self.signer.envelope(TestSigner.text(about: TestImage.other, type: Self.provenance))
    swapped.payload = TestSigner.text(about: TestImage.digest, type: "https://sigstore.dev/cosign/sign/v1")
    try refused(try Self.signer.bundle(swapped), .payloadMismatch)
    try refused(try Self.stranger.statement(), .noTrustedKeyMatches)
    let good = TestSigner.text(about: TestImage.digest, type: "https://sigstore.dev/cosign/sign/v1")
    try refused(try Self.signer.bundle(try Self.signer.envelope(good, type: "application/json")), .wrongPayloadType)
    let text = String(decoding: good, as: UTF8.self)
    let doubled = Array(text.replacing(#""predicate":{}"#, with: #""predicate":{},"predicate":{}"#).utf8)
    #expect(doubled.count > good.count)
    try refused(try Self.signer.bundle(try Self.signer.envelope(doubled)), .duplicateMember)
    try refused(try Self.signer.bundle(try Self.signer.envelope(Array("{}".utf8))), .unreadable)
  }

  @Test("An ECDSA signature as r‖s in a bundle is refused for its encoding, though the key made it; so is DER that is not minimal")
  func encoding() throws {
    var envelope = try Self.signer.envelope(TestSigner.text(about: TestImage.digest, type: "https://sigstore.dev/cosign/sign/v1"))
    let der = envelope.signature
    envelope.signature = Array(try Self.signer.key.signature(for: Data(envelope.signedBytes)).rawRepresentation)
    try refused(try Self.signer.bundle(envelope), .wrongEncoding)
    // The long form of a length that fits in one byte.
    envelope.signature = [0x30, 0x81, der[1]] + der.dropFirst(2)
    try refused(try Self.signer.bundle(envelope), .wrongEncoding)
  }

  @Test("An image with only a provenance attestation by the same key is not signed")
  func provenanceIsNoSignature() throws {
    let decision = try policy.judge([try Self.signer.statement(type: Self.provenance)])
    #expect(decision.verdict == .refused)
    #expect(decision.findings[0].verdict == .trusted)
    #expect(decision.findings[0].role == .attestation)
    #expect(decision.codes.isSuperset(of: [.notASignature, .requirementNotMet]))
  }

  @Test("A signature over the manifest as a file is no image signature")
  func fileSignature() throws { try refused(try Self.signer.message(over: TestImage.manifest), .wrongKindForImage) }

  @Test("A batch's statement without a proof, and an endorsement, are not signatures")
  func ownStatements() throws {
    let batch = try MerkleBatch(root: [UInt8](repeating: 1, count: 32), size: 4)
    try refused(try Self.signer.bundle(try Self.signer.envelope(batch.statement)), .notInBatch)
    let dev = P256.Signing.PrivateKey()
    let endorsement = try KeyEndorsement(
      spki: Array(dev.publicKey.derRepresentation), notBefore: TestImage.now - 10, notAfter: TestImage.now + 10, identity: "ci", purpose: "build")
    #expect(try policy.judge([try Self.signer.bundle(try Self.signer.envelope(endorsement.statement))]).verdict == .refused)
  }

  @Test("A demanded attestation must be there, by its own signers, about this image")
  func attestations() throws {
    let builder = TestSigner(name: "builder")
    let policy = try TrustPolicy.oneRule(
      [Self.signer, builder], .key("release"), attestations: [.init(predicateType: Self.provenance, signers: .key("builder"))])
    let signature = try Self.signer.statement()
    #expect(policy.judge([signature, try builder.statement(type: Self.provenance)]).verdict == .trusted)
    for bad in [
      try Self.signer.statement(type: Self.provenance), try builder.statement(about: TestImage.other, type: Self.provenance),
      try builder.statement(type: "https://spdx.dev/Document"), try Self.stranger.statement(type: Self.provenance),
    ] {
      let decision = policy.judge([signature, bad])
      #expect(decision.verdict == .refused)
      #expect(decision.reasons.map(\.code) == [.attestationMissing])
    }
    #expect(policy.judge([try builder.statement(type: Self.provenance)], demand: .attestation(predicateType: Self.provenance)).verdict == .trusted)
    #expect(policy.judge([signature], demand: .attestation(predicateType: Self.provenance)).verdict == .refused)
  }

  private func simpleSigning(_ digest: MessageDigest, repository: String, by signer: TestSigner = signer) throws -> SignatureEvidence {
    let payload = SimpleSigning(repository: repository, manifestSHA256: digest.bytes).serialized()
    return SignatureEvidence(
      source: "sig", content: .simpleSigning(.init(payload: payload, signature: try signer.der(over: payload))))
  }

  @Test("cosign's older signature: the digest decides, another repository is reported, and refused when the rule says so")
  func legacy() throws {
    #expect(try policy.judge([try simpleSigning(TestImage.digest, repository: TestImage.repository)]).verdict == .trusted)
    try refused(try simpleSigning(TestImage.other, repository: TestImage.repository), .digestMismatch)
    try refused(try simpleSigning(TestImage.digest, repository: TestImage.repository, by: Self.stranger), .noTrustedKeyMatches)
    let moved = try simpleSigning(TestImage.digest, repository: "mirror.example/app")
    let reported = try policy.judge([moved])
    #expect(reported.verdict == .trusted)
    #expect(reported.codes.contains(.repositoryMismatch))
    var strict = try policy
    strict.rules[0].repositoryIdentity = .enforce
    #expect(strict.judge([moved]).verdict == .refused)
  }

  @Test("A batch proof is a signature for its artifact and for no other")
  func batches() throws {
    func proof(for digest: MessageDigest, tamper: Bool = false) throws -> SignatureEvidence {
      let leaf = try BatchLeaf(name: "app", digest: digest)
      let sibling = MerkleHash(leaf: try BatchLeaf(name: "b", digest: TestImage.other).encoded)
      let root = MerkleHash(left: MerkleHash(leaf: leaf.encoded), right: sibling)
      let batch = try MerkleBatch(root: root.bytes, size: 2)
      let envelope = try Self.signer.envelope(batch.statement)
      let bundle = SigstoreBundle(material: .publicKey(hint: nil), content: .envelope(envelope))
      var path = sibling.bytes
      if tamper { path[0] ^= 1 }
      return SignatureEvidence(source: "batch", content: .batch(try BatchProof(bundle: bundle, leaf: leaf, index: 0, path: [path])))
    }
    #expect(try policy.judge([try proof(for: TestImage.digest)]).verdict == .trusted)
    try refused(try proof(for: TestImage.other), .subjectMismatch)
    try refused(try proof(for: TestImage.digest, tamper: true), .notInBatch)
  }

  @Test("Junk beside a good signature is listed and changes nothing; alone it is refused; what could not be fetched leaves the answer open")
  func junk() throws {
    let junk: [(SignatureEvidence, Reason.Code)] = [
      (.bundle(Array("{".utf8), source: "j"), .unreadable), (.bundle(Array(#"{"mediaType":"a","mediaType":"b"}"#.utf8), source: "j"), .duplicateMember),
      (.notary([0xD2], format: .cose, source: "j"), .unreadable), (.notary(Array("{}".utf8), format: .jws, source: "j"), .unreadable),
      (.batch(Array("[]".utf8), source: "j"), .unreadable), (.simpleSigning([1], annotations: [:], source: "j"), .unreadable),
      (.envelopes(Array("{}".utf8), source: "j")[0], .unreadable), (.layer([1], mediaType: "text/plain", source: "j")[0], .unreadable),
    ]
    #expect(junk.count == 8)
    let decision = try policy.judge(junk.map(\.0) + [try Self.signer.statement()])
    #expect(decision.verdict == .trusted)
    #expect(decision.findings.count == 9)
    for ((_, code), finding) in zip(junk, decision.findings) { #expect(finding.reasons.map(\.code) == [code]) }
    #expect(try policy.judge(junk.map(\.0)).verdict == .refused)
    #expect(try policy.judge([SignatureEvidence(source: "u", content: .unavailable("503"))]).verdict == .undetermined)
  }

  @Test("Warn and audit let through, and the finding stays")
  func levels() throws {
    for level in [TrustPolicy.Level.warn, .audit] {
      let decision = try TrustPolicy.oneRule([Self.signer], .key("release"), level: level).judge([try Self.stranger.statement()])
      #expect(decision.verdict == .refused)
      #expect(decision.outcome == .admitUnenforced)
      #expect(decision.codes.contains(.notEnforced))
    }
  }

  @Test("The narrowest scope wins, and what no rule covers is refused")
  func scopes() throws {
    let rule = { (name: String, pattern: String, key: String) in
      TrustPolicy.Rule(name: name, repositories: [try #require(RepositoryPattern(pattern))], requirement: .key(key))
    }
    let policy = TrustPolicy(
      keys: [try Self.signer.entry, try Self.stranger.entry],
      rules: [try rule("prefix", "registry.example/team/*", "stranger"), try rule("exact", "registry.example/team/app", "release"), try rule("host", "registry.example/*", "stranger")])
    #expect(policy.judge([try Self.signer.statement()]).rule == "exact")
    func named(_ repository: String) -> String? {
      policy.rule(for: .image(repository: repository, mediaType: "m", digest: TestImage.digest, size: 1))?.name
    }
    #expect(named("registry.example/team/other") == "prefix")
    #expect(named("registry.example/x") == "host")
    #expect(named("registry.example/teams/app") == "host")
    for stranger in ["registry.example.evil/team/app", "other.example/team/app", "registry.example:5000/team/app"] { #expect(named(stranger) == nil) }
    let blob = policy.decide(on: .blob(ArtifactDigests(of: [1])), evidence: [], at: 0, verifier: CryptoSignatureVerifier())
    #expect(blob.reasons.map(\.code) == [.noRule])
  }
}
