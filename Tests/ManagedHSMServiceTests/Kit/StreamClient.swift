import ManagedHSMService
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL

/// An HTTP/2 client over TLS: one connection, one stream per request.
struct StreamClient {
  private let channel: any Channel
  private let multiplexer: NIOHTTP2Handler.StreamMultiplexer

  static func connect(_ server: LoopbackServer) async throws -> StreamClient {
    let context = try ByteClient.context(["h2"])
    let (channel, multiplexer) = try await ClientBootstrap(group: server.group)
      .connect(host: "127.0.0.1", port: server.listener.port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: "localhost"))
          let multiplexer = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
            mode: .client, connectionConfiguration: .init(), streamConfiguration: .init()
          ) { stream in stream.close() }
          return (channel, multiplexer)
        }
      }
    return StreamClient(channel: channel, multiplexer: multiplexer)
  }

  /// - Returns: status, a blank and the body.
  func request(_ method: HTTPMethod, _ path: String, body: String = "") async throws -> String {
    let done = channel.eventLoop.makePromise(of: String.self)
    let stream: any Channel
    do {
      stream = try await multiplexer.createStreamChannel { stream in
        stream.eventLoop.makeCompletedFuture {
          try stream.pipeline.syncOperations.addHandler(HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: .https))
          try stream.pipeline.syncOperations.addHandler(ReplyCollector(done))
        }
      }.get()
    } catch {
      done.fail(error)
      throw error
    }
    let head = HTTPRequestHead(version: .http2, method: method, uri: path, headers: ["host": "localhost"])
    stream.write(HTTPClientRequestPart.head(head), promise: nil)
    if !body.isEmpty { stream.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(string: body))), promise: nil) }
    stream.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    return try await done.futureResult.get()
  }

  /// Starts to close and does not wait for the server's part.
  func abandon() { channel.close(promise: nil) }
}

private final class ReplyCollector: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  private let done: EventLoopPromise<String>
  private var status = 0
  private var body = ""
  private var finished = false

  struct Ended: Error {}

  init(_ done: EventLoopPromise<String>) { self.done = done }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): status = Int(head.status.code)
    case .body(let buffer): body += String(buffer: buffer)
    case .end:
      finished = true
      done.succeed("\(status) \(body)")
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if !finished { done.fail(Ended()) }
    finished = true
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if !finished { done.fail(error) }
    finished = true
    context.close(promise: nil)
  }
}
