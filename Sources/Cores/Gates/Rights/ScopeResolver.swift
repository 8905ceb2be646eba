import Estate
import Plans

/// Scopes of grants, in one spelling: references followed, stores under the ARM id the inventory knows.
struct ScopeResolver {
  /// The scope of which nothing is known but that it is Azure's.
  static let unknownScope = "/subscriptions/{unknown}"

  private let change: EstateChange
  /// The one subscription that every store of the inventory lies in: a template that does not say where it goes is taken to go there.
  private let subscription: String?

  init(_ change: EstateChange) {
    self.change = change
    let all = Set(
      (change.inventory?.stores ?? []).compactMap { store -> String? in
        let parts = store.armId?.split(separator: "/") ?? []
        return parts.count > 2 && parts[0].lowercased() == "subscriptions" ? parts[1].lowercased() : nil
      })
    subscription = all.count == 1 ? all.first : nil
  }

  /// An ARM id for a store of the plan whose id only the apply will know.
  func armId(ofStore handle: StoreHandle) -> String {
    let group = handle.address.flatMap(group) ?? "{resourceGroup}"
    let type = handle.kind == .vault ? "vaults" : "managedHSMs"
    return "/subscriptions/{subscription}/resourceGroups/\(group)/providers/Microsoft.KeyVault/\(type)/\(handle.name)"
  }

  private func group(_ address: String) -> String? {
    for number in change.index.matches(reference: address) {
      switch change.resources[number].after ?? change.resources[number].before {
      case .vault(let vault): return vault.resourceGroup.value
      case .managedHSM(let hsm): return hsm.resourceGroup.value
      default: continue
      }
    }
    return nil
  }

  /// The scope of a local assignment; nil when it cannot be known.
  func local(_ scope: Planned<String>) -> String? {
    switch scope {
    case .known(let text): return text.isEmpty ? "/" : text
    case .absent: return "/"
    case .unknown(let unknown):
      for number in change.index.matches(unknown) {
        if case .key(let key)? = change.resources[number].after ?? change.resources[number].before, let name = key.name.value {
          return "/keys/" + name
        }
      }
      return nil
    }
  }

  /// The scope of an Azure assignment; nil when it cannot be known.
  func azure(_ scope: Planned<String>, resource: PlannedResource) -> String? {
    switch scope {
    case .known(let text): return canonical(text)
    case .absent: return resource.change.dialect == .arm ? "/subscriptions/{subscription}/resourceGroups/{resourceGroup}" : nil
    case .unknown(let unknown): return unknown.references.lazy.compactMap(behind).first
    }
  }

  private func behind(_ reference: String) -> String? {
    for number in change.index.matches(reference: reference) {
      let resource = change.resources[number]
      switch resource.after ?? resource.before {
      case .vault, .managedHSM:
        guard let handle = change.stores.handle(resource: number) else { continue }
        return canonical(handle.armId ?? armId(ofStore: handle))
      case .key(let key):
        guard let handle = change.store(key.store, kind: key.kind), let name = key.name.value else { continue }
        return canonical(handle.armId ?? armId(ofStore: handle)) + "/keys/" + name
      default:
        if let id = Attributes(resource.change.after ?? resource.change.before ?? .null, .snake).text("id").value { return canonical(id) }
        if resource.change.type == "azurerm_resource_group",
          let name = Attributes(resource.change.after ?? .null, .snake).text("name").value
        {
          return "/subscriptions/{subscription}/resourceGroups/" + name
        }
        // Some other resource that does not exist yet: no store and nothing wide.
        return "/subscriptions/{subscription}/resourceGroups/{resourceGroup}/providers/{planned}/\(resource.address)"
      }
    }
    return nil
  }

  /// The text, with a store known to the inventory or the plan under its own ARM id.
  func canonical(_ text: String) -> String {
    var text = text
    while text.count > 1, text.hasSuffix("/") { text.removeLast() }
    if let subscription, text == "/subscriptions/{subscription}" { text = "/subscriptions/" + subscription }
    if !text.hasPrefix("/") { text = "/subscriptions/{subscription}/resourceGroups/{resourceGroup}/providers/" + text }
    guard let (_, kind) = StoreIndex.nameInARMId(text) else { return text }
    let handle = change.store(.known(text), kind: kind)
    guard let armId = handle?.armId ?? handle.map(armId(ofStore:)) else { return text }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let at = parts.firstIndex(where: { $0.lowercased() == "microsoft.keyvault" }), at + 2 < parts.count else { return text }
    return ([armId] + parts[(at + 3)...].map(String.init)).joined(separator: "/")
  }
}
