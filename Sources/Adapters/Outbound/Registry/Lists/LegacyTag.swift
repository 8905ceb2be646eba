internal import Encodings
internal import OCI

/// Appends a layer to a tag of cosign's older form: an image whose layers are signatures or attestations and whose config names each of them.
struct LegacyTag: Sendable {
  /// Of the config of such an image; it grows by some 150 bytes a layer.
  static let maxConfigBytes = 2 << 20

  let client: RegistryClient
  let home: ImageRepository
  let tag: String

  func append(_ layer: LegacyLayer) async throws(RegistryError) -> Descriptor {
    let name = "\(home.name):\(tag)"
    let descriptor = Descriptor(
      mediaType: layer.mediaType, digest: layer.content.digest, size: layer.content.size, annotations: layer.annotations)
    try await client.upload(layer.content, to: home)
    let update = TagUpdate(client: client, home: home, tag: tag)
    let outcome = try await update.run { current throws(RegistryError) in
      try Self.manifest(current, name).layers.contains { $0.digest == descriptor.digest && $0.annotations == descriptor.annotations }
    } change: { current throws(RegistryError) in
      var manifest = try current.map { found throws(RegistryError) in try Self.manifest(found, name) }
      let old = if let manifest { try await client.blob(manifest.config, in: home, maxBytes: Self.maxConfigBytes) } else { [UInt8]?.none }
      let digests = (manifest?.layers ?? []).map(\.digest) + [descriptor.digest]
      let config = Self.config(old, naming: digests)
      try await client.upload(BlobContent(config), to: home)
      let configDescriptor = Descriptor(of: config, mediaType: manifest?.config.mediaType ?? MediaType.imageConfig)
      if manifest == nil { manifest = ImageManifest(config: configDescriptor, layers: []) }
      manifest?.config = configDescriptor
      manifest?.layers.append(descriptor)
      let bytes = manifest?.serialized() ?? []
      guard bytes.count <= OCILimits.manifestBytes else {
        throw .badDocument(place: name, why: .tooLarge(document: "manifest of signatures", bytes: bytes.count, limit: OCILimits.manifestBytes))
      }
      return (bytes, manifest?.mediaType ?? MediaType.imageManifest)
    }
    return outcome.current.descriptor
  }

  private static func manifest(_ found: ResolvedManifest, _ name: String) throws(RegistryError) -> ImageManifest {
    guard MediaType.manifests.contains(found.descriptor.mediaType) else { throw .foreignTag(tag: name, why: "a \(found.descriptor.mediaType)") }
    do throws(OCIError) { return try ImageManifest.parse(found.bytes, contentType: found.descriptor.mediaType) } catch {
      throw .foreignTag(tag: name, why: error.description)
    }
  }

  /// The image config that names these layers: the old one with its lists renewed, or a new one. Layers are not compressed, so a layer's
  /// digest is its diff id.
  static func config(_ old: [UInt8]?, naming digests: [ContentDigest]) -> [UInt8] {
    let epoch: JSONValue = "0001-01-01T00:00:00Z"
    var object: JSONObject = ["architecture": "", "created": epoch, "history": [], "os": "", "rootfs": [:], "config": [:]]
    if let old, let value = try? JSONValue.parse(old, limits: JSONLimits(maxBytes: maxConfigBytes)), let read = value.object { object = read }
    var history = object["history"]?.array ?? []
    while history.count < digests.count { history.append(["created": epoch]) }
    object["history"] = .array(Array(history.prefix(digests.count)))
    object["rootfs"] = ["type": "layers", "diff_ids": .array(digests.map { .string($0.text) })]
    return JSONValue.object(object).serialized()
  }
}
