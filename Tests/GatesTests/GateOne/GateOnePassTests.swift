import Clocks
import Encodings
import Estate
import Plans
import Testing

@testable import Gates

private let build = PlanValue.string(N.build)
private let sign: PlanValue = ["Microsoft.KeyVault/managedHsm/keys/sign/action", "Microsoft.KeyVault/managedHsm/keys/read/action"]
private func hsmKey(_ ops: PlanValue, name: PlanValue = "fw-sign") -> PlanValue {
  ["name": name, "managed_hsm_id": .string(N.hsm), "key_type": "RSA-HSM", "key_opts": ops]
}
private let userRole = "12338af0-0e69-4776-bea7-57ae8d297424"
private let federation = "azurerm_federated_identity_credential"

/// Changes that look like a pattern and are not.
private let nearMisses: [PatternCase] = [
  .init("1.1 the sign-only custom role at its key", .pass, [
    N.change(N.localRole, after: N.role(sign, id: N.broad, name: "signer-2")),
    N.change(N.localAssignment, after: N.assign(.string(N.broad), to: build)),
  ]),
  .init("1.1 Crypto Auditor at the root", .pass, [N.change(N.localAssignment, after: N.assign("2c18b078-7c48-4d3a-af88-5a3a1b3f82b3", to: build, at: "/"))]),
  .init("1.1 Crypto User for an encrypting service", .pass, [N.change(N.localAssignment, after: N.assign(.string(N.cryptoUser), to: .string(N.disk), at: "/keys/wrap"))]),
  .init("1.2 Key Vault Reader by name", .pass, [N.change("azurerm_role_assignment", after: ["scope": .string(N.vault), "role_definition_name": "Key Vault Reader", "principal_id": build])]),
  .init("1.2 Crypto User for a person", .pass, [N.change("azurerm_role_assignment", after: N.azure(userRole, to: .string(N.person), at: N.vault))]),
  .init("1.2 Owner of something that is no store", .pass, [N.change("azurerm_role_assignment", after: N.azure("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", to: build, at: N.group + "/providers/Microsoft.Storage/storageAccounts/st"))]),
  .init("1.3 from the root to one key", .pass, inventory: {
    var inventory = N.inventory()
    inventory.grants.append(.init(id: "wide", store: "nw-hsm", principal: N.build, via: .localRbac, scope: "/", role: N.cryptoUser))
    return inventory
  }(), [N.change(N.localAssignment, before: N.assign(.string(N.cryptoUser), to: build, at: "/"), after: N.assign(.string(N.cryptoUser), to: build), action: .replace)]),
  .init("1.4 a role with decrypt that nobody signs with", .pass, [
    N.change("azurerm_role_definition", after: ["name": "Decrypter", "role_definition_id": .string(N.broad), "permissions": [["data_actions": ["Microsoft.KeyVault/vaults/keys/decrypt/action"]]]])
  ]),
  .init("1.5 a wildcard over secrets", .pass, [
    N.change("azurerm_role_definition", after: ["name": "Secrets", "role_definition_id": .string(N.broad), "permissions": [["data_actions": ["Microsoft.KeyVault/vaults/secrets/*"]]]]),
    N.change("azurerm_role_assignment", after: N.azure(N.broad, to: build, at: N.vault)),
  ]),
  .init("1.8 another role is widened", .pass, [
    N.change(N.localRole, before: N.role(sign, id: N.broad), after: N.role(["Microsoft.KeyVault/managedHsm/keys/decrypt/action"], id: N.broad))
  ]),
  .init("1.8 the role loses an action", .pass, [
    N.change(N.localRole, before: N.role(sign), after: N.role(["Microsoft.KeyVault/managedHsm/keys/sign/action"]))
  ]),
  .init("1.10 access policy with Get and Sign", .pass, [
    N.change("azurerm_key_vault_access_policy", after: ["key_vault_id": .string(N.oldVault), "object_id": build, "key_permissions": ["Get", "Sign", "Verify"]])
  ]),
  .init("1.10 a policy is removed", .pass, inventory: {
    var inventory = N.inventory()
    inventory.grants.append(.init(id: "p", store: "kv-old", principal: N.build, via: .accessPolicy, scope: N.oldVault, capabilities: [.decrypt]))
    return inventory
  }(), [N.change("azurerm_key_vault_access_policy", before: ["key_vault_id": .string(N.oldVault), "object_id": build, "key_permissions": ["Decrypt"]], after: nil)]),
  .init("1.11 the same policies in another order", .pass, [
    N.change("azurerm_key_vault", before: ["name": "kv-old", "id": .string(N.oldVault), "rbac_authorization_enabled": false, "access_policy": [["object_id": build, "key_permissions": ["Sign"]], ["object_id": .string(N.disk), "key_permissions": ["Decrypt"]]]], after: ["name": "kv-old", "id": .string(N.oldVault), "rbac_authorization_enabled": false, "access_policy": [["object_id": .string(N.disk), "key_permissions": ["Decrypt"]], ["object_id": build, "key_permissions": ["Sign"]]]])
  ]),
  .init("1.13 the other way, with nothing dormant", .pass, [
    N.change("azurerm_key_vault", before: ["name": "kv-old", "id": .string(N.oldVault), "rbac_authorization_enabled": false], after: ["name": "kv-old", "id": .string(N.oldVault), "rbac_authorization_enabled": true])
  ]),
  .init("1.14 into a group without rights", .pass, inventory: {
    var inventory = N.inventory()
    inventory.groups.append(.init(objectId: "9a9a0000-0000-4000-8000-000000000009", name: "Readers", members: []))
    return inventory
  }(), [N.change("azuread_group_member", after: ["group_object_id": "9a9a0000-0000-4000-8000-000000000009", "member_object_id": build])]),
  .init("1.14 another identity into the group", .pass, [N.change("azuread_group_member", after: ["group_object_id": .string(N.team), "member_object_id": .string(N.person)])]),
  .init("1.15 PIM for a person", .pass, [N.change("azurerm_pim_eligible_role_assignment", after: N.azure(userRole, to: .string(N.person), at: N.vault))]),
  .init("1.17 administrators without it", .pass, [N.change("azurerm_key_vault_managed_hardware_security_module", after: ["name": "hsm-new", "admin_object_ids": [.string(N.person)]])]),
  .init("1.18 a cluster's workload becomes the encrypting service", .pass, [
    N.change(federation, after: ["issuer": "https://westeurope.oic.prod-aks.azure.com/t/c/", "subject": "system:serviceaccount:disk:csi", "user_assigned_identity_id": .string(N.diskARM)])
  ]),
  .init("1.18 an environment of the repository on the signing identity", .pass, [
    N.change(federation, after: ["issuer": .string(N.github), "subject": "repo:northwind@901/engine@77:environment:ship-2", "user_assigned_identity_id": .string(N.buildARM)])
  ]),
  .init("1.19 the encrypting identity on its disk set", .pass, [N.change("azurerm_disk_encryption_set", after: ["identity": [["identity_ids": [.string(N.diskARM)]]]])]),
  .init("1.19 it was attached before", .pass, [
    N.change("azurerm_linux_virtual_machine", before: ["size": "a", "identity": [["identity_ids": [.string(N.buildARM)]]]], after: ["size": "b", "identity": [["identity_ids": [.string(N.buildARM)]]]])
  ]),
  .init("1.19 operator of itself", .pass, [N.change("azurerm_role_assignment", after: N.azure("f1a07417-d97a-45cb-824c-7a7467783830", to: build, at: N.buildARM))]),
  .init("1.20 another key gains decrypt", .pass, [N.change("azurerm_key_vault_managed_hardware_security_module_key", before: hsmKey(["wrapKey", "unwrapKey"], name: "wrap"), after: hsmKey(["wrapKey", "unwrapKey", "decrypt"], name: "wrap"))]),
  .init("1.20 the signing key gains verify", .pass, [N.change("azurerm_key_vault_managed_hardware_security_module_key", before: hsmKey(["sign"]), after: hsmKey(["sign", "verify"]))]),
  .init("1.21 from the build identity to a person", .pass, [
    N.change(N.localAssignment, before: N.assign(.string(N.cryptoUser), to: build), after: N.assign(.string(N.cryptoUser), to: .string(N.person)), action: .replace)
  ]),
  .init("a grant is deleted", .pass, [N.change(N.localAssignment, before: N.assign(.string(N.signer), to: build), after: nil)]),
  .init("1.22 unknown principal, harmless role", .pass, [N.change(N.localAssignment, after: N.assign("2c18b078-7c48-4d3a-af88-5a3a1b3f82b3", to: later()))]),
]

