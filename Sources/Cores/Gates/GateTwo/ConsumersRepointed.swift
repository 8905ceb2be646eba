import Encodings
import Estate
import Plans

/// Whoever used a key of a Managed HSM is pointed at a vault: any text attribute of any resource (2.5).
struct ConsumersRepointed {
  private let change: EstateChange
  private let material: SigningMaterial
  private static let maxPaired = 64

  init(_ change: EstateChange, _ material: SigningMaterial) {
    self.change = change
    self.material = material
  }

  func findings() -> [Finding] {
    var result: [Finding] = []
    for resource in change.resources where !resource.change.isData && !resource.change.isDrift && resource.action != .noOp {
      guard let before = resource.change.before, let after = resource.change.after else { continue }
      var found: (old: String, new: String)?
      Self.compare(before, after) { old, new in
        if found == nil, Self.names(old, host: ".managedhsm."), Self.names(new, host: ".vault."), Self.isKeyUse(old), Self.isKeyUse(new) { found = (old, new) }
      }
      guard let found else { continue }
      if let finding = finding(resource, found.old, found.new) { result.append(finding) }
    }
    return result
  }

  private func finding(_ resource: PlannedResource, _ old: String, _ new: String) -> Finding? {
    // A store or key resource's own computed ids are the business of the other rules.
    switch resource.after { case .key?, .vault?, .managedHSM?: return nil; default: break }
    let (store, key) = Self.place(old)
    if let store, let key {
      let handle = StoreHandle(id: store.lowercased(), name: store, kind: .managedHsm)
      // A key that is known, and known not to sign, may be used wherever its owner likes.
      let listed = change.inventoryKeys(handle).filter { $0.name.lowercased() == key.lowercased() }
      if !listed.isEmpty, !listed.contains(where: material.isSigning) { return nil }
    }
    let target = Self.place(new)
    return Finding(
      rule: GateTwoRule.repointed, gate: .two, verdict: .block, severity: .critical, address: resource.address, store: store, key: key,
      before: ["key": key.map { .string($0) } ?? .null, "store": store.map { .string($0) } ?? .null],
      after: ["key": target.key.map { .string($0) } ?? .null, "store": target.store.map { .string($0) } ?? .null],
      reason: "\(resource.address) used key \(key ?? "") of the Managed HSM \(store ?? "") and is pointed at key \(target.key ?? "") of the standard vault \(target.store ?? "").",
      fix: "Leave the consumer at the Managed HSM, or at another Managed HSM.", location: resource.location)
  }

  /// Walks both values together: members by name, elements of short lists with each that is new, those of long ones by place.
  private static func compare(_ old: PlanValue, _ new: PlanValue, _ visit: (String, String) -> Void) {
    switch (old, new) {
    case (.string(let a), .string(let b)): if a != b { visit(a, b) }
    case (.list(let a), .list(let b)) where a.count <= maxPaired && b.count <= maxPaired:
      let (gone, come) = (a.filter { !b.contains($0) }, b.filter { !a.contains($0) })
      for x in gone { for y in come { compare(x, y, visit) } }
    case (.list(let a), .list(let b)): for (x, y) in zip(a, b) { compare(x, y, visit) }
    case (.object(let a), .object(let b)): for (name, x) in a { if let y = b[name] { compare(x, y, visit) } }
    default: break
    }
  }

  private static func names(_ text: String, host: String) -> Bool { text.lowercased().contains(host) }

  private static func isKeyUse(_ text: String) -> Bool {
    let text = text.lowercased()
    return text.contains("/keys/") || text.contains("azurekms://") || text.contains("hallmark://") || text.contains("-kvu") || text.contains("--azure-key-vault-url")
      || text.contains("--keystore")
  }

  /// Store and key of `https://STORE.host/keys/KEY/…`, `azurekms://STORE.host/KEY/…` or such a text somewhere inside.
  static func place(_ text: String) -> (store: String?, key: String?) {
    // Only ASCII letters are folded, so that places in both texts are the same.
    let lowered = String(text.map { $0.isASCII ? Character($0.lowercased()) : $0 })
    guard let dot = lowered.firstRange(of: ".managedhsm.") ?? lowered.firstRange(of: ".vault.") else { return (nil, nil) }
    func isName(_ character: Character) -> Bool { character.isLetter || character.isNumber || character == "-" }
    let store = String(text[..<dot.lowerBound].reversed().prefix(while: isName).reversed())
    var rest = text[dot.upperBound...].drop { $0 != "/" && !$0.isWhitespace && $0 != "\"" && $0 != "'" }
    guard rest.hasPrefix("/") else { return (store, nil) }
    rest = rest.dropFirst()
    if rest.lowercased().hasPrefix("keys/") { rest = rest.dropFirst(5) }
    let key = String(rest.prefix(while: isName))
    return (store.isEmpty ? nil : store, key.isEmpty ? nil : key)
  }
}
