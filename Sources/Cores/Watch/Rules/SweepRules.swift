package import Clocks
package import Estate
internal import Encodings

extension WatchEngine {
  /// The rules over the state of the estate. `before` is nil when there is only one view: what changed cannot be seen then.
  package mutating func sweep(before: InventorySnapshot?, after: InventorySnapshot, source: String = "inventory", now: Instant) {
    estate = EstateRights(after, at: now)
    decisions = [:]
    let evidence = AlertEvidence(source: source)
    let time = now.nanoseconds
    for store in after.stores { storeState(store, before?.stores.first { $0.id.lowercased() == store.id.lowercased() }, after, time, evidence) }
    if let before {
      for gone in before.stores where gone.visibility != .denied && !after.stores.contains(where: { $0.id.lowercased() == gone.id.lowercased() }) {
        raise("HM-D44", store: gone.id, subject: gone.id, "\(gone.id) was visible at \(Alert.text(before.takenAt)) and is not in the inventory any more.", time: time, evidence: evidence)
      }
      keyChanges(before, after, time, evidence)
      roleChanges(before, after, time, evidence)
      identityChanges(before, after, time, evidence)
      newGrants(before, after, time, evidence)
    }
    keyState(after, time, evidence)
    bypasses(after, time, evidence)
    unusedGrants(after, time, evidence)
  }

  private mutating func storeState(
    _ store: InventorySnapshot.Store, _ old: InventorySnapshot.Store?, _ after: InventorySnapshot, _ time: Int64, _ evidence: AlertEvidence
  ) {
    let id = store.id
    if let old, old.visibility != .denied, store.visibility == .denied {
      raise("HM-D44", store: id, subject: id, "\(id) was visible before and now refuses to be read.", time: time, evidence: evidence)
    }
    guard store.visibility != .denied else { return }
    if store.kind == .managedHsm, let activation = store.activation {
      if activation == "SecurityDomainRestore" {
        raise("HM-D02", store: id, subject: id, "\(id) is being restored from a security domain.", time: time, evidence: evidence)
      } else if activation == "Unknown" {
        let polls = old?.activation == "Unknown" ? 2 : (state.unknownActivation[id] ?? 0) + 1
        state.unknownActivation[id] = polls
        if polls >= 2 { raise("HM-D03", store: id, subject: id, "Whether the security domain of \(id) is active was unknown at two polls.", time: time, evidence: evidence) }
      } else if activation != "Active" {
        raise("HM-D03", store: id, subject: id, "The security domain of \(id) is \(activation), not Active.", time: time, evidence: evidence)
      }
      if activation != "Unknown" { state.unknownActivation[id] = nil }
    }
    let holdsSigning = after.keys.contains { $0.store.lowercased() == id.lowercased() && !$0.deleted && isSigning($0) }
    if store.purgeProtection == false, old?.purgeProtection == true || holdsSigning {
      raise("HM-D21", store: id, subject: id, "Purge protection of \(id) is off\(holdsSigning ? ", and it holds signing keys" : "").", time: time, evidence: evidence)
    }
    if store.publicNetwork == "Enabled", old?.publicNetwork == "Disabled" {
      raise("HM-D30", store: id, subject: id, "The public network of \(id) was opened.", time: time, evidence: evidence)
    } else if store.networkDefault == "Allow", old?.networkDefault == "Deny" {
      raise("HM-D30", store: id, subject: id, "The network rules of \(id) now allow by default.", time: time, evidence: evidence)
    }
    if let sinks = store.diagnosticSinks {
      if sinks.isEmpty {
        raise("HM-D25", store: id, subject: id, "\(id) sends its audit events nowhere.", time: time, evidence: evidence)
      } else if let old = old?.diagnosticSinks, let gone = old.first(where: { !sinks.contains($0) }) {
        raise("HM-D25", store: id, subject: id, "\(id) no longer sends its audit events to \(gone).", time: time, evidence: evidence)
      }
    }
    if let old = old?.locks, let locks = store.locks, let gone = old.first(where: { !locks.contains($0) }) {
      raise("HM-D40", store: id, subject: id, "The lock \(gone) of \(id) is gone.", time: time, evidence: evidence)
    }
  }

  /// A signing key by the register, or by its operations when there is no register that names any.
  func isSigning(_ key: InventorySnapshot.Key) -> Bool {
    if let intent {
      let named = intent.signingKeys
      if !named.names.isEmpty || !named.tags.isEmpty || !named.subjects.isEmpty { return intent.isSigningKey(name: key.name, tags: key.tags) }
    }
    return key.keyOps?.contains("sign") ?? false
  }