/// Changes about which a fact is missing.
private let undecidable: [PatternCase] = [
  .init("1.22 the principal comes from a map that nobody knows", .undecidable, [N.change(N.localAssignment, after: N.assign(.string(N.cryptoUser), to: later()))]),
  .init("the role is unknown", .undecidable, [N.change(N.localAssignment, after: N.assign(later(), to: build))]),
  .init("the role is neither built in nor listed", .undecidable, [N.change(N.localAssignment, after: N.assign("bbbbbbbb-0000-4000-8000-000000000001", to: build))]),
  .init("1.25 a name nobody knows", .undecidable, [N.change("azurerm_role_assignment", after: ["scope": .string(N.vault), "role_definition_name": "Our Signer", "principal_id": build])]),
  .init("an unknown set of permissions is not empty", .undecidable, [
    N.change("azurerm_key_vault_access_policy", after: ["key_vault_id": .string(N.oldVault), "object_id": build, "key_permissions": later("var.permissions")])
  ]),
  .init("1.8 without an inventory nobody knows who holds the role", .undecidable, inventory: nil, [
    N.change(N.localRole, before: N.role(sign), after: N.role(["Microsoft.KeyVault/managedHsm/keys/decrypt/action"]))
  ]),
  .init("1.8 a denied store is not an empty one", .undecidable, inventory: {
    var inventory = N.inventory()
    inventory.stores[0].visibility = .denied
    inventory.grants = []
    inventory.roles = []
    inventory.keys = []
    return inventory
  }(), [N.change(N.localRole, before: N.role(sign), after: N.role(["Microsoft.KeyVault/managedHsm/keys/decrypt/action"]))]),
  .init("1.14 a group of which nobody knows the rights", .undecidable, inventory: nil, [
    N.change("azuread_group_member", after: ["group_object_id": .string(N.team), "member_object_id": build])
  ]),
  .init("a principal that nobody classified", .undecidable, [N.change(N.localAssignment, after: N.assign(.string(N.cryptoUser), to: "5f0c0000-0000-4000-8000-0000000000ff"))]),
  .init("a type of Key Vault that no rule knows", .undecidable, [N.change("azurerm_key_vault_quantum_grant", after: ["x": 1])]),
  .init("1.23 a script whose text is not known", .undecidable, [N.change("azurerm_resource_deployment_script_azure_cli", after: ["script_content": later("var.s")])]),
]

