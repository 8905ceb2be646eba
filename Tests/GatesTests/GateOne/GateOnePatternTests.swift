import Encodings
import Estate
import Plans
import Testing

@testable import Gates

/// One row of estate-and-gates §3.8: a change, and what gate 1 must say of it.
struct PatternCase: Sendable, CustomTestStringConvertible {
  var name: String
  var verdict: GateResult.Verdict
  var rule: String?
  var principal: String?
  var store: String?
  var key: String?
  var gained: Set<Capability> = []
  var inventory: InventorySnapshot?
  var changes: [ResourceChange]

  init(
    _ name: String, _ verdict: GateResult.Verdict, _ rule: String? = nil, principal: String? = "build-eu", store: String? = nil, key: String? = nil,
    gained: Set<Capability> = [], inventory: InventorySnapshot? = Northwind.inventory(), _ changes: [ResourceChange]
  ) {
    self.name = name
    self.verdict = verdict
    self.rule = rule
    self.principal = rule == nil ? nil : principal
    self.store = store
    self.key = key
    self.gained = gained
    self.inventory = inventory
    self.changes = changes
  }

  init(_ name: String, _ verdict: GateResult.Verdict, inventory: InventorySnapshot? = Northwind.inventory(), _ changes: [ResourceChange]) {
    self.init(name, verdict, nil, principal: nil, inventory: inventory, changes)
  }

  var testDescription: String { name }
}

typealias N = Northwind

private let sign: PlanValue = ["Microsoft.KeyVault/managedHsm/keys/sign/action", "Microsoft.KeyVault/managedHsm/keys/read/action"]
private let build = PlanValue.string(N.build)
private func vaultPolicy(_ keys: PlanValue, object: PlanValue = build, application: PlanValue = .null) -> PlanValue {
  ["key_vault_id": .string(N.oldVault), "tenant_id": "t", "object_id": object, "application_id": application, "key_permissions": keys]
}
private func vaultRole(_ actions: PlanValue, not: PlanValue = [], id: PlanValue = .string(N.broad)) -> PlanValue {
  ["name": "Key Signer", "role_definition_id": id, "scope": .string(N.group), "permissions": [["data_actions": actions, "not_data_actions": not]]]
}

