import Clocks
import Encodings
import Signing
import SigstoreFormats
import Synchronization
import Testing
import Trust

/// Entries in memory.
final class MemoryStore: SignatureStore, Sendable {
  struct Broken: Error {}
  let entries = Mutex<[String: [UInt8]]>([:])
  let isBroken: Bool

  init(isBroken: Bool = false) { self.isBroken = isBroken }

  func read(_ name: String) async throws -> [UInt8]? {
    if isBroken { throw Broken() }
    return entries.withLock { $0[name] }
  }
  func write(_ name: String, _ bytes: [UInt8]) async throws {
    if isBroken { throw Broken() }
    entries.withLock { $0[name] = bytes }
  }
  func remove(_ name: String) async throws { entries.withLock { $0[name] = nil } }

  func change(_ body: (inout JSONObject) -> Void) throws {
    try entries.withLock { entries in
      for (name, bytes) in entries {
        var object = try JSONValue.parse(bytes).object ?? [:]
        body(&object)
        entries[name] = JSONValue.object(object).serialized()
      }
    }
  }
}

struct Beside: PlacedSignatures {
  var found: [FoundDocument]
  func documents(_ format: SignatureFormat, of image: SigningJob.Image, limit: Int) async throws -> [FoundDocument] { found }
}

@Suite("Signature cache")
struct CachedSignaturesTests {
  let key: MemoryKey
  let store = MemoryStore()
  let reports = Reports()

  final class Reports: Sendable {
    let all = Mutex<[CacheReport]>([])
  }

  init() throws { key = try MemoryKey() }

  private func cache(
    _ rule: SigningPolicy.CacheRule = .maxAge(1000), policy: SigningPolicy? = nil, beside: [FoundDocument]? = nil, store: MemoryStore? = nil
  ) -> CachedSignatures {
    CachedSignatures(
      store: store ?? self.store, placed: beside.map { Beside(found: $0) }, rule: rule, policy: policy, verifier: CryptoSignatureVerifier(),
      report: { report in reports.all.withLock { $0.append(report) } })
  }

  /// Signs through a run; returns how many sign calls that took.
  @discardableResult
  private func sign(
    _ job: SigningJob, _ cache: CachedSignatures?, purpose: String = "", at now: Int64 = Fixture.now, by key: MemoryKey? = nil
  ) async throws -> (calls: Int, documents: [SealedDocument]) {
    let key = key ?? self.key
    let before = key.calls.count
    let meter = StepMeter()
    let places = MemoryPlaces()
    let run = JobRun(
      chooser: FixedSigners([key.seat()]), desk: SigningDesk(verifier: CryptoSignatureVerifier(), meter: meter), cache: cache, placer: places,
      meter: meter, purpose: purpose, clock: .fixed(Instant(seconds: now)))
    _ = try await run.perform(job)
    return (key.calls.count - before, places.all.map(\.document))
  }

  @Test("the second time costs nothing, for files, signatures alone, images and older images", arguments: [SignatureFormat.bundle, .signature, .legacy])
  func secondTime(_ format: SignatureFormat) async throws {
    let job = format == .legacy ? Fixture.signature([.legacy], [("build", "7")]) : Fixture.blob("a", "x", [format])
    let first = try await sign(job, cache())
    let second = try await sign(job, cache())
    #expect(first.calls == 1 && second.calls == 0 && first.documents == second.documents)
    #expect(reports.all.withLock { $0 }.isEmpty)
  }

  @Test("other bytes, claims, formats, keys, purposes and repositories are other questions")
  func otherQuestions() async throws {
    let image = Fixture.signature([.bundle], [("build", "7")])
    try await sign(image, cache())
    #expect(try await sign(Fixture.signature([.bundle], [("build", "8")]), cache()).calls == 1)
    #expect(try await sign(Fixture.signature([.bundle]), cache()).calls == 1)
    #expect(try await sign(Fixture.signature([.legacy], [("build", "7")]), cache()).calls == 1)
    #expect(try await sign(Fixture.signature([.bundle], [("build", "7")], of: Fixture.image("other")), cache()).calls == 1)
    #expect(try await sign(image, cache(), purpose: "dev").calls == 1)
    #expect(try await sign(image, cache(), purpose: "release").calls == 1)
    #expect(try await sign(image, cache(), by: try MemoryKey()).calls == 1)
    var renamed = Fixture.image()
    renamed.repository = "registry.example/other"
    #expect(try await sign(Fixture.signature([.bundle], [("build", "7")], of: renamed), cache()).calls == 1)
    #expect(try await sign(image, cache()).calls == 0)
  }

  @Test("old entries, entries from the future and a rule that says off find nothing")
  func stale() async throws {
    let job = Fixture.blob("a", "x")
    try await sign(job, cache())
    #expect(try await sign(job, cache(), at: Fixture.now + 1000).calls == 0)
    #expect(try await sign(job, cache(), at: Fixture.now + 1001).calls == 1)
    #expect(try await sign(job, cache(.off)).calls == 1)
    try store.change { $0["storedAt"] = .integer(Fixture.now + 301) }
    #expect(try await sign(job, cache()).calls == 1)
  }

