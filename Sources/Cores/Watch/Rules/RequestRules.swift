internal import Clocks
internal import DiagnosticLogs
internal import Estate

extension WatchEngine {
  /// The rules over one request on a store.
  mutating func request(_ record: LogRecord) {
    let store = record.store ?? "unknown"
    noteRow(store, record.time)
    matchLedger(record, store)
    if record.isChallenge { return }
    refusals(record, store)
    switch record.operation {
    case .sign: sign(record, store)
    case .decrypt, .unwrap: opening(record, store)
    case .release:
      opening(record, store)
      copying(record, store)
    case .domainDownload, .domainUpload: domain(record, store)
    case .roleAssignmentWrite: assignment(record, store)
    case .keyDelete, .keyPurge, .keyRecover, .keyCreate, .keyImport: lifecycle(record, store)
    case .keyBackup, .keyRestore, .fullBackup, .fullRestore, .export: copying(record, store)
    case .settingWrite: setting(record, store)
    case .storeWrite, .storeDelete: storeChange(record, store)
    case .keyAttest:
      if let status = record.status, [400, 404, 409, 410, 422, 500].contains(status), let key = record.key {
        raise("HM-D42", store: store, subject: key, "The attestation of \(key) in \(store) could not be given (status \(status)).", time: record.time, evidence: evidence(record))
      }
    case .certificateCreate: certificate(record, store)
    default: break
    }
    if record.isSuccess, let principal = record.identity.objectId, let key = record.key {
      let use = "\(principal)|\(store)|\(key.lowercased())|\(record.operation.rawValue)"
      if record.time > state.uses[use] ?? .min { state.uses[use] = record.time }
    }
  }

  func evidence(_ record: LogRecord) -> AlertEvidence {
    AlertEvidence(source: record.place.source, line: record.place.line, requestId: record.correlationId)
  }

  func who(_ record: LogRecord) -> String { record.identity.objectId ?? record.identity.appId ?? record.identity.upn ?? "unauthenticated" }

  private mutating func noteRow(_ store: String, _ time: Int64) {
    if let last = state.watermarks[store] {
      if time > last {
        let gap = time - last
        state.longestGaps[store] = max(state.longestGaps[store] ?? 0, gap)
        // A moving average; enough to know how often rows usually come.
        state.usualGaps[store] = state.usualGaps[store].map { ($0 * 15 + gap) / 16 } ?? gap
        state.watermarks[store] = time
      } else if last - time > parameters.lateness * Self.second {
        state.late += 1
      }
    } else {
      state.watermarks[store] = time
    }
    state.firstRows[store] = min(state.firstRows[store] ?? time, time)
  }

  private mutating func refusals(_ record: LogRecord, _ store: String) {
    guard let status = record.status, status >= 400 else { return }
    if record.resultType?.lowercased() == "success" {
      raise(
        "HM-D29", store: store, subject: who(record), "\(store) logged a refused \(record.operationName) (status \(status)) as Success.", time: record.time,
        evidence: evidence(record))
    }
    if status == 401 || status == 403 { failure(record, store) }
  }

  // MARK: Using keys

  private mutating func opening(_ record: LogRecord, _ store: String) {
    guard let decision = purpose(of: record.identity), decision.purpose == .signOnly, let status = record.status else { return }
    guard record.isSuccess || status >= 400 else { return }
    let person = who(record)
    let summary = "\(name(person)) is only meant to sign and \(record.isSuccess ? "did" : "tried") \(record.operation.rawValue) with \(record.key ?? "a key") in \(store) (status \(status))."
    raise("HM-D08", record.isSuccess ? .critical : .high, store: store, subject: person, summary, time: record.time, evidence: evidence(record))
  }

  private mutating func sign(_ record: LogRecord, _ store: String) {
    guard record.isSuccess else { return }
    let person = who(record)
    let key = record.key ?? "a key"
    let decision = purpose(of: record.identity)
    let at = Alert.text(Instant(nanoseconds: record.time))
    if let entry = decision?.entry {
      if let hours = entry.hours, let local = localTime(hours.timezone, Instant(nanoseconds: record.time)), !hours.contains(local) {
        raise(
          "HM-D09", store: store, subject: person, "\(name(person)) signed with \(key) in \(store) at \(at), outside its hours in \(hours.timezone).",
          time: record.time, evidence: evidence(record))
      }
      if let ranges = entry.addresses, let address = record.callerAddress, !ranges.contains(where: { $0.contains(address) }) {
        let kind = IPAddress.isPrivate(address) ? "the private address \(address)" : address
        raise(
          "HM-D10", store: store, subject: person, "\(name(person)) signed with \(key) in \(store) from \(kind), which is not among its addresses.",
          time: record.time, evidence: evidence(record))
      }
    }
    let isBuild = decision?.purpose == .signOnly
    if record.identity.isHuman, intent != nil, isBuild || isSigningKey(key, store: store) == true {
      raise(
        "HM-D17", store: store, subject: person,
        "A person (\(record.identity.upn ?? name(person))) signed with \(key) in \(store), which only builds should use.", time: record.time, evidence: evidence(record))
    }
    if record.storeKind == .managedHsm, record.origin == .azure, record.isVersionedRequest == false {
      raise(
        "HM-D19", store: store, subject: key, "\(name(person)) signed with \(key) in \(store) without naming a version; the log cannot say which one signed.",
        time: record.time, evidence: evidence(record))
    }
    habits(record, store, person, key)
    rate(record, store, person, key)
  }

