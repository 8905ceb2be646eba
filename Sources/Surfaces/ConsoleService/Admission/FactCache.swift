internal import Clocks
internal import OCI

/// Facts about images by digest, for a short time. What is kept is evidence: every question is judged anew, so that a changed policy or a
/// revocation counts at once. Tags are never kept.
actor FactCache {
  /// How long facts serve. Signatures that were there stay there; one that was missing may be pushed at any moment.
  static let seconds: Int64 = 60
  static let thinSeconds: Int64 = 5
  static let maxEntries = 4096

  private struct Key: Hashable {
    var home: ImageRepository
    var digest: ContentDigest
  }

  private let source: any ImageFactSource
  private let clock: TimeSource
  private var entries: [Key: (facts: ImageFacts, until: Int64)] = [:]

  init(source: any ImageFactSource, clock: TimeSource) {
    self.source = source
    self.clock = clock
  }

  func facts(_ digest: ContentDigest, in home: ImageRepository) async throws(ImageFactsError) -> ImageFacts {
    let key = Key(home: home, digest: digest)
    if let entry = entries[key], clock.now().seconds < entry.until { return entry.facts }
    let facts = try await source.facts(digest, in: home)
    // The world may have changed while waiting: whoever came last wrote the newest facts.
    let now = clock.now().seconds
    if entries.count >= Self.maxEntries { entries = entries.filter { now < $0.value.until } }
    if entries.count >= Self.maxEntries { entries.removeAll(keepingCapacity: true) }
    entries[key] = (facts, now + (facts.isThin ? Self.thinSeconds : Self.seconds))
    return facts
  }
}