private let blocking: [PatternCase] = [
  .init("1.1 Crypto User", .block, "HM-G1-CRYPTO-USER", store: "nw-hsm", key: "fw-sign", gained: [.decrypt, .unwrap], [
    N.change(N.localAssignment, after: N.assign(.string("/Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/" + N.cryptoUser), to: build))
  ]),
  .init("1.1 Service Encryption User", .block, "HM-G1-ROLE", store: "nw-hsm", key: "fw-sign", gained: [.unwrap], [
    N.change(N.localAssignment, after: N.assign("33413926-3206-4cdd-b39a-83574fe37a17", to: build))
  ]),
  .init("1.1 Service Release User differs in the last digit", .block, "HM-G1-ROLE", store: "nw-hsm", key: "fw-sign", gained: [.release], [
    N.change(N.localAssignment, after: N.assign("21dbd100-6940-42c2-9190-5d6cb909625c", to: build))
  ]),
  .init("1.2 vault Crypto User by id at a vault", .block, "HM-G1-ROLE", store: "kv-acme", gained: [.decrypt, .unwrap], [
    N.change("azurerm_role_assignment", after: N.azure("/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/12338AF0-0E69-4776-BEA7-57AE8D297424", to: build, at: N.vault))
  ]),
  .init("1.2 vault Crypto Officer by name at a key", .block, "HM-G1-ROLE", store: "kv-acme", key: "app", gained: [.decrypt, .unwrap], [
    N.change("azurerm_role_assignment", after: ["scope": .string(N.vault + "/keys/app"), "role_definition_name": "Key Vault Crypto Officer", "principal_id": build])
  ]),
  .init("1.4 custom role that lists decrypt", .block, "HM-G1-CUSTOM-ROLE", store: "nw-hsm", key: "fw-sign", gained: [.decrypt], [
    N.change(N.localRole, after: N.role(["Microsoft.KeyVault/managedHsm/keys/sign/action", "Microsoft.KeyVault/managedHsm/keys/decrypt/action"], id: N.broad, name: "nw-more")),
    N.change(N.localAssignment, after: N.assign(.string(N.broad), to: build)),
  ]),
  .init("1.5 custom role with a wildcard", .block, "HM-G1-CUSTOM-ROLE", store: "kv-acme", gained: [.unwrap], [
    N.change("azurerm_role_definition", after: vaultRole(["Microsoft.KeyVault/vaults/keys/un*"])),
    N.change("azurerm_role_assignment", after: N.azure(N.broad, to: build, at: N.vault)),
  ]),
  .init("1.6 wildcard less decrypt leaves unwrap", .block, "HM-G1-CUSTOM-ROLE", store: "kv-acme", gained: [.unwrap], [
    N.change("azurerm_role_definition", after: vaultRole(["Microsoft.KeyVault/vaults/keys/*/action"], not: ["Microsoft.KeyVault/vaults/keys/decrypt/action"])),
    N.change("azurerm_role_assignment", after: N.azure(N.broad, to: build, at: N.vault)),
  ]),
  .init("1.7 what one role takes away another still gives", .block, "HM-G1-ROLE", store: "kv-acme", gained: [.decrypt], [
    N.change("azurerm_role_definition", after: vaultRole(["Microsoft.KeyVault/vaults/keys/*"], not: ["Microsoft.KeyVault/vaults/keys/*"])),
    N.change("azurerm_role_assignment", "a", after: N.azure(N.broad, to: build, at: N.vault)),
    N.change("azurerm_role_assignment", "b", after: N.azure("12338af0-0e69-4776-bea7-57ae8d297424", to: build, at: N.vault)),
  ]),
  .init("1.8 a role held already is widened", .block, "HM-G1-ROLE-WIDENED", store: "nw-hsm", key: "fw-sign", gained: [.decrypt], [
    N.change(N.localRole, before: N.role(sign), after: N.role(["Microsoft.KeyVault/managedHsm/keys/sign/action", "Microsoft.KeyVault/managedHsm/keys/decrypt/action"]))
  ]),
  .init("1.9 assignment of a role made in the same plan, by reference", .block, "HM-G1-CUSTOM-ROLE", store: "nw-hsm", key: "fw-sign", gained: [.unwrap], [
    N.change(N.localRole, "wide", after: ["managed_hsm_id": .string(N.hsm), "role_name": "wide", "permission": [["data_actions": ["Microsoft.KeyVault/managedHsm/keys/unwrap/action"]]]]),
    N.change(N.localAssignment, after: N.assign(later(N.localRole + ".wide.resource_manager_id", N.localRole + ".wide"), to: build)),
  ]),
  .init("1.10 access policy with UnwrapKey", .block, "HM-G1-ACCESS-POLICY", store: "kv-old", gained: [.unwrap], [
    N.change("azurerm_key_vault_access_policy", after: vaultPolicy(["Get", "Sign", "unwrapkey"]))
  ]),
  .init("1.10 ALL in a template", .block, "HM-G1-ACCESS-POLICY", store: "kv-old", gained: [.decrypt, .unwrap, .release], [
    N.change("Microsoft.KeyVault/vaults/accessPolicies", N.oldVault + "/accessPolicies/add", after: ["name": "kv-old/add", "properties": ["accessPolicies": [["tenantId": "t", "objectId": build, "permissions": ["keys": ["ALL"]]]]]], dialect: .arm)
  ]),
  .init("1.11 reordered inline policies with one changed", .block, "HM-G1-ACCESS-POLICY", store: "kv-old", gained: [.decrypt], [
    N.change("azurerm_key_vault", before: ["name": "kv-old", "id": .string(N.oldVault), "rbac_authorization_enabled": false, "access_policy": [["object_id": build, "key_permissions": ["Sign"]], ["object_id": .string(N.disk), "key_permissions": ["Decrypt"]]]], after: ["name": "kv-old", "id": .string(N.oldVault), "rbac_authorization_enabled": false, "access_policy": [["object_id": .string(N.disk), "key_permissions": ["Decrypt"]], ["object_id": build, "key_permissions": ["Sign", "Decrypt"]]]])
  ]),
  .init("1.12 compound identity", .block, "HM-G1-ACCESS-POLICY", store: "kv-old", gained: [.decrypt], [
    N.change("azurerm_key_vault_access_policy", after: vaultPolicy(["Decrypt"], object: .string(N.person), application: "7C1D0000-0000-4000-8000-00000000000B"))
  ]),
  .init("1.13 dormant access policies wake", .block, "HM-G1-RBAC-MODE", store: "kv-acme", gained: [.decrypt], inventory: {
    var inventory = N.inventory()
    inventory.grants.append(.init(id: "dormant", store: "kv-acme", principal: N.build, via: .accessPolicy, scope: N.vault, capabilities: [.decrypt], latent: true))
    return inventory
  }(), [
    N.change("azurerm_key_vault", before: ["name": "kv-acme", "id": .string(N.vault), "rbac_authorization_enabled": true], after: ["name": "kv-acme", "id": .string(N.vault), "rbac_authorization_enabled": false])
  ]),
  .init("1.14 into a group inside a group that holds Crypto User", .block, "HM-G1-GROUP", store: "nw-hsm", gained: [.decrypt, .unwrap], [
    N.change("azuread_group_member", after: ["group_object_id": .string(N.team.uppercased()), "member_object_id": .string(N.build.uppercased())])
  ]),
  .init("1.14 Crypto User for a group that contains it", .block, "HM-G1-CRYPTO-USER", store: "nw-hsm", key: "fw-sign", gained: [.decrypt], inventory: {
    var inventory = N.inventory()
    inventory.groups.append(.init(objectId: "9a9a0000-0000-4000-8000-000000000009", name: "CI", members: [N.build]))
    return inventory
  }(), [N.change(N.localAssignment, after: N.assign(.string(N.cryptoUser), to: "9a9a0000-0000-4000-8000-000000000009"))]),
  .init("1.15 PIM eligibility", .block, "HM-G1-PIM", store: "kv-acme", gained: [.decrypt], [
    N.change("azurerm_pim_eligible_role_assignment", after: N.azure("12338af0-0e69-4776-bea7-57ae8d297424", to: build, at: N.vault))
  ]),
  .init("1.15 PIM schedule of a group", .block, "HM-G1-PIM", store: "nw-hsm", gained: [.decrypt], [
    N.change("azuread_privileged_access_group_eligibility_schedule", after: ["group_id": .string(N.outer), "principal_id": build, "assignment_type": "member"])
  ]),
  .init("1.16 Owner", .block, "HM-G1-SELF-GRANT", gained: [.grant], [
    N.change("azurerm_role_assignment", after: ["scope": .string(N.group), "role_definition_name": "Owner", "principal_id": build])
  ]),
  .init("1.16 MHSM Policy Administrator", .block, "HM-G1-SELF-GRANT", store: "nw-hsm", gained: [.grant], [
    N.change(N.localAssignment, after: N.assign("4bd23610-cdcf-4971-bdee-bdc562cc28e4", to: build, at: "/"))
  ]),
  .init("1.16 Key Vault Contributor on a vault with access policies", .block, "HM-G1-SELF-GRANT", store: "kv-old", gained: [.grant], [
    N.change("azurerm_role_assignment", after: N.azure("f25e0fa2-a7c8-4377-a976-54943a77a395", to: build, at: N.oldVault))
  ]),
  .init("1.17 administrator of a new HSM", .block, "HM-G1-ADMIN-LIST", store: "hsm-new", gained: [.grant, .domain], [
    N.change("azurerm_key_vault_managed_hardware_security_module", after: ["name": "hsm-new", "admin_object_ids": [.string(N.person), build]])
  ]),
  .init("1.18 a workflow becomes an identity that unwraps", .block, "HM-G1-FEDERATION", principal: "disk", store: "nw-hsm", key: "wrap", gained: [.unwrap], [
    N.change("azurerm_federated_identity_credential", after: ["issuer": .string(N.github), "subject": "repo:acme/shop:pull_request", "user_assigned_identity_id": .string(N.diskARM)])
  ]),
  .init("1.19 the signing identity is attached to a scale set", .block, "HM-G1-IDENTITY-ATTACHED", store: "nw-hsm", key: "fw-sign", gained: [.sign], [
    N.change("azurerm_linux_virtual_machine_scale_set", before: ["identity": []], after: ["identity": [["type": "UserAssigned", "identity_ids": [.string(N.buildARM)]]]])
  ]),
  .init("1.19 Managed Identity Operator over the group of identities", .block, nil, [
    N.change("azurerm_role_assignment", after: N.azure("f1a07417-d97a-45cb-824c-7a7467783830", to: build, at: N.group))
  ]),
  .init("1.20 key operations gain decrypt", .block, "HM-G1-KEY-OPS", principal: nil, store: "nw-hsm", key: "fw-sign", gained: [.decrypt], [
    N.change("azurerm_key_vault_managed_hardware_security_module_key", before: ["name": "fw-sign", "managed_hsm_id": .string(N.hsm), "key_type": "EC-HSM", "key_opts": ["sign", "verify"]], after: ["name": "fw-sign", "managed_hsm_id": .string(N.hsm), "key_type": "EC-HSM", "key_opts": ["sign", "verify", "decrypt"]])
  ]),
  .init("1.20 a release policy", .block, "HM-G1-KEY-OPS", principal: nil, store: "kv-acme", key: "code-sign", gained: [.release], [
    N.change("Microsoft.KeyVault/vaults/keys", N.vault + "/keys/code-sign", after: ["name": "kv-acme/code-sign", "properties": ["kty": "RSA-HSM", "keyOps": ["sign"], "release_policy": ["data": "e30"]]], dialect: .arm)
  ]),
  .init("1.21 the principal becomes the build identity", .block, "HM-G1-CRYPTO-USER", store: "nw-hsm", key: "fw-sign", gained: [.decrypt], [
    N.change(N.localAssignment, before: N.assign(.string(N.cryptoUser), to: .string(N.person)), after: N.assign(.string(N.cryptoUser), to: build), action: .replace)
  ]),
  .init("1.24 upper case, subscription prefix, trailing slash", .block, "HM-G1-CRYPTO-USER", store: "nw-hsm", key: "fw-sign", gained: [.decrypt], [
    N.change(N.localAssignment, after: N.assign(.string("/subscriptions/S/providers/Microsoft.Authorization/roleDefinitions/" + N.cryptoUser.uppercased() + "/"), to: .string(N.build.uppercased()), at: "/keys/fw-sign/"))
  ]),
  .init("1.25 a custom role bears a built-in name", .block, nil, inventory: {
    var inventory = N.inventory()
    inventory.roles.append(.init(id: N.broad, name: "Key Vault Reader", custom: true, dataActions: ["Microsoft.KeyVault/vaults/keys/decrypt/action"]))
    return inventory
  }(), [N.change("azurerm_role_assignment", after: ["scope": .string(N.vault), "role_definition_name": "Key Vault Reader", "principal_id": build])]),
  .init("1.26 a condition is no mitigation", .block, "HM-G1-ROLE", store: "kv-acme", gained: [.decrypt], [
    N.change("azurerm_role_assignment", after: ["scope": .string(N.vault), "role_definition_name": "Key Vault Crypto User", "principal_id": build, "condition": "((!(ActionMatches{'x'})))", "condition_version": "2.0"])
  ]),
  .init("1.27 a newer key action counts as unwrap", .block, "HM-G1-CUSTOM-ROLE", store: "nw-hsm", key: "fw-sign", gained: [.unwrap], [
    N.change(N.localRole, after: N.role(["Microsoft.KeyVault/managedHsm/keys/secureUnwrapKey/action"], id: N.broad)),
    N.change(N.localAssignment, after: N.assign(.string(N.broad), to: build)),
  ]),
]

@Suite("Gate 1: every pattern of the fact sheet")
struct GateOnePatternTests {
  @Test("A change that gives a signer more is blocked, with the principal, the place and the capabilities named", arguments: blocking)
  func blocks(_ row: PatternCase) throws {
    let result = N.evaluate(row.changes, inventory: row.inventory)
    #expect(result.verdict == row.verdict, "\(result.findings.map { "\($0.rule) \($0.reason)" }) \(result.undecided)")
    guard let rule = row.rule else { return }
    let finding = try #require(result.findings.first { $0.rule == rule && $0.verdict == .block }, "\(result.findings.map { "\($0.rule) \($0.verdict) \($0.reason)" })")
    #expect(finding.principal?.name == row.principal)
    #expect(finding.store == row.store)
    #expect(finding.key == row.key)
    #expect(row.gained.isSubset(of: Set(finding.gained)), "\(finding.gained)")
    #expect(finding.address == row.changes.last?.address || row.changes.contains { $0.address == finding.address })
    #expect(finding.location == SourceLocation(file: "main.tf", line: 12))
    #expect(finding.reason.hasSuffix(".") && finding.fix.hasSuffix("."))
  }
}
