import ManagedHSMService
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL
import Synchronization
import Testing

/// The listener on real sockets.
@Suite("The listener", .serialized)
struct ListenerTests {
  private func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n" }

  @Test("One connection carries many requests")
  func keepAlive() async throws {
    try await LoopbackServer.with { server in
      let client = try await ByteClient.connect(server)
      for index in 1...5 {
        try await client.send(get("/\(index)"))
        #expect(try await eventually { client.text.hasSuffix("GET /\(index) 0") }, "\(client.text)")
      }
      #expect(client.count() == 5 && !client.isClosed)
      #expect(server.listener.drain.openConnections == 1)
      try await client.send("POST /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc")
      #expect(try await eventually { client.isClosed })
      #expect(client.text.hasSuffix("POST /last 3"))
      await client.close()
    }
  }

  @Test("Pipelined requests are answered in order, though the first is slow, and one at a time")
  func pipelining() async throws {
    try await LoopbackServer.with { server in
      let client = try await ByteClient.connect(server)
      let rest = (1...20).map { "POST /\($0) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody" }.joined()
      try await client.send(get("/wait") + rest)
      #expect(try await eventually { server.responder.waitingCount == 1 })
      #expect(server.responder.seen == ["GET /wait 0"])
      #expect(client.text.isEmpty)
      server.responder.release()
      #expect(try await eventually { client.count() == 21 })
      #expect(server.responder.seen == ["GET /wait 0"] + (1...20).map { "POST /\($0) 4" })
      let order: [Int] = client.text.split(separator: "POST /").dropFirst().compactMap { piece in Int(String(piece.prefix { $0.isNumber })) }
      #expect(order == Array(1...20))
      await client.close()
    }
  }

  // MARK: - Bodies

  @Test("A body of exactly the limit is read, chunked or not")
  func atTheLimit() async throws {
    try await LoopbackServer.with { server in
      let limit = LoopbackServer.bodyLimit
      let client = try await ByteClient.connect(server)
      try await client.send("POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(limit)\r\n\r\n" + String(repeating: "x", count: limit))
      #expect(try await eventually { client.text.hasSuffix("POST /a \(limit)") })
      try await client.send(
        "POST /b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n\(String(limit, radix: 16))\r\n" + String(repeating: "x", count: limit) + "\r\n0\r\n\r\n")
      #expect(try await eventually { client.text.hasSuffix("POST /b \(limit)") })
      await client.close()
    }
  }

  @Test("A declared length over the limit is refused before the body, naming the limit")
  func declaredTooLarge() async throws {
    try await LoopbackServer.with { server in
      for length in ["\(LoopbackServer.bodyLimit + 1)", "9223372036854775807"] {
        let client = try await ByteClient.connect(server)
        try await client.send("POST /big HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: \(length)\r\n\r\n")
        #expect(try await eventually { client.text.hasSuffix("limit \(LoopbackServer.bodyLimit)") }, "\(client.text)")
        #expect(client.text.hasPrefix("HTTP/1.1 413"))
        #expect(client.text.lowercased().contains("connection: close"))
        #expect(!client.text.contains("100 Continue"))
        #expect(try await eventually { client.isClosed })
        await client.close()
      }
      #expect(server.responder.seen == ["oversized /big", "oversized /big"])
    }
  }

