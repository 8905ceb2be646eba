import Clocks

/// The device authorization grant (RFC 8628) as a state machine: events in, answers out, no time and no entropy of its own.
struct DeviceCodes: Sendable {
  enum State: Sendable, Equatable {
    case pending
    case confirmed(PrincipalID)
    case denied
  }

  struct Pending: Sendable {
    let userCode: String
    let client: ApplicationID
    let scope: String
    let expires: Instant
    var interval: Int64
    var nextPoll: Instant
    var state = State.pending
  }

  enum Poll: Sendable, Equatable {
    case signedIn(PrincipalID, scope: String)
    case pending, slowDown, expired, denied, unknown
  }

  static let capacity = 1_000
  private(set) var pending: [TokenDigest: Pending] = [:]

  /// Starts a sign-in; false when too many are under way.
  mutating func start(
    _ code: TokenDigest, userCode: String, client: ApplicationID, scope: String, now: Instant, lifetime: Int64, interval: Int64
  ) -> Bool {
    forgetExpired(now)
    guard pending.count < Self.capacity, !pending.values.contains(where: { $0.userCode == userCode }) else { return false }
    pending[code] = Pending(
      userCode: userCode, client: client, scope: scope, expires: now.advanced(bySeconds: lifetime), interval: interval,
      nextPoll: now)
    return true
  }

  /// What a person who is about to confirm should see; nil if no such code waits.
  func waiting(_ userCode: String, now: Instant) -> Pending? {
    pending.values.first { $0.userCode == userCode && $0.state == .pending && now < $0.expires }
  }

  /// Confirms or denies; false if no such code waits. Decided once.
  mutating func decide(_ userCode: String, _ decision: State, now: Instant) -> Bool {
    guard let code = pending.first(where: { $0.value.userCode == userCode && $0.value.state == .pending && now < $0.value.expires })?.key
    else { return false }
    pending[code]?.state = decision
    return true
  }

  /// The device asks. A code that was answered for good is forgotten.
  mutating func poll(_ code: TokenDigest, client: ApplicationID, now: Instant) -> Poll {
    guard var entry = pending[code], entry.client == client else { return .unknown }
    guard now < entry.expires else {
      pending[code] = nil
      return .expired
    }
    switch entry.state {
    case .pending:
      guard now >= entry.nextPoll else {
        entry.interval += 5
        entry.nextPoll = now.advanced(bySeconds: entry.interval)
        pending[code] = entry
        return .slowDown
      }
      // A second of grace: the client's timer and ours start at different moments.
      entry.nextPoll = now.advanced(bySeconds: max(0, entry.interval - 1))
      pending[code] = entry
      return .pending
    case .denied:
      pending[code] = nil
      return .denied
    case .confirmed(let principal):
      pending[code] = nil
      return .signedIn(principal, scope: entry.scope)
    }
  }

  private mutating func forgetExpired(_ now: Instant) {
    // Kept for a while after their end, so that the device hears why.
    pending = pending.filter { now < $0.value.expires.advanced(bySeconds: 300) }
  }

  /// Nine letters that cannot be misread or spell words, in three groups: 42 bits (RFC 8628 §6.1).
  static func userCode(_ entropy: Entropy) -> String {
    let letters = Array("BCDFGHJKLMNPQRSTVWXZ")
    var code = ""
    while code.count < 11 {
      for byte in entropy.bytes(16) where byte < 240 && code.count < 11 {
        if code.count == 3 || code.count == 7 { code.append("-") }
        code.append(letters[Int(byte) % letters.count])
      }
    }
    return code
  }

  /// A typed code in its canonical form: letters only, upper case, grouped.
  static func canonical(_ typed: String) -> String? {
    guard typed.utf8.count <= 32 else { return nil }
    let letters = typed.uppercased().filter { $0 != "-" && $0 != " " }
    guard letters.utf8.count == 9 else { return nil }
    let characters = Array(letters)
    return String(characters[0..<3]) + "-" + String(characters[3..<6]) + "-" + String(characters[6..<9])
  }
}
