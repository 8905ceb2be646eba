internal import Encodings
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdTLS
internal import KubernetesFormats
package import Logging
internal import NIOCore
package import NIOSSL
package import ServiceLifecycle
internal import Telemetry

/// Where the listener stands.
package struct AdmissionAddress: Sendable {
  package var host: String
  package var port: Int
  /// Nil serves plain HTTP: for tests in one process only; API servers insist on TLS.
  package var tls: TLSConfiguration?

  package init(host: String, port: Int, tls: TLSConfiguration?) {
    self.host = host
    self.port = port
    self.tls = tls
  }
}

/// The `admission` listener: `POST /admission/validate`, `POST /admission/mutate`, `GET /healthz`, `GET /metrics`.
///
/// A denial is an answer with status 200; 400 is for bodies that are no review, 413 for those that are too large.
package struct AdmissionListener: Sendable {
  private let webhook: AdmissionWebhook
  private let log: Logger
  private let answers = Counter(
    "hallmark_admission_answers_total", help: "Admission requests by decision.", labels: Outcome.allCases.map { "decision=\"\($0.rawValue)\"" })
  private let metrics = Metrics()

  private enum Outcome: String, CaseIterable { case allowed, denied, invalid }

  package init(webhook: AdmissionWebhook, log: Logger) {
    self.webhook = webhook
    self.log = log
    metrics.register(answers)
  }

  /// The service that listens until shut down; connections in flight are answered.
  package func service(at address: AdmissionAddress) throws -> any Service {
    let configuration = ApplicationConfiguration(
      address: .hostname(address.host, port: address.port), serverName: nil)
    guard let tls = address.tls else { return Application(router: router(), configuration: configuration, logger: log) }
    return Application(router: router(), server: try .tls(tlsConfiguration: tls), configuration: configuration, logger: log)
  }

  func router() -> Router<BasicRequestContext> {
    let router = Router()
    router.post("admission/validate") { request, _ in await answer(request, mutates: false) }
    router.post("admission/mutate") { request, _ in await answer(request, mutates: true) }
    router.get("healthz") { _, _ in "ok\n" }
    router.get("metrics") { _, _ in metrics.render() }
    return router
  }

  private func answer(_ request: Request, mutates: Bool) async -> Response {
    let body: [UInt8]
    do {
      body = Array(buffer: try await request.body.collect(upTo: AdmissionRequest.limits.maxBytes))
    } catch {
      answers.add(at: 2)
      return text(.contentTooLarge, "the body is larger than \(AdmissionRequest.limits.maxBytes) bytes, or broke off\n")
    }
    do throws(AdmissionError) {
      let review = try AdmissionRequest(review: body)
      let response = try await webhook.answer(review, mutates: mutates)
      if !review.isDryRun {
        answers.add(at: response.isAllowed ? 0 : 1)
        log.info(
          "admission",
          metadata: [
            "uid": "\(review.uid)", "kind": "\(review.kind)", "namespace": "\(review.namespace ?? "")", "name": "\(review.name ?? "")",
            "user": "\(review.user ?? "")", "allowed": "\(response.isAllowed)", "reason": "\(response.message ?? "")",
          ])
      }
      return Response(
        status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(bytes: response.review.serialized())))
    } catch {
      answers.add(at: 2)
      return text(.badRequest, "cannot answer: \(error.description)\n")
    }
  }

  private func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
    Response(status: status, headers: [.contentType: "text/plain; charset=utf-8"], body: .init(byteBuffer: ByteBuffer(string: text)))
  }
}
