/// Where a template is deployed, as far as the caller knows, and what reading it may cost.
package struct ARMOptions: Sendable, Hashable {
  package enum Mode: String, Sendable, Hashable { case incremental = "Incremental", complete = "Complete" }

  package var mode: Mode
  /// The subscription's id (GUID). Nil: written `{subscription}` in resource ids.
  package var subscription: String?
  /// Name of the resource group. Nil: written `{resourceGroup}`.
  package var resourceGroup: String?
  /// Name of the management group. Nil: written `{managementGroup}`.
  package var managementGroup: String?
  /// The tenant's id. Nil: written `{tenant}`.
  package var tenant: String?
  /// The resource group's `location`.
  package var location: String?
  /// Name of the template's file, for places in findings.
  package var file: String?
  package var limits: TemplateLimits

  package init(
    mode: Mode = .incremental, subscription: String? = nil, resourceGroup: String? = nil, managementGroup: String? = nil, tenant: String? = nil,
    location: String? = nil, file: String? = nil, limits: TemplateLimits = .standard
  ) {
    self.mode = mode
    self.subscription = subscription
    self.resourceGroup = resourceGroup
    self.managementGroup = managementGroup
    self.tenant = tenant
    self.location = location
    self.file = file
    self.limits = limits
  }

  /// From an ARM id: `/subscriptions/S[/resourceGroups/G]` or `/providers/Microsoft.Management/managementGroups/M`; other text changes nothing.
  package init(mode: Mode = .incremental, scope: String, tenant: String? = nil, file: String? = nil) {
    self.init(mode: mode, tenant: tenant, file: file)
    let parts = scope.split(separator: "/").map(String.init)
    if parts.count >= 2, parts[0].lowercased() == "subscriptions" {
      subscription = parts[1]
      if parts.count >= 4, parts[2].lowercased() == "resourcegroups" { resourceGroup = parts[3] }
    } else if parts.count >= 4, parts[2].lowercased() == "managementgroups" {
      managementGroup = parts[3]
    }
  }
}

/// What reading a template may cost. Azure's own limits are far below (4 MB, 800 resources, 800 copies).
package struct TemplateLimits: Sendable, Hashable {
  package var maxBytes = 32 << 20
  package var maxDepth = 128
  package var maxElements = 2_000_000
  /// Iterations of one `copy`.
  package var maxCopies = 800
  /// Resources, copies counted, nested deployments included.
  package var maxResources = 20_000
  /// Deployments within deployments.
  package var maxNesting = 8
  /// Values and characters/64 made by expressions in the whole template.
  package var maxWork = 4_000_000
  /// UTF-8 length of one expression.
  package var maxExpression = 32_768
  /// Calls within calls of one expression, and variables that need variables.
  package var maxExpressionDepth = 48
  /// UTF-8 length of one string made by an expression.
  package var maxString = 1 << 20

  package init() {}
  package static let standard = TemplateLimits()
}
