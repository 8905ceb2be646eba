import Encodings

/// What a provider's wrapper around ARM stands for, in ARM's own words.
package struct ARMTranslation: Sendable, Hashable {
  package var changes: [ResourceChange] = []
  package var missing: [MissingFact] = []
  package var scripts: [PlanScript] = []
  package var completeModeScopes: [String] = []
}

extension ResourceChange {
  /// The same change in the ARM dialect: azapi resources (estate-and-gates §3.4) and `template_content` of template deployments; nil for every other type.
  ///
  /// The addresses of the result start with this resource's; action, location, conditions and flags are kept. What a wrapper hides (`sensitive_body`, a
  /// PATCH on a resource that is not known, a template behind a link) is missing, never absent.
  package func asARM(options: ARMOptions = ARMOptions()) -> ARMTranslation? {
    switch type.lowercased() {
    case "azapi_resource", "azapi_update_resource", "azapi_data_plane_resource": wrapped()
    case "azapi_resource_action": resourceAction()
    case let name where name.hasPrefix("azurerm_") && name.hasSuffix("template_deployment"): templateDeployment(options)
    default: nil
    }
  }

  private func wrapped() -> ARMTranslation {
    var result = ARMTranslation()
    guard let written = (after?["type"] ?? before?["type"])?.string else {
      result.missing.append(MissingFact(address: address, missing: "its ARM type is not known: what it does cannot be seen"))
      return result
    }
    var change = self
    change.dialect = .arm
    change.provider = nil
    (change.type, change.apiVersion) = Self.parted(written)
    change.before = before.map { resource($0) }
    change.after = after.map { resource($0) }
    change.sensitivePaths = []
    change.ignoreChanges = ignoreChanges + (after?["ignore_body_changes"]?.list?.compactMap(\.string) ?? [])
    if ["microsoft.resources/deployments", "microsoft.resources/deploymentstacks"].contains(change.type.lowercased()), ![.noOp, .read].contains(action) {
      result.missing.append(MissingFact(address: address, missing: "what the template in it deploys, and what it deletes: judge that template too"))
    }
    if type.lowercased() == "azapi_update_resource" {
      // It changes what exists and never destroys it; what it does not name stays, and is not known.
      change.knowsBefore = false
      if change.action == .create || change.action == .replace { change.action = .update }
      if change.action == .delete { change.action = .forget }
      if WhatIf.isWatched(change.type), change.action == .update {
        result.missing.append(MissingFact(address: address, missing: "the resource this changes in part: the rest of it is not in the plan"))
      }
    }
    if let hidden = after?["sensitive_body"], !hidden.isNull, WhatIf.isWatched(change.type) {
      result.missing.append(MissingFact(address: address, missing: "`sensitive_body`, which no plan shows: put what concerns keys and rights into `body`"))
    } else if hidesBody, WhatIf.isWatched(change.type) {
      result.missing.append(MissingFact(address: address, missing: "`sensitive_body`, which no plan shows: put what concerns keys and rights into `body`"))
    }
    if (after?["body"]).map({ $0.unknown != nil || ($0.string != nil && Self.body($0).unknown != nil) }) == true, WhatIf.isWatched(change.type) {
      result.missing.append(MissingFact(address: address, missing: "`body`, which is only known after the apply"))
    }
    result.changes = [change]
    return result
  }

  /// A write-only body is in no plan; its versions and where it comes from are.
  private var hidesBody: Bool {
    if let versions = after?["sensitive_body_version"], !versions.isNull, versions != before?["sensitive_body_version"] { return true }
    return sensitivePaths.contains { $0.hasPrefix("sensitive_body") } || references.keys.contains { $0.hasPrefix("sensitive_body") }
  }

  private static func parted(_ type: String) -> (String, String?) {
    let parts = type.split(separator: "@", maxSplits: 1).map(String.init)
    return (parts.first ?? type, parts.count > 1 ? parts[1] : nil)
  }

  /// The first label of a store's host: `kv-acme.vault.azure.net`, with or without scheme.
  private static func host(_ parent: String) -> String? {
    guard !parent.hasPrefix("/") else { return nil }
    let text = parent.lowercased().hasPrefix("https://") ? String(parent.dropFirst(8)) : parent
    let labels = text.prefix { $0 != "/" && $0 != ":" }.split(separator: ".")
    return labels.count > 2 ? String(labels[0]) : nil
  }

