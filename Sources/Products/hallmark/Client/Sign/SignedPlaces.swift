import Crypto
import Encodings
import NotaryFormats
import OCI
import Outbound
import Signing
import SigstoreFormats

/// Files on this machine, and registries.
struct SignedPlaces: DocumentPlacer {
  let registry: RegistryClient?

  func place(_ document: SealedDocument, at placement: Placement) async throws -> PlacedDocument {
    switch placement {
    case .file(let path):
      try LocalFile.write(document.bytes, to: path)
      return PlacedDocument(text: path, digest: MessageDigest(algorithm: .sha256, bytes: Array(SHA256.hash(data: document.bytes))))
    case .referrer(let image): return try await attach(document, to: image)
    case .tag(let image, _): return try await append(document, to: image, tag: placement.tagName ?? "")
    }
  }

  private func attach(_ document: SealedDocument, to image: SigningJob.Image) async throws -> PlacedDocument {
    let (client, home) = try target(image)
    let layer = Descriptor(of: document.bytes, mediaType: document.mediaType)
    let subject = Descriptor(mediaType: image.mediaType, digest: try ContentDigest(image.digest.text), size: image.size)
    let annotations = Self.dictionary(document.annotations)
    let manifest =
      document.format.isNotary
      // The form notation writes: no artifact type, the config says what it is.
      ? ImageManifest(
        config: Descriptor(of: Descriptor.emptyContent, mediaType: NotarySignatureManifest.artifactType), layers: [layer], subject: subject,
        annotations: annotations)
      : ImageManifest(artifactType: document.mediaType, layers: [layer], subject: subject, annotations: annotations)
    let pushed = try await client.attach(manifest, blobs: [BlobContent(document.bytes), BlobContent(Descriptor.emptyContent)], in: home)
    return try placed("\(image.repository)@\(pushed.descriptor.digest.text)", pushed.descriptor, listing: pushed.source == .referrersAPI ? "api" : "tag")
  }

  private func append(_ document: SealedDocument, to image: SigningJob.Image, tag: String) async throws -> PlacedDocument {
    let (client, home) = try target(image)
    let layer = LegacyLayer(
      mediaType: document.mediaType, content: BlobContent(document.bytes), annotations: Self.dictionary(document.annotations))
    let descriptor = try await client.append(layer, toTag: tag, in: home)
    return try placed("\(image.repository):\(tag)", descriptor, listing: nil)
  }

  private func target(_ image: SigningJob.Image) throws -> (RegistryClient, ImageRepository) {
    guard let registry else { throw CommandFailure.usage("cannot push", why: "this run has no registry") }
    return (registry, try ImageReference("\(image.repository)@\(image.digest.text)").home)
  }

  private func placed(_ text: String, _ descriptor: Descriptor, listing: String?) throws -> PlacedDocument {
    guard let digest = MessageDigest(text: descriptor.digest.text) else {
      throw CommandFailure("cannot push", why: "the registry named it \(descriptor.digest.text)", code: Exit.remote)
    }
    return PlacedDocument(text: text, digest: digest, listing: listing)
  }

  private static func dictionary(_ annotations: [SigningJob.Annotation]) -> [String: String] {
    Dictionary(annotations.map { ($0.name, $0.value) }) { first, _ in first }
  }
}
