package import Clocks
internal import Crypto
internal import Encodings

/// Why an alert did not reach its receiver. Never holds the secret or the alert.
package enum AlertDeliveryError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The address is none, or not one alerts may be sent to.
  case badTarget(String, why: String)
  case unreachable(String, why: String)
  /// The receiver answered, and not with success.
  case refused(String, status: Int)

  package var description: String {
    switch self {
    case .badTarget(let target, let why): "alerts cannot be sent to \(target): \(why)"
    case .unreachable(let target, let why): "\(target) took no alert: \(why); it stays queued"
    case .refused(let target, let status): "\(target) answered \(status) to an alert; it stays queued"
    }
  }

  /// Whether sending later may help.
  package var mayRetry: Bool {
    switch self {
    case .badTarget: false
    case .unreachable: true
    case .refused(_, let status): status == 408 || status == 429 || status >= 500
    }
  }
}

/// Posts alerts over HTTPS: CloudEvents in structured mode, signed, idempotent.
///
/// Headers: `Hallmark-Timestamp` (seconds since the epoch), `Hallmark-Signature: v1=HEX`, the HMAC-SHA-256 of `timestamp "." body` under the shared
/// secret, and `Idempotency-Key`, the alert's id. A receiver should refuse timestamps more than five minutes off and ids it has seen. Redirects are
/// not followed; targets on private addresses are refused unless listed, since whoever writes the configuration must not reach what only this
/// host can. The check is by name resolution just before sending: a name that changes in between is not caught.
package struct AlertWebhook: Sendable {
  private let target: AlertTarget
  private let exchange: RetryingExchange
  private let secret: SymmetricKey?
  private let clock: TimeSource
  private let contentType: String
  private let bearer: String?

  /// - Parameters:
  ///   - secret: at least 16 bytes; nil leaves the signature out.
  ///   - bearer: token sent as it is; nil for none.
  package init(
    target: AlertTarget, transport: any Transport, secret: [UInt8]? = nil, bearer: String? = nil, contentType: String = "application/cloudevents+json",
    clock: TimeSource = .system, policy: RetryPolicy = RetryPolicy(), pause: Pause = .system
  ) throws(AlertDeliveryError) {
    if let secret, secret.count < 16 { throw .badTarget(target.url, why: "the shared secret has fewer than 16 bytes") }
    self.target = target
    self.secret = secret.map { SymmetricKey(data: $0) }
    self.bearer = bearer
    self.clock = clock
    self.contentType = contentType
    exchange = RetryingExchange(transport, policy: policy, pause: pause)
  }

  /// Sends one document. Done when the receiver said 2xx.
  ///
  /// - Parameter id: the same for the same alert, also after a restart.
  package func send(_ body: [UInt8], id: String) async throws(AlertDeliveryError) {
    try target.checkAddresses()
    var headers: [(name: String, value: String)] = [("content-type", contentType), ("idempotency-key", id), ("user-agent", "hallmark")]
    if let secret {
      let timestamp = String(clock.now().seconds)
      headers.append(("hallmark-timestamp", timestamp))
      headers.append(("hallmark-signature", "v1=\(Self.signature(body, timestamp: timestamp, secret))"))
    }
    if let bearer { headers.append(("authorization", "Bearer \(bearer)")) }
    let reply: OutboundReply
    do throws(OutboundError) {
      reply = try await exchange.send(OutboundRequest("POST", target.url, headers: headers, body: body, maxReplyBytes: 64 << 10), replay: .harmless).reply
    } catch {
      throw .unreachable(target.place, why: error.description)
    }
    guard (200..<300).contains(reply.status) else { throw .refused(target.place, status: reply.status) }
  }

  static func signature(_ body: [UInt8], timestamp: String, _ secret: SymmetricKey) -> String {
    var mac = HMAC<SHA256>(key: secret)
    mac.update(data: Array("\(timestamp).".utf8))
    mac.update(data: body)
    return Hex.encode(Array(mac.finalize()))
  }
}
