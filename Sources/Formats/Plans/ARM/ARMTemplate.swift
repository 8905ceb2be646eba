import Encodings

/// ARM templates and compiled Bicep as changes (estate-and-gates §3.5).
package enum ARMTemplate {
  /// What deploying the template asks for.
  ///
  /// There is no before: `knowsBefore` is false, `before` nil and `action` create, except for `existing` resources, which are read (`isData`). `after` is the
  /// whole resource object with expressions resolved, with its full name, and beside what is written: `id` (the resource id), `parent` (the id of the resource a
  /// child belongs to) and `scope` (the id an extension resource lies on, the deployment's when the template names none). Where the subscription, group,
  /// management group or tenant is not known, ids hold `{subscription}`, `{resourceGroup}`, `{managementGroup}`, `{tenant}`; `{?#…}` stands for what only Azure
  /// computes but is equal for equal arguments. Addresses: the symbolic name (`grant[0]` in a copy), else type and name as in a resource id; those of nested
  /// deployments stand before, parted by a slash. References of unknown values: such an address, or a resource id, with the path of the property.
  package static func changeSet(
    json: [UInt8], parameters: [UInt8]? = nil, options: ARMOptions = ARMOptions()
  ) throws(TemplateError) -> ChangeSet {
    let limits = options.limits
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue.parse(json, limits: JSONLimits(maxBytes: limits.maxBytes, maxDepth: limits.maxDepth, maxElements: limits.maxElements))
    } catch { throw TemplateError.json(.template, error) }
    let given = try parameters.map { bytes throws(TemplateError) in try TemplateParameters.read(bytes, limits: limits) } ?? [:]
    let collected = TemplateCollection(lines: options.file == nil ? LineIndex() : LineIndex(json), file: options.file)
    return try changeSet(template: value, given: given, options: options, prefix: "", collected: collected)
  }

  /// - Parameter prefix: stands before every address, for a template within another tool's resource.
  static func changeSet(
    template value: JSONValue, given: [String: PlanValue], options: ARMOptions, prefix: String, collected: TemplateCollection
  ) throws(TemplateError) -> ChangeSet {
    guard let template = value.object else { throw TemplateError.malformed(.template, place: "the whole", expected: "an object") }
    let level = try check(template)
    let place = DeploymentPlace(options, level: level)
    let frame = TemplateFrame(template: template, given: given, place: place, budget: TemplateBudget(options.limits))
    try frame.register(template, prefix: prefix, EvaluationContext())
    let reader = TemplateReader(frame: frame, place: place, prefix: prefix, path: "/resources", nesting: 0, collected: collected)
    collected.noteSecureDefaults(of: template, address: prefix)
    try reader.read(template["resources"], path: reader.path, EvaluationContext())
    collected.link()
    var set = ChangeSet(format: .armTemplate)
    set.resources = collected.changes
    set.missing = collected.missing
    set.completeModeScopes = (options.mode == .complete ? [place.id] : []) + collected.completeModeScopes
    return set
  }

  /// Whether it is a template at all, and for which level.
  private static func check(_ template: JSONObject) throws(TemplateError) -> DeploymentPlace.Level {
    let schema = template["$schema"]?.string
    let level = schema.flatMap { DeploymentPlace.level(ofSchema: $0) }
    guard let resources = template["resources"], level != nil || (schema == nil && template["contentVersion"] != nil) else {
      throw TemplateError.wrongDocument(.template, found: PlanFormat.document(template.names, schema: schema))
    }
    guard resources.array != nil || resources.object != nil else { throw TemplateError.malformed(.template, place: "resources", expected: "an array or an object") }
    for name in ["parameters", "variables"] {
      guard let member = template[name], member.object == nil else { continue }
      throw TemplateError.malformed(.template, place: name, expected: "an object")
    }
    return level ?? .resourceGroup
  }
}
