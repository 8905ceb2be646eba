import Clocks
import Encodings
import Estate
import Plans

/// Judges what leaves and what arrives together (2.1–2.4, 2.6, 2.8, 2.10, 2.15, 2.17).
struct MovedKeys {
  private let change: EstateChange
  private let moves: KeyMoves
  private let consumersMove: Bool
  private let remembered: [PendingFact]

  static let arrivedKind = "vault-key-created"
  static let leftKind = "hsm-key-left"
  private static let markingTags: Set<String> = ["purpose", "use", "usage", "hallmark.purpose", "role"]

  init(_ change: EstateChange, moves: KeyMoves, consumersMove: Bool) {
    self.change = change
    self.moves = moves
    self.consumersMove = consumersMove
    remembered = change.options.memory?.facts ?? []
  }

  func evaluate() -> GateOutcome {
    var outcome = GateOutcome()
    var explained: Set<String> = []
    for arrival in moves.arriving {
      if let (finding, departure) = judge(arrival) {
        outcome.findings.append(finding)
        if let departure { explained.insert(departure) }
        if departure == nil { outcome.pending.append(fact(Self.arrivedKind, arrival)) }
      }
    }
    for departure in moves.leaving where departure.isSigning && !explained.contains(departure.address) {
      outcome.findings.append(lonely(departure))
      outcome.pending.append(fact(Self.leftKind, departure))
    }
    outcome.findings += external()
    return outcome
  }

  private func fact(_ kind: String, _ key: KeyMoves.Key) -> PendingFact {
    PendingFact(kind: kind, address: key.address, store: key.store?.name, key: key.name, seen: change.options.now.seconds)
  }

  /// - Returns: the finding, and the address of the key it came from; nil when the arrival is none of our business.
  private func judge(_ arrival: KeyMoves.Key) -> (Finding, String?)? {
    let skeleton = NameSkeleton.of(arrival.name)
    let signing = moves.leaving.filter(\.isSigning)
    if let same = signing.first(where: { !arrival.name.isEmpty && NameSkeleton.of($0.name) == skeleton }) {
      let looks = same.name.lowercased() == arrival.name.lowercased() ? "of the same name" : "whose name only looks the same"
      return (finding(GateTwoRule.moved, .block, arrival, from: same, "a vault key \(looks) \(arrival.how) in \(arrival.storeName)"), same.address)
    }
    if arrival.isSigning || isLinked(arrival, signing), let from = signing.first(where: { shares($0, arrival) }) ?? (signing.count == 1 ? signing.first : nil) {
      return (finding(GateTwoRule.moved, .block, arrival, from: from, "signing key \(arrival.name) \(arrival.how) in \(arrival.storeName)"), from.address)
    }
    if let past = remembered.first(where: { $0.kind == Self.leftKind && NameSkeleton.of($0.key ?? "") == skeleton }), !arrival.name.isEmpty {
      return (
        sequence(arrival, "signing key \(past.key ?? "") left \(past.store ?? "its HSM") in an earlier change, and now a vault key of its name \(arrival.how) in \(arrival.storeName)"), nil
      )
    }
    if let twin = moves.staying[skeleton], !arrival.name.isEmpty {
      if consumersMove {
        return (copy(arrival, twin, .block, "and this change points consumers at a vault"), nil)
      }
      if arrival.isImport { return (imported(arrival, "the name of signing key \(twin.name) of \(twin.store)"), nil) }
      return (copy(arrival, twin, .warn, "which is how a move in two steps begins"), nil)
    }
    if arrival.isSigning {
      if arrival.isImport { return (imported(arrival, "the marks of a signing key"), nil) }
      return (
        Finding(
          rule: GateTwoRule.copied, gate: .two, verdict: consumersMove ? .block : .warn, severity: consumersMove ? .critical : .medium, address: arrival.address,
          store: arrival.storeName, key: arrival.name,
          reason: "Signing key \(arrival.name) \(arrival.how) in the standard vault \(arrival.storeName), not in a Managed HSM.",
          fix: "Make signing keys in a Managed HSM; a premium vault is not one.", location: arrival.resource?.location), nil
      )
    }
    if signing.count == 1, moves.arriving.count == 1, let from = signing.first, let algorithm = arrival.algorithm, algorithm == from.algorithm {
      return (finding(GateTwoRule.maybe, .warn, arrival, from: from, "the only new vault key, \(arrival.name), has the same algorithm"), from.address)
    }
    return nil
  }

  private func isLinked(_ arrival: KeyMoves.Key, _ signing: [KeyMoves.Key]) -> Bool { signing.contains { shares($0, arrival) } }

  /// A tag of purpose or use that both carry.
  private func shares(_ a: KeyMoves.Key, _ b: KeyMoves.Key) -> Bool {
    func marks(_ key: KeyMoves.Key) -> Set<[String]> {
      Set(key.tags.map { [$0.key.lowercased(), $0.value.lowercased()] }.filter { Self.markingTags.contains($0[0]) })
    }
    return !marks(a).isDisjoint(with: marks(b))
  }

