import Plans
import Testing

@Suite struct WhatIfTests {
  static let vault = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv"

  static func read(_ text: String) throws -> ChangeSet { try WhatIf.changeSet(json: Array(text.utf8)) }

  static func change(_ more: String, id: String = vault) -> String { #"{"changes":[{"resourceId":"\#(id)",\#(more)}]}"# }

  @Test("The shapes of the REST API and of the CLI say the same") func shapes() throws {
    let change = #"[{"resourceId":"\#(Self.vault)","changeType":"Modify","before":{"properties":{"enablePurgeProtection":true}},"after":{"properties":{"enablePurgeProtection":false}}}]"#
    let rest = try Self.read(#"{"status":"Succeeded","properties":{"changes":\#(change)}}"#)
    #expect(try rest == Self.read(#"{"changes":\#(change)}"#))
    let vault = try #require(rest.resources.first)
    #expect(vault.action == .update && vault.knowsBefore && vault.type == "Microsoft.KeyVault/vaults" && vault.address == Self.vault)
    #expect(vault.before?["properties"]?["enablePurgeProtection"] == .bool(true) && vault.after?["properties"]?["enablePurgeProtection"] == .bool(false))
    #expect(vault.after?["name"] == .string("kv") && rest.missing.isEmpty && rest.incomplete.isEmpty)
  }

  @Test("Each kind of change is the action it is", arguments: [
    ("Create", ChangeAction.create), ("Delete", .delete), ("Modify", .update), ("NoChange", .noOp), ("Deploy", .update), ("Ignore", .unsupported), ("Unsupported", .unsupported), ("Novel", .unsupported),
  ])
  func kinds(kind: String, action: ChangeAction) throws {
    let set = try Self.read(Self.change(#""changeType":"\#(kind)","before":{"properties":{}},"after":{"properties":{}}"#))
    #expect(set.resources.map(\.action) == [action])
    #expect(set.missing.isEmpty == (action != .unsupported && kind != "Deploy"))
  }

  @Test("Of a watched type nothing may stay unsaid, of others it may", arguments: [
    ("Microsoft.KeyVault/vaults/kv", "Ignore", true), ("Microsoft.KeyVault/vaults/kv", "Unsupported", true), ("Microsoft.KeyVault/managedHSMs/h", "Create", true),
    ("Microsoft.Authorization/roleAssignments/r", "Modify", true), ("Microsoft.KeyVault/vaults/kv", "Delete", true), ("Microsoft.Authorization/roleAssignments/r", "Deploy", true),
    ("Microsoft.Web/sites/w", "Ignore", false), ("Microsoft.Storage/storageAccounts/a", "Unsupported", false),
  ])
  func watched(tail: String, kind: String, isMissing: Bool) throws {
    let set = try Self.read(Self.change(#""changeType":"\#(kind)""#, id: "/subscriptions/s/resourceGroups/g/providers/\(tail)"))
    #expect(set.missing.isEmpty != isMissing)
  }

  @Test("An assignment on a vault has the vault as scope, and an unresolved principal is unknown") func scope() throws {
    let set = try Self.read(Self.change(#""changeType":"Create","after":{"type":"Microsoft.Authorization/roleAssignments","properties":{"principalId":"[reference('/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/ci', '2023-01-31').principalId]"}}"#, id: Self.vault + "/providers/Microsoft.Authorization/roleAssignments/r"))
    let grant = try #require(set.resources.first)
    #expect(grant.after?["scope"] == .string(Self.vault) && grant.type == "Microsoft.Authorization/roleAssignments")
    #expect(grant.property("principalId")?.unknown?.references == ["/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/ci.properties.principalId"])
  }

  @Test("Where a payload is missing, the delta says what it can") func delta() throws {
    let set = try Self.read(Self.change(#""changeType":"Modify","delta":[{"path":"properties.enablePurgeProtection","propertyChangeType":"Modify","before":true,"after":false},{"path":"properties.accessPolicies","propertyChangeType":"Array","children":[{"path":"0","propertyChangeType":"Create","after":{"objectId":"p"}}]},{"path":"properties.x","propertyChangeType":"NoEffect","after":1}]"#))
    let vault = try #require(set.resources.first)
    #expect(vault.property("enablePurgeProtection") == .bool(false) && vault.before?["properties"]?["enablePurgeProtection"] == .bool(true))
    #expect(vault.property("accessPolicies")?.list?.last?.unknown != nil && vault.property("x") == nil)
  }

  @Test("Errors and open ends are said", arguments: [
    (#"{"status":"Failed","error":{"code":"InvalidTemplate","message":"m"}}"#, true, 0), (#"{"status":"Running","properties":{"changes":[]}}"#, true, 0),
    (#"{"changes":[],"diagnostics":[{"level":"Error","code":"E"}]}"#, true, 0), (#"{"changes":[],"diagnostics":[{"level":"Warning","code":"NestedDeploymentShortCircuited","target":"t"}]}"#, false, 1),
    (#"{"changes":[],"potentialChanges":[{"resourceId":"/subscriptions/s","changeType":"Create","after":{}}]}"#, false, 1), (#"{"changes":[],"diagnostics":[{"level":"Info","code":"I"}]}"#, false, 0),
    (#"{"changes":null}"#, false, 0),
  ])
  func open(text: String, isErrored: Bool, incomplete: Int) throws {
    let set = try Self.read(text)
    #expect((set.errored != nil) == isErrored && set.incomplete.count == incomplete)
  }

  @Test("What is no what-if answer is refused", arguments: ["{}", "[]", "x", #"{"changes":{}}"#, #"{"changes":[1]}"#, #"{"changes":[{}]}"#, #"{"changes":[{"changeType":"Create"}]}"#, #"{"format_version":"1.2","resource_changes":[]}"#, #"{"changes":[],"changes":[]}"#])
  func refused(text: String) { #expect(throws: TemplateError.self) { try Self.read(text) } }
}
