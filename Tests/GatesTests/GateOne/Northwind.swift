import Clocks
import Encodings
import Estate
package import Plans

@testable import Gates

extension PlanValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
  ExpressibleByIntegerLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
  package init(arrayLiteral elements: PlanValue...) { self = .list(elements) }
  package init(dictionaryLiteral elements: (String, PlanValue)...) { self = .object(Dictionary(elements) { $1 }) }
}

/// A value that comes from these references.
func later(_ references: String...) -> PlanValue { .unknown(UnknownValue(references: references)) }

/// One estate, a register of it, and changes to it.
enum Northwind {
  static let subscription = "/subscriptions/00000000-0000-0000-0000-00000000000a"
  static let group = subscription + "/resourceGroups/rg-sign"
  static let hsm = group + "/providers/Microsoft.KeyVault/managedHSMs/nw-hsm"
  static let vault = group + "/providers/Microsoft.KeyVault/vaults/kv-acme"
  static let oldVault = group + "/providers/Microsoft.KeyVault/vaults/kv-old"
  static let build = "5f0c0000-0000-4000-8000-00000000000b"
  static let disk = "5f0c0000-0000-4000-8000-00000000000d"
  static let person = "5f0c0000-0000-4000-8000-00000000000e"
  static let team = "9a9a0000-0000-4000-8000-000000000001"
  static let outer = "9a9a0000-0000-4000-8000-000000000002"
  static let signer = "aaaaaaaa-0000-4000-8000-000000000001"
  static let broad = "aaaaaaaa-0000-4000-8000-000000000002"
  static let buildARM = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-build-eu"
  static let diskARM = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-disk"
  static let cryptoUser = "21dbd100-6940-42c2-9190-5d6cb909625b"
  static let github = "https://token.actions.githubusercontent.com"
  static let localAssignment = "azurerm_key_vault_managed_hardware_security_module_role_assignment"
  static let localRole = "azurerm_key_vault_managed_hardware_security_module_role_definition"

  static let intent = IntentRegister(
    identities: [
      .init(name: "build-eu", match: .init(objectId: build), purpose: .signOnly, keys: ["fw-sign"]),
      .init(name: "disk", match: .init(objectId: disk), purpose: .encryptService),
      .init(name: "people", match: .init(objectId: person), purpose: .officer),
    ], signingKeys: .init(names: ["fw-sign", "code-*"], tags: ["use": ["release"]]))

  static func inventory() -> InventorySnapshot {
    var snapshot = InventorySnapshot(takenAt: Instant(seconds: 1_795_000_000))
    snapshot.stores = [
      .init(id: "nw-hsm", kind: .managedHsm, uri: "https://nw-hsm.managedhsm.azure.net", armId: hsm, rbacMode: .local, visibility: .full),
      .init(id: "kv-acme", kind: .vault, uri: "https://kv-acme.vault.azure.net", armId: vault, rbacMode: .azureRbac, visibility: .full),
      .init(id: "kv-old", kind: .vault, uri: "https://kv-old.vault.azure.net", armId: oldVault, rbacMode: .accessPolicy, visibility: .full),
    ]
    snapshot.keys = [
      .init(store: "nw-hsm", name: "fw-sign", version: "1", kty: "EC-HSM", keyOps: ["sign", "verify"]),
      .init(store: "nw-hsm", name: "wrap", version: "1", kty: "RSA-HSM", keyOps: ["wrapKey", "unwrapKey"]),
    ]
    snapshot.roles = [
      .init(
        store: "nw-hsm", id: signer, name: "nw-signer", custom: true,
        dataActions: ["Microsoft.KeyVault/managedHsm/keys/sign/action", "Microsoft.KeyVault/managedHsm/keys/read/action"])
    ]
    snapshot.grants = [
      .init(id: "g-build", store: "nw-hsm", principal: build, via: .localRbac, scope: "/keys/fw-sign", role: signer),
      .init(id: "g-disk", store: "nw-hsm", principal: disk, via: .localRbac, scope: "/keys/wrap", role: "33413926-3206-4cdd-b39a-83574fe37a17"),
      .init(id: "g-team", store: "nw-hsm", principal: outer, via: .localRbac, scope: "/keys", role: cryptoUser),
    ]
    snapshot.identities = [
      .init(
        objectId: build, clientId: "7c1d0000-0000-4000-8000-00000000000b", kind: .userAssigned, name: "id-build-eu", armId: buildARM,
        federated: [.init(issuer: github, subject: "repo:northwind@901/engine@77:environment:ship")]),
      .init(objectId: disk, kind: .userAssigned, name: "id-disk", armId: diskARM, federated: []),
      .init(objectId: person, kind: .user, name: "Ada", federated: []),
    ]
    snapshot.groups = [
      .init(objectId: team, name: "Team", members: []), .init(objectId: outer, name: "Outer", members: [team]),
    ]
    return snapshot
  }

  static func change(
    _ type: String, _ name: String = "x", before: PlanValue? = nil, after: PlanValue?, action: ChangeAction? = nil, dialect: Dialect = .terraform,
    address: String? = nil
  ) -> ResourceChange {
    let action = action ?? (before == nil ? .create : after == nil ? .delete : before == after ? .noOp : .update)
    var change = ResourceChange(
      dialect: dialect, address: address ?? (dialect == .terraform ? "\(type).\(name)" : name), type: type, action: action, before: before,
      after: after)
    change.location = SourceLocation(file: "main.tf", line: 12)
    if dialect == .arm { change.knowsBefore = false }
    return change
  }

  /// A local assignment of a role to a principal.
  static func assign(
    _ role: PlanValue, to principal: PlanValue, at scope: PlanValue = "/keys/fw-sign", hsm: PlanValue = .string(hsm)
  ) -> PlanValue {
    ["managed_hsm_id": hsm, "name": "6a3c4a0e-8a67-4b9c-9d4d-2a4b6f0c1d11", "scope": scope, "role_definition_id": role, "principal_id": principal]
  }

  static func azure(_ role: String, to principal: PlanValue, at scope: String) -> PlanValue {
    ["scope": .string(scope), "role_definition_id": .string(role), "principal_id": principal]
  }

  static func role(_ actions: PlanValue, not: PlanValue = [], id: String = signer, name: String = "nw-signer") -> PlanValue {
    [
      "managed_hsm_id": .string(hsm), "name": .string(id), "role_name": .string(name),
      "permission": [["data_actions": actions, "not_data_actions": not]],
    ]
  }

  static func evaluate(
    _ changes: [ResourceChange], intent: IntentRegister = intent, inventory: InventorySnapshot? = inventory(), strict: Bool = false,
    format: PlanFormat = .terraformPlanJSON
  ) -> GateResult {
    var set = ChangeSet(format: format)
    set.resources = changes
    return Gate.evaluate(
      GateInput(
        changes: [set], intent: intent, inventory: inventory,
        options: GateOptions(strict: strict, now: Instant(seconds: 1_795_000_000))), rules: [GateOne()])
  }
}
