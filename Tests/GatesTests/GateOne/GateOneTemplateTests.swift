import Clocks
import Encodings
import Estate
import Plans
import Testing

@testable import Gates

@Suite("Gate 1: templates as they are compiled")
struct GateOneTemplateTests {
  private static let template = """
    {"$schema":"https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#","languageVersion":"2.0","contentVersion":"1.0.0.0",
     "parameters":{"ciPrincipalId":{"type":"string"}},
     "resources":{
      "signer":{"type":"Microsoft.Authorization/roleDefinitions","apiVersion":"2022-04-01","name":"[guid('signer', subscription().id)]","properties":{"roleName":"Key Signer","type":"CustomRole","assignableScopes":["[subscription().id]"],"permissions":[{"actions":[],"notActions":[],"dataActions":["Microsoft.KeyVault/vaults/keys/*/action","Microsoft.KeyVault/vaults/keys/read"],"notDataActions":["Microsoft.KeyVault/vaults/keys/decrypt/action"]}]}},
      "grant":{"type":"Microsoft.Authorization/roleAssignments","apiVersion":"2022-04-01","name":"[guid('grant')]","properties":{"principalId":"[parameters('ciPrincipalId')]","principalType":"ServicePrincipal","roleDefinitionId":"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid('signer', subscription().id))]"},"dependsOn":["signer"]}}}
    """

  private func evaluate(parameters: String?) throws -> GateResult {
    let options = ARMOptions(scope: "/subscriptions/00000000-0000-0000-0000-00000000000a")
    let set = try ARMTemplate.changeSet(json: Array(Self.template.utf8), parameters: parameters.map { Array($0.utf8) }, options: options)
    return Gate.evaluate(
      GateInput(changes: [set], intent: N.intent, inventory: N.inventory(), options: GateOptions(now: Instant(seconds: 1_795_000_000))),
      rules: [GateOne()])
  }

  @Test("A wildcard less decrypt still gives unwrap to the principal of the parameters")
  func wildcard() throws {
    let result = try evaluate(parameters: #"{"parameters":{"ciPrincipalId":{"value":"\#(N.build)"}}}"#)
    let finding = try #require(result.findings.first { $0.verdict == .block }, "\(result.undecided)")
    #expect(finding.rule == "HM-G1-CUSTOM-ROLE")
    #expect(finding.gained.contains(.unwrap) && !finding.gained.contains(.decrypt))
    #expect(finding.principal?.name == "build-eu")
    #expect(finding.store == nil && finding.reason.contains("kv-acme"))
  }

  @Test("Without parameters nobody knows who gains it")
  func parameterMissing() throws {
    let result = try evaluate(parameters: nil)
    #expect(result.verdict == .undecidable)
  }

  @Test("azapi says the same in Terraform")
  func azapi() throws {
    let result = N.evaluate([
      N.change(
        "azapi_resource",
        after: [
          "type": "Microsoft.Authorization/roleAssignments@2022-04-01", "name": "11111111-0000-4000-8000-000000000001", "parent_id": .string(N.vault),
          "body": [
            "properties": [
              "principalId": .string(N.build), "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/12338af0-0e69-4776-bea7-57ae8d297424",
            ]
          ],
        ])
    ])
    let finding = try #require(result.findings.first { $0.verdict == .block }, "\(result.undecided)")
    #expect(finding.store == "kv-acme" && finding.principal?.name == "build-eu" && finding.gained.contains(.unwrap))
    #expect(finding.address.hasPrefix("azapi_resource.x"))
  }

  @Test("An access policy in the template of a deployment resource is found")
  func embedded() throws {
    let template = """
      {"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1.0.0.0","resources":[
       {"type":"Microsoft.KeyVault/vaults/accessPolicies","apiVersion":"2023-07-01","name":"kv-old/add","properties":{"accessPolicies":[{"tenantId":"t","objectId":"\(N.build)","permissions":{"keys":["unwrapKey"]}}]}}]}
      """
    let result = N.evaluate([
      N.change(
        "azurerm_resource_group_template_deployment",
        after: ["name": "d", "resource_group_name": "rg-sign", "deployment_mode": "Incremental", "template_content": .string(template)])
    ])
    let finding = try #require(result.findings.first { $0.verdict == .block }, "\(result.undecided)")
    #expect(finding.rule == "HM-G1-ACCESS-POLICY" && finding.store == "kv-old" && finding.gained.contains(.unwrap))
  }
}
