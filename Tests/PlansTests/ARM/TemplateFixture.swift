import Encodings
import Plans
import Testing

/// A template around resources given as JSON text.
enum TemplateFixture {
  static let group = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
  static let subscription = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"

  static func text(_ resources: String, parameters: String = "{}", variables: String = "{}", schema: String = group, more: String = "") -> String {
    #"{"$schema":"\#(schema)","languageVersion":"2.0","contentVersion":"1.0.0.0","parameters":\#(parameters),"variables":\#(variables),\#(more)"resources":\#(resources)}"#
  }

  static func changes(
    _ resources: String, parameters: String = "{}", variables: String = "{}", schema: String = group, more: String = "", given: String? = nil,
    options: ARMOptions = ARMOptions()
  ) throws -> ChangeSet {
    let text = text(resources, parameters: parameters, variables: variables, schema: schema, more: more)
    return try ARMTemplate.changeSet(json: Array(text.utf8), parameters: given.map { Array($0.utf8) }, options: options)
  }

  /// The value of one expression, as the property of a resource of a type nothing else is done to.
  static func value(of expression: String, parameters: String = "{}", variables: String = "{}", options: ARMOptions = ARMOptions()) throws -> PlanValue {
    let quoted = JSONValue.string(expression).text()
    let set = try changes(#"{"r":{"type":"Test.Space/things","name":"n","properties":{"value":\#(quoted)}}}"#, parameters: parameters, variables: variables, options: options)
    return try #require(set.resources.first?.after?["properties"]?["value"])
  }
}

extension ChangeSet {
  func named(_ address: String) -> ResourceChange? { resources.first { $0.address == address } }
}

extension ResourceChange {
  func property(_ name: String) -> PlanValue? { after?["properties"]?[name] }
}
