import ConsoleService
import OCI
import Outbound

/// Facts about images from registries, through the client that signs and verifies there too.
struct RegistryFacts: ImageFactSource {
  let client: RegistryClient

  func resolve(_ reference: ImageReference) async throws(ImageFactsError) -> ContentDigest {
    do throws(RegistryError) { return try await client.resolve(reference).descriptor.digest } catch { throw Self.translate(error) }
  }

  func facts(_ digest: ContentDigest, in home: ImageRepository) async throws(ImageFactsError) -> ImageFacts {
    do throws(RegistryError) {
      let found = try await ImageEvidence.gather(ImageReference(home: home, digest: digest), from: client)
      let members = MediaType.indexes.contains(found.image.descriptor.mediaType) ? try Self.members(found.image) : []
      return ImageFacts(artifact: found.artifact, signatures: found.signatures, members: members)
    } catch {
      throw Self.translate(error)
    }
  }

  private static func members(_ image: ResolvedManifest) throws(RegistryError) -> [ContentDigest] {
    do throws(OCIError) { return try ImageIndex.parse(image.bytes, contentType: image.descriptor.mediaType).manifests.map(\.digest) } catch {
      throw .badDocument(place: image.descriptor.digest.text, why: error)
    }
  }

  private static func translate(_ error: RegistryError) -> ImageFactsError {
    if case .notFound(let place) = error { return .noSuchImage(place) }
    return .unreachable(error.description)
  }
}
