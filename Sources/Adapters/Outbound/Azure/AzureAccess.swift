package import Clocks
internal import Encodings
package import Estate
internal import Synchronization

/// One tenant's way into Azure: its credential, one token for each audience, retries, and the cloud's hosts. Concurrent calls are fine.
package final class AzureAccess: Sendable {
  package let cloud: AzureCloud
  package let tenant: String
  private let exchange: RetryingExchange
  private let tokens: TokenCache
  private let pause: Pause
  private let claims = Mutex<[String: String]>([:])

  /// - Parameter pause: waits for query quotas; retries wait by `exchange`.
  package init(
    cloud: AzureCloud, tenant: String, credential: any Credential, exchange: RetryingExchange, clock: TimeSource = .system, pause: Pause = .system
  ) {
    self.cloud = cloud
    self.tenant = tenant
    self.exchange = exchange
    self.pause = pause
    tokens = TokenCache(credential, clock: clock)
  }

  /// Retries of long sweeps: more patience than a person at a prompt has. ARM refills its buckets within seconds (§1.13).
  package static var sweepPolicy: RetryPolicy {
    var policy = RetryPolicy()
    policy.maxAttempts = 8
    policy.longestWait = .seconds(20)
    policy.budget = .seconds(300)
    policy.longestRetryAfter = .seconds(120)
    return policy
  }

  /// Sends with this tenant's token for the scope. A token that is refused once is replaced once; a claims challenge is answered.
  ///
  /// - Returns: the answer when its status is a success.
  /// - Throws: `.refused` with the service's words; an api-version that Azure retired is named in them.
  package func send(_ request: OutboundRequest, scope: String, replay: Replay = .harmless) async throws(OutboundError) -> OutboundReply {
    var attempts: [RequestAttempt] = []
    for round in 0..<2 {
      let wanted = TokenRequest(scope: scope, tenant: tenant, claims: claims.withLock { $0[scope] })
      let token: AccessToken
      do { token = try await tokens.token(wanted) } catch { throw .credential(error) }
      var authorised = request
      authorised.headers += [("authorization", token.headerValue), ("user-agent", "hallmark")]
      let (reply, made): (OutboundReply, [RequestAttempt])
      do { (reply, made) = try await exchange.send(authorised, replay: replay) } catch { throw error.after(attempts) }
      attempts += made
      if reply.status == 401, round == 0 {
        tokens.forget(wanted)
        if let challenge = reply.header("www-authenticate").flatMap(ServiceChallenge.init(header:)), challenge.error == "insufficient_claims",
          let text = challenge.claims, let bytes = try? Base64.decode(text)
        {
          claims.withLock { $0[scope] = String(decoding: bytes, as: UTF8.self) }
        }
        continue
      }
      guard (200..<300).contains(reply.status) else { throw Self.refusal(reply, request, attempts) }
      return reply
    }
    throw .badAnswer(url: request.place, why: "two tokens in a row were refused")
  }

  /// Waits when a quota header says that nothing is left (`x-ms-user-quota-remaining`, `x-ms-user-quota-resets-after: hh:mm:ss`); at most a minute.
  func respectQuota(_ reply: OutboundReply) async throws(OutboundError) {
    guard reply.header("x-ms-user-quota-remaining") == "0", let text = reply.header("x-ms-user-quota-resets-after") else { return }
    let parts = text.split(separator: ":").map { Int($0) }
    guard parts.count == 3, let hours = parts[0], let minutes = parts[1], let seconds = parts[2], (0...23).contains(hours),
      (0...59).contains(minutes), (0...59).contains(seconds)
    else { return }
    do { try await pause.wait(.seconds(min(60, hours * 3600 + minutes * 60 + seconds))) } catch {
      throw .unreachable(url: cloud.resourceManager, why: "the wait was cancelled", attempts: [])
    }
  }

  private static let retiredCodes: Set<String> = [
    "invalidapiversionparameter", "noregisteredproviderfound", "unsupportedapiversion", "apiversionretired", "invalidresourcetype",
  ]

  static func refusal(_ reply: OutboundReply, _ request: OutboundRequest, _ attempts: [RequestAttempt]) -> OutboundError {
    let body = (try? JSONValue.parse(reply.body.prefix(256 << 10))) ?? .null
    var code = body["error"]?["code"]?.string
    if code == nil { code = reply.header("x-ms-error-code") }
    var message = body["error"]?["message"]?.string.map { String($0.prefix(1000)) }
    if reply.status == 400, let known = code?.lowercased(), retiredCodes.contains(known) {
      let version = request.url.firstRange(of: "api-version=").map { request.url[$0.upperBound...].prefix { $0 != "&" } } ?? "?"
      message = "Azure does not take api-version \(version) here (retired, or not of this cloud); a newer Hallmark is needed. It said: \(message ?? "nothing")"
    }
    return .refused(
      RemoteRefusal(
        method: request.method, url: request.place, status: reply.status, code: code, message: message, requestID: reply.header("x-ms-request-id"),
        attempts: attempts))
  }
}

extension OutboundError {
  /// What the failure means for an inventory. 404 on a store or scope hides as well as it denies.
  package var gapKind: EstateGap.Kind {
    switch self {
    case .refused(let refusal):
      switch refusal.status {
      case 401, 403, 404: .denied
      default: .unreachable
      }
    case .credential(.refused), .challenge: .denied
    case .unreachable, .credential, .badAddress: .unreachable
    case .badAnswer: .incomplete
    }
  }

  /// Whether the thing asked for is not there.
  package var isNotFound: Bool {
    if case .refused(let refusal) = self { return refusal.status == 404 }
    return false
  }
}
