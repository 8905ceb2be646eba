import Clocks
import Crypto
import Signing
import SigstoreFormats
import Synchronization
import Trust

/// Signs with a key in memory.
struct MemoryService: SigningService {
  let key: P256.Signing.PrivateKey

  func pin(_ reference: KeyReference) async throws -> PinnedKey { throw StandbyError.samePlace("not used") }

  func sign(_ digest: MessageDigest, scheme: SignatureScheme, key pinned: PinnedKey) async throws -> SignedDigest {
    let signature = try key.signature(for: RawSHA256(bytes: digest.bytes))
    return SignedDigest(signature: Array(signature.rawRepresentation), kid: pinned.kid, requestID: nil, attempts: 1)
  }
}

/// A digest somebody else computed, as swift-crypto wants it.
struct RawSHA256: Digest {
  static let byteCount = 32
  let bytes: [UInt8]
  func makeIterator() -> Array<UInt8>.Iterator { bytes.makeIterator() }
  func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try bytes.withUnsafeBytes(body) }
}

/// A world of two seats in which the primary's state is a script, and time passes only by waiting.
final class World: Sendable {
  struct State {
    var now = Attempts.start
    /// What probes come to, in turn; the last stays.
    var probes: [ReachAttempt.Outcome]
    var failures: [StandbyRole: [ReachAttempt.Outcome]] = [:]
    var seatings: [StandbyRole] = []
    var probed = 0
    var waited: Int64 = 0
    var records: [StandbyReason] = []
    var recordFails = false
  }

  struct Failure: Error { var outcomes: [ReachAttempt.Outcome] }

  let state: Mutex<State>
  let keys: [StandbyRole: P256.Signing.PrivateKey] = [.primary: .init(), .standby: .init()]

  init(probes: [ReachAttempt.Outcome] = [.answered(status: 401, code: nil)], _ change: (inout State) -> Void = { _ in }) {
    var state = State(probes: probes)
    change(&state)
    self.state = Mutex(state)
  }

  func seat(_ role: StandbyRole) throws -> SeatedSigner {
    let failure = state.withLock { state in
      state.seatings.append(role)
      return state.failures[role]
    }
    if let failure { throw Failure(outcomes: failure) }
    guard let key = keys[role] else { throw Failure(outcomes: []) }
    let version = String(repeating: role == .primary ? "a" : "b", count: 32)
    let pinned = PinnedKey(
      kid: "https://\(role.rawValue).example/keys/release/\(version)", name: "release", version: version,
      publicKey: try PublicKey(spki: Array(key.publicKey.derRepresentation)))
    return SeatedSigner(Signer(name: role.rawValue, key: pinned), service: MemoryService(key: key))
  }

  func signing(_ mode: StandbySigning.Mode, active: StandbyRole = .primary, rules: StandbyRules = .init(fallback: .unreachable)) -> StandbySigning {
    StandbySigning(
      mode: mode, active: active, promotion: active == .standby ? "book-of-sixteen-characters" : nil, rules: rules, primaryStore: "https://primary.example",
      surroundings: .init(
        clock: TimeSource { Instant(nanoseconds: self.state.withLock { $0.now }) },
        probe: {
          self.state.withLock { state in
            let outcome = state.probes.count > 1 ? state.probes.removeFirst() : state.probes[0]
            state.probed += 1
            state.now += 100_000_000
            return ReachAttempt(at: state.now, milliseconds: 100, question: .probe, outcome: outcome)
          }
        },
        reading: { error, question in
          let now = self.state.withLock { $0.now }
          let outcomes = (error as? Failure)?.outcomes ?? [.inconclusive("\(error)")]
          return outcomes.map { ReachAttempt(at: now, milliseconds: 0, question: question, outcome: $0) }
        },
        pause: { milliseconds in
          self.state.withLock { state in
            state.now += milliseconds * 1_000_000
            state.waited += milliseconds
          }
        },
        record: { reason in
          try self.state.withLock { state in
            if state.recordFails { throw Failure(outcomes: []) }
            state.records.append(reason)
          }
        }),
      seat: { try self.seat($0) })
  }
}
