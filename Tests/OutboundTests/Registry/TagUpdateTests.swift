import Encodings
import Foundation
import OCI
import Outbound
import Synchronization
import Testing

/// A registry with nothing but one tag, blobs and manifests, in memory; somebody else may write the tag at chosen moments.
private final class TagRegistry: Transport {
  struct State {
    var tags: [String: [UInt8]] = [:]
    var blobs: Set<String> = []
    var writes = 0
    var requests: [OutboundRequest] = []
  }

  let state = Mutex(State())
  /// Called after every write of a tag, with the count of writes so far: the other writer.
  let afterWrite: @Sendable (Int, inout State) -> Void
  let refusesConditions: Bool

  init(refusesConditions: Bool = false, afterWrite: @escaping @Sendable (Int, inout State) -> Void = { _, _ in }) {
    self.refusesConditions = refusesConditions
    self.afterWrite = afterWrite
  }

  func perform(_ request: OutboundRequest) async throws(TransportError) -> OutboundReply {
    state.withLock { state in
      state.requests.append(request)
      let path = request.place.split(separator: "/").map(String.init)
      let last = path.last ?? ""
      switch (request.method, path.contains("referrers"), path.contains("manifests")) {
      case ("GET", true, _): return OutboundReply(status: 404)
      case ("GET", _, true):
        guard let bytes = state.tags[last] else { return OutboundReply(status: 404) }
        return OutboundReply(status: 200, headers: [("etag", "\"\(ContentDigest(of: bytes).text)\"")], body: bytes)
      case ("PUT", _, true):
        if refusesConditions, request.header("if-match") != nil || request.header("if-none-match") != nil { return OutboundReply(status: 412) }
        state.tags[last] = request.body
        if !last.contains(":") {
          state.writes += 1
          afterWrite(state.writes, &state)
        }
        return OutboundReply(status: 201)
      case ("HEAD", _, _): return OutboundReply(status: state.blobs.contains(last) ? 200 : 404)
      case ("GET", _, _): return state.tags[last].map { OutboundReply(status: 200, body: $0) } ?? OutboundReply(status: 404)
      case ("POST", _, _): return OutboundReply(status: 202, headers: [("location", "/u")])
      case ("PUT", _, _):
        let digest = ContentDigest(of: request.body).text
        state.blobs.insert(digest)
        state.tags[digest] = request.body
        return OutboundReply(status: 201)
      default: return OutboundReply(status: 405)
      }
    }
  }
}

@Suite("Registry: nothing that was reported is missing from its list")
struct TagUpdateTests {
  private let home = RegistryKit.home
  private let subject = Descriptor(of: RegistryKit.image, mediaType: MediaType.imageManifest)
  private var tag: String { ReferrersTag.fallback(of: subject.digest) }
  private let locks = FileManager.default.temporaryDirectory.appending(path: "locks-\(UUID().uuidString)").path

  private func client(_ transport: any Transport, attempts: Int = 20, pause: Pause = Waits().pause) -> RegistryClient {
    var settings = RegistrySettings(lockFolder: locks)
    settings.maxUpdateAttempts = attempts
    return RegistryClient(transport: transport, settings: settings, credentials: [], pause: pause, jitter: { 0.5 })
  }

  private func signature(_ name: String) -> (manifest: ImageManifest, blob: BlobContent) {
    let blob = BlobContent(Array(name.utf8))
    let layer = Descriptor(mediaType: "a/b", digest: blob.digest, size: blob.size)
    return (ImageManifest(artifactType: "a/b", layers: [layer], subject: subject, annotations: ["n": name]), blob)
  }

  private func entries(_ registry: TagRegistry) throws -> [Descriptor] {
    let bytes = try #require(registry.state.withLock { $0.tags[tag] })
    return try ImageIndex.parse(bytes).manifests
  }

