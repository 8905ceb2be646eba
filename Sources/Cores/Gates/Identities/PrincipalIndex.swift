import Estate
import Plans

/// Every principal that the plan or the inventory knows, under one id each: its object id, or `planned:ADDRESS` while only the apply knows it.
struct PrincipalIndex {
  /// Facts of a principal beyond what the inventory lists.
  struct Facts {
    var id: String
    var name: String?
    var armId: String?
    var clientId: String?
    var address: String
    var tags: [String: String]
    var isGroup = false
  }

  /// By number of the resource.
  private(set) var ofResource: [Int: String] = [:]
  /// By id.
  private(set) var planned: [String: Facts] = [:]
  private var byARMId: [String: String] = [:]
  private var byClientId: [String: String] = [:]
  private var byName: [String: String] = [:]
  /// Names of identities of the inventory, where only one bears it; nil where several do.
  private var listedNames: [String: String?] = [:]
  private let known: [String: InventorySnapshot.Identity]
  private let index: ReferenceIndex
  private let resources: [PlannedResource]

  init(_ change: EstateChange) {
    index = change.index
    resources = change.resources
    known = Dictionary((change.inventory?.identities ?? []).map { ($0.objectId.lowercased(), $0) }) { first, _ in first }
    for identity in change.inventory?.identities ?? [] {
      if let armId = identity.armId { byARMId[Self.folded(armId)] = identity.objectId.lowercased() }
      if let clientId = identity.clientId { byClientId[clientId.lowercased()] = identity.objectId.lowercased() }
    }
    for (id, identity) in known {
      let names = Set([identity.name, identity.armId.flatMap { RightsScope($0).segments.last }].compactMap { $0?.lowercased() })
      for name in names { listedNames[name] = listedNames[name] == nil ? .some(id) : .some(nil) }
    }
    // The register may know under one object id what the inventory does not list.
    for match in change.intent.identities.map(\.match) {
      guard let id = match.objectId?.lowercased() else { continue }
      if let armId = match.armId.map(Self.folded), byARMId[armId] == nil { byARMId[armId] = id }
      if let clientId = match.clientId?.lowercased(), byClientId[clientId] == nil { byClientId[clientId] = id }
    }
    // Applications come last: they take the object id of their service principal.
    var applications: [(Int, PlannedIdentity)] = []
    for (number, resource) in resources.enumerated() where !resource.change.isDrift {
      switch resource.after ?? resource.before {
      case .identity(let identity) where identity.kind == .application: applications.append((number, identity))
      case .identity(let identity): add(identity, number)
      case .group(let group):
        let id = group.objectId.value?.lowercased() ?? "planned:" + resource.address
        ofResource[number] = id
        planned[id] = Facts(id: id, name: group.name.value, address: resource.address, tags: [:], isGroup: true)
      default: break
      }
    }
    var principalsOfApplication: [Int: String] = [:]
    for (number, resource) in resources.enumerated() {
      guard case .identity(let identity)? = resource.after ?? resource.before, identity.kind == .servicePrincipal,
        let unknown = identity.application.unknownValue, let id = ofResource[number]
      else { continue }
      for application in index.matches(unknown) { principalsOfApplication[application] = id }
    }
    for (number, application) in applications {
      let clientId = application.clientId.value?.lowercased()
      let id =
        principalsOfApplication[number] ?? clientId.flatMap { byClientId[$0] } ?? "planned:" + resources[number].address
      ofResource[number] = id
      if planned[id] == nil {
        planned[id] = Facts(
          id: id, name: application.name.value, clientId: clientId, address: resources[number].address, tags: application.tags.value ?? [:])
      }
      if let clientId, byClientId[clientId] == nil { byClientId[clientId] = id }
      if let objectId = application.objectId.value { byName[objectId.lowercased()] = id }
      for text in [application.armId.value, application.name.value].compactMap(\.self) { byName[text.lowercased()] = id }
    }
  }

