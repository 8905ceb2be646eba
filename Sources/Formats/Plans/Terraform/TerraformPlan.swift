internal import Encodings

/// Terraform's and OpenTofu's plan JSON, format 1.x.
package enum TerraformPlan {
  /// Reads a plan as `terraform show -json PLANFILE` prints it.
  ///
  /// - Parameter sources: the configuration behind it: locals, lifecycle, scripts and places are seen only with it.
  /// - Throws: for what is no plan, or a plan of another format; an errored or incomplete plan is read, and says so.
  package static func changeSet(json: [UInt8], sources: PlanSources? = nil, limits: PlanLimits = .standard) throws(PlanError) -> ChangeSet {
    guard json.count <= limits.maxBytes else { throw .tooLarge(what: "the plan", size: json.count, limit: limits.maxBytes) }
    let value: JSONValue
    let data: [JSONValue]
    do {
      (value, data) = try parsed(json, JSONLimits(maxBytes: limits.maxBytes, maxDepth: limits.maxDepth, maxElements: limits.maxElements))
    } catch {
      throw json.starts(with: [0x50, 0x4B]) ? .wrongDocument(.savedPlanFile) : .json(error)
    }
    return try TerraformReading(value, data: data, sources: sources, limits: limits).changeSet()
  }

  /// The plan without what repeats `resource_changes`, and the data sources of the state before: half of a plan is never built.
  private static func parsed(_ json: [UInt8], _ limits: JSONLimits) throws(JSONError) -> (JSONValue, [JSONValue]) {
    let result = json.withUnsafeBytes { bytes -> Result<(JSONValue, [JSONValue]), JSONError> in
      do throws(JSONError) {
        let (plan, omitted) = try JSONValue.parse(bytes, omitting: ["planned_values", "prior_state", "output_changes", "relevant_attributes", "checks"], limits: limits)
        return .success((plan, try omitted["prior_state"].map { (field) throws(JSONError) in try PriorState.data(field, in: bytes, limits) } ?? []))
      } catch { return .failure(error) }
    }
    return try result.get()
  }
}

/// One reading of one plan.
struct TerraformReading {
  private let plan: JSONValue
  private let sources: PlanSources?
  private let resolver: PlanResolver
  private let changes: [JSONValue]
  private let drift: [JSONValue]
  private let deferred: [JSONValue]
  private let data: [JSONValue]

  init(_ plan: JSONValue, data: [JSONValue], sources: PlanSources?, limits: PlanLimits) throws(PlanError) {
    guard let object = plan.object else { throw .wrongDocument(.neither) }
    if object["@level"] != nil { throw .wrongDocument(.interfaceStream) }
    if object["serial"] != nil || object["lineage"] != nil { throw .wrongDocument(.state) }
    guard let version = object["format_version"] else { throw .wrongDocument(.neither) }
    guard let text = version.string, text.hasPrefix("1."), text.utf8.dropFirst(2).allSatisfy({ $0 &- 0x30 < 10 }), text.utf8.count > 2 else { throw .version(version.string) }
    if object["values"] != nil, object["resource_changes"] == nil, object["planned_values"] == nil { throw .wrongDocument(.state) }
    self.plan = plan
    self.data = data
    self.sources = sources
    changes = try Self.list(plan, "resource_changes")
    drift = try Self.list(plan, "resource_drift")
    deferred = try Self.list(plan, "deferred_changes")
    let count = changes.count + drift.count + deferred.count
    guard count <= limits.maxResources else { throw .tooLarge(what: "the list of resource changes", size: count, limit: limits.maxResources) }
    let configuration = try plan["configuration"].flatMap { $0.isNull ? nil : $0 }.map { (json) throws(PlanError) in try PlanConfiguration(json) } ?? PlanConfiguration()
    var variables: [String: PlanValue] = [:]
    for member in plan["variables"]?.object?.members ?? [] { if let value = member.value["value"] { variables[member.name] = PlanValue(value) } }
    resolver = PlanResolver(configuration: configuration, variables: variables, sources: sources)
  }

  private static func list(_ plan: JSONValue, _ name: String) throws(PlanError) -> [JSONValue] {
    guard let member = plan[name], !member.isNull else { return [] }
    guard let list = member.array else { throw .malformed(place: name, expected: "an array") }
    return list
  }

