package import Clocks

/// That a principal used a key, as logs or ledgers say.
package struct KeyUse: Sendable, Hashable {
  package var principal: String
  package var store: String
  package var key: String
  package var version: String?
  package var capability: Capability
  /// The latest of `count` uses.
  package var last: Instant
  package var count: Int

  package init(principal: String, store: String, key: String, version: String? = nil, capability: Capability, last: Instant, count: Int = 1) {
    self.principal = principal
    self.store = store
    self.key = key
    self.version = version
    self.capability = capability
    self.last = last
    self.count = count
  }
}

/// What logs cover of one store. Where they do not reach, "nobody used it" cannot be said.
package struct UseCoverage: Sendable, Hashable {
  package var store: String
  package var from: Instant
  package var to: Instant
  /// Why the log in between is not whole, nil when it is.
  package var broken: String?

  package init(store: String, from: Instant, to: Instant, broken: String? = nil) {
    self.store = store
    self.from = from
    self.to = to
    self.broken = broken
  }
}

/// Uses and how far they can be trusted to be all of them.
package struct UseFacts: Sendable, Hashable {
  package var uses: [KeyUse]
  package var coverage: [UseCoverage]
  /// Stores, lower case, of which some use does not say whose it was.
  package var unattributed: Set<String> = []

  package init(uses: [KeyUse] = [], coverage: [UseCoverage] = []) {
    self.uses = uses
    self.coverage = coverage
  }

  /// Both sources as one.
  package mutating func add(_ other: UseFacts) {
    uses += other.uses
    coverage += other.coverage
    unattributed.formUnion(other.unattributed)
  }

  /// Why the uses of a store since a time are not all known; nil when they are.
  package func gap(store: String, since: Instant, until: Instant) -> String? {
    let spans = coverage.filter { $0.store.lowercased() == store.lowercased() }
    guard !spans.isEmpty else { return "no log of store \(store) was given" }
    if let broken = spans.compactMap(\.broken).first { return "the log of store \(store) is not whole: \(broken)" }
    var reached = since
    for span in spans.sorted(by: { $0.from < $1.from }) where span.from <= reached { reached = max(reached, span.to) }
    return reached >= until ? nil : "the log of store \(store) does not cover the whole time"
  }

  /// Reads uses from the records of a ledger or audit trail (`hallmark.audit/v1`). A span is whole when its sequence numbers have no hole.
  package init(records: [OperationRecord]) {
    self.init()
    var newest: [KeyUse: Instant] = [:]
    var counts: [KeyUse: Int] = [:]
    var spans: [String: (from: Int64, to: Int64)] = [:]
    var sequences: [Int64] = []
    for record in records {
      if let sequence = record.sequence { sequences.append(sequence) }
      guard let store = record.store else { continue }
      let known = spans[store] ?? (record.time, record.time)
      spans[store] = (min(known.from, record.time), max(known.to, record.time))
      guard record.allowed, let key = record.key, let principal = record.objectID, let capability = Capability(operation: record.operation) else {
        continue
      }
      let use = KeyUse(
        principal: principal, store: store, key: key, version: record.version, capability: capability, last: Instant(seconds: 0), count: 0)
      newest[use] = max(newest[use] ?? Instant(seconds: record.time), Instant(seconds: record.time))
      counts[use, default: 0] += 1
    }
    uses = newest.map { use, last in
      var use = use
      (use.last, use.count) = (last, counts[use] ?? 1)
      return use
    }.sorted { ($0.store, $0.key, $0.principal, $0.capability) < ($1.store, $1.key, $1.principal, $1.capability) }
    let hole = Self.hole(sequences)
    coverage = spans.map { store, span in
      UseCoverage(store: store, from: Instant(seconds: span.from), to: Instant(seconds: span.to), broken: hole)
    }.sorted { $0.store < $1.store }
  }

  static func hole(_ sequences: [Int64]) -> String? {
    guard !sequences.isEmpty else { return "its records carry no sequence numbers" }
    let sorted = Set(sequences).sorted()
    for (a, b) in zip(sorted, sorted.dropFirst()) where b - a > 1 { return "records \(a + 1) to \(b - 1) are missing" }
    return nil
  }
}

extension Capability {
  /// The capability an operation of an audit record needs; nil for operations that use no key.
  package init?(operation: String) {
    let folded = operation.lowercased()
    switch folded {
    case "wrapkey", "wrap": self = .wrap
    case "unwrapkey", "unwrap": self = .unwrap
    case "get", "read", "list", "getkey", "keyget": self = .read
    default:
      if let word = Capability(rawValue: folded) {
        self = word
      } else if folded.hasPrefix("key"), let word = Capability(rawValue: String(folded.dropFirst(3))) {
        self = word
      } else {
        return nil
      }
    }
  }
}
