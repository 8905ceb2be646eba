import ManagedHSMService
import NIOCore
import NIOHTTP1
import Synchronization

/// Answers by path, so that a test of the listener decides when and from where a reply comes.
///
/// `/wait…` answers when the test says so, from another thread; anything else at once with method, target and body length.
final class ScriptedResponder: Responder {
  private struct State {
    var seen: [String] = []
    var waiting: [@Sendable () -> Void] = []
  }
  private let state = Mutex(State())

  var seen: [String] { state.withLock { $0.seen } }
  var waitingCount: Int { state.withLock { $0.waiting.count } }

  /// Answers everything that waits.
  func release() {
    let waiting = state.withLock { state in
      defer { state.waiting = [] }
      return state.waiting
    }
    for answer in waiting { answer() }
  }

  func respond(to request: WireRequest, reply: @escaping @Sendable (WireReply) -> Void) {
    let text = "\(request.method.rawValue) \(request.target) \(request.body.readableBytes)"
    let answer = WireReply(status: 200, headers: [("Content-Type", "text/plain")], body: Array(text.utf8))
    let waits = request.target.hasPrefix("/wait")
    state.withLock { state in
      state.seen.append(text)
      if waits { state.waiting.append { reply(answer) } }
    }
    if !waits { reply(answer) }
  }

  func refuseOversized(_ request: WireRequest, limit: Int) -> WireReply {
    state.withLock { $0.seen.append("oversized \(request.target)") }
    return WireReply(status: 413, body: Array("limit \(limit)".utf8))
  }
}
