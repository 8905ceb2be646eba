import Encodings

/// `Microsoft.Resources/deployments` with its template inline: where it goes, and where its expressions are evaluated.
struct NestedDeployment {
  let template: JSONObject
  let frame: TemplateFrame
  let context: EvaluationContext
  let place: DeploymentPlace
  /// Whether the template has parameters and variables of its own. Azure's default is `outer`: those of the template around it.
  let isInner: Bool

  /// Nil when there is no inline template.
  init?(_ resource: JSONValue, in frame: TemplateFrame, _ context: EvaluationContext) throws(TemplateError) {
    guard let template = resource["properties"]?["template"]?.object else { return nil }
    self.template = template
    let place = try Self.place(of: resource, template: template, in: frame, context)
    self.place = place
    isInner = resource["properties"]?["expressionEvaluationOptions"]?["scope"]?.string?.lowercased() == "inner"
    guard isInner else {
      self.frame = frame
      self.context = context
      return
    }
    var given: [String: PlanValue] = [:]
    if let parameters = resource["properties"]?["parameters"] {
      if let object = parameters.object {
        for parameter in object.members { given[parameter.name.lowercased()] = try Self.value(of: parameter, in: frame, context) }
      } else if case .object(let members) = try frame.evaluate(parameters, context) {
        for (name, value) in members { given[name.lowercased()] = value["value"] ?? .unknown(UnknownValue(references: ["parameters('\(name)')"], missing: "its value comes from elsewhere")) }
      } else {
        for name in template["parameters"]?.object?.names ?? [] {
          given[name.lowercased()] = .unknown(UnknownValue(references: ["parameters('\(name)')"], missing: "the parameters of a nested deployment are not known"))
        }
      }
    }
    self.frame = TemplateFrame(template: template, given: given, place: place, budget: frame.budget)
    self.context = EvaluationContext()
  }

  private static func value(of parameter: JSONObject.Member, in frame: TemplateFrame, _ context: EvaluationContext) throws(TemplateError) -> PlanValue {
    if let value = parameter.value["value"] { return try frame.evaluate(value, context) }
    if parameter.value.string != nil { return try frame.evaluate(parameter.value, context)["value"] ?? .unknown(UnknownValue(missing: "a parameter given by an expression")) }
    return TemplateParameters.withoutValue(parameter.name, parameter.value)
  }

  private static func place(of resource: JSONValue, template: JSONObject, in frame: TemplateFrame, _ context: EvaluationContext) throws(TemplateError) -> DeploymentPlace {
    var place = frame.place
    func text(_ name: String) throws(TemplateError) -> String? {
      guard let value = resource[name] else { return nil }
      let result = try frame.evaluate(value, context)
      return result.isNull ? nil : result.string ?? Placeholder.token(result.unknown?.references.first ?? name)
    }
    if let subscription = try text("subscriptionId") {
      place.subscription = subscription
      place.level = .subscription
      place.resourceGroup = Placeholder.resourceGroup
    }
    if let group = try text("resourceGroup") {
      place.resourceGroup = group
      place.level = .resourceGroup
    } else if let schema = template["$schema"]?.string, let level = DeploymentPlace.level(ofSchema: schema), level != .resourceGroup {
      place.level = level
    }
    guard let scope = try text("scope") else { return place }
    let parts = scope.split(separator: "/").map(String.init)
    if parts.isEmpty {
      place.level = .tenant
    } else if let at = parts.firstIndex(where: { $0.lowercased() == "managementgroups" }), at + 1 < parts.count {
      place.level = .managementGroup
      place.managementGroup = parts[at + 1]
    } else if parts.count >= 2, parts[0].lowercased() == "subscriptions" {
      place.subscription = parts[1]
      place.level = .subscription
      if parts.count >= 4, parts[2].lowercased() == "resourcegroups" {
        place.resourceGroup = parts[3]
        place.level = .resourceGroup
      }
    }
    return place
  }
}
