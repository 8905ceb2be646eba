internal import Encodings
internal import NotaryFormats
package import OCI
internal import SigstoreFormats
package import Trust

/// All signatures of one image that could be found, read and ready to be judged.
///
/// Looked at: every referrer (API or fallback tag) that holds a Sigstore bundle, a Notary envelope, a Merkle batch proof or a dev-key
/// endorsement, and the layers under cosign's `.sig` and `.att` tags. Junk becomes a finding of its own and never stops the others; what could not be
/// fetched leaves the answer open.
package struct ImageEvidence: Sendable {
  package var image: ResolvedManifest
  package var artifact: JudgedArtifact
  package var signatures: [SignatureEvidence]
  /// Referrers that are no signatures (an SBOM, for example): digest and type.
  package var otherReferrers: [String]

  /// Referrers beyond this are not looked at, which leaves the answer open.
  package static let maxReferrers = 1000
  /// Layers of one legacy tag.
  package static let maxLayers = 1000
  static let concurrency = 8

  /// - Throws: when the image itself cannot be resolved. Everything after that is evidence.
  package static func gather(_ reference: ImageReference, from content: some ImageContent) async throws(RegistryError) -> ImageEvidence {
    let image = try await content.resolve(reference)
    let digest = image.descriptor.digest
    guard let named = MessageDigest(text: digest.text) else {
      throw .badAnswer(place: reference.description, why: "its digest is of no known kind")
    }
    let gatherer = Gatherer(content: content, home: image.home)
    async let referrers = gatherer.referrers(of: digest)
    async let signatureTag = gatherer.legacy(.signature, of: digest)
    async let attestationTag = gatherer.legacy(.attestation, of: digest)
    let (listed, others) = await referrers
    return ImageEvidence(
      image: image,
      artifact: .image(
        repository: image.home.name, mediaType: image.descriptor.mediaType, digest: named, size: image.descriptor.size),
      signatures: await listed + signatureTag + attestationTag, otherReferrers: others)
  }
}

/// Reads one image's referrers and tags.
private struct Gatherer<Content: ImageContent> {
  let content: Content
  let home: ImageRepository

  private enum Found: Sendable {
    case signature(SignatureEvidence)
    case other(String)
  }

  func referrers(of subject: ContentDigest) async -> (signatures: [SignatureEvidence], others: [String]) {
    let listing: ReferrersListing
    do throws(RegistryError) { listing = try await content.referrers(of: subject, in: home, artifactType: nil) } catch {
      return ([unusable("referrers of \(subject.text)", error)], [])
    }
    var signatures = listing.skipped.map { SignatureEvidence.unreadable($0.place, why: $0.why) }
    if listing.descriptors.count > ImageEvidence.maxReferrers {
      signatures.append(
        SignatureEvidence(
          source: "referrers of \(subject.text)",
          content: .unavailable("there are \(listing.descriptors.count); only \(ImageEvidence.maxReferrers) were looked at")))
    }
    let wanted = Array(listing.descriptors.prefix(ImageEvidence.maxReferrers))
    var found = [Found?](repeating: nil, count: wanted.count)
    await withTaskGroup(of: (Int, Found).self) { group in
      var next = 0
      func add() {
        guard next < wanted.count else { return }
        let i = next
        next += 1
        group.addTask { (i, await read(wanted[i], subject)) }
      }
      for _ in 0..<ImageEvidence.concurrency { add() }
      for await (i, result) in group {
        found[i] = result
        add()
      }
    }
    var others: [String] = []
    for case let result? in found {
      switch result {
      case .signature(let evidence): signatures.append(evidence)
      case .other(let text): others.append(text)
      }
    }
    return (signatures, others)
  }

  private func read(_ descriptor: Descriptor, _ subject: ContentDigest) async -> Found {
    let source = "\(home.name)@\(descriptor.digest.text)"
    do throws(RegistryError) {
      let manifest = try await content.manifest(descriptor.digest, in: home).image()
      guard manifest.subject?.digest == subject else {
        return .signature(.unreadable(source, why: "it is listed as a referrer, but its subject is another manifest"))
      }
      guard let kind = Kind(manifest) else { return .other("\(descriptor.digest.text) (\(manifest.effectiveArtifactType))") }
      guard manifest.layers.count == 1 else {
        return .signature(.unreadable(source, why: "a signature manifest has one layer; this one has \(manifest.layers.count)"))
      }
      let bytes = try await content.blob(manifest.layers[0], in: home, maxBytes: kind.maxBytes)
      return .signature(kind.evidence(bytes, source: source))
    } catch {
      return .signature(unusable(source, error))
    }
  }

