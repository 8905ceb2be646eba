import Access
import Encodings

/// The few Azure Resource Manager answers that `az login` asks for: there are no subscriptions here.
enum ResourceManagerRoutes {
  static func owns(_ path: Substring) -> Bool {
    path == "/subscriptions" || path.hasPrefix("/subscriptions/") || path == "/tenants"
  }

  static func answer(_ path: Substring, identity: ServiceIdentity) -> JSONObject {
    if path == "/tenants" {
      return ["value": [["id": .string("/tenants/\(identity.tenant)"), "tenantId": .string(identity.tenant.text), "displayName": .string(identity.name)]]]
    }
    return ["value": []]
  }
}