  func changeSet() throws(PlanError) -> ChangeSet {
    var set = ChangeSet(format: .terraformPlanJSON)
    if try flag("errored") == true { set.errored = "Terraform could not finish this plan (errored: true): correct the error it printed and make the plan again" }
    if try flag("complete") == false {
      set.incomplete.append("the plan is incomplete (complete: false): it was targeted, or parts are deferred; make a plan of everything")
    }
    registerData()
    var read: [(ResourceChange, PlanAddress?)] = []
    for (index, one) in changes.enumerated() { read.append(try resource(one, "resource_changes[\(index)]")) }
    for (change, address) in read {
      guard let address, let after = change.after, change.deposed == nil else { continue }
      resolver.register(address, change.address, after)
    }
    for (index, one) in drift.enumerated() {
      var (change, address) = try resource(one, "resource_drift[\(index)]")
      change.isDrift = true
      read.append((change, address))
    }
    for (index, one) in deferred.enumerated() {
      let place = "deferred_changes[\(index)]"
      guard let inner = one["resource_change"] else { throw .malformed(place: place, expected: "an object with resource_change") }
      var (change, address) = try resource(inner, place)
      change.isDeferred = true
      read.append((change, address))
    }
    set.resources = read.map { change, address in address.map { configured(change, $0) } ?? change }
    set.providers = providers()
    set.scripts = invocations()
    set.missing = sources?.problems ?? []
    return set
  }

  /// A truth value that a verdict hangs on: of another kind it is no plan's.
  private func flag(_ name: String) throws(PlanError) -> Bool? {
    guard let value = plan[name], !value.isNull else { return nil }
    guard let flag = value.bool else { throw .malformed(place: name, expected: "true or false") }
    return flag
  }

  // MARK: Resources

  private func resource(_ json: JSONValue, _ place: String) throws(PlanError) -> (ResourceChange, PlanAddress?) {
    guard let text = json["address"]?.string, let type = json["type"]?.string, let change = json["change"], change.object != nil else {
      throw .malformed(place: place, expected: "an object with address, type and change")
    }
    guard let verbs = change["actions"]?.array, let action = Self.action(verbs.map { $0.string ?? "" }) else {
      throw .malformed(place: "\(place).change.actions", expected: "a combination of actions that is known")
    }
    let before = change["before"].flatMap { $0.isNull ? nil : PlanValue($0) }
    let after: PlanValue? =
      action == .delete || action == .forget ? nil : PlanMerge.merge(change["after"] ?? .null, unknown: change["after_unknown"])
    var result = ResourceChange(dialect: .terraform, address: text, type: type, action: action, before: before, after: after == .null ? nil : after)
    result.previousAddress = json["previous_address"]?.string
    result.provider = json["provider_name"]?.string
    result.isData = json["mode"]?.string == "data"
    result.deposed = json["deposed"]?.string
    result.actionReason = json["action_reason"]?.string
    result.isImport = change["importing"].map { !$0.isNull } ?? false
    result.replacePaths = (change["replace_paths"]?.array ?? []).compactMap { path in
      path.array.map { steps in steps.map { $0.string ?? $0.int.map(String.init) ?? "?" }.joined(separator: ".") }
    }
    PlanMerge.sensitive(change["before_sensitive"], into: &result.sensitivePaths)
    PlanMerge.sensitive(change["after_sensitive"], into: &result.sensitivePaths)
    return (result, PlanAddress(text))
  }

  private static func action(_ verbs: [String]) -> ChangeAction? {
    switch verbs {
    case ["no-op"]: .noOp
    case ["create"]: .create
    case ["read"]: .read
    case ["update"]: .update
    case ["delete"]: .delete
    case ["delete", "create"], ["create", "delete"]: .replace
    case ["forget"]: .forget
    // Destroys nothing, and makes a new one beside what it forgets.
    case ["create", "forget"], ["forget", "create"]: .replace
    case ["open"], ["close"], ["renew"]: .read
    default: nil
    }
  }

  /// The same with origins of what is unknown, with scripts, place and lifecycle.
  private func configured(_ change: ResourceChange, _ address: PlanAddress) -> ResourceChange {
    var result = change
    let resource = resolver.configuration.resource(address)
    let scope = resolver.scope(of: address, resource)
    let declared = sources?.declared(address)
    result.providerKey = resource?.providerKey
    if let after = change.after, resource != nil || declared != nil {
      var filler = PlanFiller(resolver, scope)
      result.after = filler.fill(after, resource?.expressions, declared.map { resolver.evaluator.bounded(resolver.value(of: $0.block.body, in: scope)) })
      result.references = filler.references
    }
    result.location = sources?.location(of: change.address)
    if let declared {
      let lifecycle = Lifecycle(declared.block.body)
      result.ignoreChanges = lifecycle.ignoreChanges
      result.preventDestroy = lifecycle.preventDestroy
    }
    result.scripts = scripts(resource, declared, scope)
    if change.isData, change.type == "external" {
      result.scripts.append(PlanScript(origin: "external data source", text: result.after?["program"]?.list?.compactMap(\.string).joined(separator: " ")))
    }
    return result
  }

