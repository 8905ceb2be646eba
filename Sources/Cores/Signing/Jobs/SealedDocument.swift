internal import SigstoreFormats

/// A finished document: what is written to a file or pushed as the one layer of a signature manifest.
package struct SealedDocument: Sendable, Hashable {
  package var format: SignatureFormat
  /// Of `bytes`.
  package var mediaType: String
  package var bytes: [UInt8]
  /// Annotations of the manifest (bundle, Notary) or of the layer (legacy); empty for files. Names distinct.
  package var annotations: [SigningJob.Annotation]

  package init(format: SignatureFormat, mediaType: String, bytes: [UInt8], annotations: [SigningJob.Annotation] = []) {
    self.format = format
    self.mediaType = mediaType
    self.bytes = bytes
    self.annotations = annotations
  }
}

/// Where a document goes.
package enum Placement: Sendable, Hashable {
  case file(path: String)
  /// A manifest of its own whose `subject` is the image, listed by the referrers API or the fallback tag.
  case referrer(SigningJob.Image)
  /// A further layer of the manifest under cosign's tag for this image.
  case tag(SigningJob.Image, kind: LegacyKind)

  package enum LegacyKind: String, Sendable, Hashable {
    case signature = "sig"
    case attestation = "att"
  }

  /// For people: the path, `repository` with the subject, or the tag.
  package var text: String {
    switch self {
    case .file(let path): path
    case .referrer(let image): "\(image.repository) (referrer of \(image.digest.text))"
    case .tag(let image, _): "\(image.repository):\(tagName ?? "")"
    }
  }

  /// cosign's tag for the image; nil for other placements.
  package var tagName: String? {
    guard case .tag(let image, let kind) = self else { return nil }
    return CosignImage.Legacy.tag(image.digest, suffix: ".\(kind.rawValue)")
  }

  /// The path of a signer's file: the first signer's is `path` itself, another's has its name before `.sigstore.json`, or at the end.
  package static func path(_ path: String, signer: String, isFirst: Bool) -> String {
    if isFirst { return path }
    let suffix = ".sigstore.json"
    return path.hasSuffix(suffix) ? "\(path.dropLast(suffix.count)).\(signer)\(suffix)" : "\(path).\(signer)"
  }
}
