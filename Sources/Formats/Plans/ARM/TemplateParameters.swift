import Encodings

/// Values for a template's parameters: a `.parameters.json`, or what a `.bicepparam` compiles to.
enum TemplateParameters {
  /// By lower-case name. Values are literals: parameters files hold no expressions.
  static func read(_ bytes: [UInt8], limits: TemplateLimits) throws(TemplateError) -> [String: PlanValue] {
    let json: JSONValue
    do throws(JSONError) { json = try JSONValue.parse(bytes, limits: JSONLimits(maxBytes: limits.maxBytes, maxDepth: limits.maxDepth, maxElements: limits.maxElements)) } catch {
      throw TemplateError.json(.parameters, error)
    }
    guard let object = json.object else { throw TemplateError.malformed(.parameters, place: "the whole", expected: "an object") }
    // `bicep build-params --stdout` wraps the file as a text.
    if let inner = object["parametersJson"]?.string { return try read(Array(inner.utf8), limits: limits) }
    if object["resources"] != nil, object["contentVersion"] != nil { throw TemplateError.wrongDocument(.parameters, found: .template) }
    let parameters: JSONObject
    if let named = object["parameters"] {
      guard let members = named.object else { throw TemplateError.malformed(.parameters, place: "parameters", expected: "an object") }
      parameters = members
    } else if object["$schema"] == nil, !object.members.isEmpty, object.members.allSatisfy({ $0.value["value"] != nil || $0.value["reference"] != nil }) {
      parameters = object
    } else if object["$schema"]?.string?.lowercased().contains("parameters.json") == true {
      throw TemplateError.malformed(.parameters, place: "parameters", expected: "present")
    } else {
      throw TemplateError.wrongDocument(.parameters, found: .other)
    }
    var values: [String: PlanValue] = [:]
    for parameter in parameters.members {
      guard parameter.value.object != nil else { throw TemplateError.malformed(.parameters, place: "a parameter's entry", expected: "an object with `value` or `reference`") }
      values[parameter.name.lowercased()] = parameter.value["value"].map { .literal($0) } ?? withoutValue(parameter.name, parameter.value)
    }
    return values
  }

  /// A parameter whose entry holds no value: a secret of a vault, or an expression over inputs from outside.
  static func withoutValue(_ name: String, _ entry: JSONValue) -> PlanValue {
    let label = "parameters('\(TemplateFrame.excerpt(name))')"
    let reason = entry["reference"] != nil ? "\(label) is a Key Vault secret that only the deployment reads" : "\(label) has an entry without value"
    return .unknown(UnknownValue(references: [label], missing: reason))
  }
}
