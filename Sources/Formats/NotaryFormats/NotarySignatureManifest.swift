internal import Crypto
internal import Encodings

/// Constants of the OCI manifest that carries one envelope as its only layer and the signed manifest as its subject.
///
/// Two forms are read. Written is the legacy one, as notation 1.3 does: no `artifactType`, the type of the signature as the config's
/// media type, an empty JSON object as config blob.
package enum NotarySignatureManifest {
  /// `artifactType` of the OCI 1.1 form and `config.mediaType` of the legacy form.
  package static let artifactType = "application/vnd.cncf.notary.signature"
  /// The config blob of both forms.
  package static let emptyConfig: [UInt8] = Array("{}".utf8)
  package static let emptyConfigMediaType = "application/vnd.oci.empty.v1+json"
  /// SHA-256 fingerprints of the chain, as a JSON array in a string.
  package static let thumbprintAnnotation = "io.cncf.notary.x509chain.thumbprint#S256"
  package static let createdAnnotation = "org.opencontainers.image.created"

  /// The value of `thumbprintAnnotation`: lower-case hexadecimal, leaf first.
  package static func thumbprints(_ chain: [[UInt8]]) -> String {
    JSONValue.array(chain.map { .string(Hex.encode(SHA256.hash(data: $0))) }).text()
  }

  /// The annotations to write: thumbprints and the signing time.
  package static func annotations(chain: [[UInt8]], signingTime: Int64) -> [(name: String, value: String)] {
    [(thumbprintAnnotation, thumbprints(chain)), (createdAnnotation, ISO8601.format(seconds: signingTime))]
  }
}
