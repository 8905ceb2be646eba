import Outbound
import Testing

@Suite("Retries")
struct RetryTests {
  static let request = OutboundRequest("GET", "https://hsm.example/keys?x=1")

  func send(
    _ outcomes: [Result<OutboundReply, TransportError>], replay: Replay = .harmless, policy: RetryPolicy = RetryPolicy()
  ) async -> (status: Int?, error: OutboundError?, sent: Int, waits: [Duration]) {
    let transport = ScriptedTransport(outcomes)
    let waits = Waits()
    let exchange = RetryingExchange(transport, policy: policy, pause: waits.pause, jitter: { 1 })
    do {
      let (reply, attempts) = try await exchange.send(Self.request, replay: replay)
      #expect(attempts.count == transport.requests.count)
      return (reply.status, nil, transport.requests.count, waits.all)
    } catch { return (nil, error, transport.requests.count, waits.all) }
  }

  static func reply(_ status: Int, _ headers: [(name: String, value: String)] = []) -> Result<OutboundReply, TransportError> {
    .success(OutboundReply(status: status, headers: headers))
  }

  @Test("An answer that is not to be repeated is taken at once", arguments: [200, 201, 204, 301, 400, 401, 403, 404, 409, 413, 501])
  func once(_ status: Int) async {
    let result = await send([Self.reply(status)])
    #expect(result.status == status && result.sent == 1 && result.waits.isEmpty)
  }

  @Test("408, 429 and 5xx are repeated", arguments: [408, 429, 500, 502, 503, 504])
  func repeated(_ status: Int) async {
    let result = await send([Self.reply(status), Self.reply(200)])
    #expect(result.status == 200 && result.sent == 2)
    #expect(result.waits == [.milliseconds(200)])
  }

  @Test("Retry-After is what is waited, in seconds and in milliseconds")
  func retryAfter() async {
    let result = await send([Self.reply(429, [("retry-after", "7")]), Self.reply(503, [("x-ms-retry-after-ms", "1500")]), Self.reply(200)])
    #expect(result.status == 200)
    #expect(result.waits == [.seconds(7), .milliseconds(1500)])
  }

  @Test("A Retry-After beyond our patience ends the matter with the answer")
  func tooLong() async {
    let result = await send([Self.reply(429, [("retry-after", "3600")])])
    #expect(result.status == 429 && result.sent == 1)
  }

  @Test("A Retry-After that is no number of seconds is treated as none", arguments: ["", "-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "1.5", "99999999999999999999"])
  func oddRetryAfter(_ text: String) async {
    let result = await send([Self.reply(429, [("retry-after", text)]), Self.reply(200)])
    #expect(result.status == 200 && result.waits == [.milliseconds(200)])
  }

  @Test("Waits double up to their limit and attempts are bounded")
  func backoff() async {
    var policy = RetryPolicy()
    policy.maxAttempts = 6
    policy.longestWait = .seconds(1)
    let result = await send(Array(repeating: Self.reply(500), count: 10), policy: policy)
    #expect(result.status == 500 && result.sent == 6)
    #expect(result.waits == [.milliseconds(200), .milliseconds(400), .milliseconds(800), .seconds(1), .seconds(1)])
  }

  @Test("A dropped connection and a slow answer are repeated for what is harmless, and only for that")
  func dropped() async {
    for failure in [TransportError.dropped("reset"), .timedOut] {
      let harmless = await send([.failure(failure), Self.reply(200)])
      #expect(harmless.status == 200 && harmless.sent == 2)
      let create = await send([.failure(failure), Self.reply(200)], replay: .onlyIfNotPerformed)
      #expect(create.status == nil && create.sent == 1)
    }
  }

  @Test("A request that makes something new is repeated when it was surely not performed")
  func notPerformed() async {
    let refused = await send([.failure(.notConnected("refused")), Self.reply(429), Self.reply(200)], replay: .onlyIfNotPerformed)
    #expect(refused.status == 200 && refused.sent == 3)
    let broken = await send([Self.reply(500), Self.reply(200)], replay: .onlyIfNotPerformed)
    #expect(broken.status == 500 && broken.sent == 1)
  }

  @Test("An untrusted server and an oversized answer are never tried again")
  func final() async {
    for failure in [TransportError.untrustedServer("x"), .replyTooLarge(limit: 1)] {
      let result = await send([.failure(failure), Self.reply(200)])
      #expect(result.sent == 1 && result.error != nil)
    }
  }

  @Test("When nothing answers, the error counts the attempts and does not show the query")
  func unreachable() async {
    let result = await send(Array(repeating: .failure(.notConnected("refused")), count: 9))
    #expect(result.sent == 4)
    guard case .unreachable("https://hsm.example/keys", "could not connect (refused)", let attempts) = result.error else {
      Issue.record("unexpected: \(String(describing: result.error))")
      return
    }
    #expect(attempts.map(\.failure) == Array(repeating: .notConnected("refused"), count: 4))
  }

  @Test("No attempt starts once the time is used up")
  func budget() {
    var state = RetryState(RetryPolicy(), replay: .harmless)
    #expect(state.ended(.failure(.timedOut), took: .seconds(30), elapsed: .seconds(119.9), jitter: 1) == .stop)
  }
}
