package import Clocks
package import Encodings

/// Whether something was used within a time.
package enum UseVerdict: Sendable, Hashable {
  case used(last: Instant)
  case unused
  /// Why it cannot be said.
  case notKnown(String)

  package var word: String {
    switch self {
    case .used: "used"
    case .unused: "unused"
    case .notKnown: "not known"
    }
  }
}

/// A key, and whether anybody used it.
package struct KeyUsage: Sendable, Hashable {
  package var store: String
  package var key: String
  package var verdict: UseVerdict

  package var json: JSONValue { verdict.json(["store": .string(store), "key": .string(key)]) }
}

/// A right, and whether its holder used it.
package struct RightUsage: Sendable, Hashable {
  package var principal: String
  package var name: String?
  package var store: String
  package var key: String?
  package var grant: String
  package var path: [String]
  package var capability: Capability
  package var latent: Bool
  package var verdict: UseVerdict

  package var json: JSONValue {
    verdict.json([
      "principal": .string(principal), "name": JSONValue(text: name), "store": .string(store), "key": JSONValue(text: key),
      "grant": .string(grant), "path": .array(path.map { .string($0) }), "capability": .string(capability.rawValue), "latent": .bool(latent),
    ])
  }
}

extension UseVerdict {
  fileprivate func json(_ members: JSONObject) -> JSONValue {
    var object = members
    object["use"] = .string(word)
    if case .used(let last) = self { object["last"] = JSONValue(time: last) }
    if case .notKnown(let why) = self { object["why"] = .string(why) }
    return .object(object)
  }
}

extension EstateQuestions {
  private static let using: Set<Capability> = [.sign, .verify, .encrypt, .decrypt, .wrap, .unwrap, .release, .export]

  /// For each key that is not deleted: whether anybody used it since a time. Reading a key's public half is not using it.
  package func keyUsage(_ facts: UseFacts, since: Instant) -> EstateAnswer<KeyUsage> {
    var last: [String: Instant] = [:]
    for use in facts.uses where Self.using.contains(use.capability) {
      let id = "\(use.store)\u{0}\(use.key)".lowercased()
      last[id] = max(last[id] ?? use.last, use.last)
    }
    var seen: Set<String> = []
    let rows = snapshot.keys.filter { !$0.deleted }.compactMap { key -> KeyUsage? in
      let id = "\(key.store)\u{0}\(key.name)".lowercased()
      guard seen.insert(id).inserted else { return nil }
      if let time = last[id], time >= since { return KeyUsage(store: key.store, key: key.name, verdict: .used(last: time)) }
      let gap = facts.gap(store: key.store, since: since, until: rights.time)
      return KeyUsage(store: key.store, key: key.name, verdict: gap.map { .notKnown($0) } ?? .unused)
    }
    return EstateAnswer(rows: rows.sorted { ($0.store, $0.key) < ($1.store, $1.key) }, gaps: storeGaps)
  }

  /// For each capability that a grant gives an identity: whether that identity used it since a time.
  ///
  /// A use proves only that some path was used: with several paths to one capability each counts as used.
  package func rightUsage(_ facts: UseFacts, since: Instant) -> EstateAnswer<RightUsage> {
    var last: [String: Instant] = [:]
    for use in facts.uses where use.last >= since {
      for key in [use.key.lowercased(), "*"] {
        let id = "\(use.principal)\u{0}\(use.store)\u{0}".lowercased() + "\(key)\u{0}\(use.capability.rawValue)"
        last[id] = max(last[id] ?? use.last, use.last)
      }
    }
    var rows: [RightUsage] = []
    for principal in rights.principals {
      let name = rights.identities[principal.lowercased()]?.name
      for right in rights.rights(of: principal) {
        guard let store = right.store else { continue }
        var gap = facts.gap(store: store, since: since, until: rights.time)
        if gap == nil, facts.unattributed.contains(store.lowercased()) { gap = "the log of store \(store) has uses that name nobody" }
        for capability in right.capabilities.canonical where Self.observable.contains(capability) {
          let id = "\(principal)\u{0}\(store)\u{0}".lowercased() + "\(right.key?.lowercased() ?? "*")\u{0}\(capability.rawValue)"
          let verdict: UseVerdict = last[id].map { .used(last: $0) } ?? gap.map { .notKnown($0) } ?? .unused
          rows.append(
            RightUsage(
              principal: principal, name: name, store: store, key: right.key, grant: right.grant, path: right.path, capability: capability,
              latent: right.latent, verdict: verdict))
        }
      }
    }
    return EstateAnswer(rows: rows, gaps: rights.gaps)
  }

  /// Capabilities whose use leaves a record that names the key.
  private static let observable = Capability.ofKeys.subtracting([.read])
}
