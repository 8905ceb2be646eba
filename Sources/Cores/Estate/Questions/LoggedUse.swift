package import Clocks
package import DiagnosticLogs

/// Collects who used which key from diagnostic logs, record by record, so that a log larger than memory can be read.
///
/// Azure's records carry no sequence numbers: what they cover is the time from the first to the last record of a store, and a hole in between
/// cannot be seen. Records of Hallmark's own audit carry them, and a hole makes the span broken.
package struct LoggedUse: Sendable {
  private struct Use: Hashable {
    var principal: String
    var store: String
    var key: String
    var version: String?
    var capability: Capability
  }

  /// Client id to object id, both lower case: a record may name only the application.
  private let objects: [String: String]
  private var uses: [Use: (last: Int64, count: Int)] = [:]
  private var spans: [String: (from: Int64, to: Int64)] = [:]
  private var sequences: [String: [Int64]] = [:]
  private var unattributed: Set<String> = []
  private var breaks: [String] = []

  /// - Parameter snapshot: whose identities name the object id of an application.
  package init(_ snapshot: InventorySnapshot) {
    objects = Dictionary(
      snapshot.identities.compactMap { identity in identity.clientId.map { ($0.lowercased(), identity.objectId.lowercased()) } },
      uniquingKeysWith: { first, _ in first })
  }

  package mutating func add(_ record: LogRecord) {
    guard let store = record.store?.lowercased() else { return }
    let known = spans[store] ?? (record.time, record.time)
    spans[store] = (min(known.from, record.time), max(known.to, record.time))
    if let sequence = record.sequence { sequences[record.node ?? "", default: []].append(sequence) }
    guard record.isSuccess, let key = record.key else { return }
    let capabilities = Capability.possible(record.operation)
    guard !capabilities.isEmpty else { return }
    let principal = record.identity.objectId?.lowercased() ?? record.identity.appId.flatMap { objects[$0.lowercased()] }
    if principal == nil { unattributed.insert(store) }
    for capability in capabilities {
      let use = Use(principal: principal ?? "", store: store, key: key, version: record.version, capability: capability)
      let held = uses[use] ?? (record.time, 0)
      uses[use] = (max(held.last, record.time), held.count + 1)
    }
  }

  /// Notes that some of a source could not be read: nothing of the time it covers can be called unused.
  package mutating func breakOff(_ why: String) { breaks.append(why) }

  /// - Parameter until: how far the logs reach, where that is known to be further than their last record.
  package func facts(until: Instant? = nil) -> UseFacts {
    let hole = sequences.values.compactMap(UseFacts.hole).first
    let rows = uses.map { use, seen in
      KeyUse(
        principal: use.principal, store: use.store, key: use.key, version: use.version, capability: use.capability, last: Instant(nanoseconds: seen.last),
        count: seen.count)
    }
    let coverage = spans.map { store, span in
      let end = Instant(nanoseconds: span.to)
      return UseCoverage(store: store, from: Instant(nanoseconds: span.from), to: until.map { max($0, end) } ?? end, broken: breaks.first ?? hole)
    }
    var facts = UseFacts(
      uses: rows.sorted { ($0.store, $0.key, $0.principal, $0.capability) < ($1.store, $1.key, $1.principal, $1.capability) },
      coverage: coverage.sorted { $0.store < $1.store })
    facts.unattributed = unattributed
    return facts
  }
}

extension Capability {
  /// What an operation of a log may have used. One that a Managed HSM's record does not tell apart counts as each that it may have been.
  static func possible(_ operation: LogOperation) -> [Capability] {
    switch operation {
    case .sign: [.sign]
    case .verify: [.verify]
    case .encrypt: [.encrypt]
    case .decrypt: [.decrypt]
    case .wrap: [.wrap]
    case .unwrap: [.unwrap]
    case .release: [.release]
    case .export: [.export]
    case .keyCreate: [.create]
    case .keyImport: [.import]
    case .keyRotate: [.rotate]
    case .keyBackup: [.backup]
    case .keyRestore: [.restore]
    case .keyUpdate: [.update]
    case .keyDelete: [.delete]
    case .keyPurge: [.purge]
    case .keyRecover: [.recover]
    case .deletedKey: [.purge, .recover]
    case .keyRead: [.read]
    default: []
    }
  }
}
