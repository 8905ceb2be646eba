internal import Clocks
package import Encodings

extension Alert {
  /// CloudEvents 1.0, structured JSON (`application/cloudevents+json`).
  package func cloudEvent(source: String = "/hallmark/guard") -> JSONValue {
    [
      "specversion": "1.0", "id": .string(id), "source": .string(source), "type": "dev.hallmark.detection.v1", "subject": .string(subject),
      "time": .string(Self.text(time)), "datacontenttype": "application/json", "dataschema": "urn:hallmark:alert:v1", "data": json,
    ]
  }

  /// OCSF 1.8 Detection Finding (2004).
  package func ocsf(product version: String) -> JSONValue {
    let severityId: JSONValue = .integer(severity.rank + 1)
    var finding: JSONObject = [
      "activity_id": 1, "activity_name": "Create", "category_uid": 2, "category_name": "Findings", "class_uid": 2004, "class_name": "Detection Finding",
      "type_uid": 200_401, "severity_id": severityId, "severity": .string(severity == .info ? "Informational" : severity.rawValue.capitalisedFirst),
      "time": .integer(time.nanoseconds / 1_000_000), "message": .string(summary), "count": .integer(count), "status_id": 1, "is_alert": true,
      "metadata": ["version": "1.8.0", "product": ["name": "Hallmark", "vendor_name": "Hallmark", "version": .string(version)], "uid": .string(id), "profiles": ["security_control"]],
      "finding_info": [
        "uid": .string(id), "title": .string(WatchRule.named(rule)?.name ?? rule), "desc": .string(summary),
        "first_seen_time": .integer(firstSeen.nanoseconds / 1_000_000), "last_seen_time": .integer(time.nanoseconds / 1_000_000),
        "analytic": ["uid": .string(rule), "type_id": 1, "type": "Rule"],
      ],
      "action_id": 0, "disposition_id": 19,
    ]
    var resources: [JSONValue] = [["uid": .string(subject), "type": "subject"]]
    if let store { resources.append(["uid": .string(store), "type": "key store"]) }
    finding["resources"] = .array(resources)
    finding["evidences"] = .array(evidence.map { ["name": .string($0.source), "data": $0.json] })
    return .object(finding)
  }

  /// One alert of Alertmanager's `POST /api/v2/alerts`, which takes an array of them.
  package func alertmanager(endsAfter seconds: Int64 = 86_400) -> JSONValue {
    var labels: JSONObject = ["alertname": .string(rule), "severity": .string(severity.rawValue), "subject": .string(subject)]
    if let store { labels["store"] = .string(store) }
    return [
      "labels": .object(labels), "annotations": ["summary": .string(summary), "name": .string(WatchRule.named(rule)?.name ?? rule), "count": .string(String(count)), "id": .string(id)],
      "startsAt": .string(Self.text(firstSeen)), "endsAt": .string(Self.text(time.advanced(bySeconds: seconds))),
    ]
  }

  /// An RFC 5424 message without framing: facility 13 (log audit), MSGID the rule.
  package func syslog(host: String, enterprise: String = "32473") -> String {
    let level =
      switch severity {
      case .critical: 2
      case .high: 3
      case .medium: 4
      case .low: 5
      case .info: 6
      }
    let name = String(host.unicodeScalars.filter { $0.value > 0x20 && $0.value < 0x7F }.prefix(255).map(Character.init))
    func parameter(_ name: String, _ value: String) -> String { " \(name)=\"\(Self.escaped(value))\"" }
    var data = "[hallmark@\(enterprise)" + parameter("id", id) + parameter("severity", severity.rawValue) + parameter("subject", subject) + parameter("count", String(count))
    if let store { data += parameter("store", store) }
    if let request = evidence.first?.requestId { data += parameter("requestId", request) }
    data += "]"
    return "<\(13 * 8 + level)>1 \(Self.text(time)) \(name.isEmpty ? "-" : name) hallmark-guard - \(rule) \(data) \(Self.plain(summary))"
  }

  /// RFC 5424 §6.3.3: quotation mark, backslash and closing bracket are escaped; control characters could split a message.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in plain(text) {
      if character == "\"" || character == "\\" || character == "]" { result.append("\\") }
      result.append(character)
    }
    return result
  }

  private static func plain(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F || $0.value == 0x2028 ? " " : $0 }))
  }
}

extension String {
  fileprivate var capitalisedFirst: String { prefix(1).uppercased() + dropFirst() }
}
