import Plans
import Testing

@Suite struct RecognitionTests {
  @Test("An input is known by what it holds", arguments: [
    (#"{"format_version":"1.2","resource_changes":[]}"#, PlanFormat.terraformPlanJSON), (#"{"$schema":"https://x/deploymentTemplate.json#","resources":[]}"#, .armTemplate), (#"{"contentVersion":"1.0.0.0","resources":{}}"#, .armTemplate),
    (#"{"changes":[]}"#, .whatIf), (#"{"status":"Succeeded","properties":{"changes":[]}}"#, .whatIf), (#"{"config":{},"steps":[]}"#, .pulumiPreview), ("PK\u{3}\u{4}", .terraformPlanFile),
  ])
  func known(text: String, format: PlanFormat) throws { #expect(try PlanFormat.recognise(Array(text.utf8)) == format) }

  @Test("What only looks like an input is named", arguments: [
    (#"{"$schema":"https://x/deploymentParameters.json#","parameters":{}}"#, TemplateError.Document.parameters), (#"{"version":4,"terraform_version":"1.11.4","serial":3}"#, .terraformState),
    (#"{"format_version":"1.0","terraform_version":"1.11.4","values":{}}"#, .terraformState), (#"{"@level":"info","@message":"x"}"#, .terraformStream), ("{\"@level\":\"info\"}\n{\"@level\":\"info\"}\n", .terraformStream),
    (#"{"version":3,"deployment":{}}"#, .pulumiState), ("{\"sequence\":0,\"timestamp\":1}\n{\"sequence\":1,\"timestamp\":1}", .pulumiStream), ("param x string\n", .bicep), (#"{"a":1,"b":2,"c":3}"#, .other),
  ])
  func named(text: String, found: TemplateError.Document) { #expect(throws: TemplateError.wrongDocument(.input, found: found)) { try PlanFormat.recognise(Array(text.utf8)) } }

  @Test("Bytes that are no JSON are refused as such", arguments: ["", "{", "{\"a\":1,\"a\":2}", "hello"])
  func noJSON(text: String) {
    #expect { try PlanFormat.recognise(Array(text.utf8)) } throws: { if case .json(.input, _)? = $0 as? TemplateError { true } else { false } }
  }
}