  private mutating func add(_ identity: PlannedIdentity, _ number: Int) {
    let address = resources[number].address
    let armId = identity.armId.value ?? (address.hasPrefix("/") ? address : nil)
    let id =
      identity.objectId.value?.lowercased() ?? armId.flatMap { byARMId[Self.folded($0)] }
      ?? identity.clientId.value.flatMap { byClientId[$0.lowercased()] } ?? "planned:" + address
    ofResource[number] = id
    planned[id] = Facts(
      id: id, name: identity.name.value, armId: armId, clientId: identity.clientId.value, address: address, tags: identity.tags.value ?? [:])
    if let armId { byARMId[Self.folded(armId)] = id }
    if let clientId = identity.clientId.value { byClientId[clientId.lowercased()] = id }
    if let name = identity.name.value, byName[name.lowercased()] == nil { byName[name.lowercased()] = id }
  }

  static func folded(_ armId: String) -> String { RightsScope(armId).segments.joined(separator: "/") }

  /// The principals a value names; empty when it cannot be known.
  func principals(_ value: Planned<String>, near address: String = "") -> [String] {
    switch value {
    case .absent: []
    case .known(let text): [named(text)]
    case .unknown(let unknown): behind(unknown, near: address)
    }
  }

  /// An object id, an ARM id, a client id or a name.
  func named(_ text: String) -> String {
    let folded = text.lowercased()
    if text.contains("/") {
      if let id = byARMId[Self.folded(text)] { return id }
      let last = RightsScope(text).segments.last ?? folded
      return byName[folded] ?? byName[last] ?? byClientId[last] ?? folded
    }
    if known[folded] != nil || planned[folded] != nil { return folded }
    return byClientId[folded] ?? byName[folded] ?? (listedNames[folded] ?? nil) ?? folded
  }

  private func behind(_ unknown: UnknownValue, near address: String) -> [String] {
    let numbers = index.matches(unknown, near: address, among: resources)
    if numbers.isEmpty { return unknown.references.compactMap(listed(behind:)).prefix(1).map(\.self) }
    return numbers.map { number in
      if let id = ofResource[number] { return id }
      // A system-assigned identity: of the resource that the reference names.
      let resource = resources[number]
      for path in ["identity.principal_id", "identity.principalId"] {
        let style: Attributes.Style = path.contains("_") ? .snake : .arm
        for value in [resource.change.after, resource.change.before].compactMap(\.self) {
          if let id = Attributes(value, style).text(path).value { return id.lowercased() }
        }
      }
      return "planned:" + resource.address
    }
  }

  /// An identity of the estate that a template refers to by its ARM id: `/subscriptions/…/userAssignedIdentities/NAME.properties`.
  private func listed(behind reference: String) -> String? {
    guard reference.hasPrefix("/"), let slash = reference.lastIndex(of: "/") else { return nil }
    let name = reference[reference.index(after: slash)...].prefix { $0 != "." }
    let armId = reference[...slash] + name
    guard armId.lowercased().contains("/userassignedidentities/") else { return nil }
    if let id = byARMId[Self.folded(String(armId))] { return id }
    // The subscription or the group of the template is not known.
    return armId.contains("{") ? listedNames[name.lowercased()] ?? nil : nil
  }

  /// For people.
  func name(_ id: String) -> String? { known[id]?.name ?? planned[id]?.name ?? planned[id]?.address }

  /// What the register may know the principal by.
  func facts(_ id: String, federated: [InventorySnapshot.Federated], groups: [String]) -> IntentPrincipal {
    let identity = known[id]
    let plan = planned[id]
    return IntentPrincipal(
      objectId: id.hasPrefix("planned:") ? nil : id, clientId: identity?.clientId ?? plan?.clientId, armId: identity?.armId ?? plan?.armId,
      address: plan?.address ?? (id.hasPrefix("planned:") ? String(id.dropFirst(8)) : nil),
      federated: federated, groups: groups, tags: (identity?.tags ?? [:]).merging(plan?.tags ?? [:]) { $1 })
  }
}
