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
      return try await registry.connect { try await TraceParents(client: $0, reference: reference).question() }
    } catch let error as RegistryError {
      // Nobody could look, which is no answer: not the same as unsigned.
      var nothing = TraceQuestion(digests: ArtifactDigests(), refs: [subject], lookedForSignatures: false)
      if let named = reference.digest.flatMap({ MessageDigest(text: $0.text) }) { nothing.digests = ArtifactDigests(only: named) }
      nothing.image = JudgedArtifact.Image(repository: reference.home.name, mediaType: "", size: 0)
      if case .notFound = error { return (nothing, Failure(sentence: "registry: \(error.description)", isRemote: false)) }
      return (nothing, Failure(sentence: "registry: \(error.description)", isRemote: true))
    }
  }

  private static let maxRepositories = 100

  /// A bare digest, looked for as index, manifest and config in the repositories that an inventory names.
  ///
  /// - Returns: nil when no repository has it, with what could not be asked.
  static func search(_ digest: ContentDigest, in snapshot: InventorySnapshot, registry: RegistryOptions) async throws -> (question: TraceQuestion?, unseen: [Failure]) {
    let holders = snapshot.artifacts.filter { $0.digest == digest.text || $0.closure.contains(digest.text) }
    // Where the inventory saw it; everywhere when it did not.
    let names = Set((holders.isEmpty ? snapshot.artifacts : holders).flatMap(\.names)).sorted()
    var unseen: [Failure] = []
    if names.count > maxRepositories { unseen.append(Failure(sentence: "registry: only \(maxRepositories) of \(names.count) repositories were asked", isRemote: false)) }
    for name in names.prefix(maxRepositories) {
      guard let home = try? ImageReference(name).home else { continue }
      let asked = TraceImage(subject: "\(home.name)@\(digest.text)", registry: registry)
      guard let (question, failure) = try await asked.question() else { continue }
      if failure == nil { return (question, []) }
      if let failure, failure.isRemote || question.lookedForSignatures { unseen.append(failure) }
    }
    return (nil, unseen)
  }

  static func read(_ reference: ImageReference, _ content: some ImageContent) async throws(RegistryError) -> TraceQuestion {
    let found = try await ImageEvidence.gather(reference, from: content)
    return TraceQuestion(
      digests: found.artifact.digests, refs: ["\(found.image.home.name)@\(found.image.descriptor.digest.text)"], signatures: found.signatures,
      image: found.artifact.image, closure: try await closure(of: found.image, content))
  }

  private static let maxChildren = 1000

  /// The manifest's config; of an index, every child and its config.
  private static func closure(of image: ResolvedManifest, _ content: some ImageContent) async throws(RegistryError) -> [String] {
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
