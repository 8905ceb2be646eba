package import SigstoreFormats
package import Trust

/// One artifact, what is to be said about it, and in which forms: all that was read beforehand, nothing that was signed.
package struct SigningJob: Sendable, Hashable {
  package var artifact: Artifact
  package var claim: Claim
  package var outputs: [Output]

  package init(artifact: Artifact, claim: Claim, outputs: [Output]) {
    self.artifact = artifact
    self.claim = claim
    self.outputs = outputs
  }

  package enum Artifact: Sendable, Hashable {
    case blob(Blob)
    case image(Image)
  }

  /// A file, by the digests somebody computed of it.
  package struct Blob: Sendable, Hashable {
    /// The path as the user gave it: names the artifact in results.
    package var path: String
    /// Must hold SHA-256 for attestations, and the hash of every signer's scheme for signatures.
    package var digests: ArtifactDigests

    package init(path: String, digests: ArtifactDigests) {
      self.path = path
      self.digests = digests
    }

    /// The last part of the path: the subject's name in a statement.
    package var baseName: String { path.split(separator: "/").last.map(String.init) ?? path }
  }

  /// A manifest or index in a registry, by the descriptor that was resolved and checked.
  package struct Image: Sendable, Hashable {
    /// `registry/repository` without tag and digest.
    package var repository: String
    package var mediaType: String
    package var digest: MessageDigest
    /// Length of the manifest in bytes.
    package var size: Int64
    /// The tag it was resolved from, nil when it was named by digest.
    package var tag: String?

    package init(repository: String, mediaType: String, digest: MessageDigest, size: Int64, tag: String? = nil) {
      self.repository = repository
      self.mediaType = mediaType
      self.digest = digest
      self.size = size
      self.tag = tag
    }
  }

  package enum Claim: Sendable, Hashable {
    /// "This is ours", with annotations of the user's (`-a key=value`), names distinct.
    case signature(annotations: [Annotation])
    /// An in-toto statement about the artifact.
    case attestation(Predicate)
  }

  package struct Annotation: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// One document to make of every signer's signature.
  package struct Output: Sendable, Hashable {
    package var format: SignatureFormat
    /// Where a blob's document goes; nil for images, whose documents go into their repository. Signers after the first get a name of their
    /// own, see `Placement.path(_:signer:)`.
    package var path: String?

    package init(_ format: SignatureFormat, path: String? = nil) {
      self.format = format
      self.path = path
    }
  }

  /// What names the artifact in results: the path, or `repository@digest`.
  package var name: String {
    switch artifact {
    case .blob(let blob): blob.path
    case .image(let image): "\(image.repository)@\(image.digest.text)"
    }
  }
}

/// A predicate, verbatim: the bytes of one JSON value, never rewritten.
package struct Predicate: Sendable, Hashable {
  /// The predicate type, a URI.
  package var type: String
  package var bytes: [UInt8]

  package init(type: String, bytes: [UInt8]) {
    self.type = type
    self.bytes = bytes
  }
}
