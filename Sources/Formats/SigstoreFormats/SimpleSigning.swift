package import Encodings

/// What cosign's older format signs for an image: a claim that this digest goes by this name (the "simple signing" payload).
///
/// The signature is over the bytes of the layer as they are, so a parsed payload must never be written again to check it.
package struct SimpleSigning: Sendable, Hashable {
  /// `critical.type`.
  package static let type = "cosign container image signature"

  /// `critical.identity.docker-reference`: the repository the signer named. Informative: the digest is what counts.
  package var repository: String
  /// `critical.image.docker-manifest-digest`, always SHA-256.
  package var manifestDigest: MessageDigest
  /// `optional`: the annotations (`-a`), `creator` and `timestamp`. Empty when null or absent.
  package var optional: JSONObject

  /// - Parameter manifestSHA256: 32 bytes.
  package init(repository: String, manifestSHA256: [UInt8], optional: JSONObject = [:]) {
    self.repository = repository
    manifestDigest = MessageDigest(algorithm: .sha256, bytes: manifestSHA256)
    self.optional = optional
  }
}
