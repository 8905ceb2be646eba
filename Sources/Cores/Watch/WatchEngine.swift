package import Clocks
package import DiagnosticLogs
package import Estate
internal import Encodings

/// Events go in, alerts come out. Synchronous and pure: time, places and clocks of places are parameters.
///
/// Cost of an event: a few look-ups by key; memory is bounded by `WatchParameters.maxRemembered` per map.
package struct WatchEngine: Sendable {
  package static let second: Int64 = 1_000_000_000

  package var state: WatchState
  package let parameters: WatchParameters
  /// nil when nobody said what identities are for: rules that need it raise nothing.
  package let intent: IntentRegister?
  package let streams: Set<WatchStream>
  /// The wall clock of a place; nil when the place is not known.
  package let localTime: @Sendable (_ zone: String, _ time: Instant) -> LocalTime?
  /// Only these rules, when not nil.
  package let only: Set<String>?

  var estate: EstateRights?
  var ready: [Alert] = []
  var decisions: [String: IntentRegister.PurposeDecision] = [:]
  var ledgerFloor: [String: Int64] = [:]

  package init(
    state: WatchState = WatchState(), parameters: WatchParameters = WatchParameters(), intent: IntentRegister?, snapshot: InventorySnapshot?,
    streams: Set<WatchStream>, only: Set<String>? = nil, localTime: @escaping @Sendable (String, Instant) -> LocalTime?
  ) {
    self.state = state
    self.parameters = parameters
    self.intent = intent
    self.streams = streams
    self.only = only
    self.localTime = localTime
    self.estate = snapshot.map { EstateRights($0) }
  }

  /// One record of a log.
  package mutating func observe(_ entry: LogEntry) {
    switch entry {
    case .request(let record):
      guard isNew(record.duplicateKey, record.time) else { return }
      state.events += 1
      request(record)
      if state.events & 0xFFFF == 0 { prune() }
    case .activity(let event):
      guard isNew(event.duplicateKey, event.time) else { return }
      state.events += 1
      activity(event)
    case .signIn: state.events += 1
    }
  }

  /// Whether the event was not seen before. Events older than two days before the latest are known by their blob's offset only.
  private mutating func isNew(_ key: UInt64, _ time: Int64) -> Bool {
    let hour = time / (3600 * Self.second)
    guard state.seen[hour, default: []].insert(key).inserted else {
      state.duplicates += 1
      return false
    }
    return true
  }

  /// Forgets what no rule can need any more.
  package mutating func prune() {
    guard let latest = state.latest else { return }
    let hour = latest / (3600 * Self.second)
    state.seen = state.seen.filter { $0.key > hour - 48 }
    var total = state.seen.values.reduce(0) { $0 + $1.count }
    for oldest in state.seen.keys.sorted() where total > parameters.maxRemembered {
      total -= state.seen[oldest]?.count ?? 0
      state.seen[oldest] = nil
    }
    let failureLimit = latest - (parameters.failureSpan + 2 * parameters.lateness) * Self.second
    state.failures = state.failures.compactMapValues { times in
      let kept = times.filter { $0 >= failureLimit }
      return kept.isEmpty ? nil : kept
    }
    state.failed = state.failed.filter { state.failures[$0.key] != nil }
    let bucketLimit = (latest - 15 * 86_400 * Self.second) / (600 * Self.second)
    state.rates = state.rates.compactMapValues { counts in
      let kept = counts.filter { $0.key >= bucketLimit }
      return kept.isEmpty ? nil : kept
    }
    let matchLimit = latest - (parameters.ledgerGrace * 2) * Self.second
    state.matched = state.matched.compactMapValues { times in
      let kept = times.filter { $0 >= matchLimit }
      return kept.isEmpty ? nil : kept
    }
    state.certificates = state.certificates.filter { Int64($0.key.split(separator: "|").dropFirst().first ?? "").map { $0 * 60 * Self.second > latest - 86_400 * Self.second * 2 } ?? false }
    if state.uses.count > parameters.maxRemembered {
      let limit = latest - parameters.firstUse * Self.second
      state.uses = state.uses.filter { $0.value > limit }
    }
  }

  // MARK: Alerts

  /// Notes a finding: a new alert, or one more event of an alert that is not older than the folding window.
  mutating func raise(
    _ rule: String, _ severity: AlertSeverity? = nil, store: String?, subject: String, _ summary: String, time: Int64,
    evidence: AlertEvidence? = nil, count: Int = 1, first: Int64? = nil
  ) {
    if let only, !only.contains(rule) { return }
    let severity = severity ?? WatchRule.named(rule)?.severity ?? .medium
    let key = "\(rule)|\(severity.rawValue)|\(store ?? "")|\(subject)"
    let begun = first ?? time
    if var open = state.open[key] {
      if abs(time - open.alert.firstSeen.nanoseconds) <= parameters.foldWindow * Self.second {
        open.alert.count += count
        if !open.isEmitted {
          open.alert.time = max(open.alert.time, Instant(nanoseconds: time))
          open.alert.firstSeen = min(open.alert.firstSeen, Instant(nanoseconds: begun))
          if let evidence, open.alert.evidence.count < 20 { open.alert.evidence.append(evidence) }
        }
        state.open[key] = open
        return
      }
      if !open.isEmitted { ready.append(open.alert) }
    }
    if isWaived(rule, subject: subject, store: store, time: time) { return }
    state.open[key] = WatchState.Open(
      alert: Alert(
        rule: rule, severity: severity, time: Instant(nanoseconds: time), store: store, subject: subject, summary: summary,
        evidence: evidence.map { [$0] } ?? [], firstSeen: Instant(nanoseconds: begun), count: count), isEmitted: false)
  }

  /// An alert that a second person excused, in the register, until a time.
  private func isWaived(_ rule: String, subject: String, store: String?, time: Int64) -> Bool {
    guard let waivers = intent?.waivers, !waivers.isEmpty else { return false }
    return waivers.contains { waiver in
      waiver.rule == rule && (waiver.address == subject || waiver.address == store) && waiver.reason != nil && waiver.approvedBy != nil
        && waiver.approvedBy != waiver.proposedBy && waiver.expiresAt.map { $0.nanoseconds > time } ?? false
    }
  }

  /// The alerts that were not handed over yet, oldest first; they count as handed over afterwards.
  package mutating func drain(now: Instant) -> [Alert] {
    var alerts = ready
    ready = []
    for (key, open) in state.open {
      if !open.isEmitted {
        alerts.append(open.alert)
        state.open[key]?.isEmitted = true
      } else if now.nanoseconds - open.alert.firstSeen.nanoseconds > 2 * parameters.foldWindow * Self.second {
        state.open[key] = nil
      }
    }
    return alerts.sorted { ($0.firstSeen, $0.rule, $0.subject, $0.severity) < ($1.firstSeen, $1.rule, $1.subject, $1.severity) }
  }

  // MARK: Who

  /// What the caller is for; nil when there is no register or no caller.
  mutating func purpose(of identity: LogIdentity) -> IntentRegister.PurposeDecision? {
    guard let intent, !identity.isEmpty || identity.mirid != nil else { return nil }
    let id = "\(identity.objectId ?? "")|\(identity.appId ?? "")|\(identity.mirid ?? "")"
    if let known = decisions[id] { return known }
    var principal = IntentPrincipal()
    if let estate, let objectId = identity.objectId { principal = IntentPrincipal(objectId: objectId, in: estate) }
    principal.objectId = identity.objectId ?? principal.objectId
    principal.clientId = principal.clientId ?? identity.appId
    principal.armId = principal.armId ?? identity.mirid
    let decision = intent.purpose(of: principal)
    if decisions.count < 100_000 { decisions[id] = decision }
    return decision
  }

  /// The purpose of a principal known by object id.
  mutating func purpose(of objectId: String) -> IntentRegister.PurposeDecision? { purpose(of: LogIdentity(objectId: objectId.lowercased())) }

  func name(_ objectId: String?) -> String {
    guard let objectId else { return "somebody unknown" }
    guard let estate else { return objectId }
    let name = estate.name(of: objectId)
    return name.lowercased() == objectId ? objectId : "\(name) (\(objectId))"
  }

  func isSigningKey(_ key: String, store: String?) -> Bool? {
    guard let intent else { return nil }
    if intent.isSigningKey(name: key) { return true }
    let tags = estate?.snapshot.keys.first { $0.name.lowercased() == key.lowercased() && (store == nil || $0.store.lowercased() == store) }?.tags
    return intent.isSigningKey(name: key, tags: tags)
  }
}
