package import SigstoreFormats

/// The digests of one artifact: those that somebody computed. What is nil could not be seen.
package struct ArtifactDigests: Sendable, Hashable {
  package var sha256: [UInt8]?
  package var sha384: [UInt8]?
  package var sha512: [UInt8]?
  /// Length of the artifact, when it was read.
  package var byteCount: Int64?

  package init(sha256: [UInt8]? = nil, sha384: [UInt8]? = nil, sha512: [UInt8]? = nil, byteCount: Int64? = nil) {
    self.sha256 = sha256
    self.sha384 = sha384
    self.sha512 = sha512
    self.byteCount = byteCount
  }

  /// The only digest known is this one: for questions asked by digest.
  package init(only digest: MessageDigest) {
    self.init()
    switch digest.algorithm {
    case .sha256: sha256 = digest.bytes
    case .sha384: sha384 = digest.bytes
    case .sha512: sha512 = digest.bytes
    }
  }

  package subscript(algorithm: HashAlgorithm) -> MessageDigest? {
    let bytes =
      switch algorithm {
      case .sha256: sha256
      case .sha384: sha384
      case .sha512: sha512
      }
    return bytes.map { MessageDigest(algorithm: algorithm, bytes: $0) }
  }

  /// The known digests, SHA-256 first.
  package var all: [MessageDigest] { HashAlgorithm.allCases.compactMap { self[$0] } }
}

/// One signature that was found, as it was found.
package struct SignatureEvidence: Sendable, Hashable {
  package enum Content: Sendable, Hashable {
    case bundle(SigstoreBundle)
    /// Signature octets on their own: DER or fixed-width `r‖s` for EC, PKCS#1 or PSS octets for RSA.
    case detached([UInt8])
  }

  /// Where it was found: a path, a reference; for people.
  package var source: String
  package var content: Content

  package init(source: String, content: Content) {
    self.source = source
    self.content = content
  }
}
