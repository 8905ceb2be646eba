import Crypto
import Foundation
import ManagedHSMService
import NIOCore
import NIOPosix
import NIOSSL
import SwiftASN1
import Synchronization
import X509

/// The real listener on a free loopback port with a throw-away certificate.
struct LoopbackServer {
  static let bodyLimit = 4096
  let listener: Listener
  let responder: ScriptedResponder
  let group: MultiThreadedEventLoopGroup

  /// Runs `body` against a listener, then shuts it down.
  static func with(idleSeconds: Int = 30, drainSeconds: Int = 10, _ body: (LoopbackServer) async throws -> Void) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let responder = ScriptedResponder()
    let configuration = ListenerConfiguration(hosts: ["127.0.0.1"], port: 0, bodyLimit: bodyLimit, idleSeconds: idleSeconds, drainSeconds: drainSeconds)
    let listener = try await Listener.bind(configuration, tls: try Self.tls(), responder: responder, group: group)
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await body(LoopbackServer(listener: listener, responder: responder, group: group))) } catch { outcome = .failure(error) }
    responder.release()
    await listener.shutDown()
    try await group.shutdownGracefully()
    try outcome.get()
  }

  /// As `hallmark serve` configures it.
  private static func tls() throws -> NIOSSLContext {
    let key = P256.Signing.PrivateKey()
    let name = try DistinguishedName { CommonName("localhost") }
    let certificate = try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey), notValidBefore: Date(timeIntervalSinceNow: -300),
      notValidAfter: Date(timeIntervalSinceNow: 3600), issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
      extensions: try Certificate.Extensions { SubjectAlternativeNames([.dnsName("localhost")]) }, issuerPrivateKey: .init(key))
    let pem = try certificate.serializeAsPEM().pemString
    var tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem)))
    tls.minimumTLSVersion = .tlsv12
    tls.applicationProtocols = ["h2", "http/1.1"]
    tls.shutdownTimeout = .milliseconds(500)
    return try NIOSSLContext(configuration: tls)
  }
}

/// A client of bytes over TLS: what it sends is exactly what the test wrote.
final class ByteClient: Sendable {
  let channel: any Channel
  private let inbox: Inbox

  /// What came in, and whether the peer closed.
  final class Inbox: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    private struct State {
      var bytes: [UInt8] = []
      var closed = false
    }
    private let state = Mutex(State())

    var text: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }
    var isClosed: Bool { state.withLock { $0.closed } }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let bytes = Array(unwrapInboundIn(data).readableBytesView)
      state.withLock { $0.bytes += bytes }
    }
    func channelInactive(context: ChannelHandlerContext) { state.withLock { $0.closed = true } }
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if case ChannelEvent.inputClosed = event { state.withLock { $0.closed = true } }
      context.fireUserInboundEventTriggered(event)
    }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }

  private init(channel: any Channel, inbox: Inbox) {
    self.channel = channel
    self.inbox = inbox
  }

  static func context(_ protocols: [String] = ["http/1.1"], maximum: TLSVersion? = nil) throws -> NIOSSLContext {
    var tls = TLSConfiguration.makeClientConfiguration()
    // The certificate is made for the run; whom it names is not what these tests are about.
    tls.certificateVerification = .none
    tls.applicationProtocols = protocols
    tls.minimumTLSVersion = .tlsv1
    tls.maximumTLSVersion = maximum
    return try NIOSSLContext(configuration: tls)
  }

  /// - Parameter halfCloses: whether the connection outlives the server's goodbye; without it the client answers the goodbye at once.
  static func connect(_ server: LoopbackServer, context: NIOSSLContext? = nil, tls: Bool = true, halfCloses: Bool = false) async throws -> ByteClient {
    let inbox = Inbox()
    let context = try context ?? Self.context()
    let channel = try await ClientBootstrap(group: server.group)
      .channelOption(.allowRemoteHalfClosure, value: halfCloses)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if tls { try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: "localhost")) }
          try channel.pipeline.syncOperations.addHandler(inbox)
        }
      }
      .connect(host: "127.0.0.1", port: server.listener.port).get()
    return ByteClient(channel: channel, inbox: inbox)
  }

  var text: String { inbox.text }
  var isClosed: Bool { inbox.isClosed }
  /// Complete answers received so far, counted by their status lines.
  func count(_ status: String = "HTTP/1.1 200") -> Int { text.split(separator: status, omittingEmptySubsequences: false).count - 1 }

  func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }
  func close() async { try? await channel.close() }  // already closed is as good
  /// Starts to close and does not wait for the server's part.
  func abandon() { channel.close(promise: nil) }
}

/// Waits for a condition, at most `seconds`.
func eventually(_ seconds: Double = 10, _ condition: () async throws -> Bool) async throws -> Bool {
  let deadline = ContinuousClock.now + .milliseconds(Int(seconds * 1000))
  while ContinuousClock.now < deadline {
    if try await condition() { return true }
    try await Task.sleep(for: .milliseconds(2))
  }
  return try await condition()
}
