import ArgumentParser
import Clocks
import ConsoleService
import Encodings
import Foundation
import Logging
import Outbound
import Watch

/// `hallmark watch`: follows files and our service's audit trail, and hands alerts over as they come.
///
/// One round: read what is new, evaluate, write the state with the alerts about to go out, hand them over, write the state without them.
/// After a crash the first act is to hand over what the state still holds and the sink does not.
struct WatchRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "live", abstract: "Follow logs, the ledger and the estate.")
  @OptionGroup var options: WatchOptions
  @Option(help: "File with what the rules remember; created by the first run.") var state: String
  @Option(help: "File that alerts are appended to as JSON lines (else standard output).") var sink: String?
  @Option(help: "Seconds between two rounds.") var interval: Int = 60
  @Option(help: "Stop after this many rounds (else never).") var rounds: Int?
  @Option(help: "File with counters in Prometheus' text format, written anew each round.") var metrics: String?
  @Option(help: "HOST:PORT that serves the same at /metrics over plain HTTP.") var metricsListen: String?
  @Flag(help: "Also read the audit trail of our service.") var service = false
  @OptionGroup var delivery: DeliveryOptions
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    try await Console.run("cannot watch") {
      guard (1...86_400).contains(interval) else { throw CommandFailure.usage("cannot watch", why: "--interval is not within 1 and 86400") }
      var memory = WatchState()
      if LocalFile.exists(state) { do { memory = try WatchState(json: LocalFile.bytes(state, maxBytes: WatchState.limits.maxBytes)) } catch let error as WatchStateError { throw CommandFailure.usage("cannot use \(state)", why: error.description) } }
      var streams = options.streams()
      if service { streams.insert(.audit) }
      let snapshot = try options.snapshot(options.after ?? options.before)
      var engine = WatchEngine(
        state: memory, parameters: try options.parameters(), intent: try options.register(), snapshot: snapshot, streams: streams, localTime: WatchOptions.localTime)
      let lines = AlertLines(sink: sink)
      let places = try AlertDelivery(delivery, lines: lines)
      let unread: Bool
      do { unread = try await listening { try await rounds(&engine, lines, places, page: $0) } } catch {
        await places.close()
        throw error
      }
      await places.close()
      if unread { throw Exit.undecided }
    }
  }

  /// Runs the rounds beside the listener for scrapers, when there is one; the listener ends with them, and its failure is told and ends nothing.
  private func listening(_ rounds: (MetricsPage) async throws -> Bool) async throws -> Bool {
    let page = MetricsPage()
    guard let metricsListen else { return try await rounds(page) }
    guard let colon = metricsListen.lastIndex(of: ":"), colon != metricsListen.startIndex, let port = Int(metricsListen[metricsListen.index(after: colon)...]), (1...65535).contains(port) else {
      throw CommandFailure.usage("cannot listen at \(metricsListen)", why: "it is not HOST:PORT")
    }
    let listener = MetricsListener(page: page, host: metricsListen[..<colon].trimmingCharacters(in: ["[", "]"]), port: port, log: Logger(label: "metrics") { _ in SwiftLogNoOpLogHandler() })
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        do { try await listener.run() } catch is CancellationError {} catch { Console.note("hallmark: nobody can scrape \(metricsListen): the address cannot be listened at") }
      }
      defer { group.cancelAll() }
      return try await rounds(page)
    }
  }

  /// The rounds themselves. - Returns: whether the last one could not read something.
  private func rounds(_ engine: inout WatchEngine, _ lines: AlertLines, _ places: AlertDelivery, page: MetricsPage) async throws -> Bool {
    try lines.resume(engine.state.outbox.filter { $0.hasPrefix("{") })
    engine.state.outbox.removeAll { $0.hasPrefix("{") }
    var prometheus = PrometheusText()
    var round = 0
    var unread = false
    while self.rounds.map({ round < $0 }) ?? true {
      if round > 0 { try await Task.sleep(for: .seconds(interval)) }
      round += 1
      let now = TimeSource.system.now()
      unread = try await read(into: &engine, now: now)
      engine.settle(now: now)
      let alerts = engine.drain(now: now)
      for alert in alerts { prometheus.count(alert) }
      engine.state.outbox = Array((engine.state.outbox + places.entries(alerts)).suffix(100_000))
      try LocalFile.write(engine.state.serialized(), to: state, mode: 0o600)
      if !engine.state.outbox.isEmpty {
        engine.state.outbox = try await places.hand(engine.state.outbox)
        try LocalFile.write(engine.state.serialized(), to: state, mode: 0o600)
      }
      let figures = prometheus.text(state: engine.state, now: now.nanoseconds)
      page.write(figures)
      if let metrics { try LocalFile.write(Array(figures.utf8), to: metrics) }
    }
    return unread
  }

  /// One round of reading. - Returns: whether something could not be read.
  private func read(into engine: inout WatchEngine, now: Instant) async throws -> Bool {
    var sources = WatchSources()
    if let ledger = options.ledger { sources.ledger(ledger, into: &engine, now: now) }
    for path in options.log.flatMap(Self.files) { sources.log(path, into: &engine, now: now) }
    if service { sources.unread = try await follow(&engine) || sources.unread }
    if let after = try options.snapshot(options.after) { engine.sweep(before: try options.snapshot(options.before), after: after, source: options.after ?? "inventory", now: now) }
    for note in sources.notes { Console.note("hallmark: \(note)") }
    return sources.unread || sources.invalid
  }

  /// The records of our service's audit trail after the last one seen.
  private func follow(_ engine: inout WatchEngine) async throws -> Bool {
    let after = engine.state.sequences["\u{0}service"] ?? 0
    var text: [UInt8] = []
    do {
      try await connection.connect { connection in
        let answer = try await connection.client.call(
          "GET", "/hallmark/v1/audit/export", query: [("format", "hallmark"), ("after", String(after))], timeout: .seconds(120), maxReplyBytes: 512 << 20)
        text = answer.text
      }
    } catch let error as OutboundError {
      Console.note("hallmark: cannot read the audit trail: \(error.description)")
      return true
    }
    engine.observe(trail: text)
    return false
  }

  /// A file as it is, a folder as the log files in it, in order of their names.
  private static func files(_ path: String) -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else { return [path] }
    let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    return names.filter { $0.hasSuffix(".json") || $0.hasSuffix(".jsonl") || $0.hasSuffix(".log") }.sorted().map { "\(path)/\($0)" }
  }
}
