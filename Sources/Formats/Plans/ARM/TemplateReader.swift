import Encodings

/// Walks the resources of one template and of those nested in it.
struct TemplateReader {
  let frame: TemplateFrame
  let place: DeploymentPlace
  /// Address of the deployment this template belongs to; empty for the file itself.
  let prefix: String
  /// Where this template's resources stand in the file: `/resources`, `/resources/3/properties/template/resources`.
  let path: String
  let nesting: Int
  let collected: TemplateCollection

  /// The resource around a child resource.
  struct Parent {
    var type: String
    var names: [String]
    var condition: PlanValue?
    var isExisting: Bool
  }

  static func address(_ prefix: String, _ name: String) -> String { prefix.isEmpty ? name : "\(prefix)/\(name)" }

  /// Resources of an array, or by symbolic name; each with its key in the JSON.
  static func declared(_ resources: JSONValue?) -> [(symbol: String?, key: String, resource: JSONValue)] {
    if let object = resources?.object { return object.members.map { ($0.name, $0.name, $0.value) } }
    return (resources?.array ?? []).enumerated().map { (nil, String($0.offset), $0.element) }
  }

  /// One context for each iteration of the resource's copy; without copy the context itself and no index, likewise once when the count is not known.
  static func iterations(of resource: JSONValue, in frame: TemplateFrame, _ context: EvaluationContext) throws(TemplateError) -> [(Int?, EvaluationContext)] {
    guard let copy = resource["copy"], copy.object != nil else { return [(nil, context)] }
    let name = copy["name"]?.string ?? ""
    guard let text = copy["count"], let count = try frame.evaluate(text, context).int else { return [(nil, context.loop(name, index: nil))] }
    try frame.checkCount(count)
    return (0..<count).map { ($0, context.loop(name, index: $0)) }
  }

  func read(_ resources: JSONValue?, path: String, parent: Parent? = nil, _ context: EvaluationContext) throws(TemplateError) {
    for (symbol, key, resource) in Self.declared(resources) {
      guard resource.object != nil else { throw TemplateError.malformed(.template, place: "a resource", expected: "an object") }
      let hasCopy = resource["copy"]?.object != nil
      for (index, inner) in try Self.iterations(of: resource, in: frame, context) {
        try frame.budget.countResource()
        try one(resource, symbol: symbol, index: index, isOpen: hasCopy && index == nil, path: "\(path)/\(key)", parent: parent, inner)
      }
    }
  }

  private func one(
    _ resource: JSONValue, symbol: String?, index: Int?, isOpen: Bool, path: String, parent: Parent?, _ context: EvaluationContext
  ) throws(TemplateError) {
    var condition = try resource["condition"].map { value throws(TemplateError) in try frame.evaluate(value, context) } ?? .bool(true)
    if condition == .bool(false) { return }
    if isOpen { condition = .unknown(UnknownValue(missing: "the count of its copy is not known")) }
    if condition == .bool(true) { condition = parent?.condition ?? condition }
    guard let written = try resource["type"].map({ value throws(TemplateError) in try frame.evaluate(value, context) })?.string, written.contains(where: { $0 != "/" && $0 != "@" }) else {
      collected.missing.append(MissingFact(address: Self.address(prefix, symbol ?? path), missing: "its type is not known: what it does cannot be seen"))
      return
    }
    let nameValue = try resource["name"].map { value throws(TemplateError) in try frame.evaluate(value, context) } ?? .null
    let nameText = nameValue.string ?? nameValue.unknown.map { Placeholder.token($0.references.first ?? "name of \(symbol ?? path)") } ?? ""
    // A child within its parent is named relative to it, though some write it in full.
    let isRelative = parent != nil && !written.contains("/")
    let parts = ResourceNaming.named(type: isRelative ? "\(parent?.type ?? "")/\(written)" : written, name: isRelative ? ((parent?.names ?? []) + [nameText]).joined(separator: "/") : nameText)
    let suffix = index.map { "[\($0)]" } ?? (isOpen ? "[*]" : "")
    let types = parts.type.split(separator: "/").map(String.init)
    let address = collected.unique(Self.address(prefix, symbol.map { $0 + suffix } ?? ResourceNaming.interleaved(types, parts.names)))
    if ["microsoft.resources/deployments", "microsoft.resources/deploymentstacks"].contains(parts.type.lowercased()), resource["existing"]?.bool != true {
      return try nested(resource, address: address, path: path, condition: condition, context)
    }
    var change = ResourceChange(dialect: .arm, address: address, type: parts.type, action: .create, before: nil, after: nil)
    let version = try resource["apiVersion"].map { value throws(TemplateError) in try frame.evaluate(value, context) }?.string
    change.apiVersion = version ?? parts.apiVersion
    change.knowsBefore = false
    change.location = collected.location(path)
    if condition != .bool(true) { change.condition = condition }
    if resource["existing"]?.bool == true {
      change.action = .read
      change.isData = true
    }
    var after = try body(resource, context)
    let isGraph = parts.type.lowercased().hasPrefix("microsoft.graph/")
    let scope = try scopeId(resource, parts, context)
    let id = ("\(scope == "/" ? "" : scope)/providers/\(ResourceNaming.interleaved(types, parts.names))")
    if !isGraph {
      after["name"] = .string(parts.names.joined(separator: "/"))
      after["id"] = .string(id)
      if let above = ResourceNaming.parent(of: id) { after["parent"] = .string(above) }
      if resource["scope"] != nil || parts.parentScope != nil || ResourceNaming.isExtension(parts.type) { after["scope"] = .string(scope.isEmpty ? "/" : scope) }
      collected.ids[id.lowercased()] = address
    }
    after["type"] = .string(parts.type)
    change.after = .object(after)
    if try isOnlyIfNotExists(resource, context), change.condition == nil {
      change.condition = .unknown(UnknownValue(missing: "onlyIfNotExists: whether it exists already"))
    }
    change.scripts = ScriptResources.scripts(type: parts.type, after: after, address: address, location: change.location)
    collected.changes.append(change)
    let here = Parent(type: parts.type, names: parts.names, condition: change.condition, isExisting: change.isData)
    try read(resource["resources"], path: "\(path)/resources", parent: here, context)
  }

