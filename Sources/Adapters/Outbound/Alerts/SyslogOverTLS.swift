internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Sends RFC 5424 messages over TLS with octet counting (RFC 5425). One connection for each batch: alerts are rare.
///
/// Syslog has no answer: "sent" means that the peer's TLS stack took the bytes and did not reset the connection. A receiver that must not lose alerts is a webhook.
package struct SyslogOverTLS: Sendable {
  private let target: AlertTarget
  private let context: NIOSSLContext

  /// - Parameter authorities: PEM file with CA certificates trusted besides the system's.
  package init(target: AlertTarget, extraAuthorities authorities: String? = nil) throws(AlertDeliveryError) {
    self.target = target
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    do {
      if let authorities { tls.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(authorities))] }
      context = try NIOSSLContext(configuration: tls)
    } catch {
      throw .badTarget(target.url, why: "the CA file cannot be read or is not PEM")
    }
  }

  /// `LENGTH SP MESSAGE` for each, lengths in bytes.
  static func frames(_ messages: [String]) -> [UInt8] {
    messages.flatMap { message in Array("\(message.utf8.count) \(message)".utf8) }
  }

  package func send(_ messages: [String]) async throws(AlertDeliveryError) {
    try target.checkAddresses()
    let host = target.host
    let isAddress = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
    do {
      let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .connectTimeout(.seconds(10))
        .channelInitializer { [context] channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host))
          }
        }
        .connect(host: host, port: target.port).get()
      let deadline = channel.eventLoop.scheduleTask(in: .seconds(30)) { channel.close(promise: nil) }
      do {
        try await channel.writeAndFlush(ByteBuffer(bytes: Self.frames(messages))).get()
        deadline.cancel()
        // Many receivers close without TLS's farewell, or never answer ours: the bytes were taken all the same, and sending them again would repeat them.
        do { try await channel.close().get() } catch let error as IOError { throw error } catch {}
      } catch {
        deadline.cancel()
        channel.close(promise: nil)
        throw error
      }
    } catch let error as ChannelError where error == .alreadyClosed {
      return
    } catch {
      throw .unreachable(target.url, why: "TLS syslog: \(String(describing: type(of: error)))")
    }
  }
}
