import Estate
import OCI
import Outbound
import Trust

/// Finds what a digest is a part of: the index that lists a manifest, the manifest or index that a config belongs to.
///
/// A signature usually stands on the index, and what runs is named by a platform's manifest or by a config. Registries cannot be asked for parents,
/// so the tags of the repository are read; an index that no tag leads to is not found. Content is addressed by digest: an index that lists the
/// manifest vouches for exactly its bytes.
struct TraceParents {
  let client: RegistryClient
  let reference: ImageReference

  private static let maxTags = 1000
  private static let maxChildren = 64

  /// - Returns: the question about what was named, or about its parent when it has no signature of its own and the parent has.
  func question() async throws -> (TraceQuestion, TraceImage.Failure?) {
    let own: TraceQuestion
    do throws(RegistryError) { own = try await TraceImage.read(reference, client) } catch {
      // A config is a blob and no manifest: registries answer that with 404 or 500. Without a parent the first answer stands.
      guard let digest = reference.digest, let (parent, failure) = try? await parent(of: digest) else { throw error }
      return (parent, failure)
    }
    let isSigned = own.signatures.contains { $0.form != .cosignLegacyAttestation }
    guard !isSigned, let digest = reference.digest, let (parent, failure) = try await parent(of: digest) else { return (own, nil) }
    return parent.signatures.isEmpty ? (own, failure) : (parent, failure)
  }

  /// The first parent that has signatures, else the first one; nil when no tag leads to one.
  private func parent(of digest: ContentDigest) async throws -> (TraceQuestion, TraceImage.Failure?)? {
    let tags = try await client.tags(in: reference.home).filter { !RegistrySweep.isAttachment($0) }
    var seen: Set<ContentDigest> = [digest]
    var first: TraceQuestion?
    var unread = max(tags.count - Self.maxTags, 0)
    for tag in tags.prefix(Self.maxTags) {
      do throws(RegistryError) {
        guard let found = try await client.tagged(tag, in: reference.home), seen.insert(found.descriptor.digest).inserted else { continue }
        guard try await isParent(found, of: digest) else { continue }
        var question = try await TraceImage.read(ImageReference(home: reference.home, digest: found.descriptor.digest), client)
        question.refs.append(reference.description)
        if !question.closure.contains(digest.text) { question.closure.append(digest.text) }
        if !question.signatures.isEmpty { return (question, nil) }
        first = first ?? question
      } catch { unread += 1 }
    }
    let failure = unread == 0 ? nil : TraceImage.Failure(sentence: "registry: \(unread) of \(tags.count) tags were not read while looking for what lists \(digest.text)", isRemote: false)
    if let first { return (first, failure) }
    guard let failure else { return nil }
    throw RegistryError.badAnswer(place: reference.description, why: failure.sentence)
  }

  private func isParent(_ manifest: ResolvedManifest, of digest: ContentDigest) async throws(RegistryError) -> Bool {
    switch try manifest.document() {
    case .image(let image): return image.config.digest == digest
    case .index(let index):
      if index.manifests.contains(where: { $0.digest == digest }) { return true }
      for child in index.manifests.prefix(Self.maxChildren) {
        // A platform that was not copied along has no config here.
        guard let image = try? await client.manifest(child.digest, in: manifest.home).image() else { continue }
        if image.config.digest == digest { return true }
      }
      return false
    }
  }
}