  /// What a referrer holds.
  private enum Kind {
    case bundle
    case notary(NotaryEnvelope.Format)
    case batch

    init?(_ manifest: ImageManifest) {
      let layer = manifest.layers.first?.mediaType ?? ""
      let artifact = manifest.effectiveArtifactType
      if layer.hasPrefix(CosignImage.bundleTypePrefix) || artifact.hasPrefix(CosignImage.bundleTypePrefix) || artifact == KeyEndorsement.mediaType {
        self = .bundle
      } else if layer == BatchProof.mediaType || artifact == BatchProof.mediaType {
        self = .batch
      } else if artifact == NotarySignatureManifest.artifactType {
        // An unknown layer type under Notary's artifact type is a signature in a form we cannot read, not something else.
        self = .notary(NotaryEnvelope.Format(mediaType: layer) ?? .jws)
      } else {
        return nil
      }
    }

    var maxBytes: Int {
      switch self {
      case .bundle: SigstoreBundle.limits.maxBytes
      case .notary: NotaryEnvelope.Limits.envelopeBytes
      case .batch: BatchProof.limits.maxBytes
      }
    }

    func evidence(_ bytes: [UInt8], source: String) -> SignatureEvidence {
      switch self {
      case .bundle: .bundle(bytes, source: source)
      case .notary(let format): .notary(bytes, format: format, source: source)
      case .batch: .batch(bytes, source: source)
      }
    }
  }

  func legacy(_ kind: ReferrersTag.Legacy, of subject: ContentDigest) async -> [SignatureEvidence] {
    let tag = ReferrersTag.legacy(kind, of: subject)
    let source = "\(home.name):\(tag)"
    do throws(RegistryError) {
      guard let found = try await content.tagged(tag, in: home) else { return [] }
      let layers = try found.image().layers
      var result: [SignatureEvidence] = []
      for (i, layer) in layers.prefix(ImageEvidence.maxLayers).enumerated() {
        result += await legacyLayer(layer, kind, source: "\(source) layer \(i)")
      }
      if layers.count > ImageEvidence.maxLayers {
        result.append(SignatureEvidence(source: source, content: .unavailable("only its first \(ImageEvidence.maxLayers) layers were looked at")))
      }
      return result
    } catch {
      return [unusable(source, error)]
    }
  }

  private func legacyLayer(_ layer: Descriptor, _ kind: ReferrersTag.Legacy, source: String) async -> [SignatureEvidence] {
    let wanted = kind == .signature ? CosignImage.Legacy.payloadType : CosignImage.Legacy.envelopeType
    guard layer.mediaType == wanted else { return [.unreadable(source, why: "a layer of type \(layer.mediaType) where \(wanted) belongs")] }
    let limit = kind == .signature ? SimpleSigning.limits.maxBytes : SigstoreBundle.limits.maxBytes
    do throws(RegistryError) {
      let bytes = try await content.blob(layer, in: home, maxBytes: limit)
      if kind == .attestation { return SignatureEvidence.envelopes(bytes, source: source) }
      guard let text = layer.annotations[CosignImage.Legacy.signature], let signature = try? Base64.decode(text), !signature.isEmpty else {
        return [.unreadable(source, why: "the annotation \(CosignImage.Legacy.signature) is missing or not base64")]
      }
      return [
        SignatureEvidence(
          source: source,
          content: .simpleSigning(
            .init(
              payload: bytes, signature: signature, hasCertificate: layer.annotations[CosignImage.Legacy.certificate]?.isEmpty == false)))
      ]
    } catch {
      return [unusable(source, error)]
    }
  }

  /// What could not be had: gone or false content is junk; silence leaves the question open.
  private func unusable(_ source: String, _ error: RegistryError) -> SignatureEvidence {
    switch error {
    case .notFound, .wrongContent, .badDocument, .tooLarge, .foreignTag: .unreadable(source, why: error.description)
    case .unreachable, .unauthorized, .credential, .refused, .badAnswer, .insecure, .updateLost, .localFile, .cancelled:
      SignatureEvidence(source: source, content: .unavailable(error.description))
    }
  }
}
