import Encodings
import Estate
import OCI
import Outbound
import SigstoreFormats
import Trust

/// An image as the subject of a trace: its closure, and every signature of it that its repository holds.
struct TraceImage {
  let subject: String
  let registry: RegistryOptions

  /// Why an image could not be looked at.
  struct Failure {
    var sentence: String
    /// The registry failed, as opposed to saying that there is no such image.
    var isRemote: Bool
  }

  /// - Returns: nil when the subject is a file or a bare digest. The failure is set when the registry gave no answer.
  func question() async throws -> (TraceQuestion, Failure?)? {
    guard !LocalFile.exists(subject), MessageDigest(text: subject.lowercased()) == nil, subject.contains("/"),
      let reference = try? ImageReference(subject)
    else { return nil }
    do {
      return (try await registry.connect { try await Self.read(reference, $0) }, nil)
    } catch let error as RegistryError {
      // Nobody could look, which is no answer: not the same as unsigned.
      var nothing = TraceQuestion(digests: ArtifactDigests(), refs: [subject], lookedForSignatures: false)
      if let named = reference.digest.flatMap({ MessageDigest(text: $0.text) }) { nothing.digests = ArtifactDigests(only: named) }
      nothing.image = JudgedArtifact.Image(repository: reference.home.name, mediaType: "", size: 0)
      if case .notFound = error { return (nothing, Failure(sentence: "registry: \(error.description)", isRemote: false)) }
      return (nothing, Failure(sentence: "registry: \(error.description)", isRemote: true))
    }
  }

  private static func read(_ reference: ImageReference, _ content: some ImageContent) async throws -> TraceQuestion {
    let found = try await ImageEvidence.gather(reference, from: content)
    return TraceQuestion(
      digests: found.artifact.digests, refs: ["\(found.image.home.name)@\(found.image.descriptor.digest.text)"], signatures: found.signatures,
      image: found.artifact.image, closure: try await closure(of: found.image, content))
  }

  private static let maxChildren = 1000

  /// The manifest's config; of an index, every child and its config.
  private static func closure(of image: ResolvedManifest, _ content: some ImageContent) async throws -> [String] {
    switch try image.document() {
    case .image(let manifest): return [manifest.config.digest.text]
    case .index(let index):
      var digests: [String] = []
      for child in index.manifests.prefix(maxChildren) {
        digests.append(child.digest.text)
        // A platform that was not copied along is a member by name; its config is not known.
        guard let manifest = try? await content.manifest(child.digest, in: image.home).image() else { continue }
        digests.append(manifest.config.digest.text)
      }
      return digests
    }
  }
}
