import Clocks
import Encodings
import Testing

@testable import Watch

@Suite struct OutputTests {
  static let alert = Alert(
    rule: "HM-D08", severity: .critical, time: Instant(seconds: 1_790_000_000), store: "nw-hsm", subject: "a\"b]c", summary: "one\nline", evidence: [AlertEvidence(source: "log", line: 7, requestId: "r")],
    firstSeen: Instant(seconds: 1_789_999_000), count: 2)

  @Test func `an alert is one line with exactly the members of the contract`() throws {
    let value = try JSONValue.parse(Self.alert.line)
    #expect(Set(value.object?.names ?? []) == ["schema", "rule", "severity", "time", "store", "subject", "summary", "evidence", "firstSeen", "count"])
    #expect(!Self.alert.line.contains("\n") && value["evidence"]?[0]?["line"]?.int == 7)
    #expect(Alert(value) == Self.alert)
  }

  @Test func `the id does not change with what is folded in later`() {
    var later = Self.alert
    later.count = 9
    later.time = Instant(seconds: 1_790_000_500)
    #expect(later.id == Self.alert.id)
    later.subject = "other"
    #expect(later.id != Self.alert.id)
  }

  @Test func `CloudEvents, OCSF and Alertmanager carry what they require`() {
    let event = Self.alert.cloudEvent()
    #expect(event["specversion"]?.string == "1.0" && event["id"]?.string == Self.alert.id && event["type"]?.string == "dev.hallmark.detection.v1")
    let finding = Self.alert.ocsf(product: "1.0")
    #expect(finding["class_uid"]?.int == 2004 && finding["type_uid"]?.int == 200_401 && finding["severity_id"]?.int == 5 && finding["time"]?.int64 == 1_790_000_000_000)
    let alert = Self.alert.alertmanager()
    #expect(alert["labels"]?["alertname"]?.string == "HM-D08" && alert["labels"]?["severity"]?.string == "critical")
  }

  @Test func `a syslog message is one line and its data cannot be broken out of`() {
    let text = Self.alert.syslog(host: "guard 1")
    #expect(text.hasPrefix("<106>1 2026-") && text.contains(" guard1 hallmark-guard - HM-D08 [hallmark@32473 "))
    #expect(text.contains(#"subject="a\"b\]c""#) && !text.contains("\n"))
  }

  @Test func `metrics are never labelled by request`() {
    var text = PrometheusText()
    text.count(Self.alert)
    var state = WatchState()
    state.watermarks["nw-hsm"] = 0
    let lines = text.text(state: state, now: 5_000_000_000)
    #expect(lines.contains("hallmark_guard_alerts_total{rule=\"HM-D08\",severity=\"critical\"} 1") && lines.contains("hallmark_guard_log_lag_seconds{store=\"nw-hsm\"} 5"))
  }

  @Test(arguments: ["", "{}", "[]", #"{"schema":"hallmark.watch-state/v2"}"#, #"{"schema":"hallmark.watch-state/v1"}"#, #"{"schema":"hallmark.watch-state/v1","watermarks":{"a":"b"}}"#])
  func `a state that is none is refused`(text: String) {
    #expect(throws: WatchStateError.self) { try WatchState(json: Array(text.utf8)) }
  }

  @Test func `a blob that got shorter or different is told, one that grew is not`() {
    var first = BlobWatch(earlier: nil)
    first.feed(Array("one\ntwo\n".utf8))
    let known = first.finish(offset: 8, line: 2)
    #expect(first.broken == nil)
    for (text, isBroken) in [("one\ntwo\nthree\n", false), ("one\ntwo\n", false), ("one\n", true), ("one\ntwX\nthree\n", true), ("", true)] {
      for piece in [1, 3, 100] {
        var second = BlobWatch(earlier: known)
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: piece) { second.feed(Array(bytes[start..<min(bytes.count, start + piece)])) }
        _ = second.finish(offset: 0, line: 0)
        #expect((second.broken != nil) == isBroken)
      }
    }
    #expect(BlobWatch.group(ofPath: "/a/poll1/resourceId=/S/y=1/PT1H.json") == BlobWatch.group(ofPath: "/b/resourceId=/S/y=1/PT1H.json"))
    #expect(BlobWatch.group(ofPath: "/a/x.json") == "/a/x.json")
  }
}
