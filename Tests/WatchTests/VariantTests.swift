import Clocks
import DiagnosticLogs
import Estate
import Testing

@testable import Watch

/// How the history of a detection may arrive otherwise than in order, once and whole.
enum Variant: String, CaseIterable, CustomTestStringConvertible {
  /// Every second row comes up to 15 minutes late, after rows that are newer.
  case late
  /// The same rows, or the same sweep, are read a second time.
  case duplicate
  /// The sweep that would show it could see little.
  case partial

  var testDescription: String { rawValue }

  func applies(to history: History) -> Bool {
    switch self {
    case .late: history.rows.count + history.ledger.count > 0
    case .duplicate: true
    case .partial: history.before != nil && history.after != nil && history.rows.isEmpty
    }
  }
}

extension History {
  /// The rows in the order in which they come when every second one is 15 minutes late, behind a row of another store that is newer than all.
  var lateRows: [LogEntry] {
    var newest = History()
    newest.row("KeyGet", ago: 60, path: "/keys/other", by: nil, from: "203.0.113.1", id: "newest", host: "kv-other.vault.azure.net")
    let delayed = rows.enumerated().map { index, entry -> (Int64, Int, LogEntry) in (Self.time(entry) + (index % 2 == 0 ? 900 : 0) * WatchEngine.second, index, entry) }
    let isDense = rows.allSatisfy { Self.now.nanoseconds - Self.time($0) < 86_400 * WatchEngine.second }
    return (isDense ? newest.rows : []) + delayed.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
  }

  private static func time(_ entry: LogEntry) -> Int64 {
    switch entry {
    case .request(let record): record.time
    case .activity(let event): event.time
    default: 0
    }
  }

  /// What a sweep that was refused nearly everything knows of the estate.
  static func barelySeen(_ snapshot: InventorySnapshot) -> InventorySnapshot {
    InventorySnapshot(
      takenAt: snapshot.takenAt, stores: snapshot.stores.map { .init(id: $0.id, kind: $0.kind, visibility: .partial) },
      identities: snapshot.identities.map { .init(objectId: $0.objectId, kind: $0.kind) }, groups: snapshot.groups.map { .init(objectId: $0.objectId) })
  }

  /// What is said when the history comes this way; for duplicates only what the second reading adds.
  func alerts(_ variant: Variant) -> [Alert] {
    var engine = engine()
    func read(_ rows: [LogEntry], _ after: InventorySnapshot?) {
      engine.beginLedger()
      for record in ledger { engine.observe(ledger: record) }
      for entry in rows { engine.observe(entry) }
      if let after { engine.sweep(before: before, after: after, now: Self.now) }
      engine.settle(now: Self.now)
    }
    switch variant {
    case .late: read(lateRows, after)
    case .partial: read(rows, after.map(Self.barelySeen))
    case .duplicate:
      read(rows, after)
      _ = engine.drain(now: Self.now)
      read(rows, after)
    }
    return engine.drain(now: Self.now)
  }
}

@Suite struct VariantTests {
  static let all = Detection.audit + Detection.ledger + Detection.activity + Detection.sweeps

  @Test(arguments: all)
  func `late rows fire the rule all the same`(detection: Detection) {
    var history = History()
    detection.fires(&history)
    guard Variant.late.applies(to: history) else { return }
    #expect(history.alerts(.late).contains { $0.rule == detection.rule && $0.severity == detection.severity })
  }

  @Test(arguments: all)
  func `late rows of a near miss are a near miss still`(detection: Detection) {
    var history = History()
    detection.nearMiss(&history)
    guard Variant.late.applies(to: history) else { return }
    #expect(history.alerts(.late).filter { $0.rule == detection.rule && $0.severity == detection.severity } == [])
  }

  @Test(arguments: all)
  func `what was said is not said again when everything is read a second time`(detection: Detection) {
    var history = History()
    detection.fires(&history)
    #expect(history.alerts(.duplicate).filter { $0.rule == detection.rule } == [])
  }

  @Test(arguments: all)
  func `a sweep that could see little says nothing about what it did not see`(detection: Detection) {
    var history = History()
    detection.fires(&history)
    guard Variant.partial.applies(to: history) else { return }
    #expect(history.alerts(.partial).filter { $0.rule == detection.rule } == [])
  }

  @Test(arguments: WatchRule.catalogue.map(\.id))
  func `the rule has a firing history, a near miss and a variant of how it comes`(rule: String) {
    let cases = Self.all.filter { $0.rule == rule }
    #expect(!cases.isEmpty)
    for detection in cases {
      var history = History()
      detection.fires(&history)
      var near = History()
      detection.nearMiss(&near)
      #expect(!history.rows.isEmpty || !history.ledger.isEmpty || history.after != nil)
      #expect(!near.rows.isEmpty || !near.ledger.isEmpty || near.after != nil)
      #expect(Variant.allCases.contains { $0 != .duplicate && $0.applies(to: history) }, "\(rule) is only tested in order and whole")
    }
  }
}
