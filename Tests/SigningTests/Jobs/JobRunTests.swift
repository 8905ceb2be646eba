import Clocks
import Encodings
import Signing
import SigstoreFormats
import Synchronization
import Testing
import Trust

@Suite("Runs of jobs")
struct JobRunTests {
  @Test("A blob's bundle verifies with the key, and the result knows the request")
  func blob() async throws {
    for kind in [MemoryKey.Kind.p256, .p384, .p521, .rsa(2048)] {
      let key = try MemoryKey(kind)
      let memory = MemoryRun(FixedSigners([key.seat()]))
      let result = try await memory.run.perform(Fixture.blob("f", "a"))
      let bundle = try SigstoreBundle.parse(memory.places.all[0].document.bytes)
      let decision = TrustPolicy(key: key.pinned.publicKey, name: "k").decide(
        on: Fixture.digests("a"), signatures: [.init(source: "t", content: .bundle(bundle))], at: 0, verifier: CryptoSignatureVerifier())
      #expect(decision.verdict == .trusted)
      #expect(bundle.keyFingerprint == key.pinned.publicKey.fingerprint)
      #expect(result.signatures.map(\.requestID) == ["request-1"])
      #expect(result.signatures[0].isChecked)
    }
  }

  @Test("A statement about an image names repository and digest, its predicate stands in it byte for byte, and its envelope verifies")
  func attestation() async throws {
    let key = try MemoryKey()
    let memory = MemoryRun(FixedSigners([key.seat()]))
    let predicate = Array("{ \"z\" : 1.50,\n \"a\":[ ] }".utf8)
    let job = SigningJob(
      artifact: .image(Fixture.image()), claim: .attestation(.init(type: "https://spdx.dev/Document", bytes: predicate)),
      outputs: [.init(.bundle), .init(.legacy)])
    _ = try await memory.run.perform(job)
    #expect(key.calls.count == 1, "both layouts hold the same envelope")
    let bundle = try SigstoreBundle.parse(memory.places.all[0].document.bytes)
    guard case .envelope(let envelope) = bundle.content else {
      Issue.record("no envelope")
      return
    }
    #expect(CryptoSignatureVerifier().check(envelope.signature, over: envelope.digest(.sha256), scheme: .es256, key: key.pinned.publicKey) == .valid)
    let value = try JSONValue.parse(envelope.payload)
    #expect(value["_type"] == "https://in-toto.io/Statement/v1")
    #expect(value["subject"]?[0]?["name"] == "registry.example/app")
    #expect(value["subject"]?[0]?["digest"]?["sha256"] == .string(Hex.encode(Fixture.image().digest.bytes)))
    #expect(String(decoding: envelope.payload, as: UTF8.self).contains(String(decoding: predicate, as: UTF8.self)))
    let legacy = memory.places.all[1]
    #expect(legacy.placement == .tag(Fixture.image(), kind: .attestation))
    #expect(legacy.document.annotations.contains(.init(name: "predicateType", value: "https://spdx.dev/Document")))
  }

  @Test("One image, both of cosign's layouts: each its own digest, annotations in both")
  func layouts() async throws {
    let key = try MemoryKey()
    let memory = MemoryRun(FixedSigners([key.seat()]))
    _ = try await memory.run.perform(Fixture.signature([.bundle, .legacy], [("build", "7")]))
    #expect(key.calls.count == 2)
    guard case .envelope(let envelope) = try SigstoreBundle.parse(memory.places.all[0].document.bytes).content else {
      Issue.record("no envelope")
      return
    }
    #expect(try JSONValue.parse(envelope.payload)["subject"]?[0]?["annotations"]?["build"] == "7")
    let payload = try SimpleSigning.parse(memory.places.all[1].document.bytes)
    #expect(payload.optional["build"] == "7")
    #expect(payload.manifestDigest == Fixture.image().digest)
  }