  /// The resource object evaluated, without what steers the deployment.
  private func body(_ resource: JSONValue, _ context: EvaluationContext) throws(TemplateError) -> [String: PlanValue] {
    var after: [String: PlanValue] = [:]
    for member in resource.object?.members ?? [] {
      switch member.name {
      case "condition", "copy", "dependsOn", "resources", "comments", "metadata", "existing", "name", "type", "apiVersion": continue
      default: after[member.name] = try frame.evaluate(member.value, context)
      }
    }
    // `"properties": "[variables('x')]"` gives an object; anything else than an object there is not readable.
    return after
  }

  private func isOnlyIfNotExists(_ resource: JSONValue, _ context: EvaluationContext) throws(TemplateError) -> Bool {
    guard let options = resource["@options"] ?? resource["options"] else { return false }
    return try frame.evaluate(options, context)["onlyIfNotExists"]?.bool == true
  }

  /// What the resource lies on: its `scope`, the parent of an old extension type, a subscription for resource groups, else the deployment's scope.
  private func scopeId(_ resource: JSONValue, _ parts: ResourceNaming.Named, _ context: EvaluationContext) throws(TemplateError) -> String {
    if let parent = parts.parentScope { return "\(place.id)/providers/\(parent)" }
    if let written = resource["scope"] {
      let value = try frame.evaluate(written, context)
      if let text = value.string { return ResourceNaming.scopeId(text, in: place) }
      if let unknown = value.unknown { return "/" + Placeholder.token(unknown.references.first ?? unknown.missing ?? "scope") }
    }
    // An existing resource may lie in another group.
    var here = place
    if let subscription = try resource["subscriptionId"].map({ value throws(TemplateError) in try frame.evaluate(value, context) })?.string {
      here.subscription = subscription
      here.level = .subscription
    }
    if let group = try resource["resourceGroup"].map({ value throws(TemplateError) in try frame.evaluate(value, context) })?.string {
      here.resourceGroup = group
      here.level = .resourceGroup
    }
    return here.id
  }

  private func nested(_ resource: JSONValue, address: String, path: String, condition: PlanValue, _ context: EvaluationContext) throws(TemplateError) {
    guard nesting < frame.budget.limits.maxNesting else { throw TemplateError.tooMuch(.template, what: "levels of deployments within deployments", limit: frame.budget.limits.maxNesting) }
    guard let deployment = try NestedDeployment(resource, in: frame, context) else {
      collected.missing.append(
        MissingFact(address: address, missing: "the template it links to (a URI, template spec or registry module): give it compiled in, or a what-if answer"))
      return
    }
    if deployment.isInner { try deployment.frame.register(deployment.template, prefix: address, deployment.context) }
    let mode = try resource["properties"]?["mode"].map { value throws(TemplateError) in try frame.evaluate(value, context) }
    if let mode, mode.string?.lowercased() != "incremental" {
      collected.completeModeScopes.append(deployment.place.id)
      if mode.string?.lowercased() != "complete" { collected.missing.append(MissingFact(address: address, missing: "whether its mode is Complete, which deletes what it does not name")) }
    }
    let unmanaged = try resource["properties"]?["actionOnUnmanage"].map { value throws(TemplateError) in try frame.evaluate(value, context) }
    if let action = unmanaged?["resources"], action.string?.lowercased() != "detach" {
      // A stack takes away what its template no longer names.
      collected.completeModeScopes.append(deployment.place.id)
    }
    let reader = TemplateReader(
      frame: deployment.frame, place: deployment.place, prefix: address, path: "\(path)/properties/template/resources", nesting: nesting + 1, collected: collected)
    let start = collected.changes.count
    collected.noteSecureDefaults(of: deployment.template, address: address)
    try reader.read(deployment.template["resources"], path: reader.path, deployment.context)
    guard condition != .bool(true) else { return }
    for index in start..<collected.changes.count where collected.changes[index].condition == nil { collected.changes[index].condition = condition }
  }
}