  private func scripts(_ resource: PlanConfiguration.Resource?, _ declared: ConfigurationSource.Declared?, _ scope: PlanResolver.Scope) -> [PlanScript] {
    if let declared {
      return declared.block.body.blocks("provisioner").map { block in
        let location = SourceLocation(file: declared.file, line: block.line)
        let parts = ["command", "inline", "script", "scripts", "content", "source"].compactMap { name in
          block.body.attributes[name].map { written($0.value, scope) }
        }
        return PlanScript(origin: "provisioner \(block.labels.first ?? "")", text: Self.text(parts), location: location)
      }
    }
    return (resource?.provisioners ?? []).map { provisioner in
      let parts = (provisioner["expressions"]?.object?.members ?? []).filter { ["command", "inline", "script", "scripts", "content", "source"].contains($0.name) }
        .map { resolver.resolve($0.value, in: scope).planValue }
      return PlanScript(origin: "provisioner \(provisioner["type"]?.string ?? "")", text: Self.text(parts))
    }
  }

  /// A text of the source with what is not known left open: a command is recognised by its constant words.
  private func written(_ expression: HCLExpression, _ scope: PlanResolver.Scope) -> PlanValue {
    let value = resolver.evaluate(expression, in: scope)
    guard value.unknown != nil || value.list?.contains(where: { $0.unknown != nil }) == true else { return value }
    switch expression {
    case .template(let parts): return .string(parts.map { resolver.evaluate($0, in: scope).text ?? ScriptText.hole }.joined())
    case .tuple(let elements): return .list(elements.map { written($0, scope) })
    default: return value
    }
  }

  /// All texts of a script; nil as soon as one is not known, or what is open in one decides what it does.
  private static func text(_ parts: [PlanValue]) -> String? {
    var lines: [String] = []
    for part in parts {
      guard let texts = part.string.map({ [$0] }) ?? part.list?.map({ $0.string ?? "" }), part.list?.allSatisfy({ $0.string != nil }) ?? true else { return nil }
      lines += texts
    }
    let text = lines.joined(separator: "\n")
    return lines.isEmpty || !ScriptText.isTelling(text) ? nil : text
  }

  // MARK: The rest of the plan

  /// What data sources gave when the plan was made.
  private func registerData() {
    for one in data {
      guard let text = one["address"]?.string, let address = PlanAddress(text), let values = one["values"] else { continue }
      resolver.register(address, text, PlanValue(values))
    }
  }

  private func providers() -> [ProviderSetting] {
    resolver.configuration.providers.map { key, json in
      let scope = PlanResolver.Scope(module: .root)
      func value(_ name: String) -> PlanValue? { json["expressions"]?[name].map { written($0, scope) } }
      return ProviderSetting(
        key: key, name: json["full_name"]?.string ?? json["name"]?.string ?? key, features: value("features") ?? .null, tenant: value("tenant_id"),
        subscription: value("subscription_id"))
    }
  }

  /// A block of the configuration with its expressions resolved.
  private func written(_ json: JSONValue, _ scope: PlanResolver.Scope, _ depth: Int = 0) -> PlanValue {
    guard depth < 16 else { return .unknown(UnknownValue(missing: "a block nested this deep is not read")) }
    if let object = json.object, !object.isEmpty, json.isExpression { return resolver.resolve(json, in: scope).planValue }
    if let object = json.object {
      return .object(Dictionary(object.members.map { ($0.name, written($0.value, scope, depth + 1)) }) { first, _ in first })
    }
    if let array = json.array { return .list(array.map { written($0, scope, depth + 1) }) }
    return PlanValue(json)
  }

  /// Provider actions (1.14 and newer) stand in no resource change.
  private func invocations() -> [PlanScript] {
    (plan["action_invocations"]?.array ?? []).map { one in
      PlanScript(origin: "action \(one["address"]?.string ?? one["type"]?.string ?? "")", text: one["config_values"].map { $0.text() })
    }
  }
}