  @Test("A signature that does not verify, is too short, or is by another version is never placed", arguments: 0..<6)
  func badAnswers(_ index: Int) async throws {
    let stranger = try MemoryKey()
    let foreign = try await stranger.sign(Fixture.digests("a")[.sha256]!, scheme: .es256, key: stranger.pinned)
    let twists: [@Sendable (SignedDigest) -> SignedDigest] = [
      { SignedDigest(signature: Array($0.signature.dropLast()), kid: $0.kid, requestID: nil, attempts: 1) },
      { SignedDigest(signature: [], kid: $0.kid, requestID: nil, attempts: 1) },
      { SignedDigest(signature: $0.signature.map { $0 ^ 1 }, kid: $0.kid, requestID: nil, attempts: 1) },
      { SignedDigest(signature: $0.signature, kid: $0.kid.replacing("aaaa", with: "bbbb"), requestID: nil, attempts: 1) },
      { SignedDigest(signature: $0.signature, kid: $0.kid.replacing("/fw-sign/", with: "/other/"), requestID: nil, attempts: 1) },
      { SignedDigest(signature: foreign.signature, kid: $0.kid, requestID: nil, attempts: 1) },
    ]
    let key = try MemoryKey(twist: twists[index])
    let memory = MemoryRun(FixedSigners([key.seat()]))
    await #expect(throws: SigningError.self) { try await memory.run.perform(Fixture.blob("f", "a")) }
    #expect(memory.places.all.isEmpty)
  }

