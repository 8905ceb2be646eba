import NIOCore

/// Closes an HTTP/2 connection when its peer will send nothing more: no handler of HTTP/2 does, and the socket would stay until the idle limit.
final class PeerEndHandler: ChannelInboundHandler {
  typealias InboundIn = NIOAny

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event {
      context.close(promise: nil)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }
}
