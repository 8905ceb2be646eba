import Foundation
import Logging
import Synchronization
import Testing

@testable import Telemetry

@Suite struct LogTests {
  private func lines(_ format: LogFormat, level: Logger.Level = .info, _ body: (Logger) -> Void) -> [String] {
    let written = Captured()
    let output = LogOutput { line in written.lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
    let logger = Logger(label: "test") { label in
      LineLogHandler(label: label, format: format, level: level, output: output, now: { "2026-03-02T07:41:12.318Z" })
    }
    body(logger)
    return written.lines.withLock { $0 }
  }

  private final class Captured: Sendable { let lines = Mutex<[String]>([]) }

  @Test("A text line names time, level, label, message and sorted metadata")
  func text() {
    let written = lines(.text) { $0.info("started", metadata: ["port": "8443", "a": "two words"]) }
    #expect(written == ["2026-03-02T07:41:12.318Z INFO test: started a=\"two words\" port=8443\n"])
  }

  @Test("A JSON line is read by an independent parser, whatever the message holds")
  func json() throws {
    let text = "quote \" back \\ feed \n bell \u{7} 🔏"
    let written = lines(.json) { $0.error("\(text)", metadata: ["k\n": "\(text)"]) }
    #expect(written.count == 1)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(written[0].utf8)) as? [String: Any])
    #expect(object["message"] as? String == text)
    #expect((object["metadata"] as? [String: String])?["k\n"] == text)
    #expect(object["level"] as? String == "error")
  }

  @Test("A value cannot forge a line of its own", arguments: LogFormat.allCases)
  func oneLine(format: LogFormat) {
    let written = lines(format) { $0.info("a\nERROR b", metadata: ["k": "v\nERROR c"]) }
    #expect(written.count == 1)
    #expect(written[0].filter { $0 == "\n" }.count == 1)
  }

  @Test("Messages under the level are not written")
  func level() { #expect(lines(.text, level: .warning) { $0.info("quiet") }.isEmpty) }
}

@Suite struct MetricsTests {
  @Test("Counters, gauges and histograms render as Prometheus reads them")
  func render() {
    let metrics = Metrics()
    let requests = Counter("hallmark_requests_total", help: "Requests.", labels: [#"route="sign""#, #"route="verify""#])
    let seconds = Histogram("hallmark_seconds", help: "Time.", bounds: [1_000_000, 10_000_000])
    metrics.register(requests)
    metrics.register(seconds)
    metrics.register(Gauge("hallmark_depth", help: "Queue.") { 3 })
    requests.add(at: 0)
    requests.add(2, at: 1)
    requests.add(at: 7)
    seconds.observe(1_000_000)
    seconds.observe(5_000_000)
    seconds.observe(50_000_000)
    #expect(
      metrics.render() == """
        # HELP hallmark_requests_total Requests.
        # TYPE hallmark_requests_total counter
        hallmark_requests_total{route="sign"} 1
        hallmark_requests_total{route="verify"} 2
        # HELP hallmark_depth Queue.
        # TYPE hallmark_depth gauge
        hallmark_depth 3.0
        # HELP hallmark_seconds Time.
        # TYPE hallmark_seconds histogram
        hallmark_seconds_bucket{le="0.001"} 1
        hallmark_seconds_bucket{le="0.01"} 2
        hallmark_seconds_bucket{le="+Inf"} 3
        hallmark_seconds_sum 0.056
        hallmark_seconds_count 3

        """)
  }

  @Test("Counts from many threads are all there")
  func concurrent() async {
    let counter = Counter("c", help: "")
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 { group.addTask { for _ in 0..<10_000 { counter.add() } } }
    }
    #expect(counter.value() == 80_000)
  }
}
