internal import HTTPTypes
internal import Hummingbird
package import Logging
internal import NIOCore
internal import Synchronization

/// The page a scraper reads; whoever knows the figures writes it anew.
package final class MetricsPage: Sendable {
  private let text = Mutex("")

  package init() {}

  package func write(_ page: String) { text.withLock { $0 = page } }

  var current: String { text.withLock(\.self) }
}

/// `GET /metrics` and `GET /healthz` over plain HTTP, for a process that serves nothing else.
package struct MetricsListener: Sendable {
  private let page: MetricsPage
  private let host: String
  private let port: Int
  private let log: Logger

  package init(page: MetricsPage, host: String, port: Int, log: Logger) {
    self.page = page
    self.host = host
    self.port = port
    self.log = log
  }

  /// Listens until cancelled. Throws when the address cannot be bound.
  package func run() async throws {
    try await Application(router: router(), configuration: ApplicationConfiguration(address: .hostname(host, port: port), serverName: nil), logger: log).run()
  }

  func router() -> Router<BasicRequestContext> {
    let router = Router()
    router.get("healthz") { _, _ in "ok\n" }
    router.get("metrics") { [page] _, _ in
      Response(status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"], body: .init(byteBuffer: ByteBuffer(string: page.current)))
    }
    return router
  }
}
