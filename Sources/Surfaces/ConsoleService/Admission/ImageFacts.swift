package import OCI
package import Trust

/// What was gathered about one image: the material of a verdict, never a verdict.
package struct ImageFacts: Sendable {
  package var artifact: JudgedArtifact
  package var signatures: [SignatureEvidence]
  /// Digests of the manifests it lists, when it is an index.
  package var members: [ContentDigest]

  package init(artifact: JudgedArtifact, signatures: [SignatureEvidence], members: [ContentDigest]) {
    self.artifact = artifact
    self.signatures = signatures
    self.members = members
  }

  /// Whether nothing was found, or something could not be fetched: worth asking again soon.
  var isThin: Bool {
    signatures.isEmpty
      || signatures.contains { if case .unavailable = $0.content { true } else { false } }
  }
}

/// Why facts about an image could not be had.
package enum ImageFactsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The registry says that there is no such image.
  case noSuchImage(String)
  /// No answer, or none that can be used; nothing is known of the image.
  case unreachable(String)

  package var description: String {
    switch self {
    case .noSuchImage(let place): "the registry has no \(place)"
    case .unreachable(let why): why
    }
  }
}

/// Where facts come from: registries. Concurrent calls are fine; each call ends by itself within the budget of its transport.
///
/// Not trusted: everything it returns is evidence that Trust judges, under digests that were checked.
package protocol ImageFactSource: Sendable {
  /// The digest a reference stands for now.
  func resolve(_ reference: ImageReference) async throws(ImageFactsError) -> ContentDigest
  func facts(_ digest: ContentDigest, in home: ImageRepository) async throws(ImageFactsError) -> ImageFacts
}
