/// How cosign keeps signatures beside images: the constants of its two layouts, and the statement of the newer one.
///
/// New layout (cosign 3): a bundle with a DSSE envelope, pushed as a manifest whose `subject` is the image. Old layout: layers of an image
/// manifest under the tag `sha256-HEX.sig` or `.att`.
package enum CosignImage {
  /// `artifactType`, and the media type of the only layer, of a referrer that holds a bundle.
  package static let bundleType = SigstoreBundle.mediaType
  /// A layer whose media type begins so is looked at.
  package static let bundleTypePrefix = "application/vnd.dev.sigstore.bundle"

  /// Annotations of a referrer's manifest.
  package enum Annotation {
    package static let created = "org.opencontainers.image.created"
    package static let content = "dev.sigstore.bundle.content"
    package static let predicateType = "dev.sigstore.bundle.predicateType"
  }

  /// Values of `Annotation.content`.
  package static let envelopeContent = "dsse-envelope"

  /// The older layout.
  package enum Legacy {
    package static let signatureSuffix = ".sig"
    package static let attestationSuffix = ".att"
    package static let sbomSuffix = ".sbom"
    package static let payloadType = "application/vnd.dev.cosign.simplesigning.v1+json"
    package static let envelopeType = "application/vnd.dsse.envelope.v1+json"
    package static let configType = "application/vnd.oci.image.config.v1+json"
    /// Base64 of the signature over the layer; empty on attestations.
    package static let signature = "dev.cosignproject.cosign/signature"
    package static let logBundle = "dev.sigstore.cosign/bundle"
    package static let certificate = "dev.sigstore.cosign/certificate"
    package static let chain = "dev.sigstore.cosign/chain"
    package static let timestamp = "dev.sigstore.cosign/rfc3161timestamp"
    package static let predicateType = "predicateType"

    /// The tag without repository: `sha256-HEX.sig`.
    package static func tag(_ manifest: MessageDigest, suffix: String) -> String {
      manifest.text.split(separator: ":").joined(separator: "-") + suffix
    }
  }
}
