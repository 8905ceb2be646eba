import ArgumentParser
import Clocks
import Encodings
import Estate
import Foundation
import Outbound
import Watch

struct WatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "What is happening now: detections over logs, ledgers and the estate.",
    subcommands: [WatchRun.self, WatchReplay.self, WatchRehearse.self, WatchRules.self, WatchCanary.self], defaultSubcommand: WatchRun.self)
}

/// The options of everything that evaluates rules.
struct WatchOptions: ParsableArguments {
  @Option(help: "Log file: diagnostic records, activity log events or Hallmark audit records. May be repeated.") var log: [String] = []
  @Option(help: "Ledger: what `hallmark audit export` writes.") var ledger: String?
  @Option(help: "Inventory snapshot of an earlier time.") var before: String?
  @Option(help: "Inventory snapshot of the later time.") var after: String?
  @Option(help: "Intent register, YAML or JSON.") var intent: String?
  @Option(help: "Object or application id that governs roles: exempt from HM-D04. May be repeated.") var governance: [String] = []
  @Option(help: "OBJECT-ID=PREFIX: what the user agent of an identity begins with. May be repeated.") var agent: [String] = []

  func parameters() throws -> WatchParameters {
    var parameters = WatchParameters()
    parameters.governance = Set(governance.map { $0.lowercased() })
    for pair in agent {
      guard let cut = pair.firstIndex(of: "="), cut != pair.startIndex else {
        throw CommandFailure.usage("cannot read --agent \(pair)", why: "it has no =", next: "write OBJECT-ID=PREFIX")
      }
      parameters.agents[pair[..<cut].lowercased()] = String(pair[pair.index(after: cut)...])
    }
    return parameters
  }

  func register() throws -> IntentRegister? {
    guard let intent else { return nil }
    _ = try WatchSources.file(intent, maxBytes: IntentRegister.limits.maxBytes)  // one that is not there is exit code 3 here
    return try EstateDocuments.register(intent)
  }

  func snapshot(_ path: String?) throws -> InventorySnapshot? {
    guard let path else { return nil }
    let bytes = try WatchSources.file(path, maxBytes: InventorySnapshot.limits.maxBytes)
    do { return try InventorySnapshot(json: bytes) } catch { throw CommandFailure.usage("cannot use the inventory \(path)", why: error.description) }
  }

  func streams() -> Set<WatchStream> {
    var streams: Set<WatchStream> = []
    if !log.isEmpty { streams.formUnion([.audit, .activity, .signin]) }
    if ledger != nil { streams.insert(.ledger) }
    if before != nil || after != nil { streams.insert(.poll) }
    return streams
  }

  static func time(_ text: String) throws -> Instant {
    guard let time = try? ISO8601.parse(text) else { throw CommandFailure.usage("cannot use the time \(text)", why: "it is not RFC 3339, such as 2026-11-20T06:00:00Z") }
    return Instant(nanoseconds: time)
  }

  /// The wall clock of a place by the system's time zones; nil when there is no such zone.
  static let localTime: @Sendable (String, Instant) -> LocalTime? = { zone, time in
    guard let zone = TimeZone(identifier: zone) else { return nil }
    let offset = Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time.seconds))))
    let local = time.seconds + offset
    let days = (local - ((local % 86_400) + 86_400) % 86_400) / 86_400
    // The epoch was a Thursday.
    let weekday = Weekday(rawValue: Int((days % 7 + 7 + 3) % 7) + 1)
    return weekday.map { LocalTime(weekday: $0, minute: Int((local % 86_400 + 86_400) % 86_400 / 60)) }
  }
}

