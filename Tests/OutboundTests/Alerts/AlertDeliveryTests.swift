@testable import Outbound
import Clocks
import Testing

@Suite("Delivery of alerts")
struct AlertDeliveryTests {
  private static let secret = Array("0123456789abcdef0123456789abcdef".utf8)
  private let target = "https://127.0.0.1:9443/hook?team=a"

  private func webhook(_ transport: ScriptedTransport, waits: Waits = Waits()) throws -> AlertWebhook {
    try AlertWebhook(
      target: AlertTarget(url: target, privateHosts: ["127.0.0.1"]), transport: transport, secret: Self.secret,
      clock: .fixed(Instant(seconds: 1_800_000_000)), pause: waits.pause)
  }

  @Test("An alert is posted once, signed over timestamp and body, with its id as idempotency key")
  func signed() async throws {
    let transport = ScriptedTransport([.success(OutboundReply(status: 204))])
    try await webhook(transport).send(Array(#"{"id":"a-1"}"#.utf8), id: "a-1")
    let request = try #require(transport.requests.first)
    func header(_ name: String) -> String? { request.headers.first { $0.name == name }?.value }
    #expect(transport.requests.count == 1 && request.method == "POST")
    #expect(header("idempotency-key") == "a-1" && header("hallmark-timestamp") == "1800000000")
    // Computed with Python's hmac module.
    #expect(header("hallmark-signature") == "v1=fe60e07a2a135424a789ddff1707edd151bb070a8a400ed42e9c8750759a3b26")
  }

  @Test("A busy receiver is tried again under the same id")
  func retried() async throws {
    let waits = Waits()
    let transport = ScriptedTransport([
      .success(OutboundReply(status: 503)), .failure(.timedOut), .success(OutboundReply(status: 429, headers: [("retry-after", "2")])), .success(OutboundReply(status: 200)),
    ])
    try await webhook(transport, waits: waits).send([1], id: "a-2")
    #expect(transport.requests.count == 4 && waits.all.count == 3)
    #expect(Set(transport.requests.compactMap { $0.headers.first { $0.name == "idempotency-key" }?.value }) == ["a-2"])
  }

  @Test("A redirect is an answer, not an order", arguments: [301, 302, 307, 308])
  func redirects(status: Int) async throws {
    let transport = ScriptedTransport([.success(OutboundReply(status: status, headers: [("location", "https://elsewhere.example/")]))])
    let webhook = try webhook(transport)
    await #expect(throws: AlertDeliveryError.refused("https://127.0.0.1:9443/hook", status: status)) { try await webhook.send([1], id: "a") }
    #expect(transport.requests.count == 1)
  }

  @Test("A refusal says whether later may help", arguments: [(400, false), (401, false), (404, false), (408, true), (429, true), (500, true), (503, true)])
  func later(status: Int, helps: Bool) {
    #expect(AlertDeliveryError.refused("x", status: status).mayRetry == helps)
  }

  @Test("An error shows neither the query of the target nor the secret")
  func discreet() async throws {
    let webhook = try webhook(ScriptedTransport([.success(OutboundReply(status: 400))]))
    do {
      try await webhook.send([1], id: "a")
      Issue.record("the refusal was not told")
    } catch {
      #expect(!error.description.contains("team=a") && !error.description.contains("0123456789abcdef"))
    }
  }

  @Test("A short secret, credentials in the URL, no host, a bad port, plain HTTP and other schemes are refused", arguments: [
    "http://hooks.example/x", "ftp://hooks.example/", "https://user:word@hooks.example/", "https:///x", "https://hooks.example:0/", "https://hooks.example:99999/",
    "https://[::1/x", "hooks.example",
  ])
  func badTargets(url: String) throws {
    #expect(throws: AlertDeliveryError.self) { try AlertTarget(url: url, privateHosts: []) }
    let good = try AlertTarget(url: "https://hooks.example/", privateHosts: [])
    #expect(throws: AlertDeliveryError.self) { try AlertWebhook(target: good, transport: ScriptedTransport([OutboundReply](repeating: .init(status: 200), count: 0).map { .success($0) }), secret: [1, 2, 3]) }
  }

  @Test("A target that resolves to this host is refused before anything is sent, unless it is listed", arguments: [
    "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://169.254.169.254/latest", "https://10.0.0.5/", "https://0.0.0.0/",
  ])
  func privateTargets(url: String) async throws {
    let transport = ScriptedTransport([.success(OutboundReply(status: 200))])
    let webhook = try AlertWebhook(target: AlertTarget(url: url, privateHosts: []), transport: transport)
    await #expect(throws: AlertDeliveryError.self) { try await webhook.send([1], id: "a") }
    #expect(transport.requests.isEmpty)
  }

  @Test("Private, shared, link-local, mapped and documentation addresses are not public; others are")
  func addresses() {
    for address in [0x0A01_0203, 0x6440_0001, 0x7F00_0001, 0xA9FE_A9FE, 0xAC1F_FFFF, 0xC0A8_0001, 0xC612_0001, 0xCB00_7101, 0xE000_0001, 0xFFFF_FFFF] as [UInt32] {
      #expect(!AlertTarget.isPublic(v4: address))
    }
    for address in [0x0808_0808, 0xAC20_0001, 0x6480_0001, 0xC0A9_0001] as [UInt32] { #expect(AlertTarget.isPublic(v4: address)) }
    func v6(_ head: [UInt8], _ tail: [UInt8] = []) -> [UInt8] { head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail }
    #expect(!AlertTarget.isPublic(v6: v6([], [1])) && !AlertTarget.isPublic(v6: v6([0xFC])) && !AlertTarget.isPublic(v6: v6([0xFE, 0x80])))
    #expect(!AlertTarget.isPublic(v6: v6([], [0xFF, 0xFF, 127, 0, 0, 1])) && !AlertTarget.isPublic(v6: v6([0x20, 0x01, 0x0D, 0xB8])))
    #expect(AlertTarget.isPublic(v6: v6([0x26, 0x00])))
  }

  @Test("Syslog frames count bytes, not characters (RFC 5425 §4.3)")
  func frames() {
    #expect(String(decoding: SyslogOverTLS.frames(["<80>1 a", "é"]), as: UTF8.self) == "7 <80>1 a2 é")
  }
}
