import HallmarkVerify
import Testing

@Suite("The library, as another program uses it")
struct VerificationTests {
  /// Made by cosign 3.1.1, as in TrustTests.
  static let artifact = Array("hallmark golden artifact\n".utf8)
  static let bundle = Array(
    #"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"P1szPFz808TvZ7w3XqysU5rZ9RUqZ5wiFoL8NNInBRc="}},"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"u9YlbrSAkxwG2kepV0OJfQ2COb0qdEXuGe3gIDfc8ms="},"signature":"MEUCIC3ojD7WVLkwzu2d6LG2QdsF8DYRK3fd5YP0rUB5QegNAiEA4AMy/TzP0F4zkEXiQ+X9jBGmBhicjhE0hhmd9pKKy9A="}}"#
      .utf8)
  static let pem = """
    -----BEGIN PUBLIC KEY-----
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE28p/hnu6Itgi/dAr5F+AfwP4y3zm
    LSgAjwoC97D836QQ13HjzSAGku+OcB3RljV3l5oEAxE+5KSJd9thX/I6fw==
    -----END PUBLIC KEY-----

    """
  static let now: Int64 = 1_800_000_000

  static var tree: PolicyNode {
    .mapping([
      .init("schema", .text("hallmark.trust/v1")), .init("keys", .list([.mapping([.init("name", .text("cosign")), .init("pem", .text(pem))])])),
      .init(
        "rules",
        .list([
          .mapping([
            .init("name", .text("files")), .init("scope", .mapping([.init("blobs", .flag(true))])),
            .init("require", .mapping([.init("atLeast", .mapping([.init("count", .number(1)), .init("of", .list([.mapping([.init("key", .text("cosign"))])]))]))])),
          ])
        ])),
    ])
  }

  @Test("A bundle that cosign made is admitted under a tree, JSON and a single key, with its reason")
  func good() throws {
    let json = #"{"schema":"hallmark.trust/v1","keys":[{"name":"cosign","pem":"\#(Self.pem.replacing("\n", with: "\\n"))"}]}"#
    for policy in [try VerificationPolicy(tree: Self.tree), try VerificationPolicy(json: json.utf8), try VerificationPolicy(publicKeyPEM: Self.pem, name: "cosign")] {
      let answer = policy.verify(.blob(Self.artifact), evidence: [.file(Self.bundle, source: "b")], at: Self.now)
      #expect(answer.outcome == .admit)
      #expect(answer.isAdmitted)
      #expect(answer.signatures.map(\.signer) == ["cosign"])
      #expect(answer.signatures[0].reasons.map(\.code) == ["verified"])
      #expect(answer.json.contains("hallmark.verify/v1"))
    }
  }

  @Test("Another file, no signature, junk, and an image with a file's bundle are not admitted")
  func refused() throws {
    let policy = try VerificationPolicy(publicKeyPEM: Self.pem, name: "cosign")
    let image = Artifact.image(repository: "registry.example/app", mediaType: "application/vnd.oci.image.manifest.v1+json", manifest: Self.artifact)
    let cases: [(Artifact, [Evidence], String)] = [
      (.blob([1]), [.file(Self.bundle, source: "b")], "digestMismatch"), (.blob(Self.artifact), [.file([1], source: "b")], "unreadable"),
      (.blob(Self.artifact), [.detached([1, 2, 3], source: "b")], "signatureMismatch"), (image, [.file(Self.bundle, source: "b")], "wrongKindForImage"),
      (image, [.layer(Self.bundle, mediaType: "text/plain", source: "l")], "unreadable"),
    ]
    for (artifact, evidence, code) in cases {
      let answer = policy.verify(artifact, evidence: evidence, at: Self.now)
      #expect(answer.outcome == .refuse && !answer.isAdmitted)
      #expect(answer.signatures[0].reasons.map(\.code) == [code])
    }
    #expect(policy.verify(.blob(Self.artifact), evidence: [], at: Self.now).reasons.map(\.code) == ["noSignature"])
    #expect(policy.verify(.blob(Self.artifact), evidence: [.unavailable("503", source: "u")], at: Self.now).outcome == .undetermined)
  }

  @Test("Policies that are no policies say where")
  func policies() {
    #expect(throws: PolicyError.self) { try VerificationPolicy(json: "{".utf8) }
    #expect(throws: PolicyError.self) { try VerificationPolicy(json: #"{"schema":"hallmark.trust/v1","keys":[],"keys":[]}"#.utf8) }
    #expect(throws: PolicyError.self) { try VerificationPolicy(publicKeyPEM: "x", name: "x") }
    #expect(throws: PolicyError.self) { try VerificationPolicy(tree: .mapping([.init("a", .text("1")), .init("a", .text("2"))])) }
    #expect(throws: PolicyError.self) { try VerificationPolicy(tree: (0..<100).reduce(PolicyNode.text("x")) { inner, _ in .list([inner]) }) }
    #expect(Artifact.blob(sha256: [1]) == nil)
    #expect(Artifact.blob() == nil)
    #expect(Artifact.image(repository: "r/a", mediaType: "m", sha256: [1], size: 1) == nil)
  }
}
