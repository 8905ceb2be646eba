internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import Synchronization

/// The transport on AsyncHTTPClient: TLS 1.2 or newer, the system's trust plus the CA given, keep-alive, no redirects.
///
/// `shutdown()` closes its connections in order; one that is let go without it closes them on its own.
package final class HTTPTransport: Transport {
  private let client: HTTPClient
  private let isShutDown = Mutex(false)

  /// - Parameter authorities: path of a PEM file with CA certificates trusted besides the system's, or nil.
  package convenience init(extraAuthorities authorities: String? = nil) throws(OutboundError) {
    do {
      try self.init(certificates: authorities.map { try NIOSSLCertificate.fromPEMFile($0) }, origin: authorities ?? "")
    } catch let error as OutboundError {
      throw error
    } catch {
      throw .badAddress(authorities ?? "", why: "the CA file cannot be read or is not PEM")
    }
  }

  /// - Parameter pem: CA certificates trusted besides the system's.
  package convenience init(extraAuthoritiesPEM pem: String) throws(OutboundError) {
    do {
      try self.init(certificates: NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)), origin: "(given text)")
    } catch let error as OutboundError {
      throw error
    } catch {
      throw .badAddress("(given text)", why: "the CA certificates are not PEM")
    }
  }

  /// - Parameters:
  ///   - certificate: PEM chain shown to servers that ask for one.
  ///   - key: its private key in PEM, not encrypted.
  package convenience init(extraAuthorities authorities: String?, clientCertificate certificate: String, key: String) throws(OutboundError) {
    let chain: [NIOSSLCertificateSource]
    let privateKey: NIOSSLPrivateKeySource
    do {
      chain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
      privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
    } catch { throw .badAddress(certificate, why: "the client certificate or its key cannot be read or is not PEM") }
    do {
      try self.init(certificates: authorities.map { try NIOSSLCertificate.fromPEMFile($0) }, origin: authorities ?? "", client: (chain, privateKey))
    } catch let error as OutboundError {
      throw error
    } catch {
      throw .badAddress(authorities ?? "", why: "the CA file cannot be read or is not PEM")
    }
  }

  private init(
    certificates: [NIOSSLCertificate]?, origin: String, client identity: (chain: [NIOSSLCertificateSource], key: NIOSSLPrivateKeySource)? = nil
  ) throws(OutboundError) {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    if let certificates {
      guard !certificates.isEmpty else { throw .badAddress(origin, why: "there is no CA certificate in it") }
      tls.additionalTrustRoots = [.certificates(certificates)]
    }
    if let identity {
      tls.certificateChain = identity.chain
      tls.privateKey = identity.key
    }
    var configuration = HTTPClient.Configuration(
      tlsConfiguration: tls, redirectConfiguration: .disallow, timeout: .init(connect: .seconds(10), read: .seconds(60)))
    // Whether to try again is decided in one place, `RetryState`.
    configuration.connectionPool.retryConnectionEstablishment = false
    client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }

  deinit {
    // The client insists on being shut down; an initialiser that failed half-way leaves nobody else to do it.
    if !isShutDown.withLock({ $0 }) { client.shutdown { _ in } }
  }

  package func shutdown() async {
    let already = isShutDown.withLock { value in
      defer { value = true }
      return value
    }
    if !already { try? await client.shutdown() }
  }

  package func perform(_ request: OutboundRequest) async throws(TransportError) -> OutboundReply {
    var message = HTTPClientRequest(url: request.url)
    message.method = .init(rawValue: request.method)
    for header in request.headers { message.headers.add(name: header.name, value: header.value) }
    if !request.body.isEmpty {
      message.body = .bytes(request.body)
    } else if request.method != "GET" && request.method != "HEAD" {
      message.headers.replaceOrAdd(name: "content-length", value: "0")
    }
    do {
      let deadline = NIODeadline.now() + .nanoseconds(request.timeout.nanoseconds)
      let reply = try await client.execute(message, deadline: deadline)
      let body: ByteBuffer
      do {
        body = try await reply.body.collect(upTo: request.maxReplyBytes)
      } catch is NIOTooManyBytesError {
        throw TransportError.replyTooLarge(limit: request.maxReplyBytes)
      }
      return OutboundReply(
        status: Int(reply.status.code), headers: reply.headers.map { ($0.name.lowercased(), $0.value) },
        body: Array(body.readableBytesView))
    } catch let error as TransportError {
      throw error
    } catch {
      throw Self.translate(error)
    }
  }

  private static func translate(_ error: any Error) -> TransportError {
    switch error {
    case let error as HTTPClientError:
      switch error {
      case .connectTimeout: return .notConnected("timed out")
      case .readTimeout, .writeTimeout, .deadlineExceeded: return .timedOut
      case .getConnectionFromPoolTimeout: return .notConnected("timed out")
      default: return .dropped(error.description)
      }
    case let error as NIOSSLError:
      if case .handshakeFailed(let cause) = error {
        let why = String(describing: cause)
        return why.contains("CERTIFICATE") ? .untrustedServer("certificate verification failed") : .notConnected("TLS handshake: \(why)")
      }
      return .dropped(String(describing: error))
    case is NIOSSLExtraError: return .untrustedServer(String(describing: error))
    case is IOError: return .dropped(String(describing: error))
    default:
      // The type lives in NIOPosix, which this target has no other use for.
      if String(describing: type(of: error)) == "NIOConnectionError" {
        return .notConnected("nothing listens there, or the name does not resolve")
      }
      return .dropped(String(describing: error))
    }
  }
}

extension Duration {
  /// Whole nanoseconds, saturating.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : product + attoseconds / 1_000_000_000
  }

  var milliseconds: Int64 { nanoseconds / 1_000_000 }
}
