internal import Clocks

/// Counters and gauges of the guard in Prometheus' text format. Never labelled by digest or request.
package struct PrometheusText: Sendable {
  private var alerts: [String: Int] = [:]

  package init() {}

  package mutating func count(_ alert: Alert) { alerts["rule=\"\(alert.rule)\",severity=\"\(alert.severity.rawValue)\"", default: 0] += 1 }

  package func text(state: WatchState, now: Int64) -> String {
    var lines = ["# TYPE hallmark_guard_alerts_total counter"]
    for (labels, count) in alerts.sorted(by: { $0.key < $1.key }) { lines.append("hallmark_guard_alerts_total{\(labels)} \(count)") }
    lines.append("# TYPE hallmark_guard_events_total counter")
    lines.append("hallmark_guard_events_total \(state.events)")
    lines.append("# TYPE hallmark_guard_duplicates_total counter")
    lines.append("hallmark_guard_duplicates_total \(state.duplicates)")
    lines.append("# TYPE hallmark_guard_log_lag_seconds gauge")
    for (store, last) in state.watermarks.sorted(by: { $0.key < $1.key }) {
      lines.append("hallmark_guard_log_lag_seconds{store=\"\(Self.label(store))\"} \(max(0, now - last) / WatchEngine.second)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func label(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "\\", "\"":
        result.append("\\")
        result.append(character)
      case "\n": result += "\\n"
      default: result.append(character)
      }
    }
  }
}