  /// `body` is an object, or JSON text in older providers.
  private static func body(_ value: PlanValue?) -> PlanValue {
    guard let value else { return .object([:]) }
    guard let text = value.string else { return value }
    let limits = JSONLimits(maxBytes: 4 << 20, maxDepth: 64, maxElements: 200_000)
    guard let json = try? JSONValue.parse(text, limits: limits) else { return .unknown(UnknownValue(missing: "a body that is no JSON")) }
    return .literal(json)
  }

  /// Attributes of an azapi resource as the ARM resource they describe.
  private func resource(_ state: PlanValue) -> PlanValue {
    let type = Self.parted(state["type"]?.string ?? "").0
    let body = Self.body(state["body"])
    var members = body.object ?? [:]
    if let unknown = body.unknown { members["properties"] = .unknown(UnknownValue(references: unknown.references, missing: unknown.missing)) }
    for name in ["location", "tags", "identity"] where members[name] == nil { members[name] = state[name].flatMap { $0.isNull ? nil : $0 } }
    if members["properties"] == nil { members["properties"] = .object([:]) }
    members["type"] = .string(type)
    let id = [state["resource_id"], state["id"]].compactMap(\.self).first { $0.string?.hasPrefix("/") == true }?.string
    let parent = state["parent_id"] ?? .null
    let types = type.split(separator: "/").map(String.init)
    if let id {
      let parts = WhatIf.parts(of: id)
      members["id"] = .string(id)
      members["name"] = .string(parts.name)
      members["parent"] = ResourceNaming.parent(of: id).map { .string($0) }
      if ResourceNaming.isExtension(type) { members["scope"] = .string(parts.scope) }
      return .object(members)
    }
    let isChild = types.count > 2 && !ResourceNaming.isExtension(type)
    members["name"] = state["name"]
    if isChild, let host = parent.string.flatMap(Self.host), let name = state["name"]?.string {
      // An object of the data plane: its parent is the host of the store.
      members["name"] = .string("\(host)/\(name)")
      return .object(members)
    }
    if isChild { members["parent"] = parent } else if ResourceNaming.isExtension(type) { members["scope"] = parent }
    if let above = parent.string, let name = state["name"]?.string {
      let id = isChild ? "\(above)/\(types.last ?? "")/\(name)" : "\(above == "/" ? "" : above)/providers/\(type)/\(name)"
      members["id"] = .string(id)
      members["name"] = .string(WhatIf.parts(of: id).name)
    } else if isChild, let name = state["name"], let references = parent.unknown?.references {
      // The name in full needs the parent's, which is not known.
      members["name"] = name
      members["id"] = .unknown(UnknownValue(references: ["\(address).id"] + references, missing: "the parent's id"))
    }
    if let target = state["resource_id"], target.unknown != nil { members["id"] = target }
    return .object(members)
  }

