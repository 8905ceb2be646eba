package import SigstoreFormats

/// The artifact in question: its digests, and for an image what the registry's manifest is.
package struct JudgedArtifact: Sendable, Hashable {
  /// What a Notary signature must name besides the digest, and what a rule's scope is compared with.
  package struct Image: Sendable, Hashable {
    /// `registry/repository` without tag and digest, as the reference was resolved.
    package var repository: String
    /// Of the manifest or index.
    package var mediaType: String
    /// Length of the manifest in bytes.
    package var size: Int64

    package init(repository: String, mediaType: String, size: Int64) {
      self.repository = repository
      self.mediaType = mediaType
      self.size = size
    }
  }

  package var digests: ArtifactDigests
  /// Nil for files.
  package var image: Image?

  package init(digests: ArtifactDigests, image: Image? = nil) {
    self.digests = digests
    self.image = image
  }

  package static func blob(_ digests: ArtifactDigests) -> JudgedArtifact { JudgedArtifact(digests: digests) }

  /// - Parameter digest: of the manifest's bytes, checked by whoever fetched them.
  package static func image(repository: String, mediaType: String, digest: MessageDigest, size: Int64) -> JudgedArtifact {
    JudgedArtifact(digests: ArtifactDigests(only: digest), image: Image(repository: repository, mediaType: mediaType, size: size))
  }
}

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

extension ArtifactDigests {
  /// All digests of a text that is at hand.
  package init(of bytes: [UInt8]) {
    func digest(_ algorithm: HashAlgorithm) -> [UInt8] { MessageDigest(of: bytes, algorithm: algorithm).bytes }
    self.init(sha256: digest(.sha256), sha384: digest(.sha384), sha512: digest(.sha512), byteCount: Int64(bytes.count))
  }
}
