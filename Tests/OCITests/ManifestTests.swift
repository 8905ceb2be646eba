import Encodings
import OCI
import Testing

@Suite("Manifests and indexes")
struct ManifestTests {
  static let digest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
  static let config = #"{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"\#(digest)","size":2}"#
  static let layer = #"{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"\#(digest)","size":2}"#

  static func manifest(_ changes: String = "", config: String = config, layers: String = "[\(layer)]", type: String = MediaType.imageManifest) -> [UInt8] {
    Array(#"{"schemaVersion":2,"mediaType":"\#(type)","config":\#(config),"layers":\#(layers)\#(changes)}"#.utf8)
  }

  static func index(_ entries: String, _ changes: String = "") -> [UInt8] {
    Array(#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[\#(entries)]\#(changes)}"#.utf8)
  }

  @Test("OCI and Docker manifests are read, unknown members tolerated and null taken as absent")
  func read() throws {
    for type in MediaType.manifests {
      let manifest = try ImageManifest.parse(Self.manifest(#","x":1,"subject":null,"annotations":{"a":"b"}"#, type: type), contentType: type + "; charset=utf-8")
      #expect(manifest.mediaType == type && manifest.layers.count == 1 && manifest.subject == nil && manifest.annotations == ["a": "b"])
    }
    let untyped = Array(#"{"schemaVersion":2,"config":\#(Self.config),"layers":[]}"#.utf8)
    #expect(try ImageManifest.parse(untyped, contentType: MediaType.imageManifest).layers.isEmpty)
    #expect(throws: OCIError.self) { try ImageManifest.parse(untyped) }
  }

  @Test("A manifest whose lists are shorter or longer, or whose values have other types, is refused with the member's name", arguments: [
    (manifest(#","artifactType":5"#), "artifactType"), (manifest(#","annotations":{"a":1}"#), "annotations.a"), (manifest(#","annotations":[]"#), "annotations"),
    (manifest(config: "{}"), "config.mediaType"), (manifest(config: "null"), "config"), (manifest(layers: "{}"), "layers"), (manifest(layers: "[1]"), "layers[0]"),
    (manifest(layers: #"[{"mediaType":"a/b","digest":"sha256:x","size":1}]"#), "layers[0].digest"),
    (manifest(layers: #"[{"mediaType":"a/b","digest":"\#(digest)","size":-1}]"#), "layers[0].size"),
    (manifest(layers: #"[{"mediaType":"a/b","digest":"\#(digest)","size":1.5}]"#), "layers[0].size"),
    (manifest(layers: #"[{"mediaType":"a/b","digest":"\#(digest)","size":"1"}]"#), "layers[0].size"),
    (manifest(layers: #"[{"mediaType":"a","digest":"\#(digest)","size":1}]"#), "layers[0].mediaType"),
    (manifest(#","subject":{"mediaType":"a/b"}"#), "subject.digest"), (manifest(#","manifests":[]"#), "manifests"),
    (Array(#"{"schemaVersion":1}"#.utf8), "schemaVersion"), (Array("[]".utf8), "(the whole)"),
  ])
  func badMembers(_ bytes: [UInt8], _ path: String) {
    do {
      _ = try ImageManifest.parse(bytes)
      Issue.record("taken")
    } catch {
      guard case .badMember(_, let found, _) = error else { Issue.record("\(error)"); return }
      #expect(found == path || path == "(the whole)" && found.isEmpty)
    }
  }

  @Test("Truncated, oversized, doubled or deep documents are no manifests")
  func notJSON() {
    let whole = Self.manifest()
    for count in stride(from: 0, to: whole.count, by: 7) { #expect(throws: OCIError.self) { try ImageManifest.parse(Array(whole.prefix(count))) } }
    #expect(throws: OCIError.tooLarge(document: "manifest", bytes: (4 << 20) + 1, limit: 4 << 20)) {
      try ImageManifest.parse([UInt8](repeating: 0x20, count: (4 << 20) + 1))
    }
    for changes in [#","schemaVersion":2"#, #","x":{"a":1,"a":2}"#, ",\"x\":" + String(repeating: "[", count: 40) + String(repeating: "]", count: 40)] {
      #expect { try ImageManifest.parse(Self.manifest(changes)) } throws: { if case .notJSON? = $0 as? OCIError { true } else { false } }
    }
  }

  @Test("A document that is served as one thing and says it is another is neither")
  func mismatch() {
    #expect(throws: OCIError.mediaTypeMismatch(said: MediaType.imageIndex, found: MediaType.imageManifest)) {
      try ManifestDocument.parse(Self.manifest(), contentType: MediaType.imageIndex)
    }
    #expect(throws: OCIError.self) { try ImageIndex.parse(Self.index("", #","layers":[]"#)) }
    #expect(throws: OCIError.self) { try ImageManifest.parse(Self.manifest(type: MediaType.imageIndex)) }
    #expect(throws: OCIError.self) { try ManifestDocument.parse(Self.manifest(type: "application/vnd.docker.distribution.manifest.v1+json"), contentType: nil) }
  }

  @Test("Appending to an index keeps the entries of others, their order and their unknown members; the same digest is not added twice")
  func append() throws {
    let foreign = #"{"mediaType":"a/b","digest":"\#(Self.digest)","size":2,"urls":["u"],"strange":{"x":[1]}},{"junk":true}"#
    let index = try ImageIndex.parseReferrers(Self.index(foreign, #","annotations":{"k":"v"},"other":1"#))
    #expect(index.manifests.count == 1 && index.unreadable.map(\.position) == [1])
    let added = Descriptor(of: Array("x".utf8), mediaType: MediaType.imageManifest, artifactType: "a/c", annotations: ["n": "1"])
    let written = try JSONValue.parse(index.appending(added).appending(added).serialized())
    #expect(written["manifests"]?.array?.count == 3 && written["other"] == 1 && written["annotations"] == ["k": "v"])
    #expect(written["manifests"]?[0]?["strange"] == ["x": [1]] && written["manifests"]?[1] == ["junk": true])
    #expect(written["manifests"]?[2]?["artifactType"] == "a/c")
    #expect(throws: OCIError.self) { try ImageIndex.parse(Self.index(foreign)) }
  }

  @Test("A manifest that is extended keeps the members of others")
  func extend() throws {
    let layer = #"{"mediaType":"a/b","digest":"\#(Self.digest)","size":2,"odd":1}"#
    var manifest = try ImageManifest.parse(Self.manifest(#","odd":2"#, layers: "[\(layer)]"))
    manifest.layers.append(Descriptor(of: [1], mediaType: "a/c"))
    let written = try JSONValue.parse(manifest.serialized())
    #expect(written["odd"] == 2 && written["layers"]?[0]?["odd"] == 1 && written["layers"]?[1]?["mediaType"] == "a/c")
  }

  @Test("A referrer is listed by its artifact type, or by its config's type when it has none")
  func referrer() {
    let legacy = ImageManifest(config: Descriptor(of: [1], mediaType: "application/vnd.cncf.notary.signature"), layers: [], annotations: ["a": "b"])
    #expect(legacy.referrerDescriptor(bytes: [1]).artifactType == "application/vnd.cncf.notary.signature")
    #expect(ImageManifest(artifactType: "a/b", layers: [], annotations: ["a": "b"]).referrerDescriptor(bytes: [1]).annotations == ["a": "b"])
  }
}
