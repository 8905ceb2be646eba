/// Telemetry: log lines on stderr and metrics in Prometheus' text form.
///
/// Nothing is logged per request on the hot path (the audit record is the log line). Metric labels are fixed when a metric is
/// declared: route names and decisions, never paths, names or ids.
///
/// This target must never know requests, keys or identities, and must never be handed a secret.
/// Allowed imports: Logging.

package import Logging

package enum LogFormat: String, Sendable, CaseIterable { case text, json }

package enum Telemetry {
  /// Sends all loggers of the process to stderr. Call once, before the first logger is made.
  package static func bootstrap(format: LogFormat, level: Logger.Level) {
    LoggingSystem.bootstrap { label in
      LineLogHandler(label: label, format: format, level: level, output: LogOutput.standardError)
    }
  }
}
