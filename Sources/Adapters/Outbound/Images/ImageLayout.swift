internal import Encodings
package import OCI

/// An OCI image layout on disk (image-spec, Image Layout), as `oras copy -r --to-oci-layout` or `skopeo copy` leave it. It opens no socket.
///
/// Referrers are found twice: through the fallback tag, and as manifests of `index.json` whose subject is the one asked for. The
/// repository of a reference is not compared with anything: a layout does not say where it came from.
package struct ImageLayout: ImageContent {
  static let tagAnnotation = "org.opencontainers.image.ref.name"

  private let folder: String
  private let index: ImageIndex

  /// - Throws: `.localFile` when the folder is no image layout of version 1.
  package init(folder: String) throws(RegistryError) {
    self.folder = folder
    let marker = try Self.bytes("\(folder)/oci-layout", maxBytes: 4096)
    guard let value = try? JSONValue.parse(marker), value["imageLayoutVersion"]?.string?.hasPrefix("1.") == true else {
      throw .localFile(path: "\(folder)/oci-layout", why: "it does not say imageLayoutVersion 1.x")
    }
    let path = "\(folder)/index.json"
    let bytes = try Self.bytes(path, maxBytes: OCILimits.manifestBytes)
    do throws(OCIError) { index = try ImageIndex.parseReferrers(bytes) } catch { throw .badDocument(place: path, why: error) }
  }

  package func resolve(_ reference: ImageReference) async throws(RegistryError) -> ResolvedManifest {
    if let digest = reference.digest { return try read(digest, mediaType: nil, reference) }
    guard let tag = reference.tag, let found = entry(tag, reference.home) else { throw .notFound(place: "\(folder) (\(reference))") }
    return try read(found.digest, mediaType: found.mediaType, reference)
  }

  package func tagged(_ tag: String, in home: ImageRepository) async throws(RegistryError) -> ResolvedManifest? {
    guard let found = entry(tag, home) else { return nil }
    return try read(found.digest, mediaType: found.mediaType, ImageReference(home: home, digest: found.digest))
  }

  package func manifest(_ digest: ContentDigest, in home: ImageRepository) async throws(RegistryError) -> ResolvedManifest {
    try read(digest, mediaType: nil, ImageReference(home: home, digest: digest))
  }

  package func blob(_ descriptor: Descriptor, in home: ImageRepository, maxBytes: Int) async throws(RegistryError) -> [UInt8] {
    let place = path(descriptor.digest)
    guard descriptor.size <= maxBytes else { throw .tooLarge(place: place, limit: maxBytes) }
    let bytes = try Self.bytes(place, maxBytes: maxBytes)
    try check(bytes, descriptor.digest, size: descriptor.size)
    return bytes
  }

  package func referrers(
    of subject: ContentDigest, in home: ImageRepository, artifactType: String?
  ) async throws(RegistryError) -> ReferrersListing {
    var listing = ReferrersListing(descriptors: [], skipped: [], source: .none)
    var seen: Set<ContentDigest> = []
    let tag = ReferrersTag.fallback(of: subject)
    if let listed = try await tagged(tag, in: home) {
      listing.source = .fallbackTag(tag)
      do throws(OCIError) {
        for descriptor in try ImageIndex.parseReferrers(listed.bytes, contentType: listed.descriptor.mediaType).manifests
        where seen.insert(descriptor.digest).inserted { listing.descriptors.append(descriptor) }
      } catch {
        listing.skipped.append(.init(place: tag, why: error.description))
      }
    }
    for entry in index.manifests where MediaType.manifests.contains(entry.mediaType) && !seen.contains(entry.digest) {
      do throws(RegistryError) {
        let found = try read(entry.digest, mediaType: entry.mediaType, ImageReference(home: home, digest: entry.digest))
        let manifest = try found.image()
        guard manifest.subject?.digest == subject, seen.insert(entry.digest).inserted else { continue }
        listing.descriptors.append(manifest.referrerDescriptor(bytes: found.bytes))
      } catch {
        listing.skipped.append(.init(place: entry.digest.text, why: error.description))
      }
    }
    if let artifactType { listing.descriptors.removeAll { $0.artifactType != artifactType } }
    return listing
  }

  /// The last entry of that name: some tools write `REPOSITORY:TAG`, most the tag alone.
  private func entry(_ tag: String, _ home: ImageRepository) -> Descriptor? {
    index.manifests.last { [tag, "\(home.name):\(tag)"].contains($0.annotations[Self.tagAnnotation]) }
  }

  private func read(_ digest: ContentDigest, mediaType: String?, _ reference: ImageReference) throws(RegistryError) -> ResolvedManifest {
    let bytes = try Self.bytes(path(digest), maxBytes: OCILimits.manifestBytes)
    try check(bytes, digest, size: nil)
    let type: String
    if let listed = mediaType ?? index.manifests.first(where: { $0.digest == digest })?.mediaType { type = listed } else { type = try declaredType(bytes, digest) }
    let descriptor = Descriptor(mediaType: type, digest: digest, size: Int64(bytes.count))
    return ResolvedManifest(reference: reference.pinned(to: digest), descriptor: descriptor, bytes: bytes)
  }

  /// A manifest that the index does not list must say itself what it is: no header stands beside it here.
  private func declaredType(_ bytes: [UInt8], _ digest: ContentDigest) throws(RegistryError) -> String {
    guard let type = (try? JSONValue.parse(bytes, limits: JSONLimits(maxBytes: OCILimits.manifestBytes)))?["mediaType"]?.string else {
      throw .badAnswer(place: path(digest), why: "the manifest does not say its mediaType")
    }
    return type
  }

  private func path(_ digest: ContentDigest) -> String { "\(folder)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

  private func check(_ bytes: [UInt8], _ digest: ContentDigest, size: Int64?) throws(RegistryError) {
    if let size, Int64(bytes.count) != size {
      throw .wrongContent(place: path(digest), wanted: "\(size) bytes", found: "\(bytes.count) bytes")
    }
    let found = ContentDigest(of: bytes, algorithm: digest.algorithm)
    guard found == digest else { throw .wrongContent(place: path(digest), wanted: digest.text, found: found.text) }
  }

  private static func bytes(_ path: String, maxBytes: Int) throws(RegistryError) -> [UInt8] {
    do throws(CredentialError) { return try BoundedFile.bytes(path, maxBytes: maxBytes) } catch {
      throw .localFile(path: path, why: "it is missing, unreadable or longer than \(maxBytes) bytes")
    }
  }
}
