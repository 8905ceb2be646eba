package import Encodings

/// A pointer to content: what it is, its digest and its size (image-spec, Content Descriptors).
package struct Descriptor: Sendable, Hashable {
  package var mediaType: String
  package var digest: ContentDigest
  /// In bytes, not negative.
  package var size: Int64
  package var artifactType: String?
  package var annotations: [String: String]
  /// The content itself, embedded. Not checked against the digest here; `RegistryClient` checks whatever it reads.
  package var data: [UInt8]?
  /// Of an index entry that is an image for one platform.
  package var platform: Platform?

  package struct Platform: Sendable, Hashable, CustomStringConvertible {
    package var os: String
    package var architecture: String
    package var variant: String?

    package init(os: String, architecture: String, variant: String? = nil) {
      self.os = os
      self.architecture = architecture
      self.variant = variant
    }

    package var description: String { "\(os)/\(architecture)" + (variant.map { "/\($0)" } ?? "") }
  }

  package init(
    mediaType: String, digest: ContentDigest, size: Int64, artifactType: String? = nil, annotations: [String: String] = [:],
    data: [UInt8]? = nil, platform: Platform? = nil
  ) {
    self.mediaType = mediaType
    self.digest = digest
    self.size = size
    self.artifactType = artifactType
    self.annotations = annotations
    self.data = data
    self.platform = platform
  }

  /// Describes this content with SHA-256.
  package init(of content: [UInt8], mediaType: String, artifactType: String? = nil, annotations: [String: String] = [:]) {
    self.init(
      mediaType: mediaType, digest: ContentDigest(of: content), size: Int64(content.count), artifactType: artifactType,
      annotations: annotations)
  }

  /// The empty config of artifacts (image-spec, Guidance for an Empty Descriptor), with its two bytes embedded.
  package static let empty = Descriptor(mediaType: MediaType.empty, digest: ContentDigest(of: emptyContent), size: 2, data: emptyContent)
  /// `{}`.
  package static let emptyContent = Array("{}".utf8)

  /// Media type, digest and size only: what a subject is.
  package var bare: Descriptor { Descriptor(mediaType: mediaType, digest: digest, size: size) }

  /// Members in the order of the specification's examples; annotations by name, so that equal descriptors have equal bytes.
  package var json: JSONValue {
    var object: JSONObject = ["mediaType": .string(mediaType), "digest": .string(digest.text), "size": .integer(size)]
    object.set("data", ifPresent: data.map { .string(Base64.encode($0)) })
    object.set("artifactType", ifPresent: artifactType.map { .string($0) })
    if let platform {
      var value: JSONObject = ["architecture": .string(platform.architecture), "os": .string(platform.os)]
      value.set("variant", ifPresent: platform.variant.map { .string($0) })
      object["platform"] = .object(value)
    }
    object.set("annotations", ifPresent: Self.json(of: annotations))
    return .object(object)
  }

  /// Nil when there are none: an empty member is not written.
  static func json(of annotations: [String: String]) -> JSONValue? {
    guard !annotations.isEmpty else { return nil }
    var object = JSONObject()
    for (name, value) in annotations.sorted(by: { $0.key < $1.key }) { object[name] = .string(value) }
    return .object(object)
  }
}

extension Descriptor {
  init(_ reader: DocumentReader) throws(OCIError) {
    mediaType = try reader.mediaType("mediaType")
    digest = try reader.digest("digest")
    size = try reader.size("size")
    artifactType = try reader.optionalMediaType("artifactType")
    annotations = try reader.annotations()
    data = try reader.optionalBytes("data", limit: OCILimits.embeddedBytes)
    platform = nil
    if reader.has("platform") {
      let inner = try reader.object("platform")
      platform = Platform(
        os: try inner.string("os", limit: 128), architecture: try inner.string("architecture", limit: 128),
        variant: try inner.optionalString("variant", limit: 128))
    }
  }
}
