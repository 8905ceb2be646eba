import Clocks
import Encodings
import Synchronization

/// Refresh tokens: opaque, kept as digests, used once. A second use of one ends the whole sign-in.
///
/// A token stays usable for a few seconds after its first use, because two processes of one person (az does so) may hold the same one.
final class RefreshSessions: Sendable {
  static let capacity = 10_000
  /// How long after its first use a token may be used again.
  static let graceSeconds: Int64 = 20

  struct Session: Sendable, Hashable {
    let family: String
    let principal: PrincipalID
    let client: ApplicationID
    let expires: Instant
    var usedAt: Instant?
  }

  private let rows: SealedRows
  private let time: TimeSource
  private let entropy: Entropy
  private let sessions: Mutex<[String: Session]>

  init(rows: SealedRows, time: TimeSource, entropy: Entropy) throws(AccessError) {
    self.rows = rows
    self.time = time
    self.entropy = entropy
    var loaded: [String: Session] = [:]
    for row in rows.rows(of: .session) { loaded[row.id] = try Self.session(row) }
    sessions = Mutex(loaded)
  }

  /// A token for a new sign-in. Durable before it returns.
  func begin(_ principal: PrincipalID, client: ApplicationID, lifetime: Int64) throws(OAuthError) -> String {
    let session = Session(
      family: entropy.uuid(), principal: principal, client: client, expires: time.now().advanced(bySeconds: lifetime), usedAt: nil)
    return try locked { sessions throws(OAuthError) in try add(session, used: nil, &sessions) }
  }

  /// Redeems a token and returns its successor.
  ///
  /// - Throws: `.refreshTokenInvalid`, `.refreshTokenReused` (the family is gone), `.busy`.
  func redeem(_ token: String, client: ApplicationID) throws(OAuthError) -> (principal: PrincipalID, next: String) {
    let now = time.now()
    return try locked { sessions throws(OAuthError) in
      let digest = Self.digest(token)
      guard var session = sessions[digest], session.client == client, now < session.expires else { throw .refreshTokenInvalid }
      if let usedAt = session.usedAt, now >= usedAt.advanced(bySeconds: Self.graceSeconds) {
        try end(&sessions) { $0.family == session.family }
        throw .refreshTokenReused
      }
      if session.usedAt == nil { session.usedAt = now }
      let successor = Session(
        family: session.family, principal: session.principal, client: client, expires: session.expires, usedAt: nil)
      return (session.principal, try add(successor, used: (digest, session), &sessions))
    }
  }

  /// Ends every sign-in of a principal.
  func end(_ principal: PrincipalID) throws(OAuthError) {
    try locked { sessions throws(OAuthError) in try end(&sessions) { $0.principal == principal } }
  }

  private func locked<Value: Sendable>(
    _ body: (inout [String: Session]) throws(OAuthError) -> Value
  ) throws(OAuthError) -> Value {
    let result: Result<Value, OAuthError> = sessions.withLock { sessions in
      do throws(OAuthError) { return .success(try body(&sessions)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  private func add(
    _ session: Session, used: (String, Session)?, _ sessions: inout [String: Session]
  ) throws(OAuthError) -> String {
    let now = time.now()
    var edits: [SealedRows.Edit] = []
    var next = sessions
    for (digest, old) in sessions where now >= old.expires {
      next[digest] = nil
      edits.append(.delete(.session, id: digest))
    }
    guard next.count < Self.capacity else { throw .busy }
    if let (digest, old) = used {
      next[digest] = old
      edits.append(.put(.session, id: digest, body: Self.json(old)))
    }
    let token = "1." + Base64URL.encode(entropy.bytes(32))
    let digest = Self.digest(token)
    next[digest] = session
    edits.append(.put(.session, id: digest, body: Self.json(session)))
    do { try rows.commit(edits) } catch { throw .busy }
    sessions = next
    return token
  }

  private func end(_ sessions: inout [String: Session], where ends: (Session) -> Bool) throws(OAuthError) {
    let ended = sessions.filter { ends($0.value) }.map(\.key)
    guard !ended.isEmpty else { return }
    for digest in ended { sessions[digest] = nil }
    // Gone from memory at once, whatever the store says.
    do { try rows.commit(ended.map { .delete(.session, id: $0) }) } catch { throw .busy }
  }

  private static func digest(_ token: String) -> String { TokenDigest(token, domain: 0x52).text }

  private static func json(_ session: Session) -> JSONValue {
    var object: JSONObject = [
      "family": .string(session.family), "principal": .string(session.principal.text), "client": .string(session.client.text),
      "expires": .integer(session.expires.nanoseconds),
    ]
    object.set("usedAt", ifPresent: session.usedAt.map { .integer($0.nanoseconds) })
    return .object(object)
  }

  private static func session(_ row: AccessRow) throws(AccessError) -> Session {
    guard let object = (try? JSONValue.parse(row.body))?.object, let family = object["family"]?.string,
      let principal = object["principal"]?.string.flatMap({ PrincipalID($0) }),
      let client = object["client"]?.string.flatMap({ ApplicationID($0) }), let expires = object["expires"]?.int64
    else { throw .rowUnreadable(row.table, id: row.id) }
    return Session(
      family: family, principal: principal, client: client, expires: Instant(nanoseconds: expires),
      usedAt: object["usedAt"]?.int64.map { Instant(nanoseconds: $0) })
  }
}
