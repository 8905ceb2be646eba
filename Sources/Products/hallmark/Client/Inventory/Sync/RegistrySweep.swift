import Estate
import OCI
import Outbound
import Trust

/// Reads every tag of a registry's repositories, and what runs from them under a digest that no tag leads to any more.
struct RegistrySweep {
  let client: RegistryClient
  let registry: EstateConfiguration.Registry
  let keys: [PublicKey]
  /// Digests that run, by the full name of the repository.
  let running: [String: [ContentDigest]]

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
      await untagged(home, reader, &result)
    }
    return result
  }

  /// What runs by a digest that was found under no tag: its tag moved on. A digest that is no manifest there (a config's, or one deleted
  /// since) stays without signatures: not known.
  private func untagged(_ home: ImageRepository, _ reader: ArtifactReader<RegistryClient>, _ result: inout EstateFragment) async {
    let found = Set(result.artifacts.flatMap { [$0.digest] + $0.closure })
    for digest in running[home.name] ?? [] where !found.contains(digest.text) {
      do throws(RegistryError) { result.add(try await reader.read(ImageReference(home: home, digest: digest))) } catch {
        if case .notFound = error { continue }
        result.gaps.append(EstateGap("\(home.name)@\(digest.text)", .incomplete, why: error.description))
      }
    }
  }

  /// Tags that other tools made from a digest (`sha256-…`, `….sig`): what they hold is read with the image it belongs to.
  static func isAttachment(_ tag: String) -> Bool {
    guard tag.hasPrefix("sha256-") || tag.hasPrefix("sha512-") else { return false }
    let digits = tag.dropFirst(7).prefix(64)
    return digits.count == 64 && digits.allSatisfy(\.isHexDigit)
  }

  private func repositories() async throws -> [ImageRepository] {
    let names = registry.repositories.isEmpty ? try await client.catalog(registry.host) : registry.repositories
    return try names.map { try ImageRepository(registry: registry.host, path: $0) }
  }
}