@Suite("Gate 1: near misses and missing facts")
struct GateOnePassTests {
  @Test("A change that only looks like a pattern passes", arguments: nearMisses)
  func passes(_ row: PatternCase) {
    let result = N.evaluate(row.changes, inventory: row.inventory)
    #expect(result.verdict == .pass, "\(result.findings.map { "\($0.rule) \($0.reason)" }) \(result.undecided)")
  }

  @Test("What cannot be known is the third answer, with the address and the fact", arguments: undecidable)
  func undecided(_ row: PatternCase) {
    let result = N.evaluate(row.changes, inventory: row.inventory)
    #expect(result.verdict == .undecidable, "\(result.findings.map { "\($0.rule) \($0.reason)" })")
    #expect(result.undecided.contains { $0.address == row.changes[0].address && !$0.missing.isEmpty }, "\(result.undecided)")
  }

  @Test("A grant that stood before is shown as standing and does not fail the change")
  func standing() throws {
    var inventory = N.inventory()
    inventory.grants.append(.init(id: "old", store: "nw-hsm", principal: N.build, via: .localRbac, scope: "/keys/fw-sign", role: N.cryptoUser))
    let value = N.assign(.string(N.cryptoUser), to: build)
    let result = N.evaluate([N.change(N.localAssignment, before: value, after: value)], inventory: inventory)
    #expect(result.verdict == .pass)
    let finding = try #require(result.standing.first)
    #expect(finding.rule == "HM-G1-CRYPTO-USER" && finding.store == "nw-hsm" && finding.key == "fw-sign" && finding.principal?.name == "build-eu")
    #expect(result.standing.count == 1)
  }

  @Test("Sign on every key is a warning that names the scope", arguments: ["/", "/keys"])
  func wide(_ scope: String) throws {
    let result = N.evaluate([N.change(N.localAssignment, after: N.assign(.string(N.signer), to: build, at: .string(scope)))])
    #expect(result.verdict == .warn)
    let finding = try #require(result.findings.first)
    #expect(finding.rule == "HM-G1-SCOPE" && finding.store == "nw-hsm" && finding.key == nil && finding.scope == scope)
  }

  @Test("Backup and deletion warn, and block when strict")
  func strict() {
    let change = [N.change(N.localAssignment, after: N.assign("7b127d3c-77bd-4e3e-bbe0-dbb8971fa7f8", to: build))]
    #expect(N.evaluate(change).verdict == .warn)
    #expect(N.evaluate(change, strict: true).verdict == .block)
  }