  /// First uses, dormant identities, foreign tools.
  private mutating func habits(_ record: LogRecord, _ store: String, _ person: String, _ key: String) {
    let use = "\(person)|\(store)|\(key.lowercased())|sign"
    if state.uses[use].map({ record.time - $0 > parameters.firstUse * Self.second }) ?? true, let first = state.firstRows[store],
      record.time - first >= parameters.firstUse * Self.second
    {
      raise("HM-D12", store: store, subject: person, "\(name(person)) signed with \(key) in \(store) for the first time in 90 days.", time: record.time, evidence: evidence(record))
    }
    let last = state.lastSigns[person]
    if let last, record.time - last > parameters.dormant * Self.second {
      raise(
        "HM-D13", store: store, subject: person,
        "\(name(person)) signed with \(key) in \(store) after \((record.time - last) / (86_400 * Self.second)) days without a signature.", time: record.time, evidence: evidence(record))
    }
    if record.time > last ?? .min { state.lastSigns[person] = record.time }
    guard let agent = record.clientInfo else { return }
    if let wanted = parameters.agents[person] {
      if !agent.hasPrefix(wanted) { foreignTool(record, store, person, agent, wanted) }
      return
    }
    let tool = String(agent.prefix { $0 != "/" && $0 != " " }.prefix(64)).lowercased()
    let own = "\(person)|\(tool)"
    if state.agents[own] == nil {
      let known = state.agents.filter { $0.key.hasPrefix("\(person)|") }
      if known.values.reduce(0, +) >= Int64(parameters.agentLessons) {
        foreignTool(record, store, person, agent, known.keys.sorted().map { $0.dropFirst(person.count + 1) }.joined(separator: ", "))
      }
    }
    state.agents[own, default: 0] += 1
  }

  private mutating func foreignTool(_ record: LogRecord, _ store: String, _ person: String, _ agent: String, _ usual: String) {
    raise(
      "HM-D18", store: store, subject: person, "\(name(person)) signed with \"\(agent.prefix(80))\"; it usually uses \(usual).", time: record.time, evidence: evidence(record))
  }

  // MARK: Changing keys and stores

  private mutating func domain(_ record: LogRecord, _ store: String) {
    guard record.isSuccess else { return }
    let person = who(record)
    if record.operation == .domainDownload {
      state.domainDownloads[store] = max(state.domainDownloads[store] ?? .min, record.time)
      raise("HM-D01", store: store, subject: person, "\(name(person)) downloaded the security domain of \(store).", time: record.time, evidence: evidence(record))
      quorum(record.time, store, evidence(record))
    } else {
      state.drills[store] = max(state.drills[store] ?? .min, record.time)
      raise("HM-D02", store: store, subject: person, "\(name(person)) uploaded a security domain to \(store).", time: record.time, evidence: evidence(record))
    }
  }

  private mutating func assignment(_ record: LogRecord, _ store: String) {
    guard record.isSuccess else { return }
    let person = who(record)
    let parts = record.path?.split(separator: "/") ?? []
    if let guid = parts.last, parts.dropLast().last == "roleassignments" {
      if state.roleWriters.count < parameters.maxRemembered { state.roleWriters[String(guid)] = person }
      let scope = "/" + parts.prefix { $0 != "providers" }.joined(separator: "/")
      let governs = [record.identity.objectId, record.identity.appId].contains { $0.map(parameters.governance.contains) ?? false }
      if scope == "/" || scope == "/keys", !governs {
        raise("HM-D04", store: store, subject: person, "\(name(person)) assigned a local role at \(scope) of \(store).", time: record.time, evidence: evidence(record))
      }
      newAssignments(only: String(guid), time: record.time, evidence: evidence(record))
    }
  }

