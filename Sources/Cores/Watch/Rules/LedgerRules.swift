package import Clocks
package import DiagnosticLogs
internal import Estate

extension WatchEngine {
  /// Before a ledger is read from its beginning once more: records up to where it ended are known.
  package mutating func beginLedger() { ledgerFloor = state.sequences }

  /// One record of the ledger: what the authority knows that it did.
  package mutating func observe(ledger record: LogRecord) {
    let store = record.store ?? "unknown"
    chain(record)
    if let sequence = record.sequence, let floor = ledgerFloor[record.node ?? ""], sequence <= floor { return }
    state.ledgerActivity[store] = max(state.ledgerActivity[store] ?? .min, record.time)
    if record.purpose == "drill", record.isSuccess { state.drills[store] = max(state.drills[store] ?? .min, record.time) }
    guard let id = record.correlationId, record.isSuccess else { return }
    let pending = WatchState.Pending(
      time: record.time, store: store, key: record.key?.lowercased() ?? "", principal: who(record), hint: "", source: record.place.source, line: record.place.line)
    if record.purpose == "canary" {
      if state.canaries.count < parameters.maxRemembered { state.canaries[id] = pending }
      return
    }
    guard record.operation == .sign else { return }
    if let row = state.signs.removeValue(forKey: id) {
      join(id, row: row, ledger: pending)
    } else if state.ledger.count < parameters.maxRemembered {
      state.ledger[id] = pending
    }
  }

  /// A record that was written once stays as it was, and the ledger never gets shorter.
  private mutating func chain(_ record: LogRecord) {
    guard let sequence = record.sequence else { return }
    let node = record.node ?? ""
    var hash = StableHash()
    for part in [record.correlationId, record.operationName, record.store, record.key, record.version, record.digest, record.identity.objectId] { hash.combine(part ?? "") }
    hash.combine(UInt64(bitPattern: record.time))
    let value = Int64(bitPattern: hash.value)
    if let last = state.sequences[node], sequence == last, let known = state.sequenceHashes[node], known != value {
      raise(
        "HM-D27", store: record.store, subject: node.isEmpty ? "ledger" : node, "Record \(sequence) of the ledger of \(node) is not what it was: somebody changed it.",
        time: record.time, evidence: evidence(record))
    }
    if sequence >= state.sequences[node] ?? .min {
      state.sequences[node] = sequence
      state.sequenceHashes[node] = value
    }
  }

  /// The ledger as it ends now; it must not end before where it ended at an earlier poll.
  package mutating func ledgerEnded(node: String, sequence: Int64, source: String, now: Instant) {
    guard let last = state.sequences[node], sequence < last else { return }
    raise(
      "HM-D27", store: nil, subject: node, "The ledger of \(node) ends at record \(sequence) and had \(last) before: records are gone.", time: now.nanoseconds,
      evidence: AlertEvidence(source: source))
  }

  /// Joins a row of the log with the ledger, whichever came first.
  mutating func matchLedger(_ record: LogRecord, _ store: String) {
    guard streams.contains(.ledger), let id = record.correlationId else { return }
    if state.canaries.removeValue(forKey: id) != nil { return }
    guard record.operation == .sign, record.isSuccess, record.purpose != "canary" else { return }
    let row = WatchState.Pending(
      time: record.time, store: store, key: record.key?.lowercased() ?? "", principal: who(record), hint: Self.hint(record.clientInfo), source: record.place.source,
      line: record.place.line)
    if let entry = state.ledger.removeValue(forKey: id) {
      join(id, row: row, ledger: entry)
    } else if state.signs.count < parameters.maxRemembered {
      state.signs[id] = row
    }
  }

  private mutating func join(_ id: String, row: WatchState.Pending, ledger: WatchState.Pending) {
    if !row.hint.isEmpty { state.matched["\(row.store)/\(row.key)|\(row.principal)|\(row.hint)", default: []].append(row.time) }
    let skew = abs(row.time - ledger.time)
    if skew > parameters.skew * Self.second {
      raise(
        "HM-D43", store: row.store, subject: row.store, "The log of \(row.store) and the ledger disagree by \(skew / Self.second) seconds about one request.", time: row.time,
        evidence: AlertEvidence(source: row.source, line: row.line, requestId: id))
    }
  }

  /// The digest hint of a user agent, `(d=…)`; empty without one.
  private static func hint(_ agent: String?) -> String {
    guard let agent, let start = agent.firstIndex(of: "("), agent[start...].hasPrefix("(d="), let end = agent[start...].firstIndex(of: ")") else { return "" }
    return String(agent[start..<end].prefix(80))
  }

  // MARK: What did not happen

