import Encodings
import OCI
import Outbound
import Testing

@Suite("Registry: reading, uploads, lists")
struct RegistryTransferTests {
  private let home = RegistryKit.home
  private let place = [(name: "location", value: "/v2/team/app/blobs/uploads/1?state=a")]

  @Test("A manifest with another digest, size or type than announced is not used")
  func wrongManifest() async throws {
    let other = Array(#"{"schemaVersion":2}"#.utf8)
    let digest = ContentDigest(of: RegistryKit.image)
    for (step, isPinned) in [
      (RegistryKit.manifest(other), true), (RegistryKit.manifest(RegistryKit.image, digest: ContentDigest(of: other).text), false),
      (RegistryKit.manifest(RegistryKit.image, digest: "sha256:x"), false), (RegistryKit.manifest(RegistryKit.image, type: MediaType.imageIndex), true),
      (RegistryKit.manifest(Array("<html>".utf8), type: "text/html"), false), (RegistryKit.reply(200), false),
    ] {
      let kit = RegistryKit([step])
      let reference = isPinned ? ImageReference(home: home, digest: digest) : try ImageReference(home: home, tag: "v1")
      await #expect(throws: RegistryError.self) { try await kit.client.resolve(reference) }
    }
    let kit = RegistryKit([RegistryKit.manifest(RegistryKit.image)])
    let found = try await kit.client.resolve(ImageReference(home: home, tag: "v1"))
    #expect(found.descriptor.digest == digest && found.reference.description == "registry.example.org/team/app:v1@\(digest.text)")
    #expect(kit.transport.requests[0].header("accept")?.contains(MediaType.imageIndex) == true && kit.transport.requests[0].maxReplyBytes == OCILimits.manifestBytes)
  }

  @Test("A blob of another length or content is not used; one that is too long is not asked for")
  func wrongBlob() async throws {
    let content = Array("layer".utf8)
    let descriptor = Descriptor(of: content, mediaType: "a/b")
    for body in [Array("layed".utf8), Array("laye".utf8), Array("layers".utf8), []] {
      let kit = RegistryKit([RegistryKit.reply(200, [], body)])
      await #expect { try await kit.client.blob(descriptor, in: home) } throws: { if case .wrongContent? = $0 as? RegistryError { true } else { false } }
    }
    let kit = RegistryKit([])
    await #expect { try await kit.client.blob(descriptor, in: home, maxBytes: 4) } throws: { if case .tooLarge? = $0 as? RegistryError { true } else { false } }
    var embedded = descriptor
    embedded.data = Array("layed".utf8)
    await #expect(throws: RegistryError.self) { try await kit.client.blob(embedded, in: home) }
    #expect(kit.transport.requests.isEmpty)
  }

  @Test("Short content goes in one PUT after a HEAD and a POST, with the digest added to the query that is there")
  func monolithic() async throws {
    let kit = RegistryKit([RegistryKit.reply(404), RegistryKit.reply(202, place), RegistryKit.reply(201)])
    let content = BlobContent(Array("x".utf8))
    try await kit.client.upload(content, to: home)
    #expect(kit.transport.requests.map(\.method) == ["HEAD", "POST", "PUT"])
    #expect(kit.transport.requests[2].url == "https://registry.example.org/v2/team/app/blobs/uploads/1?state=a&digest=sha256%3A\(content.digest.hex)")
    let there = RegistryKit([RegistryKit.reply(200)])
    try await there.client.upload(content, to: home)
    #expect(there.transport.requests.count == 1)
  }

  @Test("Long content goes in pieces and is resumed where the registry says it stands")
  func chunked() async throws {
    let kit = RegistryKit(
      [RegistryKit.reply(404), RegistryKit.reply(202, place), RegistryKit.reply(202, place + [("range", "0-3")]), { _ in .failure(.dropped("reset")) },
       RegistryKit.reply(204, place + [("range", "0-5")]), RegistryKit.reply(202, place + [("range", "0-9")]), RegistryKit.reply(416, place),
       RegistryKit.reply(204, place + [("range", "0-9")]), RegistryKit.reply(202, place + [("range", "0-10")]), RegistryKit.reply(201)]
    ) { $0.singleUploadBytes = 2; $0.chunkBytes = 4 }
    try await kit.client.upload(BlobContent(Array("hello world".utf8)), to: home)
    let asked = kit.transport.requests
    #expect(asked.map(\.method) == ["HEAD", "POST", "PATCH", "PATCH", "GET", "PATCH", "PATCH", "GET", "PATCH", "PUT"])
    #expect(asked.compactMap { $0.header("content-range") } == ["0-3", "4-7", "6-9", "10-10", "10-10"])
    #expect(asked.filter { $0.method == "PATCH" }.map { String(decoding: $0.body, as: UTF8.self) } == ["hell", "o wo", "worl", "d", "d"])
    #expect(asked.last?.body.isEmpty == true)
  }

  @Test("A PUT whose answer was lost is not repeated when the blob is there; a lost session starts again")
  func lostAnswers() async throws {
    let kit = RegistryKit([RegistryKit.reply(404), RegistryKit.reply(202, place), { _ in .failure(.dropped("reset")) }, RegistryKit.reply(200)])
    try await kit.client.upload(BlobContent([1]), to: home)
    #expect(kit.transport.requests.map(\.method) == ["HEAD", "POST", "PUT", "HEAD"])
    let lost = RegistryKit([RegistryKit.reply(404), RegistryKit.reply(202, place), RegistryKit.reply(404), RegistryKit.reply(404), RegistryKit.reply(202, place), RegistryKit.reply(201)])
    try await lost.client.upload(BlobContent([1]), to: home)
    #expect(lost.transport.requests.map(\.method) == ["HEAD", "POST", "PUT", "HEAD", "POST", "PUT"])
  }

  @Test("An upload that goes on at another host does so without credentials, and not in the clear")
  func foreignUpload() async throws {
    let alice = GivenRegistryCredential(registry: "registry.example.org", credential: .password(username: "a", password: "b"))
    let kit = RegistryKit(
      [RegistryKit.reply(401, [("www-authenticate", "Basic realm=r")]), RegistryKit.reply(404), RegistryKit.reply(202, [("location", "https://store.example.net/u")]), RegistryKit.reply(201)],
      credentials: [alice])
    try await kit.client.upload(BlobContent([1]), to: home)
    #expect(kit.transport.requests.map { $0.authorization != nil } == [false, true, true, false])
    let plain = RegistryKit([RegistryKit.reply(404), RegistryKit.reply(202, [("location", "http://store.example.net/u")])])
    await #expect { try await plain.client.upload(BlobContent([1]), to: home) } throws: { if case .insecure? = $0 as? RegistryError { true } else { false } }
  }

  @Test("429 with Retry-After and 503 are waited for; a longer wait than the policy's is an answer")
  func waiting() async throws {
    let kit = RegistryKit([RegistryKit.reply(429, [("retry-after", "2")]), RegistryKit.reply(503), RegistryKit.manifest(RegistryKit.image)])
    _ = try await kit.client.resolve(ImageReference(home: home, tag: "v1"))
    #expect(kit.waits.all.first == .seconds(2) && kit.waits.all.count == 2)
    let long = RegistryKit([RegistryKit.reply(429, [("retry-after", "3600")], Array(#"{"errors":[{"code":"TOOMANYREQUESTS"}]}"#.utf8))])
    await #expect { try await long.client.resolve(ImageReference(home: home, tag: "v1")) } throws: {
      if case .refused(_, 429, ["TOOMANYREQUESTS"], _)? = $0 as? RegistryError { true } else { false }
    }
  }

  @Test("Warnings are kept once each")
  func warnings() async throws {
    let warned = RegistryKit.reply(200, [("warning", #"299 - "going away""#), ("warning", #"299 - "going away""#), ("warning", "nonsense")])
    let kit = RegistryKit([warned, warned])
    for _ in 0..<2 { _ = try await kit.client.hasBlob(ContentDigest(of: [1]), in: home) }
    #expect(kit.client.warnings == ["going away"])
  }

  // MARK: Referrers

  private static func entry(_ n: UInt8, _ type: String) -> String {
    Descriptor(of: [n], mediaType: MediaType.imageManifest, artifactType: type).json.text()
  }

  private static func page(_ entries: [String], _ headers: [(name: String, value: String)] = []) -> ScriptedTransport.Step {
    RegistryKit.reply(
      200, [("content-type", MediaType.imageIndex)] + headers,
      Array(#"{"schemaVersion":2,"mediaType":"\#(MediaType.imageIndex)","manifests":[\#(entries.joined(separator: ","))]}"#.utf8))
  }

  @Test("All pages are read; what the registry did not filter is filtered here; junk is reported")
  func pages() async throws {
    let next = [(name: "link", value: #"</v2/team/app/referrers/x?page=2>; rel="next""#)]
    let kit = RegistryKit([Self.page([Self.entry(1, "a/b"), "{\"junk\":1}", Self.entry(2, "c/d")], next), Self.page([Self.entry(3, "a/b"), Self.entry(1, "a/b")])])
    let listing = try await kit.client.referrers(of: ContentDigest(of: [0]), in: home, artifactType: "a/b")
    #expect(listing.descriptors.map(\.digest) == [ContentDigest(of: [1]), ContentDigest(of: [3])])
    #expect(listing.skipped.count == 1 && listing.source == .referrersAPI)
    let filtered = RegistryKit([Self.page([Self.entry(1, "a/b")], [("oci-filters-applied", "artifactType")])])
    #expect(try await filtered.client.referrers(of: ContentDigest(of: [0]), in: home, artifactType: "a/b").descriptors.count == 1)
  }

  @Test("A page on another host is not followed, and pages in a circle end", arguments: ["https://evil.example/v2/x", "//evil.example/x", "http://registry.example.org/x"])
  func foreignPages(_ link: String) async throws {
    let kit = RegistryKit([Self.page([], [("link", "<\(link)>; rel=next")])])
    await #expect { try await kit.client.referrers(of: ContentDigest(of: [0]), in: home) } throws: { if case .insecure? = $0 as? RegistryError { true } else { false } }
    let circle = RegistryKit(Array(repeating: Self.page([Self.entry(1, "a/b")], [("link", "</v2/team/app/r>; rel=next")]), count: 5))
    let listing = try await circle.client.referrers(of: ContentDigest(of: [0]), in: home)
    #expect(listing.descriptors.count == 1 && listing.skipped.count == 1 && circle.transport.requests.count == 2)
  }

  @Test("Without the API the fallback tag is read; without that there are none; an unreadable or refused list is not an empty one")
  func fallback() async throws {
    let absent = RegistryKit.reply(404, [("content-type", "text/plain")], Array("404 page not found".utf8))
    let none = RegistryKit([absent, RegistryKit.reply(404)])
    #expect(try await none.client.referrers(of: ContentDigest(of: [0]), in: home).source == .none)
    for first in [absent, RegistryKit.reply(200, [("content-type", "text/html")]), RegistryKit.reply(303, [("location", "https://x/")])] {
      let kit = RegistryKit([first, Self.page([Self.entry(1, "a/b")])])
      let listing = try await kit.client.referrers(of: ContentDigest(of: [0]), in: home)
      #expect(listing.descriptors.count == 1 && listing.source == .fallbackTag(ReferrersTag.fallback(of: ContentDigest(of: [0]))))
    }
    for bad in [RegistryKit.reply(403), RegistryKit.reply(200, [("content-type", MediaType.imageIndex)], Array("{".utf8))] {
      await #expect(throws: RegistryError.self) { try await RegistryKit([bad]).client.referrers(of: ContentDigest(of: [0]), in: home) }
    }
    let foreign = RegistryKit([absent, RegistryKit.manifest(RegistryKit.image)])
    #expect(try await foreign.client.referrers(of: ContentDigest(of: [0]), in: home).skipped.count == 1)
  }
}
