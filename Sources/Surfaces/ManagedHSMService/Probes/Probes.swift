import ManagedHSMWire
import NIOHTTP1

/// `/healthz`, `/readyz`, `/metrics`: without a token, and they tell nothing about keys or people.
enum Probes {
  static func reply(to request: WireRequest, service: HSMService) -> OpenReply? {
    switch request.path {
    case "/healthz": text("ok\n")
    case "/readyz": service.isReady() ? text("ready\n") : text("not ready: the engine did not sign and verify a probe\n", status: 503)
    case "/metrics": text(service.metricsText(), type: "text/plain; version=0.0.4; charset=utf-8")
    default: nil
    }
  }

  private static func text(_ text: String, status: Int = 200, type: String = "text/plain; charset=utf-8") -> OpenReply {
    OpenReply(WireReply(status: status, headers: [("Content-Type", type), ("Cache-Control", "no-store")], body: Array(text.utf8)), because: .probe)
  }
}