  /// The rules about what is missing: call it when the sources were read as far as they go.
  package mutating func settle(now: Instant) {
    prune()
    if streams.contains(.ledger), streams.contains(.audit) {
      unknownSigners(now.nanoseconds)
      missingRows(now.nanoseconds)
      canaries(now.nanoseconds)
      silence(now.nanoseconds)
    }
    if streams.contains(.audit) { overdue(now.nanoseconds) }
  }

  private mutating func unknownSigners(_ now: Int64) {
    for (id, row) in state.signs where now - row.time > parameters.ledgerGrace * Self.second {
      state.signs[id] = nil
      let twins = row.hint.isEmpty ? [] : state.matched["\(row.store)/\(row.key)|\(row.principal)|\(row.hint)"] ?? []
      // A first try whose answer was lost, and which signed all the same.
      if twins.contains(where: { abs($0 - row.time) <= parameters.shadow * Self.second }) { continue }
      raise(
        "HM-D15", store: row.store, subject: row.principal, "\(name(row.principal)) signed with \(row.key) in \(row.store), and no ledger knows of it: somebody signs outside the authority.",
        time: row.time, evidence: AlertEvidence(source: row.source, line: row.line, requestId: id))
    }
  }

  private mutating func missingRows(_ now: Int64) {
    for (id, entry) in state.ledger where now - entry.time > parameters.ledgerGrace * Self.second {
      // Only where rows arrived after it: otherwise the whole log is silent, which is another alert.
      guard let latest = state.watermarks[entry.store], latest > entry.time, (state.firstRows[entry.store] ?? .max) <= entry.time + parameters.lateness * Self.second else { continue }
      state.ledger[id] = nil
      raise(
        "HM-D16", store: entry.store, subject: entry.key.isEmpty ? entry.store : entry.key, "The ledger has a signature with \(entry.key) in \(entry.store) whose log row never came.",
        time: now, evidence: AlertEvidence(source: entry.source, line: entry.line, requestId: id), first: entry.time)
    }
  }

  private mutating func canaries(_ now: Int64) {
    for (id, entry) in state.canaries where now - entry.time > parameters.canaryGrace * Self.second {
      state.canaries[id] = nil
      raise(
        "HM-D26", store: entry.store, subject: entry.store, "A canary request to \(entry.store) did not appear in its log within \(parameters.canaryGrace / 60) minutes.", time: now,
        evidence: AlertEvidence(source: entry.source, line: entry.line, requestId: id), first: entry.time)
    }
  }

  private mutating func silence(_ now: Int64) {
    for (store, active) in state.ledgerActivity {
      let usual = state.usualGaps[store].map { $0 * parameters.usualGapFactor } ?? 0
      let limit = max(parameters.silence * Self.second, usual)
      let last = state.watermarks[store]
      guard now - (last ?? active) > limit, active > (last ?? .min), now - active > parameters.canaryGrace * Self.second else { continue }
      let since = last.map { "since \(Alert.text(Instant(nanoseconds: $0)))" } ?? "at all"
      raise(
        "HM-D26", store: store, subject: store, "No log rows of \(store) arrived \(since) while the ledger has requests.", time: now,
        evidence: AlertEvidence(source: "ledger"), first: last ?? active)
    }
  }

  /// Backups and drills: only where the log reaches back far enough to know.
  private mutating func overdue(_ now: Int64) {
    for (store, first) in state.firstRows {
      guard let last = state.watermarks[store], now - last < 2 * 86_400 * Self.second else { continue }
      let isHSM = estate?.snapshot.stores.first { $0.id.lowercased() == store }.map { $0.kind == .managedHsm } ?? (state.backups[store] != nil || state.domainDownloads[store] != nil)
      if let backup = state.backups[store] ?? (isHSM ? first : nil), now - backup > parameters.backup * Self.second {
        raise("HM-D37", store: store, subject: store, "\(store) had no full backup since \(Alert.text(Instant(nanoseconds: backup))).", time: now, evidence: AlertEvidence(source: "log"), first: now)
      }
      if let drill = state.drills[store] ?? (isHSM ? first : nil) {
        let changed = state.drills[store] != nil && (state.domainDownloads[store] ?? .min) > drill && now - (state.domainDownloads[store] ?? now) > 7 * 86_400 * Self.second
        if now - drill > parameters.drill * Self.second || changed {
          raise(
            "HM-D38", store: store, subject: store, "The recovery of \(store) was last tried before \(changed ? "its security domain changed" : Alert.text(Instant(nanoseconds: drill + parameters.drill * Self.second))).",
            time: now, evidence: AlertEvidence(source: "log"), first: now)
        }
      }
    }
  }

  /// A blob that is shorter or different where it was read before.
  package mutating func blobChanged(_ source: String, group: String, why: String, now: Instant) {
    raise("HM-D27", store: nil, subject: group, "\(group) is not what was read before: \(why).", time: now.nanoseconds, evidence: AlertEvidence(source: source))
  }
}
