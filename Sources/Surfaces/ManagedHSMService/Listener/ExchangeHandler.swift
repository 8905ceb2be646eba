import Dispatch
import NIOCore
import NIOHTTP1

/// Turns HTTP parts into one `WireRequest` at a time and writes its reply: the same handler for an HTTP/1.1 connection and an HTTP/2 stream.
///
/// One request is in flight per channel; while it is, nothing more is read, so a client that pipelines waits and memory stays bounded by one body
/// plus one socket read. All state belongs to the channel's event loop.
final class ExchangeHandler: ChannelInboundHandler, ChannelOutboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  /// Only `read` is intercepted on the way out; what this handler writes is bytes on HTTP/1.1 and response parts on an HTTP/2 stream.
  typealias OutboundIn = Never

  private enum State {
    case idle
    case receiving(HTTPRequestHead, ByteBuffer, arrived: UInt64)
    /// The rest of an oversized or refused body is thrown away; the channel closes after the reply.
    case discarding
    case responding(keepAlive: Bool)
  }

  private let responder: any Responder
  private let drain: DrainState
  private let bodyLimit: Int
  private let closesStream: Bool
  private var state = State.idle
  private var waiting = CircularBuffer<HTTPServerRequestPart>()
  private var readPending = false
  /// The peer will send nothing more; it may still wait for replies.
  private var inputClosed = false
  private var peer = ""

  /// - Parameter closesStream: true on an HTTP/2 stream, which ends with its reply.
  init(responder: any Responder, drain: DrainState, bodyLimit: Int, closesStream: Bool) {
    self.responder = responder
    self.drain = drain
    self.bodyLimit = bodyLimit
    self.closesStream = closesStream
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let address = context.channel.remoteAddress ?? context.channel.parent?.remoteAddress
    peer = address?.ipAddress ?? ""
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = unwrapInboundIn(data)
    if case .responding = state {
      waiting.append(part)
    } else {
      receive(part, context: context)
    }
  }

  private func receive(_ part: HTTPServerRequestPart, context: ChannelHandlerContext) {
    switch (state, part) {
    case (.idle, .head(let head)):
      let now = DispatchTime.now().uptimeNanoseconds
      if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > bodyLimit {
        refuse(head, arrived: now, context: context)
        return
      }
      if head.headers.first(name: "expect")?.lowercased() == "100-continue" {
        if closesStream {
          context.writeAndFlush(NIOAny(HTTPServerResponsePart.head(HTTPResponseHead(version: head.version, status: .continue))), promise: nil)
        } else {
          context.writeAndFlush(NIOAny(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
        }
      }
      state = .receiving(head, ByteBuffer(), arrived: now)
    case (.receiving(let head, var body, let arrived), .body(var bytes)):
      state = .discarding
      if body.readableBytes + bytes.readableBytes > bodyLimit {
        refuse(head, arrived: arrived, context: context)
      } else if body.readableBytes == 0 {
        state = .receiving(head, bytes, arrived: arrived)
      } else {
        body.writeBuffer(&bytes)
        state = .receiving(head, body, arrived: arrived)
      }
    case (.receiving(let head, let body, let arrived), .end):
      state = .responding(keepAlive: head.isKeepAlive)
      let request = WireRequest(
        method: head.method, target: head.uri, headers: head.headers, body: body, peer: peer, arrived: arrived)
      dispatch(request, version: head.version, context: context)
    case (.discarding, _):
      break
    default:
      // The decoder never yields parts out of order; a channel that does is broken.
      context.close(promise: nil)
    }
  }

  private func refuse(_ head: HTTPRequestHead, arrived: UInt64, context: ChannelHandlerContext) {
    state = .discarding
    let request = WireRequest(
      method: head.method, target: head.uri, headers: head.headers, body: ByteBuffer(), peer: peer, arrived: arrived)
    write(responder.refuseOversized(request, limit: bodyLimit), version: head.version, keepAlive: false, context: context)
  }

  private func dispatch(_ request: WireRequest, version: HTTPVersion, context: ChannelHandlerContext) {
    drain.began()
    let loop = context.eventLoop
    let box = NIOLoopBound((self, context), eventLoop: loop)
    let isHead = request.method == .HEAD
    responder.respond(to: request) { [drain] reply in
      if loop.inEventLoop {
        Self.finish(reply, isHead: isHead, version: version, box: box)
      } else {
        loop.execute { Self.finish(reply, isHead: isHead, version: version, box: box) }
      }
      drain.ended()
    }
  }

  private static func finish(
    _ reply: WireReply, isHead: Bool, version: HTTPVersion, box: NIOLoopBound<(ExchangeHandler, ChannelHandlerContext)>
  ) {
    let (handler, context) = box.value
    guard case .responding(let keepAlive) = handler.state, context.channel.isActive else { return }
    handler.write(reply, isHead: isHead, version: version, keepAlive: keepAlive && !handler.drain.isDraining, context: context)
    if keepAlive && !handler.closesStream && !handler.drain.isDraining {
      handler.state = .idle
      handler.resume(context: context)
      if handler.inputClosed, case .idle = handler.state { context.close(mode: .output, promise: nil) }
    }
  }

  /// Takes up what arrived while the last request was in flight.
  private func resume(context: ChannelHandlerContext) {
    while !waiting.isEmpty {
      if case .responding = state { return }
      receive(waiting.removeFirst(), context: context)
    }
    if readPending {
      readPending = false
      context.read()
    }
  }

  private func write(
    _ reply: WireReply, isHead: Bool = false, version: HTTPVersion, keepAlive: Bool, context: ChannelHandlerContext
  ) {
    if closesStream {
      writeParts(reply, isHead: isHead, version: version, context: context)
      return
    }
    let bytes = ReplyBytes.encoded(reply, withBody: !isHead, version: version, keepAlive: keepAlive, allocator: context.channel.allocator)
    guard !keepAlive else {
      context.writeAndFlush(NIOAny(bytes), promise: nil)
      return
    }
    let done = context.eventLoop.makePromise(of: Void.self)
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    done.futureResult.whenComplete { _ in bound.value.close(mode: .output, promise: nil) }
    context.writeAndFlush(NIOAny(bytes), promise: done)
  }

  /// HTTP/2: the stream ends with its reply.
  private func writeParts(_ reply: WireReply, isHead: Bool, version: HTTPVersion, context: ChannelHandlerContext) {
    var headers = HTTPHeaders()
    headers.reserveCapacity(reply.headers.count + 1)
    for (name, value) in reply.headers { headers.add(name: name, value: value) }
    headers.add(name: "Content-Length", value: String(reply.body.count))
    let head = HTTPResponseHead(version: version, status: HTTPResponseStatus(statusCode: reply.status), headers: headers)
    context.write(NIOAny(HTTPServerResponsePart.head(head)), promise: nil)
    if !isHead && !reply.body.isEmpty {
      var buffer = context.channel.allocator.buffer(capacity: reply.body.count)
      buffer.writeBytes(reply.body)
      context.write(NIOAny(HTTPServerResponsePart.body(.byteBuffer(buffer))), promise: nil)
    }
    context.writeAndFlush(NIOAny(HTTPServerResponsePart.end(nil)), promise: nil)
  }

  func read(context: ChannelHandlerContext) {
    if case .responding = state, !closesStream {
      readPending = true
    } else {
      context.read()
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is DrainEvent, is ConnectionIdleHandler.Expired:
      if case .idle = state { context.close(promise: nil) }
    case ChannelEvent.inputClosed:
      // Nobody says this a second time: it must be remembered until the last reply is out.
      inputClosed = true
      if case .responding = state { return }
      context.close(promise: nil)
    default:
      context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A broken head or TLS record: nothing more can be read from this peer. Somebody who spoke almost HTTP is told so.
    guard error is HTTPParserError, !closesStream, case .idle = state else {
      context.close(promise: nil)
      return
    }
    state = .discarding
    let body = Array(#"{"error":{"code":"BadRequest","message":"The request is not valid HTTP/1.1"}}"#.utf8)
    let reply = WireReply(status: 400, headers: [("Content-Type", "application/json; charset=utf-8")], body: body)
    write(reply, version: .http1_1, keepAlive: false, context: context)
  }
}
