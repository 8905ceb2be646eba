package import Clocks
internal import Crypto
package import Encodings

/// Where an alert's fact stands.
package struct AlertEvidence: Sendable, Hashable {
  package var source: String
  package var line: Int?
  package var requestId: String?

  package init(source: String, line: Int? = nil, requestId: String? = nil) {
    self.source = source
    self.line = line
    self.requestId = requestId
  }

  package var json: JSONValue {
    ["source": .string(source), "line": line.map { .integer($0) } ?? .null, "requestId": requestId.map { .string($0) } ?? .null]
  }
}

/// One alert: `hallmark.alert/v1` (guard-formats §5).
package struct Alert: Sendable, Hashable {
  package static let schema = "hallmark.alert/v1"

  package var rule: String
  package var severity: AlertSeverity
  /// When the latest of its events happened, or when the state was seen.
  package var time: Instant
  package var store: String?
  package var subject: String
  package var summary: String
  package var evidence: [AlertEvidence]
  package var firstSeen: Instant
  /// How many events it folds together.
  package var count: Int

  package init(
    rule: String, severity: AlertSeverity, time: Instant, store: String?, subject: String, summary: String, evidence: [AlertEvidence],
    firstSeen: Instant, count: Int = 1
  ) {
    self.rule = rule
    self.severity = severity
    self.time = time
    self.store = store
    self.subject = subject
    self.summary = summary
    self.evidence = evidence
    self.firstSeen = firstSeen
    self.count = count
  }

  /// The same for the same alert, also after a restart: 32 hexadecimal digits.
  package var id: String {
    let text = [rule, severity.rawValue, store ?? "", subject, String(firstSeen.nanoseconds)].joined(separator: "\u{0}")
    return Hex.encode(SHA256.hash(data: Array(text.utf8)).prefix(16))
  }

  package var json: JSONValue {
    [
      "schema": .string(Self.schema), "rule": .string(rule), "severity": .string(severity.rawValue), "time": .string(Self.text(time)),
      "store": store.map { .string($0) } ?? .null, "subject": .string(subject), "summary": .string(summary),
      "evidence": .array(evidence.map(\.json)), "firstSeen": .string(Self.text(firstSeen)), "count": .integer(count),
    ]
  }

  /// One line of JSON without line feed.
  package var line: String { json.text() }

  /// The same with all nine digits of its times: for the state, which must give back the same identifier.
  var exactJSON: JSONValue {
    guard var object = json.object else { return json }
    object["time"] = .string(ISO8601.format(nanoseconds: time.nanoseconds, fractionDigits: 9))
    object["firstSeen"] = .string(ISO8601.format(nanoseconds: firstSeen.nanoseconds, fractionDigits: 9))
    return .object(object)
  }

  static func text(_ time: Instant) -> String { ISO8601.format(nanoseconds: time.nanoseconds) }

  /// Reads what `json` writes; nil for anything else.
  package init?(_ value: JSONValue) {
    guard value["schema"]?.string == Self.schema, let rule = value["rule"]?.string,
      let severity = value["severity"]?.string.flatMap(AlertSeverity.init(rawValue:)), let subject = value["subject"]?.string,
      let time = value["time"]?.string.flatMap({ try? ISO8601.parse($0) }), let first = value["firstSeen"]?.string.flatMap({ try? ISO8601.parse($0) })
    else { return nil }
    self.init(
      rule: rule, severity: severity, time: Instant(nanoseconds: time), store: value["store"]?.string, subject: subject,
      summary: value["summary"]?.string ?? "",
      evidence: (value["evidence"]?.array ?? []).compactMap { entry in
        entry["source"]?.string.map { AlertEvidence(source: $0, line: entry["line"]?.int, requestId: entry["requestId"]?.string) }
      }, firstSeen: Instant(nanoseconds: first), count: value["count"]?.int ?? 1)
  }
}
