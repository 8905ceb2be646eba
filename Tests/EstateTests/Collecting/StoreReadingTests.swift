import Clocks
import Encodings
import Estate
import Testing

@Suite struct StoreReadingTests {
  private let now = Instant(seconds: 1_800_000_000)
  private func vault(_ properties: JSONObject) throws -> InventorySnapshot.Store {
    try #require(StoreReading.store(["id": "/subscriptions/s/v", "name": "v", "type": "Microsoft.KeyVault/vaults", "properties": .object(properties)], at: now))
  }

  @Test func whatAzureLeavesOutIsOffOnlyWhenTheObjectWasRead() throws {
    #expect(try vault([:]).purgeProtection == false)
    #expect(try vault(["enablePurgeProtection": true]).purgeProtection == true)
    #expect(StoreReading.store(["id": "/v", "name": "v", "type": "Microsoft.KeyVault/vaults"], at: now)?.purgeProtection == nil)
  }

  @Test func aVaultWithoutTheFlagDecidesByAccessPolicies() throws {
    #expect(try vault(["enableRbacAuthorization": nil]).rbacMode == .accessPolicy)
    #expect(try vault(["enableRbacAuthorization": false]).rbacMode == .accessPolicy)
    #expect(try vault(["enableRbacAuthorization": true]).rbacMode == .azureRbac)
  }

  @Test func otherTypesAreNoStores() { #expect(StoreReading.store(["id": "/v", "name": "v", "type": "Microsoft.Web/sites"], at: now) == nil) }

  @Test(arguments: [
    ("/subscriptions/s", true), ("/subscriptions/S/resourceGroups/RG-1", true), ("/subscriptions/s/resourceGroups/rg-10", false), ("/subscriptions/s/resourceGroups/rg", false),
    ("/subscriptions/s/resourceGroups/rg-1/providers/Microsoft.KeyVault/vaults/v", true), ("/subscriptions/s/resourceGroups/rg-1/providers/Microsoft.KeyVault/vaults/v/keys/k", false),
  ]) func aLockHoldsBelowItsScopeSegmentBySegment(scope: String, holds: Bool) {
    let lock: JSONValue = ["id": .string("\(scope)/providers/Microsoft.Authorization/locks/l"), "properties": ["level": "CanNotDelete"]]
    #expect(StoreReading.locks([lock], over: "/subscriptions/s/resourcegroups/rg-1/providers/microsoft.keyvault/vaults/v") == (holds ? ["CanNotDelete"] : []))
  }

  @Test func onlyEnabledAuditCategoriesMakeASink() {
    func setting(_ log: JSONValue) -> JSONValue { ["properties": ["workspaceId": "/w", "logs": [log]]] }
    #expect(StoreReading.sinks([setting(["category": "AuditEvent", "enabled": true])]) == ["/w"])
    #expect(StoreReading.sinks([setting(["categoryGroup": "allLogs", "enabled": true])]) == ["/w"])
    #expect(StoreReading.sinks([setting(["category": "AuditEvent", "enabled": false])]).isEmpty)
    #expect(StoreReading.sinks([setting(["category": "AzurePolicyEvaluationDetails", "enabled": true])]).isEmpty)
  }

  @Test func policiesOfAVaultInRBACModeAreLatent() throws {
    let value: JSONValue = ["properties": ["accessPolicies": [["objectId": "o", "permissions": ["keys": ["Sign", "UNWRAPKEY"]]], ["objectId": "p", "permissions": ["keys": []]]]]]
    let grants = StoreReading.policies(value, store: try vault(["enableRbacAuthorization": true]))
    #expect(grants.map(\.principal) == ["o"])
    #expect(grants[0].latent && grants[0].capabilities == [.sign, .unwrap] && grants[0].role == nil)
  }
}

@Suite struct KeyReadingTests {
  @Test(arguments: [
    ("https://h.example/keys/a/0123", "a", "0123"), ("https://h.example:8443/keys/a", "a", nil), ("https://h.example/deletedkeys/a-b", "a-b", nil),
  ] as [(String, String, String?)]) func identifiersAreTakenApart(kid: String, name: String, version: String?) throws {
    let parts = try #require(KeyReading.parts(kid))
    #expect(parts.name == name && parts.version == version)
  }

  @Test(arguments: ["", "keys/a", "https://h/secrets/a", "https://h/keys/", "https://h/keys/a/b/c", "https://h/keys/a%2Fb", "https://h/keys/../x", "https://h/keys/a b"])
  func whatCouldLeaveItsPlaceInAPathIsNoName(kid: String) { #expect(KeyReading.parts(kid) == nil) }

  @Test func aPolicyThatOnlyNotifiesDoesNotRotate() {
    #expect(KeyReading.rotation(["lifetimeActions": [["trigger": ["timeBeforeExpiry": "P30D"], "action": ["type": "Notify"]]]]).every == nil)
    #expect(KeyReading.rotation(["lifetimeActions": [["trigger": ["timeAfterCreate": "P90D"], "action": ["type": "rotate"]]]]).every == "P90D")
  }
}

@Suite struct RoleReadingTests {
  private func role(actions: [String] = [], data: [String] = []) -> [InventorySnapshot.Role] { [InventorySnapshot.Role(id: "r", custom: true, dataActions: data, actions: actions)] }

  @Test(arguments: ["*", "Microsoft.KeyVault/*", "Microsoft.KeyVault/vaults/keys/sign/action", "Microsoft.Authorization/*/Write", "Microsoft.*", "*/write", "Microsoft.Authorization/roleAssignments/write"])
  func rolesThatReachKeysOrRightsMatter(action: String) { #expect(RoleReading.matters(role(actions: [action]))) }

  @Test(arguments: ["Microsoft.Billing/*/read", "*/read", "Microsoft.Storage/*", "Microsoft.KeyVaultX/a", "Microsoft.Authorization/locks/write"])
  func othersAreLeftOut(action: String) { #expect(!RoleReading.matters(role(actions: [action]))) }

  @Test func subtractionStaysWithinItsEntry() {
    let rows = RoleReading.role(["name": "r", "properties": ["roleName": "R", "type": "CustomRole", "permissions": [["dataActions": ["a"], "notDataActions": ["b"]], ["dataActions": ["b"]]]]], store: "s")
    #expect(rows.map(\.dataActions) == [["a"], ["b"]] && rows.map(\.notDataActions) == [["b"], []])
  }

  @Test func anAssignmentOnAKeyBelongsToItsVaultAndOneAboveToNone() throws {
    let stores = ["/subscriptions/s/resourcegroups/g/providers/microsoft.keyvault/vaults/v": "v"]
    func grant(_ scope: String) throws -> InventorySnapshot.Grant {
      try #require(RoleReading.azure(["name": "n", "properties": ["scope": .string(scope), "principalId": "p", "roleDefinitionId": "/x/roleDefinitions/r"]], stores: stores))
    }
    let vault = "/subscriptions/S/resourceGroups/G/providers/Microsoft.KeyVault/vaults/V"
    #expect(try grant(vault).store == "v")
    #expect(try grant(vault + "/keys/k").store == "v")
    #expect(try grant(vault + "2").store == nil)
    #expect(try grant("/subscriptions/s").store == nil)
  }
}
