import Encodings
import Estate
import Plans

/// A signing key may be used for more than signing: `key_ops`, a release policy, an exportable key (1.20).
///
/// `key_ops` is a second lock. Elliptic curves cannot decrypt, but the key at that name can be made again as RSA.
struct KeyUseWidened {
  private let change: EstateChange

  init(_ change: EstateChange) { self.change = change }

  private static let refused: [String: Capability] = [
    "decrypt": .decrypt, "unwrapkey": .unwrap, "wrapkey": .wrap, "encrypt": .encrypt, "import": .import, "export": .export,
  ]

  func evaluate() -> GateOutcome {
    var outcome = GateOutcome()
    for resource in change.resources where !resource.change.isData && !resource.change.isDrift && resource.action != .noOp {
      switch resource.after {
      case .key(let key)?: outcome.add(judge(key, resource))
      default: continue
      }
    }
    return outcome
  }

  private func judge(_ key: PlannedKey, _ resource: PlannedResource) -> GateOutcome {
    var old: PlannedKey?
    if case .key(let before)? = resource.before { old = before }
    let handle = change.store(key.store, kind: key.kind) ?? old.flatMap { change.store($0.store, kind: $0.kind) }
    let name = key.name.value ?? old?.name.value
    let listed = handle.flatMap { handle in change.inventoryKeys(handle).filter { $0.name.lowercased() == name?.lowercased() }.last }
    let oldOps = old.map { Set($0.ops.words().known.map { $0.lowercased() }) } ?? listed?.keyOps.map { Set($0.map { $0.lowercased() }) }
    guard isSigning(key, old, listed, oldOps) else { return GateOutcome() }
    let ops = key.ops.words()
    var gained: Set<Capability> = []
    for word in ops.known.map({ $0.lowercased() }) where oldOps?.contains(word) != true {
      if let capability = Self.refused[word] { gained.insert(capability) }
    }
    var how = gained.isEmpty ? "" : "its operations gain \(gained.canonical.map(\.rawValue).joined(separator: ", "))"
    if key.releasePolicy.value == true, old?.releasePolicy.value != true {
      gained.insert(.release)
      how += (how.isEmpty ? "" : " and ") + "a release policy lets it leave the store"
    }
    if key.exportable.value == true, old?.exportable.value != true {
      gained.insert(.export)
      how += (how.isEmpty ? "" : " and ") + "it becomes exportable"
    }
    if gained.isEmpty {
      guard let unknown = ops.unknown, resource.change.references["key_opts"] != nil || old != nil else { return GateOutcome() }
      return GateOutcome(undecided: [
        MissingFact(address: resource.address, missing: unknown.description(of: "the operations of signing key \(name ?? "")"))
      ])
    }
    let curve = (key.kty.value ?? old?.kty.value ?? listed?.kty)?.uppercased().hasPrefix("EC") == true
    let caveat = curve && !gained.isDisjoint(with: [.decrypt, .unwrap, .encrypt, .wrap]) ? "; an EC key cannot do that, its RSA successor of this name could" : ""
    return GateOutcome(findings: [
      Finding(
        rule: GateOneRule.keyOps, gate: .one, verdict: .block, severity: gained.of(.decrypt).isEmpty ? .high : .critical,
        address: resource.address, store: handle?.name, key: name, gained: gained.canonical,
        before: ["keyOps": .array((oldOps ?? []).sorted().map { .string($0) })],
        after: ["keyOps": .array(ops.known.map { .string($0) })],
        reason: "Signing key \(name ?? resource.address) of \(handle?.name ?? "its store") is for signing only, but \(how)\(caveat).",
        fix: "Leave only sign and verify in the operations of the key, without a release policy and not exportable.",
        location: resource.location)
    ])
  }

  private func isSigning(
    _ key: PlannedKey, _ old: PlannedKey?, _ listed: InventorySnapshot.Key?, _ oldOps: Set<String>?
  ) -> Bool {
    if change.isSigningKey(name: key.name.value ?? old?.name.value, tags: key.tags.value) { return true }
    if change.isSigningKey(name: nil, tags: old?.tags.value) || change.isSigningKey(name: nil, tags: listed?.tags) { return true }
    guard let oldOps else { return false }
    return oldOps.contains("sign") && oldOps.isSubset(of: ["sign", "verify"])
  }
}
