import Encodings
import Estate
import Plans

/// Whole Managed HSMs that go, with the signing keys in them (2.11). What it means for purge protection is said by gate 3.
struct StoresLeaving {
  private let change: EstateChange
  private let material: SigningMaterial

  init(_ change: EstateChange, _ material: SigningMaterial) {
    self.change = change
    self.material = material
  }

  func evaluate() -> GateOutcome {
    var outcome = GateOutcome()
    for (number, resource) in change.resources.enumerated() where !resource.change.isDrift && (resource.action == .delete || resource.action == .replace) {
      guard case .managedHSM? = resource.before, let handle = change.stores.handle(resource: number) else { continue }
      let keys = Set(material.signingKeys(in: handle).map(\.name)).sorted()
      guard let first = keys.first else { continue }
      let listed = keys.count == 1 ? "signing key \(first)" : "\(keys.count) signing keys, \(first) among them"
      outcome.findings.append(
        Finding(
          rule: GateTwoRule.hsmRemoved, gate: .two, verdict: .block, severity: .critical, address: resource.address, store: handle.name, key: keys.count == 1 ? first : nil,
          scope: keys.count == 1 ? nil : "/keys", reason: "Managed HSM \(handle.name) is \(resource.action == .replace ? "destroyed and made anew" : "deleted") with \(listed) in it.",
          fix: "Move the signing keys' use to another Managed HSM first, and keep this one until nothing is signed with it.", location: resource.location))
    }
    return outcome
  }

  private static let groupTypes: Set<String> = [
    "azurerm_resource_group", "microsoft.resources/resourcegroups", "microsoft.resources/subscriptions/resourcegroups", "azure-native:resources:resourcegroup", "azure:core/resourcegroup:resourcegroup",
  ]

  /// The resource group that is deleted or made anew, with all that lies in it; `{subscription}` stands for one that is not known.
  static func scope(ofLeavingGroup resource: PlannedResource) -> String? {
    guard resource.action == .delete || resource.action == .replace, !resource.change.isDrift, !resource.change.isData, let before = resource.change.before else { return nil }
    var type = resource.change.type.lowercased()
    if type.hasPrefix("azure-native:resources/") { type = "azure-native:resources:" + (type.split(separator: ":").last ?? "") }
    guard groupTypes.contains(type) else { return nil }
    let id = before["id"]?.string ?? (resource.address.hasPrefix("/") ? resource.address : nil)
    if let id, id.lowercased().hasPrefix("/subscriptions/") { return id }
    return (before["resourceGroupName"] ?? before["name"])?.string.map { "/subscriptions/{subscription}/resourceGroups/\($0)" }
  }

  /// Whether a resource lies in one of the resource groups: compared segment by segment, without letter case.
  static func isIn(_ scopes: [String], _ armId: String?) -> Bool {
    guard let armId else { return false }
    let parts = armId.lowercased().split(separator: "/")
    return scopes.contains { scope in
      let wanted = scope.lowercased().split(separator: "/")
      // The subscription of a template within a plan is not known.
      if wanted.count == 4, wanted[1].hasPrefix("{") { return parts.count > 4 && parts[2] == wanted[2] && parts[3] == wanted[3] }
      return !wanted.isEmpty && parts.count > wanted.count && parts.starts(with: wanted)
    }
  }
}
