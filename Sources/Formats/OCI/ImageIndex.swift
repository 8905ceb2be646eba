internal import Encodings

/// An image index (image-spec, Image Index), a Docker manifest list, or a page of referrers.
package struct ImageIndex: Sendable, Hashable {
  /// An entry that is no descriptor we can use.
  package struct UnreadableEntry: Sendable, Hashable {
    package let position: Int
    package let reason: OCIError
  }

  package let mediaType: String
  package let artifactType: String?
  package let subject: Descriptor?
  package let annotations: [String: String]
  /// The entries in order, without the unreadable ones.
  package private(set) var manifests: [Descriptor]
  /// Always empty after `parse`; `parseReferrers` keeps junk of strangers here.
  package let unreadable: [UnreadableEntry]
  /// The whole document, so that it can be written again without losing what is not known here.
  private var document: JSONObject

  /// An index without entries.
  package init() {
    mediaType = MediaType.imageIndex
    artifactType = nil
    subject = nil
    annotations = [:]
    manifests = []
    unreadable = []
    document = ["schemaVersion": 2, "mediaType": .string(MediaType.imageIndex), "manifests": []]
  }

  /// Reads an index or manifest list; every entry must be a descriptor. Fuzz entry point.
  package static func parse(_ bytes: [UInt8], contentType: String? = nil) throws(OCIError) -> ImageIndex {
    let index = try parseReferrers(bytes, contentType: contentType)
    if let first = index.unreadable.first { throw first.reason }
    return index
  }

  /// Reads a list of referrers: an entry that is no descriptor is kept apart with its reason. Fuzz entry point.
  package static func parseReferrers(_ bytes: [UInt8], contentType: String? = nil) throws(OCIError) -> ImageIndex {
    try ImageIndex(DocumentReader(bytes, document: "index"), contentType: contentType)
  }

  private init(_ reader: DocumentReader, contentType: String?) throws(OCIError) {
    mediaType = try reader.checkHead(servedAs: contentType, known: MediaType.indexes)
    // A document that is a manifest as well could be read as two different things (CVE-2021-41190).
    for name in ["layers", "config"] where reader.has(name) {
      throw .badMember(document: "index", path: name, wanted: "nothing, since it has manifests")
    }
    guard reader.object["manifests"] != nil else { throw .badMember(document: "index", path: "manifests", wanted: "an array") }
    artifactType = try reader.optionalMediaType("artifactType")
    subject = reader.has("subject") ? try Descriptor(reader.object("subject")) : nil
    annotations = try reader.annotations()
    var good: [Descriptor] = []
    var bad: [UnreadableEntry] = []
    for (i, value) in try reader.array("manifests", limit: OCILimits.manifests).enumerated() {
      do throws(OCIError) {
        good.append(try Descriptor(DocumentReader(value, document: "index", path: "manifests[\(i)]")))
      } catch {
        bad.append(UnreadableEntry(position: i, reason: error))
      }
    }
    manifests = good
    unreadable = bad
    document = reader.object
  }

  /// This index with one more entry at its end; the same index when an entry of that digest is there. Other entries keep their place and
  /// every member they have.
  package func appending(_ descriptor: Descriptor) -> ImageIndex {
    guard !contains(descriptor.digest) else { return self }
    var result = self
    result.manifests.append(descriptor)
    result.document["manifests"] = .array((document["manifests"]?.array ?? []) + [descriptor.json])
    return result
  }

  package func contains(_ digest: ContentDigest) -> Bool { manifests.contains { $0.digest == digest } }

  /// The bytes to push; compact JSON.
  package func serialized() -> [UInt8] { JSONValue.object(document).serialized() }
}

/// What stands behind a digest or tag.
package enum ManifestDocument: Sendable, Hashable {
  case image(ImageManifest)
  case index(ImageIndex)

  /// What a document is, from what it was served as and says of itself; nothing else of it is looked at.
  ///
  /// A `Content-Type` that is none of a manifest (as some proxies send) counts as absent.
  package static func mediaType(of bytes: [UInt8], servedAs contentType: String?) throws(OCIError) -> String {
    let served = contentType.map(MediaType.essence).flatMap { ["application/json", "application/octet-stream", "text/plain", ""].contains($0) ? nil : $0 }
    return try DocumentReader(bytes, document: "manifest").checkHead(servedAs: served, known: MediaType.accepted)
  }

  /// Reads either, by what it was served as or says of itself. Fuzz entry point.
  package static func parse(_ bytes: [UInt8], contentType: String?) throws(OCIError) -> ManifestDocument {
    let reader = try DocumentReader(bytes, document: "manifest")
    let type = try reader.checkHead(servedAs: contentType, known: MediaType.accepted)
    return MediaType.indexes.contains(type)
      ? .index(try ImageIndex.parse(bytes, contentType: contentType)) : .image(try ImageManifest.parse(bytes, contentType: contentType))
  }
}
