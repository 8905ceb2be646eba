/// Where a deployment goes: the beginning of every resource id in it.
struct DeploymentPlace: Hashable {
  enum Level: Hashable { case tenant, managementGroup, subscription, resourceGroup }

  var level: Level
  var tenant: String
  var managementGroup: String
  var subscription: String
  var resourceGroup: String
  var location: String

  init(_ options: ARMOptions, level: Level) {
    self.level = level
    tenant = options.tenant ?? Placeholder.tenant
    managementGroup = options.managementGroup ?? Placeholder.managementGroup
    subscription = options.subscription ?? Placeholder.subscription
    resourceGroup = options.resourceGroup ?? Placeholder.resourceGroup
    location = options.location ?? Placeholder.location
  }

  /// From a template's `$schema`; nil when it is no template's.
  static func level(ofSchema schema: String) -> Level? {
    let file = (schema.split(separator: "/").last ?? "").lowercased()
    if file.hasPrefix("subscriptiondeploymenttemplate.json") { return .subscription }
    if file.hasPrefix("managementgroupdeploymenttemplate.json") { return .managementGroup }
    if file.hasPrefix("tenantdeploymenttemplate.json") { return .tenant }
    return file.hasPrefix("deploymenttemplate.json") ? .resourceGroup : nil
  }

  static func groupId(_ subscription: String, _ group: String) -> String { "/subscriptions/\(subscription)/resourceGroups/\(group)" }

  /// The scope's id, empty for the tenant.
  var id: String {
    switch level {
    case .tenant: ""
    case .managementGroup: "/providers/Microsoft.Management/managementGroups/\(managementGroup)"
    case .subscription: "/subscriptions/\(subscription)"
    case .resourceGroup: Self.groupId(subscription, resourceGroup)
    }
  }

  var subscriptionObject: PlanValue {
    .object([
      "id": .string("/subscriptions/\(subscription)"), "subscriptionId": .string(subscription), "tenantId": .string(tenant),
      "displayName": .unknown(UnknownValue(missing: "subscription().displayName")),
    ])
  }

  var resourceGroupObject: PlanValue {
    .object([
      "id": .string(Self.groupId(subscription, resourceGroup)), "name": .string(resourceGroup), "location": .string(location),
      "type": .string("Microsoft.Resources/resourceGroups"), "tags": .unknown(UnknownValue(missing: "resourceGroup().tags")),
      "properties": .unknown(UnknownValue(missing: "resourceGroup().properties")),
    ])
  }

  var managementGroupObject: PlanValue {
    .object([
      "id": .string("/providers/Microsoft.Management/managementGroups/\(managementGroup)"), "name": .string(managementGroup),
      "type": .string("Microsoft.Management/managementGroups"), "properties": .unknown(UnknownValue(missing: "managementGroup().properties")),
    ])
  }

  var tenantObject: PlanValue {
    .object(["tenantId": .string(tenant), "id": .string("/tenants/\(tenant)"), "displayName": .unknown(UnknownValue(missing: "tenant().displayName"))])
  }
}