  @Test("Many jobs side by side share a sign call; a failed one is asked for again by the next job only")
  func sharing() async throws {
    let key = try MemoryKey()
    let memory = MemoryRun(FixedSigners([key.seat()]))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<40 { group.addTask { _ = try await memory.run.perform(Fixture.blob("f\(index)", "text \(index % 4)")) } }
      try await group.waitForAll()
    }
    #expect(key.calls.count == 4)
    #expect(memory.places.all.count == 40)
    #expect(await memory.desk.performed == 4)
    let failing = try MemoryKey(failures: 1)
    let second = MemoryRun(FixedSigners([failing.seat()]))
    await #expect(throws: MemoryKey.Refused.self) { try await second.run.perform(Fixture.blob("f", "a")) }
    _ = try await second.run.perform(Fixture.blob("f", "a"))
    #expect(failing.calls.count == 2)
  }

  @Test("Nothing is placed unless every signer signed; what is placed before a failing place was told")
  func allOrNothing() async throws {
    let memory = MemoryRun(FixedSigners([try MemoryKey().seat(), try MemoryKey(name: "b", failures: 1).seat("standby")]))
    await #expect(throws: MemoryKey.Refused.self) { try await memory.run.perform(Fixture.blob("f", "a")) }
    #expect(memory.places.all.isEmpty)
    let full = MemoryRun(FixedSigners([try MemoryKey().seat()]), places: MemoryPlaces { $0.text == "f.sig" })
    let told = Mutex<[String]>([])
    await #expect(throws: MemoryPlaces.Full.self) {
      try await full.run.perform(Fixture.blob("f", "a", [.bundle, .signature]), onPlaced: { result in told.withLock { $0.append(result.placed?.text ?? "") } })
    }
    #expect(told.withLock { $0 } == ["f.sigstore.json"])
  }

  @Test("What a journal knows is left out, and costs nothing")
  func doneBefore() async throws {
    let key = try MemoryKey()
    let memory = MemoryRun(FixedSigners([key.seat()]))
    let result = try await memory.run.perform(Fixture.blob("f", "a", [.bundle, .signature]), isDone: { _ in true })
    #expect(result.documents.map(\.origin) == [.doneBefore, .doneBefore])
    #expect(key.calls.isEmpty && memory.places.all.isEmpty)
  }

  /// Steps in for the primary when told that it failed.
  struct Substitute: SignerChooser {
    let primary: MemoryKey
    let standby: MemoryKey
    var allows = true

    func signers() async throws -> [SeatedSigner] { [primary.seat()] }
    func replacement(for signer: Signer, after failure: any Error) async -> Substitution? {
      allows && signer.name == "primary" ? Substitution(standby.seat("standby"), why: "no answer") : nil
    }
  }

  @Test("A signer that cannot be reached is replaced once, with the reason in the result; without permission the failure stands")
  func substitution() async throws {
    let primary = try MemoryKey(failures: 100)
    let standby = try MemoryKey(.p384, name: "standby-key")
    let memory = MemoryRun(Substitute(primary: primary, standby: standby))
    let result = try await memory.run.perform(Fixture.blob("f", "a"))
    #expect(result.substitutions.map(\.by) == ["standby"] && result.substitutions.map(\.why) == ["no answer"])
    #expect(result.documents.map(\.planned.call.kid) == [standby.pinned.kid])
    #expect(result.plan.signers.map(\.name) == ["standby"])
    await #expect(throws: MemoryKey.Refused.self) {
      try await MemoryRun(Substitute(primary: try MemoryKey(failures: 100), standby: standby, allows: false)).run.perform(Fixture.blob("f", "a"))
    }
    let hopeless = Substitute(primary: primary, standby: try MemoryKey(name: "s", failures: 100))
    await #expect(throws: MemoryKey.Refused.self) { try await MemoryRun(hopeless).run.perform(Fixture.blob("f", "a")) }
  }

  /// Answers from memory; counts.
  final class MemoryCache: SignatureCache, Sendable {
    let kept = Mutex<[CacheKey: SealedDocument]>([:])

    func lookup(_ key: CacheKey, signer: Signer, job: SigningJob, now: Int64) async throws -> CachedDocument? {
      kept.withLock { $0[key] }.map { CachedDocument(document: $0, source: "memory", isPlaced: false) }
    }
    func store(_ document: SealedDocument, for key: CacheKey, signer: Signer, job: SigningJob, now: Int64) async throws {
      kept.withLock { $0[key] = document }
    }
  }

  @Test("The second run of an equal job finds the document and signs nothing; another key version finds nothing")
  func cache() async throws {
    let key = try MemoryKey()
    let cache = MemoryCache()
    let memory = MemoryRun(FixedSigners([key.seat()]), cache: cache)
    _ = try await memory.run.perform(Fixture.signature([.bundle]))
    let again = try await memory.run.perform(Fixture.signature([.bundle]))
    #expect(again.documents.map(\.origin) == [.reused(from: "memory")])
    #expect(key.calls.count == 1)
    #expect(memory.places.all.count == 2)
    #expect(memory.places.all[0].document == memory.places.all[1].document)
    let other = try MemoryKey()
    _ = try await MemoryRun(FixedSigners([other.seat()]), cache: cache).run.perform(Fixture.signature([.bundle]))
    #expect(other.calls.count == 1)
  }

  @Test("A bundle left behind is recognised only when it is this document by this key")
  func recognition() async throws {
    let key = try MemoryKey()
    let memory = MemoryRun(FixedSigners([key.seat()]))
    let verifier = CryptoSignatureVerifier()
    for job in [Fixture.blob("f", "a"), Fixture.signature([.bundle])] {
      let result = try await memory.run.perform(job)
      let planned = result.documents[0].planned
      let bytes = try #require(memory.places.all.last).document.bytes
      #expect(planned.isSatisfied(by: bytes, key: key.pinned.publicKey, verifier: verifier))
      #expect(!planned.isSatisfied(by: bytes, key: try MemoryKey().pinned.publicKey, verifier: verifier))
      #expect(!planned.isSatisfied(by: Array(bytes.dropLast()), key: key.pinned.publicKey, verifier: verifier))
      let other = try JobPlan.make(Fixture.blob("f", "b"), signers: [key.seat().signer], now: Fixture.now).documents[0]
      #expect(!other.isSatisfied(by: bytes, key: key.pinned.publicKey, verifier: verifier))
    }
  }

  @Test("Hops are measured once: what happens inside another hop is not counted in it")
  func meter() async throws {
    let time = Mutex<Int64>(0)
    let meter = StepMeter(clock: TimeSource { Instant(nanoseconds: time.withLock { $0 }) })
    try await meter.measure(.hsm) {
      time.withLock { $0 += 10_000_000 }
      try await Task.sleep(for: .zero)
      meter.measure(.token) { time.withLock { $0 += 30_000_000 } }
      meter.measure(.envelope) { time.withLock { $0 += 1_000_000 } }
    }
    #expect(meter[.hsm].nanoseconds == 10_000_000 && meter[.token].nanoseconds == 30_000_000 && meter[.envelope].nanoseconds == 1_000_000)
    #expect(meter.slowest == .token)
    #expect(meter.rows.contains { $0.first == "token" && $0.contains("30.0 ms") && $0.last == "<- slowest" })
    #expect(meter.rows.contains { $0.first == "log" && $0[1] == "0" }, "a hop that did not occur is named")
    #expect(meter.json["slowest"] == "token")
  }
}
