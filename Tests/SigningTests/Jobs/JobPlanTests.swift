import Encodings
import Signing
import SigstoreFormats
import Testing
import Trust

@Suite("Plans of jobs")
struct JobPlanTests {
  func plan(_ job: SigningJob, _ keys: [MemoryKey]) throws -> JobPlan {
    try JobPlan.make(
      job, signers: keys.enumerated().map { $0.element.seat($0.offset == 0 ? "primary" : "standby").signer }, now: Fixture.now)
  }

  @Test("A plan names every document, its algorithm and its place, and costs nothing")
  func documents() throws {
    let key = try MemoryKey()
    let plan = try plan(Fixture.blob("dist/app", "a", [.bundle, .signature]), [key])
    #expect(plan.documents.map(\.placement) == [.file(path: "dist/app.sigstore.json"), .file(path: "dist/app.sig")])
    #expect(plan.calls.count == 1)
    #expect(plan.calls.first?.digest.text == "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb")
    #expect(key.calls.isEmpty)
  }

  @Test("Over several artifacts, equal digests are one HSM operation")
  func deduplication() throws {
    let key = try MemoryKey()
    let plans = try ["a", "b", "a"].enumerated().map { try plan(Fixture.blob("f\($0.offset)", $0.element), [key]) }
    let whole = SigningPlan(plans)
    #expect(whole.calls.count == 2)
    #expect(whole.json["hsmOperations"] == .integer(2))
    #expect(whole.lines.count { $0.contains("one HSM operation") } == 2)
    #expect(whole.json["artifacts"]?.array?.count == 3)
  }

