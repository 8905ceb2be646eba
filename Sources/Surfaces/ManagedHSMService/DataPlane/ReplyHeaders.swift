import ManagedHSMWire
import NIOHTTP1

/// The headers of every answer, as the live service sends them.
struct ReplyHeaders: Sendable {
  private let common: [(name: String, value: String)]
  private let region: String
  private let build: String

  init(identity: ServiceIdentity) {
    common = [
      ("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "no-cache"), ("Content-Security-Policy", "default-src 'self'"),
      ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"), ("X-Content-Type-Options", "nosniff"),
      ("X-Frame-Options", "SAMEORIGIN"),
    ]
    region = identity.region
    build = identity.build
  }

  /// - Parameter succeeded: an authorised success, which alone tells region and network.
  func make(for call: Call, succeeded: Bool, unauthenticated: Bool = false, now: UInt64) -> [(name: String, value: String)] {
    var headers = common
    headers.reserveCapacity(12)
    headers.append(("x-ms-request-id", call.id))
    headers.append(("x-ms-server-latency", String((now &- call.request.arrived) / 1_000_000)))
    let isGet = call.request.method == .GET
    if isGet && (succeeded || unauthenticated) { headers.append(("x-ms-build-version", build)) }
    if succeeded {
      headers.append(("x-ms-keyvault-region", region))
      let family = call.request.peer.utf8.contains(UInt8(ascii: ":")) ? "Ipv6" : "Ipv4"
      headers.append(("x-ms-keyvault-network-info", "conn_type=\(family);addr=\(call.request.peer);act_addr_fam=\(family);"))
    }
    return headers
  }
}
