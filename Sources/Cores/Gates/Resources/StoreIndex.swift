package import Estate
internal import Plans

/// Stores of the plan and of the inventory under one name each.
package struct StoreIndex: Sendable {
  /// By `StoreHandle.id`.
  package private(set) var inventory: [String: InventorySnapshot.Store] = [:]
  package private(set) var keys: [String: [InventorySnapshot.Key]] = [:]
  private var hosts: [String: String] = [:]
  /// By index of the resource.
  private var planned: [Int: StoreHandle] = [:]
  private var byName: [String: StoreHandle] = [:]

  package init(_ resources: [PlannedResource], inventory snapshot: InventorySnapshot?, index: ReferenceIndex) {
    for store in snapshot?.stores ?? [] {
      let id = store.id.lowercased()
      inventory[id] = store
      byName[id] = StoreHandle(id: id, name: store.id, kind: store.kind, armId: store.armId)
      if let host = store.uri.flatMap(Self.host) { hosts[host] = id }
      if let name = store.armId.flatMap(Self.nameInARMId)?.name.lowercased(), byName[name] == nil { byName[name] = byName[id] }
    }
    for key in snapshot?.keys ?? [] where !key.deleted { keys[key.store.lowercased(), default: []].append(key) }
    for (number, resource) in resources.enumerated() where !resource.change.isDrift {
      guard let object = resource.after ?? resource.before, let (name, armId, kind) = Self.identity(object) else { continue }
      let known = name.value ?? armId.value.flatMap { Self.nameInARMId($0)?.name }
      let id = known?.lowercased() ?? "address:" + resource.address
      var handle = byName[id] ?? StoreHandle(id: id, name: known ?? resource.address, kind: kind, armId: armId.value)
      handle.armId = handle.armId ?? armId.value
      if handle.address == nil || resource.action != .delete { handle.address = resource.address }
      byName[handle.id] = handle
      planned[number] = handle
    }
  }

  private static func identity(_ object: EstateObject) -> (Planned<String>, Planned<String>, InventorySnapshot.StoreKind)? {
    switch object {
    case .vault(let vault): (vault.name, vault.armId, .vault)
    case .managedHSM(let hsm): (hsm.name, hsm.armId, .managedHsm)
    default: nil
    }
  }

  /// The handle of a planned store by the number of its resource.
  package func handle(resource: Int) -> StoreHandle? { planned[resource] }

  package func handle(
    _ value: Planned<String>, kind: InventorySnapshot.StoreKind?, index: ReferenceIndex
  ) -> StoreHandle? {
    switch value {
    case .known(let text): named(text, kind: kind)
    case .unknown(let unknown): index.matches(unknown).lazy.compactMap { planned[$0] }.first
    case .absent: nil
    }
  }

  private func named(_ text: String, kind: InventorySnapshot.StoreKind?) -> StoreHandle? {
    if let (name, found) = Self.nameInARMId(text) {
      return byName[name.lowercased()] ?? StoreHandle(id: name.lowercased(), name: name, kind: found, armId: Self.storePart(text))
    }
    if let host = Self.host(text) {
      if let id = hosts[host] { return byName[id] }
      let labels = host.split(separator: ".")
      guard labels.count > 2, let name = labels.first.map(String.init) else { return nil }
      let found: InventorySnapshot.StoreKind? = labels[1] == "managedhsm" ? .managedHsm : labels[1] == "vault" ? .vault : kind
      return byName[name] ?? found.map { StoreHandle(id: name, name: name, kind: $0) }
    }
    guard !text.isEmpty, !text.contains("/") else { return nil }
    return byName[text.lowercased()] ?? kind.map { StoreHandle(id: text.lowercased(), name: text, kind: $0) }
  }

  /// `…/providers/Microsoft.KeyVault/vaults/NAME[/…]` and `…/managedHSMs/NAME[/…]`.
  static func nameInARMId(_ text: String) -> (name: String, kind: InventorySnapshot.StoreKind)? {
    let parts = text.split(separator: "/")
    guard let at = parts.firstIndex(where: { $0.lowercased() == "microsoft.keyvault" }), at + 2 < parts.count else { return nil }
    switch parts[at + 1].lowercased() {
    case "vaults": return (String(parts[at + 2]), .vault)
    case "managedhsms": return (String(parts[at + 2]), .managedHsm)
    default: return nil
    }
  }

  private static func storePart(_ text: String) -> String? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let at = parts.firstIndex(where: { $0.lowercased() == "microsoft.keyvault" }), at + 2 < parts.count else { return nil }
    return parts[...(at + 2)].joined(separator: "/")
  }

  /// The host of a URL, lower case, without port.
  static func host(_ text: String) -> String? {
    let parts = text.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count >= 3, parts[0].hasSuffix(":"), parts[1].isEmpty else { return nil }
    let host = parts[2].prefix { $0 != ":" && $0 != "?" }
    return host.isEmpty ? nil : host.lowercased()
  }
}
