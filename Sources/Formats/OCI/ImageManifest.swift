internal import Encodings

/// An image or artifact manifest (image-spec, Image Manifest), or Docker's schema 2, which has the same shape.
package struct ImageManifest: Sendable, Hashable {
  package var mediaType: String
  package var artifactType: String?
  package var config: Descriptor
  package var layers: [Descriptor]
  /// What this manifest refers to, when it is a signature or another artifact about something.
  package var subject: Descriptor?
  package var annotations: [String: String]
  /// The document it was read from, for writing it again with members that are not known here.
  private var origin: JSONObject?

  package init(
    artifactType: String? = nil, config: Descriptor = .empty, layers: [Descriptor], subject: Descriptor? = nil,
    annotations: [String: String] = [:]
  ) {
    mediaType = MediaType.imageManifest
    self.artifactType = artifactType
    self.config = config
    self.layers = layers
    self.subject = subject
    self.annotations = annotations
  }

  /// Reads a manifest. Fuzz entry point.
  ///
  /// - Parameter contentType: what it was served or described as, or nil; it must agree with what the document says of itself.
  package static func parse(_ bytes: [UInt8], contentType: String? = nil) throws(OCIError) -> ImageManifest {
    let reader = try DocumentReader(bytes, document: "manifest")
    let type = try reader.checkHead(servedAs: contentType, known: MediaType.manifests)
    // A document that is an index as well could be read as two different things (CVE-2021-41190).
    guard !reader.has("manifests") else { throw .badMember(document: "manifest", path: "manifests", wanted: "nothing, since it has layers") }
    guard reader.has("layers") else { throw .badMember(document: "manifest", path: "layers", wanted: "an array") }
    var manifest = ImageManifest(
      artifactType: try reader.optionalMediaType("artifactType"), config: try Descriptor(reader.object("config")),
      layers: try reader.descriptors("layers", limit: OCILimits.layers),
      subject: reader.has("subject") ? try Descriptor(reader.object("subject")) : nil, annotations: try reader.annotations())
    manifest.mediaType = type
    manifest.origin = reader.object
    return manifest
  }

  /// What a referrers list says it is: `artifactType`, or the config's media type when there is none (distribution-spec, Listing Referrers).
  package var effectiveArtifactType: String { artifactType ?? config.mediaType }

  /// The bytes to push; compact JSON. Layers of a manifest that was read keep members that are not known here.
  package func serialized() -> [UInt8] {
    var object: JSONObject = origin ?? ["schemaVersion": 2, "mediaType": .string(mediaType)]
    object["artifactType"] = artifactType.map { .string($0) }
    object["config"] = Self.merged(config, into: object["config"])
    let known = object["layers"]?.array ?? []
    object["layers"] = .array(layers.enumerated().map { i, layer in Self.merged(layer, into: i < known.count ? known[i] : nil) })
    object["subject"] = subject.map { Self.merged($0, into: object["subject"]) }
    object["annotations"] = Descriptor.json(of: annotations)
    return JSONValue.object(object).serialized()
  }

  /// The value as it was read when it still means the same descriptor, else the descriptor's own.
  private static func merged(_ descriptor: Descriptor, into value: JSONValue?) -> JSONValue {
    guard let value, let reader = try? DocumentReader(value, document: "manifest", path: ""),
      let read = try? Descriptor(reader), read == descriptor
    else { return descriptor.json }
    return value
  }

  /// The descriptor of this manifest as a referrer: its artifact type and all its annotations are copied (distribution-spec, Pushing
  /// Manifests with Subject).
  package func referrerDescriptor(bytes: [UInt8]) -> Descriptor {
    Descriptor(of: bytes, mediaType: mediaType, artifactType: effectiveArtifactType, annotations: annotations)
  }
}
