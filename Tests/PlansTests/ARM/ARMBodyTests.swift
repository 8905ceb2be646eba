import Plans
import Testing

@Suite struct ARMBodyTests {
  static let vault = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv"

  static func change(_ type: String, _ attributes: [String: PlanValue], action: ChangeAction = .create) -> ResourceChange {
    ResourceChange(dialect: .terraform, address: "\(type).x", type: type, action: action, before: action == .delete ? .object(attributes) : nil, after: action == .delete ? nil : .object(attributes))
  }

  @Test("A wrapped resource reads like the template's, whether the body is an object or text", arguments: [
    PlanValue.object(["properties": .object(["enablePurgeProtection": .bool(false)])]), .string(#"{"properties":{"enablePurgeProtection":false}}"#),
  ])
  func wrapped(body: PlanValue) throws {
    let translation = try #require(Self.change("azapi_resource", ["type": .string("Microsoft.KeyVault/vaults@2023-07-01"), "name": .string("kv"), "parent_id": .string("/subscriptions/s/resourceGroups/g"), "body": body]).asARM())
    let vault = try #require(translation.changes.first)
    #expect(vault.dialect == .arm && vault.type == "Microsoft.KeyVault/vaults" && vault.apiVersion == "2023-07-01" && vault.address == "azapi_resource.x")
    #expect(vault.property("enablePurgeProtection") == .bool(false) && vault.after?["id"] == .string(Self.vault) && translation.missing.isEmpty)
  }

  @Test("A child carries its full name and its parent, an assignment its scope") func children() throws {
    let key = try #require(Self.change("azapi_data_plane_resource", ["type": .string("Microsoft.KeyVault/vaults/keys@7.4"), "name": .string("sign"), "parent_id": .string(Self.vault)]).asARM()?.changes.first)
    #expect(key.after?["name"] == .string("kv/sign") && key.after?["parent"] == .string(Self.vault))
    let grant = try #require(Self.change("azapi_resource", ["type": .string("Microsoft.Authorization/roleAssignments@2022-04-01"), "name": .string("g"), "parent_id": .string(Self.vault)]).asARM()?.changes.first)
    #expect(grant.after?["scope"] == .string(Self.vault) && grant.after?["id"] == .string(Self.vault + "/providers/Microsoft.Authorization/roleAssignments/g"))
  }

  @Test("What a wrapper hides of a watched type is missing", arguments: [
    ("azapi_resource", ["type": PlanValue.string("Microsoft.KeyVault/vaults@1"), "sensitive_body": .object([:])]), ("azapi_resource", ["type": .string("Microsoft.KeyVault/vaults@1"), "body": .unknown(UnknownValue())]),
    ("azapi_resource", ["type": .unknown(UnknownValue())]), ("azapi_update_resource", ["type": .string("Microsoft.KeyVault/vaults@1"), "resource_id": .string(vault), "body": .object([:])]),
    ("azapi_resource", ["type": .string("Microsoft.KeyVault/vaults@1"), "body": .string("{")]), ("azapi_resource_action", ["type": .string("Microsoft.KeyVault/vaults@1"), "resource_id": .string(vault), "method": .string("PATCH")]),
    ("azapi_resource_action", ["type": .string("Microsoft.KeyVault/vaults@1"), "resource_id": .string(vault), "action": .string("purge")]), ("azapi_resource_action", ["type": .string("Microsoft.KeyVault/vaults@1"), "action": .unknown(UnknownValue())]),
    ("azurerm_resource_group_template_deployment", ["template_content": .unknown(UnknownValue())]), ("azurerm_subscription_template_deployment", ["template_spec_version_id": .string("/x")]),
    ("azurerm_resource_group_template_deployment", ["template_content": .string("{}")]),
  ] as [(String, [String: PlanValue])])
  func hidden(type: String, attributes: [String: PlanValue]) throws {
    #expect(try #require(Self.change(type, attributes).asARM()).missing.map(\.address) == ["\(type).x"])
  }

  @Test("Adding to access policies by an action is the access policy resource") func action() throws {
    let translation = try #require(Self.change("azapi_resource_action", ["type": .string("Microsoft.KeyVault/vaults@2023-07-01"), "resource_id": .string(Self.vault), "action": .string("accessPolicies/add"), "method": .string("PUT"), "body": .object(["properties": .object(["accessPolicies": .list([])])])]).asARM())
    let change = try #require(translation.changes.first)
    #expect(change.type == "Microsoft.KeyVault/vaults/accessPolicies" && change.after?["name"] == .string("kv/add") && change.after?["parent"] == .string(Self.vault))
    #expect(!change.knowsBefore && translation.missing.isEmpty && translation.scripts.first?.text?.hasPrefix("PUT ") == true)
  }

  @Test("An action that waits for destruction says nothing at creation of the rest, and an unwatched type is no gap", arguments: ["Microsoft.Web/sites@1", "Microsoft.Storage/storageAccounts@1"])
  func unwatched(type: String) throws {
    #expect(try #require(Self.change("azapi_resource_action", ["type": .string(type), "resource_id": .string("/x"), "action": .string("restart")]).asARM()).missing.isEmpty)
    #expect(try #require(Self.change("azapi_update_resource", ["type": .string(type), "body": .object([:])]).asARM()).missing.isEmpty)
    #expect(try #require(Self.change("azapi_resource_action", ["type": .string(type)], action: .delete).asARM()).changes.isEmpty)
  }

  @Test("A template within a deployment is read with its parameters") func embedded() throws {
    let translation = try #require(Self.change("azurerm_resource_group_template_deployment", [
      "resource_group_name": .string("g"), "deployment_mode": .string("Complete"), "parameters_content": .string(#"{"n":{"value":"kv"}}"#),
      "template_content": .string(TemplateFixture.text(#"{"v":{"type":"Microsoft.KeyVault/vaults","name":"[parameters('n')]","properties":{}}}"#, parameters: #"{"n":{"type":"string"}}"#)),
    ]).asARM(options: ARMOptions(subscription: "s")))
    #expect(translation.changes.first?.address == "azurerm_resource_group_template_deployment.x/v")
    #expect(translation.changes.first?.after?["id"] == .string(Self.vault) && translation.completeModeScopes == ["/subscriptions/s/resourceGroups/g"])
  }

  @Test("Every other type is none of these", arguments: ["azurerm_key_vault", "azapi_resource_list", "null_resource", "template_deployment"])
  func others(type: String) { #expect(Self.change(type, [:]).asARM() == nil) }
}
