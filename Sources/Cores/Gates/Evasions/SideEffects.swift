import Estate
import Plans

/// What acts where no resource change shows it: programs run by data sources, scripts, providers of another tenant (estate-and-gates §3.11).
struct SideEffects: GateRule {
  static let script = "HM-X-SCRIPT"
  static let dataSource = "HM-X-DATA-SOURCE"

  func evaluate(_ change: EstateChange) -> GateOutcome {
    var outcome = GateOutcome()
    for resource in change.resources where !resource.change.isDrift {
      if resource.change.isData, let why = Self.acts(resource.change.type) {
        outcome.findings.append(
          Finding(
            rule: Self.dataSource, gate: .other, verdict: .warn, severity: .medium, address: resource.address, reason: why, fix: "Replace it by a resource, or run it outside of Terraform.",
            location: resource.location))
      }
      if !resource.change.isData, resource.action != .noOp, resource.action != .read {
        outcome.findings += resource.change.scripts.map { script($0, resource.address, $0.location ?? resource.location) }
      }
    }
    outcome.findings += change.scripts.map { script($0.script, $0.script.origin, $0.script.location) }
    for (number, set) in change.sets.enumerated() { outcome.undecided += foreignTenants(set, number, change) }
    return outcome
  }

  private static func acts(_ type: String) -> String? {
    switch type {
    case "external": "A program runs while the plan is made; what it does is in no plan."
    case "azapi_resource_action": "This data source acts on Azure while the plan is made, before any gate sees it."
    default: nil
    }
  }

  private func script(_ script: PlanScript, _ address: String, _ location: SourceLocation?) -> Finding {
    Finding(
      rule: Self.script, gate: .other, verdict: .note, severity: .low, address: address,
      reason: "A script runs with this change (\(script.origin)): gates see its text, not what it does.", fix: "Express what it does as resources.", location: location)
  }

  /// Keys and rights changed in a tenant of which the inventory lists no store.
  private func foreignTenants(_ set: ChangeSet, _ number: Int, _ change: EstateChange) -> [MissingFact] {
    let azure = set.providers.filter { provider in ["azurerm", "azapi", "azuread"].contains { provider.name == $0 || provider.name.hasSuffix("/\($0)") } }
    let known = Set((change.inventory?.stores ?? []).compactMap { $0.tenantId?.lowercased() })
    guard Set(azure.compactMap { $0.tenant?.string?.lowercased() }).count > 1, !known.isEmpty else { return [] }
    let foreign = Set(azure.filter { provider in provider.tenant?.string.map { !known.contains($0.lowercased()) } ?? false }.map(\.key))
    return change.resources.compactMap { resource in
      guard resource.set == number, let key = resource.change.providerKey, foreign.contains(key), ![.noOp, .read].contains(resource.action), !resource.change.isData,
        (resource.after ?? resource.before) != nil
      else { return nil }
      return MissingFact(address: resource.address, missing: "the estate of the tenant that provider \(key) works in: supply an inventory that covers it")
    }
  }
}
