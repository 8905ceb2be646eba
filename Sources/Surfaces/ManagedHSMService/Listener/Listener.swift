import Logging
import NIOCore
import NIOHTTP1
import NIOHTTP2
package import NIOPosix
package import NIOSSL

/// Limits and addresses of one listener.
package struct ListenerConfiguration: Sendable {
  /// Addresses to bind; the port is the same on all of them.
  package var hosts: [String]
  /// 0 asks for any free port.
  package var port: Int
  /// Largest request body, bytes.
  package var bodyLimit: Int
  /// How long a connection may stay silent, seconds.
  package var idleSeconds: Int
  /// How long a graceful shutdown waits for exchanges in flight, seconds.
  package var drainSeconds: Int

  package init(
    hosts: [String] = ["127.0.0.1", "::1"], port: Int = 8443, bodyLimit: Int = 1 << 20, idleSeconds: Int = 120, drainSeconds: Int = 20
  ) {
    self.hosts = hosts
    self.port = port
    self.bodyLimit = bodyLimit
    self.idleSeconds = idleSeconds
    self.drainSeconds = drainSeconds
  }
}

package enum ListenerError: Error, CustomStringConvertible {
  case cannotBind(host: String, port: Int, reason: String)

  package var description: String {
    switch self {
    case .cannotBind(let host, let port, let reason):
      "cannot listen on \(host) port \(port): \(reason); is another server using the port? Choose one with --port"
    }
  }
}

/// The `hsm` listener: TLS 1.2 and up, HTTP/1.1 keep-alive and HTTP/2 by ALPN, over one `Responder`.
package final class Listener: Sendable {
  package let port: Int
  package let drain: DrainState
  private let configuration: ListenerConfiguration
  private let servers: [any Channel]

  private init(port: Int, drain: DrainState, configuration: ListenerConfiguration, servers: [any Channel]) {
    self.port = port
    self.drain = drain
    self.configuration = configuration
    self.servers = servers
  }

  /// Binds every address of the configuration. An IPv6 address that the machine does not have is left out if another address was bound.
  package static func bind(
    _ configuration: ListenerConfiguration, tls: NIOSSLContext, responder: any Responder, group: MultiThreadedEventLoopGroup
  ) async throws -> Listener {
    let drain = DrainState()
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        drain.opened(channel)
        return channel.eventLoop.makeCompletedFuture {
          let sync = channel.pipeline.syncOperations
          try sync.addHandler(NIOSSLServerHandler(context: tls))
          try sync.addHandler(ConnectionIdleHandler(limit: .seconds(Int64(configuration.idleSeconds))))
        }.flatMap {
          channel.configureHTTP2SecureUpgrade(
            h2ChannelConfigurator: { channel in
              channel.eventLoop.makeCompletedFuture {
                try configureHTTP2(channel, configuration: configuration, responder: responder, drain: drain)
              }
            },
            http1ChannelConfigurator: { channel in
              channel.eventLoop.makeCompletedFuture {
                let sync = channel.pipeline.syncOperations
                // No response encoder: replies are encoded whole (ReplyBytes). No pipelining handler: the exchange handler takes one at a time.
                try sync.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
                try sync.addHandler(
                  ExchangeHandler(responder: responder, drain: drain, bodyLimit: configuration.bodyLimit, closesStream: false))
              }
            })
        }
      }
    var servers: [any Channel] = []
    var port = configuration.port
    for host in configuration.hosts {
      do {
        let server = try await bootstrap.bind(host: host, port: port).get()
        port = server.localAddress?.port ?? port
        servers.append(server)
      } catch {
        if !servers.isEmpty, host.contains(":") { continue }
        for server in servers { try? await server.close() }  // the bind error is the one worth reporting
        throw ListenerError.cannotBind(host: host, port: port, reason: "\(error)")
      }
    }
    return Listener(port: port, drain: drain, configuration: configuration, servers: servers)
  }

  private static func configureHTTP2(
    _ channel: any Channel, configuration: ListenerConfiguration, responder: any Responder, drain: DrainState
  ) throws {
    var connection = NIOHTTP2Handler.ConnectionConfiguration()
    connection.initialSettings = [
      HTTP2Setting(parameter: .maxConcurrentStreams, value: 100), HTTP2Setting(parameter: .maxHeaderListSize, value: 64 << 10),
    ]
    _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
      mode: .server, connectionConfiguration: connection, streamConfiguration: .init()
    ) { stream in
      stream.eventLoop.makeCompletedFuture {
        let sync = stream.pipeline.syncOperations
        try sync.addHandler(HTTP2FramePayloadToHTTP1ServerCodec())
        try sync.addHandler(
          ExchangeHandler(responder: responder, drain: drain, bodyLimit: configuration.bodyLimit, closesStream: true))
      }
    }
    try channel.pipeline.syncOperations.addHandler(PeerEndHandler())
  }

  /// Stops accepting, answers what was accepted, then closes every connection. Returns within `drainSeconds`.
  package func shutDown() async {
    for server in servers { try? await server.close() }  // already closed is as good
    let open = drain.begin()
    let deadline = ContinuousClock.now + .seconds(configuration.drainSeconds)
    while drain.exchangesInFlight > 0, ContinuousClock.now < deadline {
      guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { break }  // cancelled: stop waiting
    }
    for channel in open {
      // Let the bytes of the last replies leave before the connection closes.
      channel.eventLoop.execute { channel.flush(); channel.close(promise: nil) }
    }
    // A peer that does not answer the TLS goodbye must not hold the server up.
    let goodbye = ContinuousClock.now + .milliseconds(250)
    while drain.openConnections > 0, ContinuousClock.now < goodbye {
      guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { break }  // cancelled: stop waiting
    }
  }
}
