internal import OCI

/// Pushes a referrer and sees to it that it is listed.
struct ReferrerAttachment: Sendable {
  /// How often the registry's own list is read until the entry is in it.
  static let maxLooks = 8

  let client: RegistryClient
  let home: ImageRepository
  let manifest: ImageManifest
  let blobs: [BlobContent]

  func run() async throws(RegistryError) -> Attachment {
    guard let subject = manifest.subject else {
      throw .badDocument(place: home.name, why: .badMember(document: "manifest", path: "subject", wanted: "the descriptor of what it refers to"))
    }
    let bytes = manifest.serialized()
    guard bytes.count <= OCILimits.manifestBytes else {
      throw .badDocument(place: home.name, why: .tooLarge(document: "manifest", bytes: bytes.count, limit: OCILimits.manifestBytes))
    }
    let empty = BlobContent(Descriptor.emptyContent)
    let needsEmpty = manifest.config.digest == empty.digest && !blobs.contains { $0.digest == empty.digest }
    let descriptor = manifest.referrerDescriptor(bytes: bytes)
    let put = try await push(bytes, descriptor, with: blobs + (needsEmpty ? [empty] : []))

    let reading = ReferrersReading(client: client, home: home, subject: subject.digest)
    if put.header("oci-subject") == subject.digest.text {
      try await see(descriptor, reading)
      return Attachment(descriptor: descriptor, source: .referrersAPI, writes: 0)
    }
    // Registries from before the header may have the list all the same.
    if let listing = try await reading.fromAPI(nil), listing.descriptors.contains(where: { $0.digest == descriptor.digest }) {
      return Attachment(descriptor: descriptor, source: .referrersAPI, writes: 0)
    }
    return try await list(descriptor, of: subject.digest)
  }

  /// Blobs, then the manifest by its digest. A registry that several writers give the same blob at once may lose sight of it for a moment
  /// (docker-registry 2.8 over a file system answers MANIFEST_BLOB_UNKNOWN then): both are done again.
  private func push(_ bytes: [UInt8], _ descriptor: Descriptor, with blobs: [BlobContent]) async throws(RegistryError) -> OutboundReply {
    var failures = 0
    while true {
      for blob in blobs { try await client.upload(blob, to: home) }
      do throws(RegistryError) {
        return try await client.write(bytes, mediaType: manifest.mediaType, reference: descriptor.digest.text, in: home)
      } catch {
        failures += 1
        guard failures < Self.maxLooks, error.isMissingBlob else { throw error }
        try await client.wait.before(attempt: failures)
      }
    }
  }

  private func see(_ descriptor: Descriptor, _ reading: ReferrersReading) async throws(RegistryError) {
    for look in 1...Self.maxLooks {
      if let listing = try await reading.fromAPI(nil), listing.descriptors.contains(where: { $0.digest == descriptor.digest }) { return }
      try await client.wait.before(attempt: look)
    }
    throw .badAnswer(
      place: home.name, why: "it took the manifest \(descriptor.digest) and says it keeps the list of referrers (OCI-Subject), but does not list it")
  }

  private func list(_ descriptor: Descriptor, of subject: ContentDigest) async throws(RegistryError) -> Attachment {
    let tag = ReferrersTag.fallback(of: subject)
    let name = "\(home.name):\(tag)"
    let update = TagUpdate(client: client, home: home, tag: tag)
    let outcome = try await update.run { current throws(RegistryError) in
      try Self.index(current, name).contains(descriptor.digest)
    } change: { current throws(RegistryError) in
      let index = try current.map { found throws(RegistryError) in try Self.index(found, name) } ?? ImageIndex()
      let bytes = index.appending(descriptor).serialized()
      guard bytes.count <= OCILimits.manifestBytes else {
        throw .badDocument(place: name, why: .tooLarge(document: "index of referrers", bytes: bytes.count, limit: OCILimits.manifestBytes))
      }
      return (bytes, index.mediaType)
    }
    return Attachment(descriptor: descriptor, source: .fallbackTag(tag), writes: outcome.writes)
  }

  private static func index(_ found: ResolvedManifest, _ name: String) throws(RegistryError) -> ImageIndex {
    guard found.descriptor.mediaType == MediaType.imageIndex else { throw .foreignTag(tag: name, why: "a \(found.descriptor.mediaType)") }
    do throws(OCIError) { return try ImageIndex.parseReferrers(found.bytes, contentType: MediaType.imageIndex) } catch {
      throw .foreignTag(tag: name, why: error.description)
    }
  }
}
