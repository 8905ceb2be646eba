package import Encodings

/// What the inventory needs to be allowed to read, per tenant: reader roles and nothing else (estate-and-gates §1.1).
package struct ReaderPermissions: Sendable, Hashable {
  package struct Need: Sendable, Hashable {
    /// `azure`, `managedHsm`, `accessPolicy`, `graph`.
    package var plane: String
    package var name: String
    /// The role's GUID, where it has a fixed one.
    package var guid: String?
    package var scope: String
    package var reads: String

    package var json: JSONValue {
      [
        "plane": .string(plane), "name": .string(name), "guid": JSONValue(text: guid), "scope": .string(scope), "reads": .string(reads),
      ]
    }
  }

  /// nil stands for any tenant.
  package var tenant: String?
  package var needs: [Need]

  /// - Parameters:
  ///   - tenant: nil when none is known yet.
  ///   - stores: those already known of this tenant; without any, placeholders stand for them.
  package init(tenant: String?, stores: [InventorySnapshot.Store] = []) {
    self.tenant = tenant
    let root = "/providers/Microsoft.Management/managementGroups/\(tenant ?? "TENANT")"
    needs = [
      Need(
        plane: "azure", name: "Reader", guid: "acdd72a7-3385-48ef-bd42-f606fba81ae7", scope: root,
        reads: "vaults, Managed HSMs, locks, diagnostic settings, identities and their federated credentials, role assignments, eligibilities, activity log"),
      Need(
        plane: "azure", name: "Key Vault Reader", guid: "21090545-7ca7-4776-b22c-e363652d74d2", scope: root,
        reads: "keys, versions and rotation policies of vaults in role mode"),
      Need(
        plane: "azure", name: "Log Analytics Data Reader", guid: nil, scope: "the workspaces that hold diagnostic logs", reads: "diagnostic logs"),
      Need(
        plane: "azure", name: "Storage Blob Data Reader", guid: "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        scope: "the storage accounts that hold diagnostic logs", reads: "exported diagnostic logs"),
    ]
    let known = stores.filter { tenant == nil || $0.tenantId?.lowercased() == tenant?.lowercased() }
    let hsms = known.filter { $0.kind == .managedHsm }.map { "\($0.id) /" }
    for scope in hsms.isEmpty ? ["/ of each Managed HSM"] : hsms {
      needs.append(
        Need(
          plane: "managedHsm", name: "Managed HSM Crypto Auditor", guid: "2c18b078-7c48-4d3a-af88-5a3a1b3f82b3", scope: scope,
          reads: "keys, versions, local roles and assignments"))
    }
    let vaults = known.filter { $0.kind == .vault && $0.rbacMode == .accessPolicy }.map(\.id)
    for scope in vaults.isEmpty ? ["each vault that uses access policies"] : vaults {
      needs.append(
        Need(plane: "accessPolicy", name: "get, list, getrotationpolicy", guid: nil, scope: scope, reads: "keys, versions and rotation policies"))
    }
    for role in ["Application.Read.All", "GroupMember.Read.All", "PrivilegedEligibilitySchedule.Read.AzureADGroup", "AuditLog.Read.All"] {
      needs.append(Need(plane: "graph", name: role, guid: nil, scope: "Microsoft Graph, application role", reads: Self.graph[role] ?? ""))
    }
  }

  private static let graph = [
    "Application.Read.All": "applications, service principals and their federated credentials, passwords and certificates",
    "GroupMember.Read.All": "members of groups, transitively",
    "PrivilegedEligibilitySchedule.Read.AzureADGroup": "eligible members of groups",
    "AuditLog.Read.All": "sign-ins of workloads",
  ]

  package var json: JSONValue { ["tenant": JSONValue(text: tenant), "needs": .array(needs.map(\.json))] }
}
