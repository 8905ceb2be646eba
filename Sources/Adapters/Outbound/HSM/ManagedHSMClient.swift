package import Clocks
package import Encodings
internal import Synchronization

/// A client of one Managed HSM, Key Vault or Hallmark service.
///
/// The first call to a service learns from its 401 challenge whose token is wanted (unless the host name says so) and the answer is kept.
/// A token that is refused once is replaced once. Concurrent calls are fine.
package final class ManagedHSMClient: Sendable {
  package let address: ServiceAddress
  private let exchange: RetryingExchange
  private let tokens: TokenCache
  private let fixedToken: Bool
  private let entropy: Entropy
  private let apiVersion: String
  private let known = Mutex<TokenRequest?>(nil)

  /// One answer, with what is needed to find it again in the service's log.
  package struct Answer: Sendable {
    package var status: Int
    package var body: JSONValue
    package var text: [UInt8]
    package var headers: [(name: String, value: String)]
    package var requestID: String?
    package var attempts: [RequestAttempt]

    package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
  }

  /// - Parameter credential: a `FixedTokenCredential` is used as it is, without asking the service what it wants.
  package init(
    address: ServiceAddress, exchange: RetryingExchange, credential: any Credential, clock: TimeSource = .system,
    entropy: Entropy = .system, apiVersion: String = "7.4"
  ) {
    self.address = address
    self.exchange = exchange
    tokens = TokenCache(credential, clock: clock)
    fixedToken = credential is FixedTokenCredential
    self.entropy = entropy
    self.apiVersion = apiVersion
  }

  package var credentialName: String { tokens.name }

  /// Performs one call and returns its answer when the status is a success.
  ///
  /// - Parameters:
  ///   - path: below the service address, beginning with `/`, already encoded.
  ///   - query: besides `api-version`, which is added to paths of the HSM.
  ///   - replay: whether a second performance would do harm.
  /// - Throws: `.refused` with the service's own words for any other status.
  package func call(
    _ method: String, _ path: String, query: [(name: String, value: String)] = [], body: JSONValue? = nil,
    replay: Replay = .harmless, timeout: Duration = .seconds(30), maxReplyBytes: Int = 16 << 20
  ) async throws(OutboundError) -> Answer {
    var fields = query
    if !path.hasPrefix("/hallmark/"), !path.hasPrefix("/graph/") { fields.append(("api-version", apiVersion)) }
    return try await call(
      method, absolute: address.url + path + (fields.isEmpty ? "" : "?" + URLText.form(fields)), body: body, replay: replay,
      timeout: timeout, maxReplyBytes: maxReplyBytes)
  }

  /// The same for a URL that the service gave (a next link, a polling address): it must lie on the same service.
  package func follow(_ url: String) async throws(OutboundError) -> Answer {
    guard url.lowercased().hasPrefix(address.url + "/") else {
      throw .badAnswer(url: address.url, why: "it points to another host, which is not followed")
    }
    return try await call("GET", absolute: url)
  }

  private func call(
    _ method: String, absolute url: String, body: JSONValue? = nil, replay: Replay = .harmless, timeout: Duration = .seconds(30),
    maxReplyBytes: Int = 16 << 20
  ) async throws(OutboundError) -> Answer {
    var request = OutboundRequest(
      method, url,
      headers: [("accept", "application/json"), ("x-ms-client-request-id", entropy.uuid()), ("user-agent", "hallmark")],
      body: body?.serialized() ?? [], timeout: timeout, maxReplyBytes: maxReplyBytes)
    if body != nil { request.headers.append(("content-type", "application/json")) }
    var wanted = try await tokenRequest(like: request)
    var attempts: [RequestAttempt] = []
    // One ordinary refusal of a token may be followed by one claims challenge.
    for round in 0..<3 {
      let token: AccessToken
      do { token = try await tokens.token(wanted) } catch { throw .credential(error) }
      var authorised = request
      authorised.headers.append(("authorization", token.headerValue))
      let (reply, made): (OutboundReply, [RequestAttempt])
      do { (reply, made) = try await exchange.send(authorised, replay: replay) } catch { throw error.after(attempts) }
      attempts += made
      if reply.status == 401, round < 2, !fixedToken, let next = try renewal(after: reply, of: wanted, round: round) {
        wanted = next
        continue
      }
      return try answer(reply, to: request, attempts)
    }
    throw .badAnswer(url: request.place, why: "three tokens in a row were refused")
  }

  /// What to ask the credential for: remembered, known by host name, or learnt from a bodiless copy of the request.
  private func tokenRequest(like request: OutboundRequest) async throws(OutboundError) -> TokenRequest {
    if let held = known.withLock({ $0 }) { return held }
    if fixedToken { return TokenRequest(scope: "") }
    var probe = request
    probe.body = []
    probe.headers.removeAll { $0.name == "content-type" }
    let (reply, _) = try await exchange.send(probe, replay: .harmless)
    guard reply.status == 401, let header = reply.header("www-authenticate"), let challenge = ServiceChallenge(header: header) else {
      throw .challenge(url: request.place, why: "a request without a token was answered \(reply.status) without a Bearer challenge")
    }
    let result = TokenRequest(scope: try scope(challenge), tenant: challenge.tenant)
    known.withLock { $0 = result }
    return result
  }

  /// On Azure's own hosts the host name decides, and a challenge that says otherwise is not believed.
  private func scope(_ challenge: ServiceChallenge) throws(OutboundError) -> String {
    let said = try challenge.scope(for: address)
    if let known = address.knownScope, said != known {
      throw .challenge(url: address.url, why: "it asks for a token for \(said.prefix(100)), where \(known) is the only right one")
    }
    return said
  }

  /// The token request for a second try after a 401, or nil when there is no point.
  private func renewal(after reply: OutboundReply, of used: TokenRequest, round: Int) throws(OutboundError) -> TokenRequest? {
    tokens.forget(used)
    guard let header = reply.header("www-authenticate"), let challenge = ServiceChallenge(header: header) else { return nil }
    if challenge.error == "insufficient_claims", let encoded = challenge.claims, let bytes = try? Base64.decode(encoded) {
      var next = used
      next.claims = String(decoding: bytes, as: UTF8.self)
      return next.claims == used.claims ? nil : next
    }
    guard round == 0 else { return nil }
    let next = TokenRequest(scope: try scope(challenge), tenant: challenge.tenant)
    known.withLock { $0 = next }
    return next
  }

  private func answer(
    _ reply: OutboundReply, to request: OutboundRequest, _ attempts: [RequestAttempt]
  ) throws(OutboundError) -> Answer {
    // Exactly this type: JSON lines are text.
    let isJSON = reply.header("content-type")?.lowercased().split(separator: ";").first == "application/json"
    let body = (try? JSONValue.parse(reply.body, limits: JSONLimits(maxBytes: request.maxReplyBytes, maxElements: 2_000_000))) ?? .null
    guard (200..<300).contains(reply.status) else {
      throw .refused(
        RemoteRefusal(
          method: request.method, url: request.place, status: reply.status, code: body["error"]?["code"]?.string,
          message: body["error"]?["message"]?.string.map { String($0.prefix(1000)) }, requestID: reply.header("x-ms-request-id"),
          attempts: attempts))
    }
    if isJSON, body.isNull, !reply.body.isEmpty { throw .badAnswer(url: request.place, why: "it is not JSON although it says so") }
    return Answer(
      status: reply.status, body: body, text: reply.body, headers: reply.headers, requestID: reply.header("x-ms-request-id"),
      attempts: attempts)
  }

  /// Every element of a paged list, following `nextLink` for at most `maxPages` pages.
  package func list(
    _ path: String, query: [(name: String, value: String)] = [], maxPages: Int = 1000
  ) async throws(OutboundError) -> [JSONValue] {
    var answer = try await call("GET", path, query: query)
    var result: [JSONValue] = []
    for _ in 0..<maxPages {
      guard let page = answer.body["value"]?.array else { throw .badAnswer(url: address.url + path, why: "a list without value") }
      result += page
      guard let next = answer.body["nextLink"]?.string, !next.isEmpty else { return result }
      answer = try await follow(next)
    }
    throw .badAnswer(url: address.url + path, why: "more than \(maxPages) pages")
  }

  /// The token's own claims, when it is readable: who we are, for the ledger.
  package func ownClaims() async -> JSONObject {
    guard let request = known.withLock({ $0 }) ?? (fixedToken ? TokenRequest(scope: "") : nil) else { return [:] }
    return (try? await tokens.token(request))?.unverifiedClaims ?? [:]
  }
}
