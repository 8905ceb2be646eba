internal import Encodings

/// One HTTP request as a value.
package struct OutboundRequest: Sendable {
  package var method: String
  /// `https://…`, ready to send.
  package var url: String
  /// Names in lower case. May hold a bearer token: never printed.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// The whole exchange must end within this time.
  package var timeout: Duration
  /// The largest answer body that is taken.
  package var maxReplyBytes: Int

  package init(
    _ method: String, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
    timeout: Duration = .seconds(30), maxReplyBytes: Int = 4 << 20
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.timeout = timeout
    self.maxReplyBytes = maxReplyBytes
  }

  /// The URL without its query: what errors may show.
  package var place: String { url.split(separator: "?", maxSplits: 1).first.map(String.init) ?? url }
}

/// One HTTP answer as a value.
package struct OutboundReply: Sendable {
  package var status: Int
  /// Names in lower case.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]

  package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// Why an exchange produced no answer.
package enum TransportError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Nothing of the request was sent: name resolution, connection or TLS handshake failed.
  case notConnected(String)
  /// The server's certificate is not trusted or not for this name; trying again will not help.
  case untrustedServer(String)
  /// The connection broke after the request may have been sent.
  case dropped(String)
  /// No answer in time; the request may have been performed.
  case timedOut
  /// The answer is larger than the request allows.
  case replyTooLarge(limit: Int)

  package var description: String {
    switch self {
    case .notConnected(let why): "could not connect (\(why))"
    case .untrustedServer(let why): "the server's certificate is not trusted (\(why)); name its CA with --ca or HALLMARK_CA"
    case .dropped(let why): "the connection broke (\(why))"
    case .timedOut: "no answer in time"
    case .replyTooLarge(let limit): "the answer is larger than \(limit) bytes"
    }
  }
}

/// Sends one request and returns its answer, whatever its status. No retries, no redirects.
///
/// Concurrent calls are fine. Not trusted for truth, only for confidentiality and the server's identity (TLS).
package protocol Transport: Sendable {
  func perform(_ request: OutboundRequest) async throws(TransportError) -> OutboundReply
}

/// Percent-encoding of RFC 3986.
package enum URLText {
  /// Everything but unreserved characters is encoded.
  package static func component(_ text: String) -> String {
    var output = [UInt8]()
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: output.append(byte)
      default:
        output.append(UInt8(ascii: "%"))
        output.append(contentsOf: Hex.encode([byte]).uppercased().utf8)
      }
    }
    return String(decoding: output, as: UTF8.self)
  }

  /// `name=value&…`, for queries and form bodies.
  package static func form(_ fields: [(name: String, value: String)]) -> String {
    fields.map { "\(component($0.name))=\(component($0.value))" }.joined(separator: "&")
  }
}