  private func finding(_ rule: String, _ verdict: Finding.Verdict, _ arrival: KeyMoves.Key, from: KeyMoves.Key, _ what: String) -> Finding {
    Finding(
      rule: rule, gate: .two, verdict: verdict, severity: verdict == .block ? .critical : .medium, address: arrival.address, store: from.storeName, key: from.name,
      before: ["store": .string(from.storeName), "key": .string(from.name)], after: ["store": .string(arrival.storeName), "key": .string(arrival.name)],
      reason: "Signing key \(from.name) \(from.how) in \(from.storeName), and \(what): the key leaves the Managed HSM, whatever the type of the vault or of the key.",
      fix: "Keep \(from.name) in \(from.storeName), or make its successor in another Managed HSM; rotate there instead of moving.",
      location: arrival.resource?.location ?? from.resource?.location)
  }

  private func copy(_ arrival: KeyMoves.Key, _ twin: (name: String, store: String), _ verdict: Finding.Verdict, _ why: String) -> Finding {
    Finding(
      rule: GateTwoRule.copied, gate: .two, verdict: verdict, severity: verdict == .block ? .critical : .medium, address: arrival.address, store: twin.store,
      key: twin.name, after: ["store": .string(arrival.storeName), "key": .string(arrival.name)],
      reason: "A vault key named like signing key \(twin.name) of \(twin.store) \(arrival.how) in \(arrival.storeName), \(why).",
      fix: "Do not make a second key of this name in a vault; give it another name if it is for something else.", location: arrival.resource?.location)
  }

  private func imported(_ arrival: KeyMoves.Key, _ marks: String) -> Finding {
    Finding(
      rule: GateTwoRule.imported, gate: .two, verdict: .warn, severity: .high, address: arrival.address, store: arrival.storeName, key: arrival.name,
      reason: "Vault key \(arrival.name) of \(arrival.storeName) is taken under management and has \(marks): a move made outside may be adopted here.",
      fix: "Find out who made this key and what it signed before it is adopted.", location: arrival.resource?.location)
  }

  private func sequence(_ key: KeyMoves.Key, _ what: String) -> Finding {
    Finding(
      rule: GateTwoRule.sequence, gate: .two, verdict: .block, severity: .critical, address: key.address, store: key.store?.name, key: key.name,
      reason: "Two changes together move a signing key out of its Managed HSM: \(what).", fix: "Make the key in a Managed HSM.", location: key.resource?.location)
  }

  /// A signing key leaves and nothing arrives for it.
  private func lonely(_ departure: KeyMoves.Key) -> Finding {
    if let past = remembered.first(where: { $0.kind == Self.arrivedKind && NameSkeleton.of($0.key ?? "") == NameSkeleton.of(departure.name) }) {
      return sequence(departure, "vault key \(past.key ?? "") was made in \(past.store ?? "a vault") by an earlier change, and now signing key \(departure.name) \(departure.how) in \(departure.storeName)")
    }
    if let resource = departure.resource, resource.action == .replace || change.resources.contains(where: { other in
      guard other.arrives, case .key(let key)? = other.after, key.kind == .managedHsm else { return false }
      return key.name.value?.lowercased() == departure.name.lowercased()
    }) {
      return Finding(
        rule: GateTwoRule.otherHSM, gate: .two, verdict: .warn, severity: .medium, address: departure.address, store: departure.storeName, key: departure.name,
        reason: "Signing key \(departure.name) of \(departure.storeName) is made anew in a Managed HSM: it stays in one, but the material, and perhaps the security domain, is new.",
        fix: "Tell verifiers of the new key before this is applied, or rotate the key instead.", location: resource.location)
    }
    return Finding(
      rule: GateTwoRule.keyRemoved, gate: .two, verdict: .warn, severity: .high, address: departure.address, store: departure.storeName, key: departure.name,
      reason: "Signing key \(departure.name) of \(departure.storeName) \(departure.how), and nothing in this change takes its place.",
      fix: "Disable the key first and delete it when nothing needs it any more.", location: departure.resource?.location)
  }

  private func external() -> [Finding] {
    change.resources.compactMap { resource in
      guard case .key(let key)? = resource.after, key.external.value == true, resource.action != .noOp, !resource.change.isDrift else { return nil }
      if case .key(let old)? = resource.before, old.external.value == true { return nil }
      guard change.isSigningKey(name: key.name.value, tags: key.tags.value) else { return nil }
      let handle = change.store(key.store, kind: key.kind)
      return Finding(
        rule: GateTwoRule.external, gate: .two, verdict: .warn, severity: .medium, address: resource.address, store: handle?.name, key: key.name.value,
        reason: "Signing key \(key.name.value ?? "") becomes an external key: its material lives outside of the Managed HSM.",
        fix: "Keep signing keys in the HSM, or record the external manager as accepted.", location: resource.location)
    }
  }
}