  @Test("Thirty writers at once leave thirty entries")
  func concurrent() async throws {
    let registry = TagRegistry()
    let client = client(registry, pause: .system)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for i in 0..<30 {
        group.addTask {
          let one = self.signature("s\(i)")
          _ = try await client.attach(one.manifest, blobs: [one.blob], in: self.home)
        }
      }
      try await group.waitForAll()
    }
    #expect(try Set(entries(registry).compactMap { $0.annotations["n"] }).count == 30)
  }

  @Test("An entry that another writer drops, at once or after the first look, is written again, and theirs stays")
  func overwritten() async throws {
    let foreign = Descriptor(of: [9], mediaType: MediaType.imageManifest, artifactType: "x/y")
    let name = tag
    // A writer elsewhere that read before our first write overwrites it.
    let registry = TagRegistry { count, state in
      if count == 1 { state.tags[name] = ImageIndex().appending(foreign).serialized() }
    }
    let one = signature("one")
    let attachment = try await client(registry).attach(one.manifest, blobs: [one.blob], in: home)
    #expect(attachment.writes == 2)
    #expect(try entries(registry).map(\.digest) == [foreign.digest, attachment.descriptor.digest])

    let reads = Mutex(0)
    let late = TagRegistry()
    let meddling = Meddling(inner: late) { request in
      // The second look comes after the read that follows the write.
      guard request.method == "GET", request.url.hasSuffix(name), late.state.withLock({ $0.writes }) == 1 else { return }
      if reads.withLock({ $0 += 1; return $0 }) == 2 { late.state.withLock { $0.tags[name] = ImageIndex().appending(foreign).serialized() } }
    }
    let again = try await client(meddling).attach(one.manifest, blobs: [one.blob], in: home)
    #expect(again.writes == 2)
    #expect(try entries(late).map(\.digest) == [foreign.digest, again.descriptor.digest])
  }

  @Test("Success is not reported when the entry is never seen")
  func neverSeen() async throws {
    let name = tag
    let registry = TagRegistry { _, state in state.tags[name] = ImageIndex().serialized() }
    let one = signature("one")
    await #expect { try await client(registry, attempts: 5).attach(one.manifest, blobs: [one.blob], in: home) } throws: {
      if case .updateLost(_, 5)? = $0 as? RegistryError { true } else { false }
    }
  }

  @Test("The write is conditional; a registry that refuses every condition is written without")
  func conditions() async throws {
    let registry = TagRegistry()
    for name in ["one", "two"] {
      let one = signature(name)
      _ = try await client(registry).attach(one.manifest, blobs: [one.blob], in: home)
    }
    let puts = registry.state.withLock { $0.requests.filter { $0.method == "PUT" && $0.url.hasSuffix(tag) } }
    #expect(puts.first?.header("if-none-match") == "*" && puts.last?.header("if-match")?.hasPrefix("\"sha256:") == true)
    let refusing = TagRegistry(refusesConditions: true)
    let one = signature("one")
    #expect(try await client(refusing).attach(one.manifest, blobs: [one.blob], in: home).writes == 1)
  }

  @Test("The same referrer again writes nothing; a tag that holds something else is left alone")
  func idempotent() async throws {
    let registry = TagRegistry()
    let one = signature("one")
    _ = try await client(registry).attach(one.manifest, blobs: [one.blob], in: home)
    #expect(try await client(registry).attach(one.manifest, blobs: [one.blob], in: home).writes == 0)
    let foreign = TagRegistry()
    foreign.state.withLock { $0.tags[tag] = RegistryKit.image }
    await #expect { try await client(foreign).attach(one.manifest, blobs: [one.blob], in: home) } throws: {
      if case .foreignTag? = $0 as? RegistryError { true } else { false }
    }
    #expect(foreign.state.withLock { $0.tags[tag] } == RegistryKit.image)
    var orphan = one.manifest
    orphan.subject = nil
    await #expect(throws: RegistryError.self) { try await client(foreign).attach(orphan, blobs: [one.blob], in: home) }
  }

  @Test("A legacy tag grows by layers; its config names each of them; layers of others stay")
  func legacy() async throws {
    let registry = TagRegistry()
    let client = client(registry)
    let name = ReferrersTag.legacy(.signature, of: subject.digest)
    for i in 0..<3 {
      let layer = LegacyLayer(mediaType: "a/b", content: BlobContent([UInt8(i / 2)]), annotations: ["s": "\(i)"])
      _ = try await client.append(layer, toTag: name, in: home)
      _ = try await client.append(layer, toTag: name, in: home)
    }
    let tagged = try #require(try await client.tagged(name, in: home))
    let manifest = try tagged.image()
    #expect(manifest.layers.map { $0.annotations["s"] } == ["0", "1", "2"] && manifest.subject == nil)
    let config = try JSONValue.parse(await client.blob(manifest.config, in: home))
    #expect(config["rootfs"]?["diff_ids"]?.array == manifest.layers.map { .string($0.digest.text) } && config["history"]?.array?.count == 3)
  }
}

/// Lets somebody act just before a request is performed.
private struct Meddling: Transport {
  let inner: any Transport
  let before: @Sendable (OutboundRequest) -> Void

  func perform(_ request: OutboundRequest) async throws(TransportError) -> OutboundReply {
    before(request)
    return try await inner.perform(request)
  }
}
