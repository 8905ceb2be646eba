import Audit
import Synchronization

/// What `/metrics` tells, in Prometheus text format 0.0.4. Labels are bounded: operations and status classes, never names or paths.
///
/// One short lock per request (tens of nanoseconds), never held while rendering text.
package final class ServiceMetrics: Sendable {
  /// Upper bounds of the latency histogram, nanoseconds.
  private static let bounds: [UInt64] = [
    500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 5_000_000_000,
  ]
  private static let operations = AuditOperation.allCases
  private static let positions = Dictionary(uniqueKeysWithValues: AuditOperation.allCases.enumerated().map { ($0.element, $0.offset) })
  private static let classes = ["2xx", "3xx", "4xx", "5xx"]

  private struct State {
    var requests = [Int](repeating: 0, count: AuditOperation.allCases.count * 4)
    var buckets = [Int](repeating: 0, count: ServiceMetrics.bounds.count + 1)
    var sumNanoseconds: UInt64 = 0
    var auditFailures = 0
  }
  private let state = Mutex(State())

  package init() {}

  func count(_ operation: AuditOperation, status: Int, nanoseconds: UInt64) {
    let position = (Self.positions[operation] ?? 0) * 4 + min(max(status / 100 - 2, 0), 3)
    let bucket = Self.bounds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count
    state.withLock { state in
      state.requests[position] += 1
      state.buckets[bucket] += 1
      state.sumNanoseconds &+= nanoseconds
    }
  }

  func auditFailed() { state.withLock { $0.auditFailures += 1 } }

  /// - Parameters:
  ///   - connections: open right now.
  ///   - inFlight: requests being worked on right now.
  func render(connections: Int, inFlight: Int, active: Bool) -> String {
    let state = self.state.withLock { $0 }
    var text = """
      # HELP hallmark_requests_total Requests answered, by operation and class of status.
      # TYPE hallmark_requests_total counter

      """
    for (index, operation) in Self.operations.enumerated() {
      for (offset, name) in Self.classes.enumerated() where state.requests[index * 4 + offset] > 0 {
        text += "hallmark_requests_total{operation=\"\(operation.rawValue)\",status=\"\(name)\"} \(state.requests[index * 4 + offset])\n"
      }
    }
    text += """
      # HELP hallmark_request_seconds Time from reading a request's head to its reply, before the audit flush.
      # TYPE hallmark_request_seconds histogram

      """
    var total = 0
    for (index, count) in state.buckets.enumerated() {
      total += count
      let bound = index < Self.bounds.count ? Self.seconds(Self.bounds[index]) : "+Inf"
      text += "hallmark_request_seconds_bucket{le=\"\(bound)\"} \(total)\n"
    }
    text += "hallmark_request_seconds_sum \(Self.seconds(state.sumNanoseconds))\nhallmark_request_seconds_count \(total)\n"
    text += """
      # HELP hallmark_audit_failures_total Replies withheld because their audit record did not become durable.
      # TYPE hallmark_audit_failures_total counter
      hallmark_audit_failures_total \(state.auditFailures)
      # HELP hallmark_connections Open connections.
      # TYPE hallmark_connections gauge
      hallmark_connections \(connections)
      # HELP hallmark_requests_in_flight Requests being worked on.
      # TYPE hallmark_requests_in_flight gauge
      hallmark_requests_in_flight \(inFlight)
      # HELP hallmark_activated Whether the security domain was downloaded.
      # TYPE hallmark_activated gauge
      hallmark_activated \(active ? 1 : 0)

      """
    return text
  }

  private static func seconds(_ nanoseconds: UInt64) -> String {
    let fraction = String(nanoseconds % 1_000_000_000)
    return "\(nanoseconds / 1_000_000_000).\(String(repeating: "0", count: 9 - fraction.utf8.count))\(fraction)"
  }
}