  private mutating func keyState(_ after: InventorySnapshot, _ time: Int64, _ evidence: AlertEvidence) {
    var versions: [String: (key: InventorySnapshot.Key, count: Int)] = [:]
    for key in after.keys where !key.deleted {
      let id = "\(key.store.lowercased())|\(key.name.lowercased())"
      versions[id] = (key, (versions[id]?.count ?? 0) + 1)
      if let level = key.recoveryLevel, level.contains("Purgeable"), isSigning(key) {
        raise("HM-D21", store: key.store, subject: key.name, "The signing key \(key.name) of \(key.store) can be purged (\(level)).", time: time, evidence: evidence)
      }
      if let attestation = key.tags?["hallmark.attestation"], ["missing", "invalid", "foreign"].contains(attestation) {
        raise("HM-D42", store: key.store, subject: key.name, "The attestation of \(key.name) in \(key.store) is \(attestation).", time: time, evidence: evidence)
      }
    }
    for (_, entry) in versions where entry.count >= parameters.versionLimit {
      raise("HM-D36", store: entry.key.store, subject: entry.key.name, "\(entry.key.name) of \(entry.key.store) has \(entry.count) of 100 versions.", time: time, evidence: evidence)
    }
    let questions = EstateQuestions(after, intent: intent ?? IntentRegister(), at: Instant(nanoseconds: time))
    for row in questions.rotation().rows {
      guard let entry = versions["\(row.store.lowercased())|\(row.key.lowercased())"]?.key else { continue }
      if row.isOverdue(at: Instant(nanoseconds: time)) {
        raise(
          "HM-D35", store: row.store, subject: row.key, "\(row.key) of \(row.store) was to be rotated by \(row.due.map(Alert.text) ?? "now") (every \(row.every ?? "?")).", time: time, evidence: evidence)
      } else if let policy = entry.rotationPolicy, policy.every == nil, row.every == nil, isSigning(entry) {
        raise("HM-D35", store: row.store, subject: row.key, "\(row.key) of \(row.store) has no rotation policy.", time: time, evidence: evidence)
      }
    }
    var together: [String: Int] = [:]
    for key in after.keys {
      let name = key.name.lowercased()
      guard let created = key.created, name.contains("securitydomain") || name.contains("security-domain") || name.contains("quorum") else { continue }
      together["\(key.store)|\(created.seconds / 60)", default: 0] += 1
    }
    for (place, count) in together where count >= 3 {
      let store = String(place.split(separator: "|")[0])
      raise("HM-D39", store: store, subject: store, "\(count) keys of a security domain's quorum were made within one minute in \(store).", time: time, evidence: evidence)
    }
  }

  private mutating func keyChanges(_ before: InventorySnapshot, _ after: InventorySnapshot, _ time: Int64, _ evidence: AlertEvidence) {
    var old: [String: InventorySnapshot.Key] = [:]
    var lineages: [String: [InventorySnapshot.Key]] = [:]
    func id(_ key: InventorySnapshot.Key) -> String { "\(key.store.lowercased())|\(key.name.lowercased())" }
    for key in before.keys {
      old["\(id(key))|\(key.version ?? "")"] = key
      lineages[id(key), default: []].append(key)
    }
    var recreated: Set<String> = []
    for key in after.keys {
      if let was = old["\(id(key))|\(key.version ?? "")"] {
        if key.deleted, !was.deleted {
          raise("HM-D20", .high, store: key.store, subject: key.name, "\(key.name) of \(key.store) was deleted.", time: time, evidence: evidence)
        }
        if let ops = key.keyOps, let wasOps = was.keyOps, Set(ops) != Set(wasOps) {
          let gained = Set(ops).subtracting(wasOps).sorted().joined(separator: ", ")
          raise("HM-D23", store: key.store, subject: key.name, "The operations of \(key.name) in \(key.store) changed\(gained.isEmpty ? "" : ": it gained \(gained)").", time: time, evidence: evidence)
        }
      } else if !key.deleted {
        let earlier = (lineages[id(key)] ?? []) + after.keys.filter { $0.deleted && id($0) == id(key) }
        let isGone = earlier.contains { $0.deleted } && after.keys.allSatisfy { id($0) != id(key) || $0.deleted || old["\(id($0))|\($0.version ?? "")"]?.deleted ?? true }
        if isGone, recreated.insert(id(key)).inserted {
          raise("HM-D45", store: key.store, subject: key.name, "\(key.name) of \(key.store) was made anew after a key of this name was deleted; traces by name mix the two.", time: time, evidence: evidence)
        }
      }
    }
  }
}
