import Clocks
import Outbound
import Synchronization

/// A transport that answers from a script and keeps what it was asked. A request beyond the script fails the exchange.
final class ScriptedTransport: Transport {
  typealias Step = @Sendable (OutboundRequest) -> Result<OutboundReply, TransportError>

  private let steps: Mutex<[Step]>
  private let seen = Mutex<[OutboundRequest]>([])

  init(_ steps: [Step]) { self.steps = Mutex(steps) }

  convenience init(_ outcomes: [Result<OutboundReply, TransportError>]) {
    self.init(outcomes.map { outcome in { _ in outcome } })
  }

  var requests: [OutboundRequest] { seen.withLock { $0 } }

  func perform(_ request: OutboundRequest) async throws(TransportError) -> OutboundReply {
    seen.withLock { $0.append(request) }
    let step = steps.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    guard let step else { throw .replyTooLarge(limit: -1) }
    return try step(request).get()
  }
}

/// Keeps the waits instead of waiting.
final class Waits: Sendable {
  private let list = Mutex<[Duration]>([])
  var all: [Duration] { list.withLock { $0 } }
  var pause: Pause { Pause { duration in self.list.withLock { $0.append(duration) } } }
}

extension OutboundReply {
  static func json(_ status: Int, _ text: String, _ headers: [(name: String, value: String)] = []) -> OutboundReply {
    OutboundReply(status: status, headers: [("content-type", "application/json; charset=utf-8")] + headers, body: Array(text.utf8))
  }
}

extension OutboundRequest {
  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}