  @Test("The key decides the algorithm: Sigstore RSA is PKCS#1 with SHA-256 at any length, Notary RSA is PSS by length, curves bring their hash")
  func algorithms() throws {
    let expected: [(MemoryKey.Kind, SignatureScheme, SignatureScheme?)] = [
      (.p256, .es256, .es256), (.p384, .es384, .es384), (.p521, .es512, .es512), (.rsa(2048), .rs256, .ps256), (.rsa(3072), .rs256, .ps384),
    ]
    for (kind, sigstore, notary) in expected {
      let key = try MemoryKey(kind).pinned
      for format in [SignatureFormat.bundle, .signature, .legacy] { #expect(try format.scheme(for: key) == sigstore) }
      for format in [SignatureFormat.notaryJWS, .notaryCOSE] { #expect(try format.scheme(for: key) == notary) }
      // The user's choice does not reach Notary.
      #expect(try SignatureFormat.notaryJWS.scheme(for: key, wanted: .ps512) == notary)
    }
    #expect(try SignatureFormat.bundle.scheme(for: try MemoryKey(.rsa(2048)).pinned, wanted: .ps512) == .ps512)
    #expect(throws: SigningError.self) { try SignatureFormat.bundle.scheme(for: try MemoryKey().pinned, wanted: .rs256) }
  }

  @Test("A key that cannot sign is refused before any HSM operation", arguments: 0..<4)
  func unusableKeys(_ index: Int) throws {
    let changes: [(inout PinnedKey) -> Void] = [
      { $0.enabled = false }, { $0.operations = ["verify"] }, { $0.notBefore = Fixture.now + 1 }, { $0.expires = Fixture.now },
    ]
    let key = try MemoryKey(change: changes[index])
    #expect(throws: SigningError.self) { try plan(Fixture.blob("f", "a"), [key]) }
    #expect(throws: SigningError.self) {
      try DigestSigning(Fixture.digests("a")[.sha256]!, key: key.pinned, service: key, now: Fixture.now)
    }
    #expect(key.calls.isEmpty)
  }

  @Test("What a form cannot say about an artifact is refused with its reason", arguments: [
    (Fixture.blob("f", "a", [.legacy]), "for images"), (Fixture.blob("f", "a", [.notaryJWS]), "for images"),
    (Fixture.signature([.signature]), "for files"),
    (SigningJob(artifact: .image(Fixture.image()), claim: .attestation(.init(type: "https://spdx.dev/Document", bytes: Array("{}".utf8))), outputs: [.init(.notaryCOSE)]), "no attestations"),
    (SigningJob(artifact: .image(Fixture.image()), claim: .attestation(.init(type: "https://spdx.dev/Document", bytes: Array("{}".utf8))), outputs: [.init(.signature)]), "says nothing"),
    (SigningJob(artifact: .image(Fixture.image()), claim: .attestation(.init(type: "spdx", bytes: Array("{}".utf8))), outputs: [.init(.bundle)]), "URI"),
    (SigningJob(artifact: .image(Fixture.image()), claim: .attestation(.init(type: "https://spdx.dev/Document", bytes: Array("{\"a\":1,\"a\":2}".utf8))), outputs: [.init(.bundle)]), "twice"),
    (SigningJob(artifact: .blob(.init(path: "f", digests: ArtifactDigests())), claim: .signature(annotations: []), outputs: [.init(.bundle)]), "not computed"),
    (SigningJob(artifact: .blob(.init(path: "f", digests: Fixture.digests("a"))), claim: .signature(annotations: [.init(name: "a", value: "b")]), outputs: [.init(.bundle)]), "no annotations"),
    (SigningJob(artifact: .blob(.init(path: "f", digests: Fixture.digests("a"))), claim: .signature(annotations: []), outputs: [.init(.bundle, path: "x"), .init(.signature, path: "x")]), "two documents"),
    (Fixture.signature([.notaryJWS]), "no usable certificate chain"),
  ])
  func misfits(_ job: SigningJob, _ reason: String) throws {
    let key = try MemoryKey()
    do {
      _ = try plan(job, [key])
      Issue.record("was planned")
    } catch { #expect(String(describing: error).contains(reason), "\(error)") }
  }

  @Test("An image named by SHA-512 cannot be signed in forms whose verifiers want SHA-256")
  func sha512Images() throws {
    var image = Fixture.image()
    image.digest = try #require(Fixture.digests("a")[.sha512])
    for format in [SignatureFormat.bundle, .legacy] {
      #expect(throws: SigningError.self) { try plan(Fixture.signature([format], of: image), [try MemoryKey()]) }
    }
  }

  @Test("Every signer makes its own documents, in files of its own")
  func severalSigners() throws {
    let plan = try plan(Fixture.blob("app", "a", [.bundle, .signature]), [try MemoryKey(), try MemoryKey(.p384, name: "other")])
    #expect(plan.documents.map(\.placement.text) == ["app.sigstore.json", "app.sig", "app.standby.sigstore.json", "app.sig.standby"])
    #expect(plan.calls.map(\.scheme) == [.es256, .es384])
  }

  @Test("Cache keys and identities differ with all that makes a document another one")
  func keysOfDocuments() throws {
    let key = try MemoryKey()
    let other = try MemoryKey(name: "second")
    let base = try plan(Fixture.signature([.bundle]), [key]).documents[0]
    let others = [
      try plan(Fixture.signature([.legacy]), [key]), try plan(Fixture.signature([.bundle], [("a", "b")]), [key]),
      try plan(Fixture.signature([.bundle], of: Fixture.image("other")), [key]), try plan(Fixture.signature([.bundle]), [other]),
      try plan(
        SigningJob(
          artifact: .image(Fixture.image()), claim: .attestation(.init(type: "https://spdx.dev/Document", bytes: Array("{}".utf8))),
          outputs: [.init(.bundle)]), [key]),
    ].map { $0.documents[0] }
    #expect(Set(others.map(\.identity) + [base.identity]).count == 6)
    #expect(Set(others.map(\.cacheKey) + [base.cacheKey]).count == 6)
    #expect(try JobPlan.make(Fixture.signature([.bundle]), signers: [key.seat().signer], purpose: "dev", now: Fixture.now).documents[0].cacheKey != base.cacheKey)
    // The order of annotations is not part of what is said.
    let ab = try plan(Fixture.signature([.bundle], [("a", "1"), ("b", "2")]), [key]).documents[0]
    let ba = try plan(Fixture.signature([.bundle], [("b", "2"), ("a", "1")]), [key]).documents[0]
    #expect(ab.cacheKey == ba.cacheKey)
    // Time is not either: what is signed now is what was signed before.
    #expect(try JobPlan.make(Fixture.signature([.bundle]), signers: [key.seat().signer], now: Fixture.now + 60).documents[0].identity == base.identity)
  }
}