/// `hallmark watch replay`: the rules over recorded data.
struct WatchReplay: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "replay", abstract: "Run the rules over recorded logs, ledgers and snapshots.")
  @OptionGroup var options: WatchOptions
  @Option(help: "The time at which the rules look, RFC 3339.") var now: String

  func run() async throws {
    try await Console.run("cannot replay") {
      let now = try WatchOptions.time(now)
      try WatchReplay.replay(options, now: now, only: nil)
    }
  }

  /// Prints the alerts and ends with 0 when there are none, 1 when there are, 3 when a source could not be read.
  static func replay(_ options: WatchOptions, now: Instant, only: Set<String>?) throws {
    let before = try options.snapshot(options.before)
    let after = try options.snapshot(options.after)
    var engine = WatchEngine(
      parameters: try options.parameters(), intent: try options.register(), snapshot: after ?? before, streams: options.streams(), only: only,
      localTime: WatchOptions.localTime)
    var sources = WatchSources()
    if let ledger = options.ledger { sources.ledger(ledger, into: &engine, now: now) }
    for path in options.log { sources.log(path, into: &engine, now: now) }
    if let after { engine.sweep(before: before, after: after, source: options.after ?? "inventory", now: now) }
    engine.settle(now: now)
    let alerts = engine.drain(now: now)
    for alert in alerts { Console.print(alert.line) }
    for note in sources.notes { Console.note("hallmark: \(note)") }
    if sources.invalid { throw Exit.usage }
    if sources.unread { throw Exit.undecided }
    if !alerts.isEmpty { throw Exit.no }
  }
}

/// `hallmark watch rehearse RULE`: what one rule would have said on history.
struct WatchRehearse: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "rehearse", abstract: "Say what one rule would have said on recorded data.")
  @Argument(help: "The rule, such as HM-D08.") var rule: String
  @OptionGroup var options: WatchOptions
  @Option(help: "The time at which the rule looks, RFC 3339 (else now).") var now: String?

  func run() async throws {
    try await Console.run("cannot rehearse \(rule)") {
      guard let found = WatchRule.named(rule) else { throw CommandFailure.usage("cannot rehearse \(rule)", why: "there is no such rule", next: "hallmark watch rules") }
      let now = try now.map(WatchOptions.time) ?? TimeSource.system.now()
      let missing = found.streams.filter { !options.streams().contains($0) }
      if !missing.isEmpty { Console.note("\(found.id) also looks at: \(missing.map(\.rawValue).joined(separator: ", "))") }
      try WatchReplay.replay(options, now: now, only: [found.id])
    }
  }
}

/// `hallmark watch rules`: the catalogue.
struct WatchRules: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "rules", abstract: "List the detections.")
  @OptionGroup var output: OutputOptions

  func run() async throws {
    if output.format == .json {
      let rules = WatchRule.catalogue.map { rule -> JSONValue in
        [
          "id": .string(rule.id), "name": .string(rule.name), "severity": .string(rule.severity.rawValue), "why": .string(rule.why),
          "streams": .array(rule.streams.map { .string($0.rawValue) }),
        ]
      }
      return Console.print(["rules": .array(rules)])
    }
    Console.print(Console.table(WatchRule.catalogue.map { [$0.id, $0.severity.rawValue, $0.streams.map(\.rawValue).joined(separator: ","), $0.name, $0.why] }))
  }
}

/// `hallmark watch canary`: one harmless request whose log row must appear, written to the ledger.
struct WatchCanary: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "canary", abstract: "Make one harmless request and note it as a heartbeat in a ledger file.")
  @Option(help: "File the heartbeat is appended to.") var ledger: String
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    try await Console.run("cannot send a canary") {
      try await connection.connect { connection in
        let answer = try await connection.client.call("GET", "/keys", query: [("maxresults", "1")])
        guard let id = answer.requestID else { throw CommandFailure("cannot note the canary", why: "the service gave its answer no request id", code: Exit.remote) }
        let host = connection.client.address.host
        let record: JSONValue = [
          "schema": "hallmark.audit/v1", "sequence": .integer(TimeSource.system.now().nanoseconds / 1000), "time": .string(ISO8601.format(nanoseconds: TimeSource.system.now().nanoseconds)),
          "node": "canary", "requestId": .string(id), "clientRequestId": nil, "principal": nil, "operation": "key.list",
          "store": .string(host.split(separator: ".").first.map(String.init) ?? host), "key": nil, "version": nil, "kid": nil, "algorithm": nil, "digest": nil,
          "decision": "allow", "reason": nil, "assignment": nil, "engine": nil, "status": 200, "durationMs": 0, "callerAddress": nil, "purpose": "canary",
        ]
        try AlertLines.append(record.text() + "\n", to: ledger)
        Console.print(id)
      }
    }
  }
}
