import Encodings
import Estate
import Plans
import Testing

@testable import Gates

@Suite("Gate 1: references, instances and dialects")
struct GateOneReferenceTests {
  private static let identity = "azurerm_user_assigned_identity"

  private func instances(grantTo key: String) -> [ResourceChange] {
    let type = Self.identity
    return ["build", "disk"].map { name in
      N.change(
        type, after: ["name": .string("id-" + name), "principal_id": later(), "tags": ["purpose": name == "build" ? "sign-only" : "encrypt-service"]],
        address: "\(type).all[\"\(name)\"]")
    } + [
      N.change(
        N.localAssignment, after: N.assign(.string(N.cryptoUser), to: later("\(type).all.principal_id", "\(type).all"), at: "/keys/wrap"),
        address: "\(N.localAssignment).all[\"\(key)\"]")
    ]
  }

  @Test("An instance refers to the instance of its own key")
  func instanceKeys() {
    #expect(N.evaluate(instances(grantTo: "disk")).verdict == .pass)
    let result = N.evaluate(instances(grantTo: "build"))
    #expect(result.verdict == .block)
    #expect(result.findings.first?.principal?.name == "id-build")
  }

  @Test("A vault that begins to heed Azure roles lets a grant on the whole group take effect")
  func rolesWake() throws {
    var inventory = N.inventory()
    inventory.grants.append(
      .init(id: "rg", principal: N.build, via: .azureRbac, scope: N.group, role: "12338af0-0e69-4776-bea7-57ae8d297424"))
    let result = N.evaluate(
      [
        N.change(
          "azurerm_key_vault", before: ["name": "kv-old", "id": .string(N.oldVault), "enable_rbac_authorization": false],
          after: ["name": "kv-old", "id": .string(N.oldVault), "enable_rbac_authorization": true])
      ], inventory: inventory)
    let finding = try #require(result.findings.first)
    #expect(finding.rule == "HM-G1-RBAC-MODE" && finding.verdict == .block && finding.reason.contains("kv-old"))
  }

  @Test("A template that asks for what is there already gains nothing")
  func templateAgain() {
    var inventory = N.inventory()
    inventory.grants.append(
      .init(id: "x", store: "kv-acme", principal: N.build, via: .azureRbac, scope: N.vault, role: "12338af0-0e69-4776-bea7-57ae8d297424"))
    let id = N.vault + "/providers/Microsoft.Authorization/roleAssignments/1"
    let template = N.change(
      "Microsoft.Authorization/roleAssignments", id,
      after: [
        "id": .string(id), "name": "1",
        "properties": ["principalId": .string(N.build), "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/12338af0-0e69-4776-bea7-57ae8d297424"],
      ], dialect: .arm)
    let result = N.evaluate([template], inventory: inventory, format: .armTemplate)
    #expect(result.verdict == .pass)
    #expect(result.standing.first?.store == "kv-acme")
    #expect(N.evaluate([template], format: .armTemplate).verdict == .block)
  }

  @Test(
    "Pulumi's names mean the same", arguments: [
      ("azure-native:authorization/v20220401:RoleAssignment", Dialect.pulumiNative, "roleDefinitionId"),
      ("azure:authorization/assignment:Assignment", Dialect.pulumiClassic, "roleDefinitionId"),
    ])
  func pulumi(_ type: String, _ dialect: Dialect, _ attribute: String) throws {
    let change = N.change(
      type, "urn:pulumi:dev::p::\(type)::grant",
      after: ["scope": .string(N.vault), attribute: "12338AF0-0E69-4776-BEA7-57AE8D297424", "principalId": .string(N.build)], dialect: dialect)
    let result = N.evaluate([change], format: .pulumiPreview)
    let finding = try #require(result.findings.first { $0.verdict == .block })
    #expect(finding.store == "kv-acme" && finding.principal?.name == "build-eu")
  }

  @Test("The default of a newer api-version is roles, of an older one policies", arguments: [("2026-02-01", true), ("2023-07-01", false)])
  func apiVersion(_ version: String, _ rbac: Bool) {
    var change = N.change("Microsoft.KeyVault/vaults", "/x", after: ["name": "kv-new", "properties": [:]], dialect: .arm)
    change.apiVersion = version
    let reading = ResourceReading([{ var set = ChangeSet(format: .armTemplate); set.resources = [change]; return set }()])
    guard case .vault(let vault)? = reading.resources[0].after else { Issue.record("no vault"); return }
    #expect(vault.rbac == (rbac ? .known(true) : .absent))
  }
}
