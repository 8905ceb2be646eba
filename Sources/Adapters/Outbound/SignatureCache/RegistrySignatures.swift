internal import Encodings
internal import NotaryFormats
internal import OCI
package import Signing
internal import SigstoreFormats

/// Finished signatures that already lie beside an image as referrers. The legacy tag is not looked at: its layers carry no time.
package struct RegistrySignatures: PlacedSignatures {
  private let client: RegistryClient

  package init(client: RegistryClient) { self.client = client }

  package func documents(_ format: SignatureFormat, of image: SigningJob.Image, limit: Int) async throws -> [FoundDocument] {
    guard let layerType = Self.layerType(format) else { return [] }
    let subject = Descriptor(mediaType: image.mediaType, digest: try ContentDigest(image.digest.text), size: image.size)
    let home = try ImageReference("\(image.repository)@\(image.digest.text)").home
    let listing = try await client.referrers(of: subject.digest, in: home)
    var found: [FoundDocument] = []
    for referrer in listing.descriptors.prefix(limit) {
      // One that is broken is somebody else's trouble.
      guard let manifest = try? await client.manifest(referrer.digest, in: home).image(), manifest.subject?.digest == subject.digest,
        manifest.layers.count == 1, manifest.layers[0].mediaType == layerType, manifest.layers[0].size <= CacheEntry.maxDocumentBytes,
        let bytes = try? await client.blob(manifest.layers[0], in: home, maxBytes: CacheEntry.maxDocumentBytes)
      else { continue }
      let annotations = manifest.annotations.map { SigningJob.Annotation(name: $0.key, value: $0.value) }.sorted { $0.name < $1.name }
      let created = manifest.annotations[CosignImage.Annotation.created].flatMap { try? ISO8601.parse($0) }.map { $0 / 1_000_000_000 }
      found.append(
        FoundDocument(
          document: SealedDocument(format: format, mediaType: layerType, bytes: bytes, annotations: annotations),
          source: "\(image.repository)@\(referrer.digest.text)", createdAt: created))
    }
    return found.sorted { ($0.createdAt ?? 0) > ($1.createdAt ?? 0) }
  }

  private static func layerType(_ format: SignatureFormat) -> String? {
    switch format {
    case .bundle: CosignImage.bundleType
    case .notaryJWS: NotaryEnvelope.Format.jws.mediaType
    case .notaryCOSE: NotaryEnvelope.Format.cose.mediaType
    case .signature, .legacy: nil
    }
  }
}