  @Test("a changed policy, and a revoked key, find nothing")
  func policy() async throws {
    func policy(_ more: String) throws -> SigningPolicy {
      let text = "{\"schema\":\"hallmark.signing/v1\",\"channels\":{\"dev\":{\"keys\":[\"d\"]}}\(more)}"
      return try SigningPolicy.parse(JSONValue.parse(text.utf8), source: Array(text.utf8))
    }
    let job = Fixture.blob("a", "x")
    try await sign(job, cache(policy: policy("")))
    #expect(try await sign(job, cache(policy: policy(""))).calls == 0)
    #expect(try await sign(job, cache(policy: policy(" "))).calls == 1)
    let revoking = try policy(",\"revoked\":[\"sha256:\(key.pinned.publicKey.fingerprintHex)\"]")
    #expect(try await sign(job, cache(policy: revoking)).calls == 1)
    #expect(try await sign(job, cache(policy: revoking)).calls == 1)
    #expect(reports.all.withLock { $0 }.contains(.revoked(kid: key.pinned.kid)))
  }

  @Test("an entry that was tampered with is reported and signed again", arguments: 0..<6)
  func poisoned(_ kind: Int) async throws {
    let job = Fixture.signature([.bundle], [("build", "7")])
    let other = try await sign(Fixture.signature([.bundle], [("build", "8")]), nil).documents[0]
    let foreign = try await sign(job, nil, by: try MemoryKey()).documents[0]
    let first = try await sign(job, cache()).documents[0]
    try store.change { object in
      func bytes(_ document: [UInt8]) { object["document"] = ["mediaType": .string(first.mediaType), "bytes": .string(Base64.encode(document)), "annotations": []] }
      switch kind {
      case 0: bytes(other.bytes)
      case 1: bytes(foreign.bytes)
      case 2: bytes(Array(first.bytes.dropLast()))
      case 3: object["for"] = "another question"
      case 4: object["more"] = 1
      default: object["document"] = ["mediaType": "x", "bytes": "!", "annotations": []]
      }
    }
    #expect(try await sign(job, cache()).calls == 1)
    #expect(reports.all.withLock { $0 }.count == 1)
    #expect(try await sign(job, cache()).calls == 0, "and the entry is whole again")
  }

  @Test("an entry whose signature was changed by one bit is signed again")
  func oneBit() async throws {
    let job = Fixture.blob("a", "x", [.signature])
    var signature = try await sign(job, cache()).documents[0].bytes
    signature[signature.count - 1] ^= 1
    try store.change { $0["document"] = ["mediaType": "application/octet-stream", "bytes": .string(Base64.encode(signature)), "annotations": []] }
    #expect(try await sign(job, cache()).calls == 1)
    guard case .poisoned? = reports.all.withLock({ $0.first }) else { Issue.record("not reported"); return }
  }

  @Test("a store that fails costs operations, not the job")
  func broken() async throws {
    let broken = MemoryStore(isBroken: true)
    let job = Fixture.blob("a", "x")
    #expect(try await sign(job, cache(store: broken)).calls == 1)
    #expect(try await sign(job, cache(store: broken)).calls == 1)
    #expect(reports.all.withLock { $0 }.count == 4)
  }

  @Test("what already lies beside the image is used, when it is what would be signed, by this key, and fresh")
  func beside() async throws {
    let job = Fixture.signature([.bundle], [("build", "7")])
    let own = try await sign(job, nil).documents[0]
    let other = try await sign(Fixture.signature([.bundle]), nil).documents[0]
    let foreign = try await sign(job, nil, by: try MemoryKey()).documents[0]
    func found(_ document: SealedDocument, _ at: Int64?) -> FoundDocument { FoundDocument(document: document, source: "r@d", createdAt: at) }
    #expect(try await sign(job, cache(beside: [found(other, Fixture.now), found(foreign, Fixture.now), found(own, Fixture.now)], store: MemoryStore())).calls == 0)
    for entries in [[found(other, Fixture.now)], [found(foreign, Fixture.now)], [found(own, nil)], [found(own, Fixture.now - 1001)], [found(own, Fixture.now + 301)], []] {
      #expect(try await sign(job, cache(beside: entries, store: MemoryStore())).calls == 1)
    }
  }

  @Test("many jobs at once over one store leave whole entries")
  func concurrent() async throws {
    let cache = cache()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for i in 0..<50 { group.addTask { try await sign(Fixture.blob("f", "x\(i % 5)"), cache) } }
      try await group.waitForAll()
    }
    let before = key.calls.count
    for i in 0..<5 { try await sign(Fixture.blob("f", "x\(i)"), cache) }
    #expect(key.calls.count == before)
  }
}
