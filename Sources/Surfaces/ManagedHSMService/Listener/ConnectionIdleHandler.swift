import NIOCore

/// Fires `Expired` when a connection carried no bytes in either direction for `limit`, and closes it outright when that lasts twice as long
/// (a peer that sends half a request and stops).
final class ConnectionIdleHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny
  typealias OutboundIn = NIOAny

  struct Expired: Sendable {}

  private let limit: TimeAmount
  private var lastActivity = NIODeadline.now()
  private var timer: Scheduled<Void>?

  init(limit: TimeAmount) { self.limit = limit }

  func handlerAdded(context: ChannelHandlerContext) { arm(context: context, after: limit) }
  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    lastActivity = .now()
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    lastActivity = .now()
    context.write(data, promise: promise)
  }

  private func arm(context: ChannelHandlerContext, after: TimeAmount) {
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: after) {
      let (handler, context) = bound.value
      let quiet = NIODeadline.now() - handler.lastActivity
      if quiet >= handler.limit + handler.limit {
        context.close(promise: nil)
      } else if quiet >= handler.limit {
        context.fireUserInboundEventTriggered(Expired())
        handler.arm(context: context, after: handler.limit + handler.limit - quiet)
      } else {
        handler.arm(context: context, after: handler.limit - quiet)
      }
    }
  }
}