  @Test("A body without a length is refused at the byte over the limit, naming the limit")
  func chunkedTooLarge() async throws {
    try await LoopbackServer.with { server in
      let client = try await ByteClient.connect(server)
      try await client.send("POST /big HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
      let chunk = "400\r\n" + String(repeating: "x", count: 1024) + "\r\n"
      for _ in 0..<4 { try await client.send(chunk) }
      #expect(client.text.isEmpty)
      try await client.send("1\r\nx\r\n")
      #expect(try await eventually { client.text.hasPrefix("HTTP/1.1 413") && client.text.hasSuffix("limit \(LoopbackServer.bodyLimit)") }, "\(client.text)")
      #expect(try await eventually { client.isClosed })
      #expect(server.responder.seen == ["oversized /big"])
      await client.close()
    }
  }

  @Test("What follows an oversized body on its connection is not a request")
  func nothingAfterOversized() async throws {
    try await LoopbackServer.with { server in
      let client = try await ByteClient.connect(server)
      let body = String(repeating: "x", count: LoopbackServer.bodyLimit + 1)
      try await client.send("POST /big HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body + get("/after"))
      #expect(try await eventually { client.isClosed })
      #expect(server.responder.seen == ["oversized /big"])
      #expect(client.count("HTTP/1.1 ") == 1)
      await client.close()
    }
  }

  @Test("Expect: 100-continue is answered before the body comes")
  func expectContinue() async throws {
    try await LoopbackServer.with { server in
      let client = try await ByteClient.connect(server)
      try await client.send("POST /a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
      #expect(try await eventually { client.text.hasPrefix("HTTP/1.1 100") && client.text.hasSuffix("\r\n\r\n") }, "\(client.text)")
      #expect(server.responder.seen.isEmpty)
      try await client.send("abc")
      #expect(try await eventually { client.text.hasSuffix("POST /a 3") })
      // The connection is still in order after it.
      try await client.send(get("/b"))
      #expect(try await eventually { client.text.hasSuffix("GET /b 0") })
      await client.close()
    }
  }

  @Test("HEAD gets the length of the body it does not get")
  func head() async throws {
    try await LoopbackServer.with { server in
      let client = try await ByteClient.connect(server)
      try await client.send("HEAD /a HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/b"))
      #expect(try await eventually { client.count() == 2 && client.text.hasSuffix("GET /b 0") }, "\(client.text)")
      #expect(client.text.contains("Content-Length: 9\r\n") && !client.text.contains("HEAD /a 0"))
      await client.close()
    }
  }

  // MARK: - Broken peers

  @Test("A request that smuggles, or is no HTTP, gets 400 or nothing, and never reaches the responder", arguments: [
    "GARBAGE\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0x3\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", "GET / HTTP/1.1\r\nBad Header: x\r\n\r\n", "GET / HTTP/1.1\r\nX: a\u{0}b\r\n\r\n", "\u{16}\u{3}\u{1}", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  ])
  func broken(_ text: String) async throws {
    try await LoopbackServer.with(idleSeconds: 1) { server in
      let client = try await ByteClient.connect(server)
      try await client.send(text)
      #expect(try await eventually { client.isClosed }, "\(client.text)")
      #expect(client.text.isEmpty || client.text.hasPrefix("HTTP/1.1 400") || client.text.hasPrefix("HTTP/1.0 400"), "\(client.text)")
      #expect(server.responder.seen.isEmpty)
      await client.close()
    }
  }

  @Test("A head that does not end is cut off", arguments: [false, true])
  func endlessHead(manyFields: Bool) async throws {
    try await LoopbackServer.with(idleSeconds: 1) { server in
      let client = try await ByteClient.connect(server)
      try await client.send("GET / HTTP/1.1\r\nHost: localhost\r\n" + (manyFields ? "" : "X: "))
      let piece = manyFields ? (0..<200).map { "X-\($0): y\r\n" }.joined() : String(repeating: "y", count: 2000)
      // Sending fails once the server has closed.
      for _ in 0..<100 where !client.isClosed { try? await client.send(piece) }
      #expect(try await eventually { client.isClosed })
      #expect(server.responder.seen.isEmpty)
      await client.close()
    }
  }

  @Test("Half a request is closed after the idle limit, head or body, and so is a connection that says nothing", arguments: [
    "", "GET / HT", "GET / HTTP/1.1\r\nHost: localhost\r\n", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
  ])
  func halfSent(_ text: String) async throws {
    try await LoopbackServer.with(idleSeconds: 1) { server in
      let client = try await ByteClient.connect(server)
      if !text.isEmpty { try await client.send(text) }
      #expect(try await eventually(8) { client.isClosed })
      #expect(server.responder.seen.isEmpty)
      await client.close()
      #expect(try await eventually { server.listener.drain.openConnections == 0 })
    }
  }

  @Test("A kept-alive connection is closed when it stays idle, and one that waits for its reply is not")
  func idle() async throws {
    try await LoopbackServer.with(idleSeconds: 1) { server in
      let client = try await ByteClient.connect(server)
      try await client.send(get("/a"))
      #expect(try await eventually { client.count() == 1 })
      #expect(try await eventually(8) { client.isClosed })
      await client.close()
    }
  }

  @Test("Bytes that are not TLS are answered with nothing")
  func plainText() async throws {
    try await LoopbackServer.with { server in
      let client = try await ByteClient.connect(server, tls: false)
      try await client.send(get("/a"))
      #expect(try await eventually { client.isClosed })
      #expect(!client.text.contains("HTTP/1.1 200"))
      #expect(server.responder.seen.isEmpty)
      await client.close()
    }
  }

  @Test("A client that disappears while its request is worked on does no harm")
  func disappears() async throws {
    try await LoopbackServer.with { server in
      for _ in 0..<8 {
        let client = try await ByteClient.connect(server)
        try await client.send(get("/wait"))
        #expect(try await eventually { server.responder.waitingCount == 1 })
        client.abandon()
        server.responder.release()
        #expect(try await eventually { server.listener.drain.openConnections == 0 })
      }
      #expect(try await eventually { server.listener.drain.exchangesInFlight == 0 && server.listener.drain.openConnections == 0 })
      let client = try await ByteClient.connect(server)
      try await client.send(get("/after"))
      #expect(try await eventually { client.text.hasSuffix("GET /after 0") })
      await client.close()
    }
  }

  @Test("A client that closes its sending side still gets its reply, and then the connection ends")
  func halfClosed() async throws {
    try await LoopbackServer.with { server in
      let client = try await ByteClient.connect(server, halfCloses: true)
      try await client.send(get("/wait"))
      #expect(try await eventually { server.responder.waitingCount == 1 })
      try? await client.channel.close(mode: .output)
      server.responder.release()
      #expect(try await eventually { client.isClosed })
      #expect(try await eventually { server.listener.drain.openConnections == 0 }, "the connection stays open until the idle limit")
      await client.close()
    }
  }

  // MARK: - TLS

  @Test("TLS 1.1 and older are refused, 1.2 and 1.3 are served", arguments: [TLSVersion.tlsv1, .tlsv11, .tlsv12, .tlsv13])
  func versions(_ version: TLSVersion) async throws {
    try await LoopbackServer.with { server in
      let client = try await ByteClient.connect(server, context: try ByteClient.context(maximum: version))
      try? await client.send(get("/a"))
      if version == .tlsv12 || version == .tlsv13 {
        #expect(try await eventually { client.text.hasSuffix("GET /a 0") })
      } else {
        #expect(try await eventually { client.isClosed })
        #expect(server.responder.seen.isEmpty)
      }
      await client.close()
    }
  }

  @Test("A client without ALPN gets HTTP/1.1")
  func withoutALPN() async throws {
    try await LoopbackServer.with { server in
      let client = try await ByteClient.connect(server, context: try ByteClient.context([]))
      try await client.send(get("/a"))
      #expect(try await eventually { client.text.hasSuffix("GET /a 0") })
      await client.close()
    }
  }

  // MARK: - HTTP/2

  @Test("HTTP/2 is chosen by ALPN, and its streams are answered independently of each other")
  func http2() async throws {
    try await LoopbackServer.with { server in
      let client = try await StreamClient.connect(server)
      async let slow = client.request(.GET, "/wait")
      #expect(try await eventually { server.responder.waitingCount == 1 })
      // A fast stream overtakes the slow one.
      #expect(try await client.request(.POST, "/b", body: "abc") == "200 POST /b 3")
      #expect(try await client.request(.HEAD, "/c") == "200 ")
      server.responder.release()
      #expect(try await slow == "200 GET /wait 0")
      #expect(try await client.request(.POST, "/big", body: String(repeating: "x", count: LoopbackServer.bodyLimit + 1)) == "413 limit \(LoopbackServer.bodyLimit)")
      // One refused body does not end the connection.
      #expect(try await client.request(.GET, "/d") == "200 GET /d 0")
      client.abandon()
    }
  }

  @Test("An HTTP/2 connection that its client closes is gone at once, not at the idle limit")
  func http2Closes() async throws {
    try await LoopbackServer.with { server in
      let client = try await StreamClient.connect(server)
      #expect(try await client.request(.GET, "/a") == "200 GET /a 0")
      #expect(server.listener.drain.openConnections == 1)
      client.abandon()
      #expect(try await eventually(3) { server.listener.drain.openConnections == 0 })
    }
  }

  @Test("An HTTP/2 connection that disappears with streams under way does no harm")
  func http2Disappears() async throws {
    try await LoopbackServer.with { server in
      let client = try await StreamClient.connect(server)
      async let first = try? client.request(.GET, "/wait1")
      async let second = try? client.request(.GET, "/wait2")
      #expect(try await eventually { server.responder.waitingCount == 2 })
      client.abandon()
      server.responder.release()
      _ = await (first, second)
      #expect(try await eventually { server.listener.drain.exchangesInFlight == 0 && server.listener.drain.openConnections == 0 })
      let other = try await StreamClient.connect(server)
      #expect(try await other.request(.GET, "/after") == "200 GET /after 0")
      other.abandon()
    }
  }

  // MARK: - Draining

  @Test("A graceful stop answers what is under way, closes what is idle and takes nothing new")
  func drain() async throws {
    try await LoopbackServer.with { server in
      let busy = try await ByteClient.connect(server)
      let idle = try await ByteClient.connect(server)
      let streams = try await StreamClient.connect(server)
      try await idle.send(get("/a"))
      #expect(try await eventually { idle.count() == 1 })
      try await busy.send(get("/wait"))
      async let stream = streams.request(.GET, "/wait2")
      #expect(try await eventually { server.responder.waitingCount == 2 })
      async let stopped: Void = server.listener.shutDown()
      #expect(try await eventually { idle.isClosed })
      #expect(!busy.isClosed && busy.text.isEmpty)
      await #expect(throws: (any Error).self) { _ = try await ByteClient.connect(server) }
      server.responder.release()
      #expect(try await stream == "200 GET /wait2 0")
      #expect(try await eventually { busy.text.hasSuffix("GET /wait 0") && busy.isClosed }, "\(busy.text)")
      #expect(busy.text.lowercased().contains("connection: close"))
      await stopped
      for client in [busy, idle] { await client.close() }
      #expect(try await eventually { server.listener.drain.openConnections == 0 })
      streams.abandon()
    }
  }

  @Test("A stop does not wait longer than it was told for a request that is never answered")
  func drainDeadline() async throws {
    try await LoopbackServer.with(drainSeconds: 1) { server in
      let client = try await ByteClient.connect(server)
      try await client.send(get("/wait"))
      #expect(try await eventually { server.responder.waitingCount == 1 })
      let start = ContinuousClock.now
      await server.listener.shutDown()
      #expect(ContinuousClock.now - start < .seconds(5))
      #expect(try await eventually { client.isClosed })
      await client.close()
    }
  }

  @Test("A port that is taken is a bind error that says so")
  func taken() async throws {
    try await LoopbackServer.with { server in
      let context = try ByteClient.context()
      do {
        let second = try await Listener.bind(
          ListenerConfiguration(hosts: ["127.0.0.1"], port: server.listener.port), tls: context, responder: server.responder, group: server.group)
        await second.shutDown()
        Issue.record("a second listener got the same port")
      } catch let error as ListenerError {
        #expect(error.description.contains("\(server.listener.port)") && error.description.contains("--port"))
      }
    }
  }
}
