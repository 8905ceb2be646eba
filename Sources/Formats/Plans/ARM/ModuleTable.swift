import Encodings

/// The deployments within one template, so that `reference('module').outputs` can be read.
struct ModuleTable {
  /// One deployment, one iteration of its copy.
  struct Entry {
    var resource: JSONValue
    var address: String
    var context: EvaluationContext
  }

  /// By symbolic name with copy index, and by deployment name, in lower case.
  var entries: [String: Entry] = [:]
  /// What was evaluated, by address.
  var outputs: [String: PlanValue] = [:]
  var busy: Set<String> = []
}

extension TemplateFrame {
  /// The outputs of a deployment of this template, each as `{value}`; nil when the name is none, has no readable template, or is asked for by itself.
  func outputs(of name: String) throws(TemplateError) -> PlanValue? {
    let key = name.lowercased()
    let entry: ModuleTable.Entry?
    if let direct = modules.entries[key] {
      entry = direct
    } else if key.contains("/microsoft.resources/deployments/") {
      entry = ResourceNaming.segments(key).last.flatMap { modules.entries[$0] }
    } else {
      entry = nil
    }
    guard let entry else { return nil }
    if let known = modules.outputs[entry.address] { return known }
    guard modules.busy.insert(entry.address).inserted else { return nil }
    defer { modules.busy.remove(entry.address) }
    guard let nested = try NestedDeployment(entry.resource, in: self, entry.context), let outputs = nested.template["outputs"]?.object else { return nil }
    let frame = nested.frame
    if nested.isInner { try frame.register(nested.template, prefix: entry.address, nested.context) }
    var result: [String: PlanValue] = [:]
    for output in outputs.members {
      let value: PlanValue =
        if let text = output.value["value"] {
          try frame.evaluate(text, nested.context)
        } else {
          .unknown(UnknownValue(references: ["\(entry.address).outputs.\(output.name)"], missing: "an output without value"))
        }
      result[output.name] = .object(["value": value])
    }
    modules.outputs[entry.address] = .object(result)
    return .object(result)
  }

  /// Notes symbolic names and deployments of a template, before anything that refers to them is evaluated.
  ///
  /// - Parameter prefix: the address of the deployment this template belongs to, empty for the file itself.
  func register(_ template: JSONObject, prefix: String, _ context: EvaluationContext) throws(TemplateError) {
    for (symbol, _, resource) in TemplateReader.declared(template["resources"]) {
      if let symbol { symbols[symbol.lowercased()] = TemplateReader.address(prefix, symbol) }
      guard resource["type"]?.string?.lowercased() == "microsoft.resources/deployments" else { continue }
      let contexts = try TemplateReader.iterations(of: resource, in: self, context)
      for (index, inner) in contexts {
        let suffix = index.map { "[\($0)]" } ?? ""
        let name: String? = resource["name"]?.string
        if let symbol {
          modules.entries[symbol.lowercased() + suffix] = .init(resource: resource, address: TemplateReader.address(prefix, symbol) + suffix, context: inner)
        }
        guard let name, let text = try evaluate(JSONValue.string(name), inner).string else { continue }
        let address = symbol.map { TemplateReader.address(prefix, $0) + suffix } ?? TemplateReader.address(prefix, "Microsoft.Resources/deployments/\(text)")
        modules.entries[text.lowercased()] = .init(resource: resource, address: address, context: inner)
      }
    }
  }
}
