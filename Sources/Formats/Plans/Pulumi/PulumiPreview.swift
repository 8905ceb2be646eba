import Encodings

/// `pulumi preview --json` as changes (estate-and-gates §3.7).
package enum PulumiPreview {
  /// The steps of the preview, those of one replacement folded into one. Limits: 256 MiB, 8 million values, 100 000 steps.
  ///
  /// `before` and `after` are the inputs laid over the outputs; secrets and what only the update will know are unknown. Addresses are URNs; references of unknown
  /// values are URNs with the property, where the preview says on which resource a property depends.
  package static func changeSet(json: [UInt8]) throws(TemplateError) -> ChangeSet {
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue.parse(json, limits: JSONLimits(maxBytes: 256 << 20, maxDepth: 128, maxElements: 8_000_000)) } catch {
      throw TemplateError.json(.preview, error)
    }
    guard let object = value.object else { throw TemplateError.malformed(.preview, place: "the whole", expected: "an object") }
    var set = ChangeSet(format: .pulumiPreview)
    for diagnostic in object["diagnostics"]?.array ?? [] where diagnostic["severity"]?.string?.lowercased() == "error" {
      let urn = diagnostic["urn"]?.string.map { " on \(TemplateFrame.excerpt($0))" } ?? ""
      set.errored = set.errored ?? "the preview reported an error\(urn)"
    }
    if object["maybeCorrupt"]?.bool == true { set.incomplete.append("the preview says it may be corrupt") }
    let isEmpty = object["changeSummary"] != nil || object["maybeCorrupt"] != nil || set.errored != nil
    guard let listed = object["steps"] ?? (isEmpty ? JSONValue.array([]) : Optional<JSONValue>.none) else {
      throw TemplateError.wrongDocument(.preview, found: PlanFormat.document(object.names, schema: nil))
    }
    guard let steps = listed.array ?? (listed.isNull ? [] : nil) else { throw TemplateError.malformed(.preview, place: "steps", expected: "an array") }
    guard steps.count <= 100_000 else { throw TemplateError.tooMuch(.preview, what: "steps", limit: 100_000) }
    checkSummary(object["changeSummary"], steps, &set)
    var places: [String: Int] = [:]
    for step in steps { try add(step, &set, &places) }
    return set
  }

  /// A summary that counts changes of which there is no step says that steps are missing.
  private static func checkSummary(_ summary: JSONValue?, _ steps: [JSONValue], _ set: inout ChangeSet) {
    var counts: [String: Int] = [:]
    for step in steps { if let op = step["op"]?.string { counts[op, default: 0] += 1 } }
    for member in (summary?.object?.members ?? []).prefix(64) where member.name != "same" {
      let count = member.value.int ?? 0
      let shown = counts[member.name] ?? 0
      if shown < count { set.incomplete.append("the preview counts \(count) of \(TemplateFrame.excerpt(member.name)) and shows \(shown)") }
    }
  }

  private static func add(_ step: JSONValue, _ set: inout ChangeSet, _ places: inout [String: Int]) throws(TemplateError) {
    guard let op = step["op"]?.string, let urn = step["urn"]?.string ?? step["newState"]?["urn"]?.string ?? step["oldState"]?["urn"]?.string else {
      throw TemplateError.malformed(.preview, place: "a step", expected: "an object with `op` and `urn`")
    }
    let old = step["oldState"]
    let new = step["newState"]
    let written = (new?["type"] ?? old?["type"])?.string ?? typeInURN(urn)
    let (type, version) = PulumiState.normalised(type: written)
    let native = type.lowercased().hasPrefix("azure-native:")
    var change = ResourceChange(dialect: native ? .pulumiNative : .pulumiClassic, address: urn, type: type, action: .unsupported, before: nil, after: nil)
    change.apiVersion = version
    change.provider = (step["provider"] ?? new?["provider"] ?? old?["provider"])?.string
    change.before = PulumiState.value(old)
    change.after = PulumiState.value(new)
    for member in (new ?? old)?["propertyDependencies"]?.object?.members ?? [] {
      let urns = (member.value.array ?? []).prefix(32).compactMap(\.string)
      if !urns.isEmpty { change.references[member.name] = urns }
    }
    change.preventDestroy = (new?["protect"] ?? old?["protect"])?.bool
    change.replacePaths = (step["replaceReasons"]?.array ?? []).compactMap(\.string)
    switch op {
    case "same": change.action = .noOp
    case "create": change.action = .create
    case "update": change.action = .update
    case "delete", "discard": change.action = op == "delete" ? .delete : .forget
    case "replace", "create-replacement", "delete-replaced", "discard-replaced": change.action = .replace
    case "read", "read-replacement": change.action = .read
    case "refresh": change.action = .noOp
    case "import", "import-replacement":
      change.action = op == "import" ? .noOp : .replace
      change.isImport = true
    case "remove-pending-replace": change.action = .noOp
    default: set.missing.append(MissingFact(address: urn, missing: "what the step \(TemplateFrame.excerpt(op)) does"))
    }
    if op == "read" || op == "read-replacement" { change.isData = true }
    if op == "refresh" { change.isDrift = true }
    if change.action == .noOp, change.after == nil { change.after = change.before }
    if change.isImport, change.before == nil { change.knowsBefore = false }
    // What it leaves behind is not destroyed: by the option as the state holds it.
    if change.action == .delete, old?["retainOnDelete"]?.bool == true { change.action = .forget }
    guard op != "remove-pending-replace" else { return }
    if let index = places[urn] {
      merge(change, op: op, into: &set.resources[index])
    } else {
      if op == "delete-replaced" || op == "discard-replaced" { change.after = nil }
      places[urn] = set.resources.count
      set.resources.append(change)
    }
  }

  /// Several steps of one URN are one replacement: the state before from any, the state after from those that make something.
  private static func merge(_ step: ResourceChange, op: String, into change: inout ResourceChange) {
    if change.action == .noOp && !change.isDrift && step.action != .noOp && step.action != .replace {
      change.action = step.action
    } else if change.action != step.action || step.action == .replace {
      change.action = change.isDrift ? step.action : .replace
    }
    change.isDrift = change.isDrift && step.isDrift
    change.isImport = change.isImport || step.isImport
    change.before = change.before ?? step.before
    if op != "delete-replaced", op != "discard-replaced", op != "delete", let after = step.after { change.after = after }
    for path in step.replacePaths where !change.replacePaths.contains(path) { change.replacePaths.append(path) }
  }

  /// `urn:pulumi:stack::project::parent$type::name`.
  private static func typeInURN(_ urn: String) -> String {
    let parts = urn.split(separator: "::", omittingEmptySubsequences: false)
    guard parts.count >= 4 else { return "" }
    return String(parts[2].split(separator: "$").last ?? "")
  }
}