  @Test("A scope wider than a store names no store, and the reason names what it reaches")
  func resourceGroup() throws {
    let result = N.evaluate([N.change("azurerm_role_assignment", after: N.azure(userRole, to: build, at: N.group))])
    let finding = try #require(result.findings.first { $0.verdict == .block })
    #expect(finding.store == nil && finding.key == nil && finding.scope == N.group)
    #expect(finding.reason.contains("kv-acme"))
  }

  @Test("Principal and role known only by reference, without a register entry: the CI federation makes it sign-only")
  func sample() throws {
    let identity = "azurerm_user_assigned_identity"
    let result = N.evaluate(
      [
        N.change(identity, "ci", after: ["name": "id-release-ci", "id": later(), "principal_id": later(), "client_id": later()], address: "module.a[\"eu\"].\(identity).ci"),
        N.change(
          federation,
          after: [
            "issuer": .string(N.github), "subject": "repo:acme@4711/shop@8150:environment:release",
            "user_assigned_identity_id": later("module.a.\(identity).ci.id", "module.a.\(identity).ci"),
          ]),
        N.change(N.localAssignment, after: N.assign(.string(N.cryptoUser), to: later("module.a.\(identity).ci.principal_id"), at: "/keys/code-sign")),
      ], inventory: nil)
    #expect(result.verdict == .block)
    let finding = try #require(result.findings.first { $0.rule == "HM-G1-CRYPTO-USER" })
    #expect(finding.principal?.name == "id-release-ci" && finding.principal?.objectId == nil)
    #expect(finding.key == "code-sign" && finding.store == "nw-hsm")
    #expect(finding.reason.contains("GitHub acme/shop environment release"), "\(finding.reason)")
    #expect(result.findings.filter { $0.verdict == .block }.count == 1, "\(result.findings.map(\.rule))")
  }

  @Test(
    "A script that hands out rights is blocked", arguments: [
      "az keyvault role assignment create --hsm-name h --role \"Managed HSM Crypto User\" --assignee x --scope /keys",
      "New-AzKeyVaultRoleAssignment -HsmName h -RoleDefinitionName 'Managed HSM Crypto User' -ObjectId x",
      "az keyvault set-policy -n kv --object-id x \\\n  --key-permissions sign unwrapKey",
      "curl -X PUT https://h.managedhsm.azure.net/keys/providers/Microsoft.Authorization/roleAssignments/1",
    ])
  func scripts(_ text: String) {
    var change = N.change("terraform_data", after: ["input": "x"])
    change.scripts = [PlanScript(origin: "provisioner local-exec", text: text)]
    let result = N.evaluate([change])
    #expect(result.findings.contains { $0.rule == "HM-G1-SCRIPT" && $0.verdict == .block })
  }

  @Test(
    "A script that reads, or gives only sign, passes", arguments: [
      "az keyvault key list --hsm-name h", "# az keyvault set-policy --key-permissions decrypt",
      "az keyvault set-policy -n kv --object-id x --key-permissions get sign",
      "az role assignment create --role Reader --assignee x --scope /subscriptions/s",
    ])
  func harmlessScripts(_ text: String) {
    var change = N.change("terraform_data", after: ["input": "x"])
    change.scripts = [PlanScript(origin: "provisioner local-exec", text: text)]
    #expect(N.evaluate([change]).verdict == .pass)
  }

  @Test("Ten thousand resources are judged in time")
  func size() {
    var changes: [ResourceChange] = []
    for number in 0..<10_000 {
      switch number % 4 {
      case 0: changes.append(N.change("azurerm_role_assignment", "a\(number)", after: N.azure(userRole, to: .string("5f0c0000-0000-4000-8000-\(100_000_000_000 + number)"), at: N.group)))
      case 1: changes.append(N.change("azurerm_user_assigned_identity", "i\(number)", after: ["name": .string("id-\(number)"), "principal_id": later()]))
      case 2: changes.append(N.change(N.localAssignment, "l\(number)", after: N.assign(.string(N.signer), to: later("azurerm_user_assigned_identity.i\(number - 1).principal_id"), at: .string("/keys/k\(number)"))))
      default: changes.append(N.change("azurerm_storage_account", "s\(number)", after: ["name": .string("st\(number)")]))
      }
    }
    let clock = ContinuousClock()
    let time = clock.measure { _ = N.evaluate(changes) }
    print("gate 1 over 10,000 resources: \(time)")
    #expect(time < .seconds(20))
  }
}
