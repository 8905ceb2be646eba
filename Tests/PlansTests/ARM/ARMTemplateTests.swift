import Plans
import Testing

@Suite struct ARMTemplateTests {
  @Test("Compiled Bicep: role and assignment are tied by id, the subtraction is kept, the principal is missing by name") func sample() throws {
    let text = #"""
      {"$schema":"https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#","languageVersion":"2.0","contentVersion":"1.0.0.0",
       "parameters":{"ciPrincipalId":{"type":"string"}},
       "resources":{
        "signer":{"type":"Microsoft.Authorization/roleDefinitions","apiVersion":"2022-04-01","name":"[guid('signer', subscription().id)]","properties":{"roleName":"Key Signer","type":"CustomRole","assignableScopes":["[subscription().id]"],"permissions":[{"actions":[],"notActions":[],"dataActions":["Microsoft.KeyVault/vaults/keys/*/action","Microsoft.KeyVault/vaults/keys/read"],"notDataActions":["Microsoft.KeyVault/vaults/keys/decrypt/action"]}]}},
        "grant":{"type":"Microsoft.Authorization/roleAssignments","apiVersion":"2022-04-01","name":"[guid('grant')]","properties":{"principalId":"[parameters('ciPrincipalId')]","principalType":"ServicePrincipal","roleDefinitionId":"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid('signer', subscription().id))]"},"dependsOn":["signer"]}}}
      """#
    let set = try ARMTemplate.changeSet(json: Array(text.utf8), options: ARMOptions(file: "main.json"))
    let role = try #require(set.named("signer"))
    let grant = try #require(set.named("grant"))
    #expect(role.after?["id"] == grant.property("roleDefinitionId"))
    #expect(grant.references["properties.roleDefinitionId"] == ["signer.id"])
    #expect(role.location == SourceLocation(file: "main.json", line: 4) && grant.location?.line == 5)
    #expect(!role.knowsBefore && role.before == nil && role.action == .create && role.apiVersion == "2022-04-01")
    #expect(grant.property("principalId")?.unknown?.references == ["parameters('ciPrincipalId')"])
    #expect(grant.after?["scope"] == .string("/subscriptions/{subscription}"))
    #expect(role.property("permissions")?.list?.first?["notDataActions"] == .list([.string("Microsoft.KeyVault/vaults/keys/decrypt/action")]))
    let given = try ARMTemplate.changeSet(
      json: Array(text.utf8), parameters: Array(#"{"parameters":{"CIPrincipalId":{"value":"p-1"}}}"#.utf8), options: ARMOptions(scope: "/subscriptions/00000000-0000-0000-0000-000000000001"))
    #expect(given.named("grant")?.property("principalId") == .string("p-1"))
    #expect(given.named("signer")?.after?["id"] == given.named("grant")?.property("roleDefinitionId"))
  }

  @Test("A principal read from an identity refers to that identity, by symbol or by id", arguments: ["reference('build').principalId", "reference(resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'id-build'), '2023-01-31').principalId"])
  func principal(expression: String) throws {
    let set = try TemplateFixture.changes(#"""
      {"grant":{"type":"Microsoft.Authorization/roleAssignments","apiVersion":"2022-04-01","name":"g","scope":"[format('Microsoft.KeyVault/vaults/{0}', 'kv')]","properties":{"principalId":"[\#(expression)]"}},
       "build":{"type":"Microsoft.ManagedIdentity/userAssignedIdentities","apiVersion":"2023-01-31","name":"id-build"}}
      """#)
    #expect(set.named("grant")?.property("principalId")?.unknown?.references.first == "build.properties.principalId")
    #expect(set.named("grant")?.after?["scope"] == .string("/subscriptions/{subscription}/resourceGroups/{resourceGroup}/providers/Microsoft.KeyVault/vaults/kv"))
  }

  @Test("A system-assigned identity is told from the properties of its resource") func systemAssigned() throws {
    let set = try TemplateFixture.changes(#"{"vm":{"type":"Microsoft.Compute/virtualMachines","name":"v"},"g":{"type":"Microsoft.Authorization/roleAssignments","name":"g","properties":{"principalId":"[reference('vm', '2023-01-01', 'Full').identity.principalId]"}}}"#)
    #expect(set.named("g")?.property("principalId")?.unknown?.references == ["vm.identity.principalId"])
  }

  @Test("An existing resource is read and not made, and can be referred to") func existing() throws {
    let set = try TemplateFixture.changes(#"{"id":{"existing":true,"type":"Microsoft.ManagedIdentity/userAssignedIdentities","name":"ci","resourceGroup":"other"},"g":{"type":"Microsoft.Authorization/roleAssignments","name":"g","properties":{"principalId":"[reference('id').principalId]"}}}"#)
    let read = try #require(set.named("id"))
    #expect(read.action == .read && read.isData)
    #expect(read.after?["id"]?.string?.contains("/resourceGroups/other/") == true)
    #expect(set.named("g")?.property("principalId")?.unknown?.references.first == "id.properties.principalId")
  }

  @Test("Children within a resource, flat children and the old extension spelling give full names and types", arguments: [
    (#"[{"type":"Microsoft.KeyVault/vaults","name":"kv","resources":[{"type":"accessPolicies","name":"add","properties":{}}]}]"#, "Microsoft.KeyVault/vaults/kv/accessPolicies/add", "Microsoft.KeyVault/vaults/accessPolicies", "kv/add"),
    (#"[{"type":"Microsoft.KeyVault/vaults","name":"kv"},{"type":"Microsoft.KeyVault/vaults/keys","name":"[format('{0}/{1}','kv','sign')]"}]"#, "Microsoft.KeyVault/vaults/kv/keys/sign", "Microsoft.KeyVault/vaults/keys", "kv/sign"),
    (#"[{"type":"Microsoft.KeyVault/vaults","name":"kv"},{"type":"Microsoft.KeyVault/vaults/providers/roleAssignments","name":"kv/Microsoft.Authorization/g"}]"#, "Microsoft.Authorization/roleAssignments/g", "Microsoft.Authorization/roleAssignments", "g"),
  ])
  func children(resources: String, address: String, type: String, name: String) throws {
    let change = try #require(try TemplateFixture.changes(resources).named(address))
    #expect(change.type == type && change.after?["name"] == .string(name))
    let vault = "/subscriptions/{subscription}/resourceGroups/{resourceGroup}/providers/Microsoft.KeyVault/vaults/kv"
    #expect(change.after?["parent"] == .string(vault) || change.after?["scope"] == .string(vault))
  }

  @Test("A module's output leads to the identity it made, and its resources are seen") func module() throws {
    let set = try TemplateFixture.changes(#"""
      {"ci":{"type":"Microsoft.Resources/deployments","name":"ci","resourceGroup":"rg-ci","properties":{"expressionEvaluationOptions":{"scope":"inner"},"mode":"Incremental","parameters":{"n":{"value":"build"}},
        "template":{"$schema":"\#(TemplateFixture.group)","languageVersion":"2.0","contentVersion":"1.0.0.0","parameters":{"n":{"type":"string"}},
         "resources":{"uami":{"type":"Microsoft.ManagedIdentity/userAssignedIdentities","name":"[parameters('n')]"}},"outputs":{"pid":{"type":"string","value":"[reference('uami').principalId]"}}}}},
       "g":{"type":"Microsoft.Authorization/roleAssignments","name":"g","properties":{"principalId":"[reference('ci').outputs.pid.value]"}}}
      """#)
    #expect(set.named("ci/uami")?.after?["id"] == .string("/subscriptions/{subscription}/resourceGroups/rg-ci/providers/Microsoft.ManagedIdentity/userAssignedIdentities/build"))
    #expect(set.named("g")?.property("principalId")?.unknown?.references.first == "ci/uami.properties.principalId")
  }

  @Test("Nested deployments of outer scope see the outer parameters; Complete mode names its group") func outer() throws {
    let set = try TemplateFixture.changes(
      #"[{"type":"Microsoft.Resources/deployments","name":"d","subscriptionId":"S2","resourceGroup":"G2","properties":{"mode":"Complete","template":{"$schema":"\#(TemplateFixture.group)","contentVersion":"1.0.0.0","parameters":{"p":{"type":"string","defaultValue":"inner"}},"resources":[{"type":"Microsoft.KeyVault/vaults","name":"[parameters('p')]"}]}}}]"#,
      parameters: #"{"p":{"type":"string","defaultValue":"outer"}}"#)
    #expect(set.resources.map { $0.after?["name"] } == [.string("outer")])
    #expect(set.completeModeScopes == ["/subscriptions/S2/resourceGroups/G2"])
  }

  @Test("What a template only links to is missing", arguments: [
    #"{"templateLink":{"uri":"https://x.example/t.json"},"mode":"Incremental"}"#, #"{"templateLink":{"id":"/subscriptions/s/providers/Microsoft.Resources/templateSpecs/t"}}"#, #"{"templateLink":{"relativePath":"a.json"}}"#, "{}",
  ])
  func linked(properties: String) throws {
    let set = try TemplateFixture.changes(#"{"m":{"type":"Microsoft.Resources/deployments","name":"m","properties":\#(properties)}}"#)
    #expect(set.missing.map(\.address) == ["m"] && set.resources.isEmpty)
  }

  @Test("Copies are expanded with their index, in resources, properties and variables") func copies() throws {
    let set = try TemplateFixture.changes(
      #"{"g":{"copy":{"name":"loop","count":"[length(variables('roles'))]"},"type":"Microsoft.Authorization/roleAssignments","name":"[guid(variables('roles')[copyIndex()])]","properties":{"roleDefinitionId":"[variables('roles')[copyIndex('loop')]]","copy":[{"name":"list","count":2,"input":"[concat(variables('made')[copyIndex('list')], copyIndex('loop'))]"}]}}}"#,
      variables: #"{"roles":["r0","r1"],"copy":[{"name":"made","count":2,"input":"[format('m{0}', copyIndex('made'))]"}]}"#)
    #expect(set.resources.map(\.address) == ["g[0]", "g[1]"])
    #expect(set.named("g[1]")?.property("roleDefinitionId") == .string("r1"))
    #expect(set.named("g[1]")?.property("list") == .list([.string("m01"), .string("m11")]))
  }

  @Test("A copy without known count is seen once and under a condition") func openCopy() throws {
    let set = try TemplateFixture.changes(#"{"g":{"copy":{"name":"l","count":"[length(parameters('x'))]"},"type":"Microsoft.KeyVault/vaults","name":"[format('v{0}', copyIndex())]","properties":{"enablePurgeProtection":false}}}"#, parameters: #"{"x":{"type":"array"}}"#)
    #expect(set.resources.count == 1 && set.resources[0].condition?.unknown != nil && set.resources[0].after?["name"]?.unknown != nil)
    #expect(set.resources[0].property("enablePurgeProtection") == .bool(false))
  }

  @Test("Conditions: false leaves out, true keeps, unknown is kept as unknown", arguments: [("false", 0), ("\"[equals('a','b')]\"", 0), ("true", 1), ("\"[parameters('on')]\"", 1)])
  func conditions(condition: String, count: Int) throws {
    let set = try TemplateFixture.changes(#"{"v":{"condition":\#(condition),"type":"Microsoft.KeyVault/vaults","name":"kv"}}"#, parameters: #"{"on":{"type":"bool"}}"#)
    #expect(set.resources.count == count)
    #expect((set.resources.first?.condition?.unknown != nil) == condition.contains("parameters"))
  }

  @Test("Scripts of a deployment are handed on; text behind a link or not known is nil") func scripts() throws {
    let set = try TemplateFixture.changes(#"""
      {"a":{"type":"Microsoft.Resources/deploymentScripts","name":"a","properties":{"scriptContent":"az keyvault role assignment create"}},
       "b":{"type":"Microsoft.Resources/deploymentScripts","name":"b","properties":{"primaryScriptUri":"https://x.example/s.sh"}},
       "c":{"type":"Microsoft.Resources/deploymentScripts","name":"c","properties":{"scriptContent":"sh -c \"$X\"","environmentVariables":[{"name":"X","value":"az keyvault set-policy"}]}},
       "d":{"type":"Microsoft.Resources/deploymentScripts","name":"d","properties":{"scriptContent":"[parameters('s')]"}}}
      """#, parameters: #"{"s":{"type":"string"}}"#)
    #expect(set.named("a")?.scripts.first?.text == "az keyvault role assignment create")
    #expect(set.named("b")?.scripts.count == 1 && set.named("b")?.scripts.first?.text == nil)
    #expect(set.named("c")?.scripts.first?.text?.contains("set-policy") == true)
    #expect(set.named("d")?.scripts.map(\.text) == [nil])
  }

  @Test("A store without a known name is not taken for a store of another name") func unknownName() throws {
    let set = try TemplateFixture.changes(#"{"v":{"type":"Microsoft.KeyVault/vaults","name":"[parameters('n')]"},"k":{"type":"Microsoft.KeyVault/vaults/keys","name":"[format('{0}/sign', parameters('n'))]"}}"#, parameters: #"{"n":{"type":"string"}}"#)
    #expect(set.named("v")?.after?["name"]?.unknown != nil)
    #expect(set.named("k")?.after?["parent"]?.unknown?.references.first == "v.id")
  }

  @Test("Secure defaults are noted, secure parameters without are not", arguments: [(#""hunter2""#, 1), (#""""#, 0), (#""[newGuid()]""#, 0)])
  func secure(value: String, count: Int) throws {
    let set = try TemplateFixture.changes("{}", parameters: #"{"p":{"type":"secureString","defaultValue":\#(value)}}"#)
    #expect(set.missing.count == count)
    #expect(!"\(set)".contains("hunter2"))
  }

  @Test("Graph types lose their version; onlyIfNotExists is a condition") func graph() throws {
    let set = try TemplateFixture.changes(#"{"grp":{"import":"microsoftGraph","type":"Microsoft.Graph/groups@v1.0","properties":{"uniqueName":"signers","members":["p"]}},"v":{"@options":{"onlyIfNotExists":true},"type":"Microsoft.KeyVault/vaults","name":"kv"}}"#)
    #expect(set.named("grp")?.type == "Microsoft.Graph/groups" && set.named("grp")?.apiVersion == "v1.0")
    #expect(set.named("v")?.condition?.unknown != nil)
  }

  @Test("A Key Vault reference gives a value nobody sees") func vaultReference() throws {
    let set = try TemplateFixture.changes(
      #"{"v":{"type":"Test.Space/x","name":"n","properties":{"p":"[parameters('s')]"}}}"#, parameters: #"{"s":{"type":"string","defaultValue":"d"}}"#,
      given: #"{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#","contentVersion":"1.0.0.0","parameters":{"s":{"reference":{"keyVault":{"id":"/x"},"secretName":"y"}}}}"#)
    #expect(set.named("v")?.property("p")?.unknown?.missing?.contains("Key Vault") == true)
  }

  @Test("What is no template is refused by what it is", arguments: [
    (#"{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#","contentVersion":"1.0.0.0","parameters":{}}"#, TemplateError.wrongDocument(.template, found: .parameters)),
    (#"{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"x","resources":[]}"#, .wrongDocument(.template, found: .terraformState)),
    (#"{"format_version":"1.2","resource_changes":[]}"#, .wrongDocument(.template, found: .terraformPlan)),
    (#"{"changes":[]}"#, .wrongDocument(.template, found: .whatIf)), ("{}", .wrongDocument(.template, found: .other)),
    ("[]", .malformed(.template, place: "the whole", expected: "an object")),
    (#"{"contentVersion":"1.0.0.0","resources":"x"}"#, .malformed(.template, place: "resources", expected: "an array or an object")),
    (#"{"contentVersion":"1.0.0.0","resources":[1]}"#, .malformed(.template, place: "a resource", expected: "an object")),
    (#"{"contentVersion":"1.0.0.0","parameters":[],"resources":[]}"#, .malformed(.template, place: "parameters", expected: "an object")),
  ])
  func refused(text: String, error: TemplateError) {
    #expect(throws: error) { try ARMTemplate.changeSet(json: Array(text.utf8)) }
  }

  @Test("Texts that are no strict JSON are refused", arguments: [#"{"contentVersion":"1","contentVersion":"2","resources":[]}"#, #"{"a":NaN}"#, "{", "", #"{"resources":[]} x"#, String(repeating: "[", count: 500)])
  func notJSON(text: String) {
    #expect { try ARMTemplate.changeSet(json: Array(text.utf8)) } throws: { if case .json(.template, _)? = $0 as? TemplateError { true } else { false } }
  }

  @Test("Copies and resources beyond the limits are refused", arguments: [#"{"count":100000,"name":"x"}"#, #"{"count":-1,"name":"x"}"#])
  func tooMany(copy: String) {
    #expect(throws: TemplateError.self) { try TemplateFixture.changes(#"{"a":{"type":"A.B/c","name":"n","copy":\#(copy)}}"#) }
  }
}
