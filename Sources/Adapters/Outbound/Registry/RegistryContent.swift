package import OCI
internal import Foundation

/// A manifest as it lies in the registry: its bytes have the digest and size of its descriptor.
package struct ResolvedManifest: Sendable, Hashable {
  /// With the digest that was found.
  package let reference: ImageReference
  package let descriptor: Descriptor
  package let bytes: [UInt8]

  init(reference: ImageReference, descriptor: Descriptor, bytes: [UInt8]) {
    self.reference = reference
    self.descriptor = descriptor
    self.bytes = bytes
  }

  package var home: ImageRepository { reference.home }

  /// What the bytes mean.
  package func document() throws(RegistryError) -> ManifestDocument {
    do throws(OCIError) { return try ManifestDocument.parse(bytes, contentType: descriptor.mediaType) } catch {
      throw .badDocument(place: reference.description, why: error)
    }
  }

  /// - Throws: `.badDocument` for an index.
  package func image() throws(RegistryError) -> ImageManifest {
    guard case .image(let manifest) = try document() else {
      throw .badDocument(place: reference.description, why: .unsupportedMediaType(document: "manifest", mediaType: descriptor.mediaType))
    }
    return manifest
  }
}

/// Content to be uploaded, with its digest, readable in pieces.
package struct BlobContent: Sendable {
  package let digest: ContentDigest
  package let size: Int64
  let read: @Sendable (Range<Int64>) throws(RegistryError) -> [UInt8]

  package init(_ bytes: [UInt8]) {
    digest = ContentDigest(of: bytes)
    size = Int64(bytes.count)
    read = { range in Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)]) }
  }

  /// A file; read once now for its digest and again while it is sent. Memory stays at one piece.
  package init(file path: String) throws(RegistryError) {
    guard let handle = FileHandle(forReadingAtPath: path) else { throw .localFile(path: path, why: "it cannot be opened") }
    defer { try? handle.close() }
    var stream = ContentDigestStream()
    do {
      while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty { stream.update(piece) }
    } catch { throw .localFile(path: path, why: "it cannot be read") }
    digest = stream.finish()
    size = stream.count
    read = { range throws(RegistryError) in
      let count = Int(range.upperBound - range.lowerBound)
      guard let handle = FileHandle(forReadingAtPath: path) else { throw .localFile(path: path, why: "it cannot be opened any more") }
      defer { try? handle.close() }
      do {
        try handle.seek(toOffset: UInt64(range.lowerBound))
        let piece = try handle.read(upToCount: count) ?? Data()
        guard piece.count == count else { throw CocoaError(.fileReadCorruptFile) }
        return Array(piece)
      } catch { throw .localFile(path: path, why: "it became shorter while it was sent") }
    }
  }
}

/// What refers to a subject, as the registry lists it.
package struct ReferrersListing: Sendable, Hashable {
  /// Where the list came from.
  package enum Source: Sendable, Hashable {
    case referrersAPI
    case fallbackTag(String)
    /// The registry has neither the API nor the tag: nothing refers to the subject.
    case none
  }

  /// An entry or a page that was passed over.
  package struct Skipped: Sendable, Hashable, CustomStringConvertible {
    package let place: String
    package let why: String
    package var description: String { "\(place): \(why)" }
  }

  package var descriptors: [Descriptor]
  package var skipped: [Skipped]
  package var source: Source
}

/// A referrer that is pushed and was seen in the list of its subject.
package struct Attachment: Sendable, Hashable {
  /// Of the pushed manifest, with artifact type and annotations as the list shows them.
  package let descriptor: Descriptor
  package let source: ReferrersListing.Source
  /// How often the list was written (0: the registry keeps it).
  package let writes: Int
}

/// One more layer for a tag that cosign keeps signatures or attestations under (`sha256-….sig`, `.att`).
package struct LegacyLayer: Sendable {
  package var mediaType: String
  package var content: BlobContent
  package var annotations: [String: String]

  package init(mediaType: String, content: BlobContent, annotations: [String: String]) {
    self.mediaType = mediaType
    self.content = content
    self.annotations = annotations
  }
}