  /// A call on a resource: `accessPolicies/add` is a resource of that name, PUT and PATCH write the resource itself, DELETE deletes it; the rest is a script.
  private func resourceAction() -> ARMTranslation {
    var result = ARMTranslation()
    let state = after ?? before
    let atDestroy = state?["when"]?.string?.lowercased() == "destroy"
    let method = state?["method"]?.string?.uppercased() ?? "POST"
    guard let state, let written = state["type"]?.string else {
      result.missing.append(MissingFact(address: address, missing: "the ARM type it calls is not known"))
      return result
    }
    if action == .noOp { return result }
    if action == .delete, !atDestroy { return result }
    let (type, version) = Self.parted(written)
    let call = state["action"].flatMap { $0.isNull ? nil : $0 }
    if let call, call.string == nil {
      result.missing.append(MissingFact(address: address, missing: "which action it calls is only known after the apply"))
      return result
    }
    let path = call?.string ?? ""
    result.scripts.append(PlanScript(origin: address, text: "\(method) \(state["resource_id"]?.string ?? type)\(path.isEmpty ? "" : "/\(path)")", location: location))
    var change = self
    change.dialect = .arm
    change.provider = nil
    change.apiVersion = version
    change.before = nil
    change.knowsBefore = false
    change.sensitivePaths = []
    let tail = path.split(separator: "/").map(String.init)
    var target = state.object ?? [:]
    if tail.count == 2 {
      target["type"] = .string("\(type)/\(tail[0])@\(version ?? "")")
      target["parent_id"] = target["resource_id"]
      target["name"] = .string(tail[1])
      target["resource_id"] = nil
      target["id"] = nil
      change.type = "\(type)/\(tail[0])"
      change.action = method == "DELETE" ? .delete : .create
    } else if tail.isEmpty, ["PUT", "PATCH", "DELETE"].contains(method) {
      change.type = type
      change.action = method == "DELETE" ? .delete : .update
      target["id"] = nil
      if method == "PATCH", WhatIf.isWatched(type) {
        result.missing.append(MissingFact(address: address, missing: "the resource this PATCH changes in part: the rest of it is not in the plan"))
      }
    } else {
      if WhatIf.isWatched(type) { result.missing.append(MissingFact(address: address, missing: "what the action \(TemplateFrame.excerpt(path)) does to \(TemplateFrame.excerpt(type))")) }
      return result
    }
    if let hidden = state["sensitive_body"], !hidden.isNull, WhatIf.isWatched(type) {
      result.missing.append(MissingFact(address: address, missing: "`sensitive_body`, which no plan shows"))
    }
    let described = resource(.object(target))
    change.after = change.action == .delete ? nil : described
    change.before = change.action == .delete ? described : nil
    result.changes = [change]
    return result
  }

  private func templateDeployment(_ options: ARMOptions) -> ARMTranslation {
    var result = ARMTranslation()
    if action == .noOp || action == .read { return result }
    guard action != .delete, action != .forget, let after else {
      if action == .delete { result.missing.append(MissingFact(address: address, missing: "what the deployment made: the provider deletes it by default")) }
      return result
    }
    var inner = options
    inner.file = nil
    if let mode = after["deployment_mode"]?.string, mode.lowercased() == "complete" { inner.mode = .complete }
    if let group = after["resource_group_name"]?.string { inner.resourceGroup = group }
    guard let text = (after["template_content"] ?? after["template_body"])?.string else {
      result.missing.append(MissingFact(address: address, missing: "the template it deploys (a template spec, a link, or known only after the apply)"))
      return result
    }
    do throws(TemplateError) {
      let given = try Self.given(after)
      let limits = JSONLimits(maxBytes: options.limits.maxBytes, maxDepth: options.limits.maxDepth, maxElements: options.limits.maxElements)
      guard let template = try? JSONValue.parse(text, limits: limits) else { throw TemplateError.wrongDocument(.template, found: .other) }
      let set = try ARMTemplate.changeSet(
        template: template, given: given, options: inner, prefix: address, collected: TemplateCollection(lines: LineIndex(), file: nil))
      result.changes = set.resources.map { change in
        var change = change
        change.location = location
        if change.condition == nil { change.condition = condition }
        return change
      }
      result.missing = set.missing
      result.completeModeScopes = set.completeModeScopes
    } catch { result.missing.append(MissingFact(address: address, missing: "its template cannot be read: \(error)")) }
    return result
  }

  private static func given(_ state: PlanValue) throws(TemplateError) -> [String: PlanValue] {
    var values: [String: PlanValue] = [:]
    if let text = state["parameters_content"]?.string ?? state["parameters_body"]?.string, !text.isEmpty { values = try TemplateParameters.read(Array(text.utf8), limits: .standard) }
    for (name, value) in state["parameters"]?.object ?? [:] { values[name.lowercased()] = value }
    if let unknown = state["parameters_content"]?.unknown {
      // Every parameter may come from there, whatever its default says.
      for name in Self.parameterNames(state) where values[name] == nil { values[name] = .unknown(UnknownValue(references: unknown.references, missing: "parameters_content, known only after the apply")) }
    }
    return values
  }

  private static func parameterNames(_ state: PlanValue) -> [String] {
    guard let text = state["template_content"]?.string, let json = try? JSONValue.parse(text) else { return [] }
    return json["parameters"]?.object?.names.map { $0.lowercased() } ?? []
  }
}
