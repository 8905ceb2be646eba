import Audit
import Synchronization
import Telemetry

/// What `/metrics` tells. Labels are bounded: operations and classes of status, never names or paths.
package final class ServiceMetrics: Sendable {
  private static let classes = ["2xx", "3xx", "4xx", "5xx"]
  private static let positions = Dictionary(uniqueKeysWithValues: AuditOperation.allCases.enumerated().map { ($0.element, $0.offset) })

  private let metrics = Metrics()
  private let requests = Counter(
    "hallmark_requests_total", help: "Requests answered, by operation and class of status.",
    labels: AuditOperation.allCases.flatMap { operation in classes.map { "operation=\"\(operation.rawValue)\",status=\"\($0)\"" } })
  private let seconds = Histogram("hallmark_request_seconds", help: "Time from reading a request's head to its reply, before the audit flush.")
  private let auditFailures = Counter(
    "hallmark_audit_failures_total", help: "Replies withheld because their audit record did not become durable.")
  /// Set once the listener is bound; the probes show its counts.
  private let drain = Mutex<DrainState?>(nil)

  init(activation: Activation) {
    metrics.register(requests)
    metrics.register(seconds)
    metrics.register(auditFailures)
    metrics.register(
      Gauge("hallmark_connections", help: "Open connections.") { [weak self] in Double(self?.drain.withLock { $0?.openConnections } ?? 0) })
    metrics.register(
      Gauge("hallmark_requests_in_flight", help: "Requests being worked on.") { [weak self] in
        Double(self?.drain.withLock { $0?.exchangesInFlight } ?? 0)
      })
    metrics.register(Gauge("hallmark_activated", help: "Whether the security domain was downloaded.") { activation.isActive ? 1 : 0 })
  }

  func observe(_ listener: Listener) { drain.withLock { $0 = listener.drain } }

  func count(_ operation: AuditOperation, status: Int, nanoseconds: UInt64) {
    requests.add(at: (Self.positions[operation] ?? 0) * Self.classes.count + min(max(status / 100 - 2, 0), 3))
    seconds.observe(nanoseconds)
  }

  func auditFailed() { auditFailures.add() }

  func render() -> String { metrics.render() }
}