  private mutating func lifecycle(_ record: LogRecord, _ store: String) {
    guard record.isSuccess, let key = record.key else { return }
    let person = who(record)
    let id = "\(store)|\(key.lowercased())"
    let words: (AlertSeverity, String)?
    switch record.operation {
    case .keyDelete:
      words = (.high, "deleted")
      if state.recoveries[id] ?? .min < record.time { state.deletions[id] = record.time }
      recreated(record, store, key, id)
    case .keyPurge:
      words = (.critical, "purged")
      state.deletions[id] = max(state.deletions[id] ?? .min, record.time)
    case .keyRecover:
      words = (.medium, "recovered")
      state.deletions[id] = nil
      if state.recoveries.count < parameters.maxRemembered { state.recoveries[id] = max(state.recoveries[id] ?? .min, record.time) }
    default:
      words = nil
      if let deleted = state.deletions[id], record.time > deleted {
        raise(
          "HM-D45", store: store, subject: key, "\(name(person)) created \(key) in \(store) anew after a key of this name was deleted; traces by name mix the two.",
          time: record.time, evidence: evidence(record))
        state.deletions[id] = nil
      } else if state.creations.count < parameters.maxRemembered {
        state.creations[id] = max(state.creations[id] ?? .min, record.time)
      }
    }
    if let words { raise("HM-D20", words.0, store: store, subject: key, "\(name(person)) \(words.1) the key \(key) in \(store).", time: record.time, evidence: evidence(record)) }
  }

  /// HM-D45 when the row of the deletion comes after the row of the creation that followed it, and no recovery lies between them.
  private mutating func recreated(_ deletion: LogRecord, _ store: String, _ key: String, _ id: String) {
    guard let created = state.creations[id], created > deletion.time else { return }
    if let recovered = state.recoveries[id], recovered > deletion.time, recovered < created { return }
    raise(
      "HM-D45", store: store, subject: key, "\(key) in \(store) was created anew after a key of this name was deleted; traces by name mix the two.", time: created,
      evidence: evidence(deletion))
    state.deletions[id] = nil
  }

  private mutating func copying(_ record: LogRecord, _ store: String) {
    guard record.isSuccess else { return }
    if record.operation == .fullBackup { state.backups[store] = max(state.backups[store] ?? .min, record.time) }
    if record.operation == .fullRestore { state.drills[store] = max(state.drills[store] ?? .min, record.time) }
    let person = who(record)
    if record.operation == .fullBackup || record.operation == .keyBackup, purpose(of: record.identity)?.purpose == .backup { return }
    let what =
      switch record.operation {
      case .fullBackup: "took a full backup of \(store)"
      case .fullRestore: "restored a backup into \(store)"
      case .keyRestore: "restored a key into \(store)"
      case .keyBackup: "backed up \(record.key ?? "a key") of \(store)"
      case .export: "exported \(record.key ?? "a key") of \(store)"
      default: "had \(record.key ?? "a key") of \(store) released"
      }
    raise("HM-D22", store: store, subject: person, "\(name(person)) \(what).", time: record.time, evidence: evidence(record))
  }

  private mutating func setting(_ record: LogRecord, _ store: String) {
    guard record.isSuccess, record.path?.hasSuffix("/allowkeymanagementoperationsthrougharm") ?? false else { return }
    raise(
      "HM-D24", store: store, subject: who(record), "\(name(who(record))) changed AllowKeyManagementOperationsThroughARM of \(store); with it contributors of the control plane gain keys.",
      time: record.time, evidence: evidence(record))
  }

  private mutating func storeChange(_ record: LogRecord, _ store: String) {
    guard record.isSuccess else { return }
    if record.operation == .storeDelete {
      raise("HM-D21", store: store, subject: store, "\(name(who(record))) deleted the vault \(store).", time: record.time, evidence: evidence(record))
    } else if record.enablePurgeProtection == false {
      raise("HM-D21", store: store, subject: store, "\(name(who(record))) wrote the vault \(store) without purge protection.", time: record.time, evidence: evidence(record))
    }
  }

  private mutating func certificate(_ record: LogRecord, _ store: String) {
    guard record.isSuccess else { return }
    state.certificates["\(store)|\(record.time / (60 * Self.second))|\(who(record))", default: 0] += 1
    // Rows of certificates may come after the row of the download they preceded.
    for (hsm, time) in state.domainDownloads where time >= record.time && time - record.time <= 86_400 * Self.second { quorum(time, hsm, evidence(record)) }
  }

  /// Wrapping certificates made together in one vault, shortly before a security domain was downloaded.
  private mutating func quorum(_ time: Int64, _ store: String, _ evidence: AlertEvidence) {
    let minute = time / (60 * Self.second)
    for (place, count) in state.certificates where count >= 3 {
      let parts = place.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 3, let made = Int64(parts[1]), made <= minute, minute - made <= 1440 else { continue }
      raise(
        "HM-D39", store: store, subject: parts[0], "\(count) certificates were made within one minute in \(parts[0]) by \(name(parts[2])) before the security domain of \(store) was downloaded: its quorum lies in one place.",
        time: time, evidence: evidence)
    }
  }
}
