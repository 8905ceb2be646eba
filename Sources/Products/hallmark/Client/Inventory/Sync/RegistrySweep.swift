import Estate
import OCI
import Outbound
import Trust

/// Reads every tag of a registry's repositories.
struct RegistrySweep {
  let client: RegistryClient
  let registry: EstateConfiguration.Registry
  let keys: [PublicKey]

  func read() async -> EstateFragment {
    var result = EstateFragment()
    let reader = ArtifactReader(client, keys: keys, verifier: Verification.verifier)
    let homes: [ImageRepository]
    do { homes = try await repositories() } catch {
      result.gaps.append(EstateGap("registry \(registry.host)", .failed, why: String(describing: error)))
      return result
    }
    for home in homes {
      let tags: [String]
      do throws(RegistryError) { tags = try await client.tags(in: home).filter { !Self.isAttachment($0) } } catch {
        result.gaps.append(EstateGap(home.name, .denied, why: error.description))
        continue
      }
      let parts = await BoundedGroup.map(tags, limit: 4) { tag -> EstateFragment in
        do {
          return try await reader.read(ImageReference(home: home, tag: tag))
        } catch {
          var failed = EstateFragment()
          failed.gaps = [EstateGap("\(home.name):\(tag)", .incomplete, why: String(describing: error))]
          return failed
        }
      }
      for part in parts { result.add(part) }
    }
    return result
  }

  /// Tags that other tools made from a digest (`sha256-…`, `….sig`): what they hold is read with the image it belongs to.
  private static func isAttachment(_ tag: String) -> Bool {
    guard tag.hasPrefix("sha256-") || tag.hasPrefix("sha512-") else { return false }
    let digits = tag.dropFirst(7).prefix(64)
    return digits.count == 64 && digits.allSatisfy(\.isHexDigit)
  }

  private func repositories() async throws -> [ImageRepository] {
    let names = registry.repositories.isEmpty ? try await client.catalog(registry.host) : registry.repositories
    return try names.map { try ImageRepository(registry: registry.host, path: $0) }
  }
}
