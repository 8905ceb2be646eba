internal import OCI

/// Changes what a tag points to, by reading, changing, writing and reading back, until the change is seen (reference: the distribution
/// specification itself warns that concurrent clients lose updates under a tag).
///
/// Writers on this machine wait for each other (`TagLock`); registries that honour `If-Match` refuse a stale write; writers elsewhere that
/// ignore both are noticed by the read-back and by a second look after about the time such a writer needs between its read and its write.
struct TagUpdate: Sendable {
  /// Of the second look.
  static let shortestSettling: Duration = .milliseconds(40)
  static let longestSettling: Duration = .seconds(2)

  let client: RegistryClient
  let home: ImageRepository
  let tag: String

  private var name: String { "\(home.name):\(tag)" }

  struct Outcome: Sendable {
    let current: ResolvedManifest
    let writes: Int
  }

  /// - Parameters:
  ///   - holds: whether the change is in there.
  ///   - change: the next content; called again with fresh content after every conflict, so it must only add.
  func run(
    holds: @Sendable (ResolvedManifest) throws(RegistryError) -> Bool,
    change: @Sendable (ResolvedManifest?) async throws(RegistryError) -> (bytes: [UInt8], mediaType: String)
  ) async throws(RegistryError) -> Outcome {
    var writes = 0
    var sendsCondition = true
    var refusals = 0
    let lock = TagLock(folder: client.settings.lockFolder, wait: client.wait, longestWait: client.settings.lockWait)
    let clock = ContinuousClock()
    for attempt in 1...client.settings.maxUpdateAttempts {
      let began = clock.now
      let condition = sendsCondition
      let step = try await lock.holding(name) { () async throws(RegistryError) -> Step in
        let before = try await client.tagState(tag, in: home)
        if let there = before?.manifest, try holds(there) { return .held(there) }
        let next = try await change(before?.manifest)
        let condition = condition ? before.map { state in state.entityTag.map { ("if-match", $0) } } ?? ("if-none-match", "*") : nil
        do throws(RegistryError) {
          _ = try await client.write(next.bytes, mediaType: next.mediaType, reference: tag, in: home, condition: condition, replay: .onlyIfNotPerformed)
        } catch {
          switch error {
          case .refused(_, 412, _, _): return .stale
          case .unreachable: return .failed(error)
          case _ where error.isMissingBlob: return .failed(error)
          case .refused(_, let status, _, _) where status >= 500 || status == 429: return .failed(error)
          default: throw error
          }
        }
        guard let after = try await client.tagState(tag, in: home)?.manifest, try holds(after) else { return .overwritten }
        if let old = before?.manifest, client.settings.deletesReplacedIndexes, old.descriptor.digest != after.descriptor.digest {
          await client.deleteReplaced(old)
        }
        return .written(after)
      }
      switch step {
      case .held(let there): return Outcome(current: there, writes: writes)
      case .written(let there):
        writes += 1
        refusals = 0
        try await client.wait.wait(min(max((clock.now - began) * 2, Self.shortestSettling), Self.longestSettling))
        // Somebody who read before our write may have written after our look.
        if let again = try await client.tagState(tag, in: home)?.manifest, try holds(again) {
          return Outcome(current: again.descriptor == there.descriptor ? there : again, writes: writes)
        }
      case .overwritten: writes += 1
      case .stale:
        // A registry that refuses every condition would never let anybody write.
        refusals += 1
        if refusals >= 3 { sendsCondition = false }
      case .failed(let error):
        refusals += 1
        guard refusals < 5 else { throw error }
      }
      try await client.wait.before(attempt: attempt)
    }
    throw .updateLost(tag: name, attempts: client.settings.maxUpdateAttempts)
  }

  private enum Step: Sendable {
    case held(ResolvedManifest)
    case written(ResolvedManifest)
    case overwritten
    case stale
    case failed(RegistryError)
  }
}
