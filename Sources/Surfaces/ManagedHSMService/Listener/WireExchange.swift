package import NIOCore
package import NIOHTTP1

/// One request as the responder sees it: the head, and the whole body (bounded by the listener).
package struct WireRequest: Sendable {
  package var method: HTTPMethod
  /// Path and query exactly as sent.
  package var target: String
  package var headers: HTTPHeaders
  package var body: ByteBuffer
  /// The peer's address without port, `""` when unknown.
  package var peer: String
  /// Monotonic nanoseconds when the head was read.
  package var arrived: UInt64

  package init(method: HTTPMethod, target: String, headers: HTTPHeaders, body: ByteBuffer, peer: String, arrived: UInt64) {
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
    self.peer = peer
    self.arrived = arrived
  }

  /// The path without its query.
  package var path: Substring { target.utf8.firstIndex(of: UInt8(ascii: "?")).map { target[..<$0] } ?? target[...] }

  /// The raw query, `""` when there is none.
  package var query: Substring {
    target.utf8.firstIndex(of: UInt8(ascii: "?")).map { target[target.utf8.index(after: $0)...] } ?? ""
  }

  package func header(_ name: String) -> String? { headers.first(name: name) }
}

/// One reply as bytes-to-be: status, headers besides `Content-Length`, and the whole body.
package struct WireReply: Sendable {
  package var status: Int
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]

  package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// The function beneath the listener.
///
/// `respond` is called on the connection's event loop and must not block it; `reply` is called exactly once, from any thread.
package protocol Responder: Sendable {
  func respond(to request: WireRequest, reply: @escaping @Sendable (WireReply) -> Void)
  /// The answer to a body over the limit: the listener does not read it.
  func refuseOversized(_ request: WireRequest, limit: Int) -> WireReply
}
