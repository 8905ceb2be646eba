import Encodings

/// What-if answers, as the CLI prints them or the REST API returns them (estate-and-gates §3.6).
package enum WhatIf {
  /// The changes of the answer. Limits: 128 MiB, 4 million values, 50 000 changes.
  package static func changeSet(json: [UInt8]) throws(TemplateError) -> ChangeSet {
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue.parse(json, limits: JSONLimits(maxBytes: 128 << 20, maxDepth: 128, maxElements: 4_000_000)) } catch {
      throw TemplateError.json(.whatIf, error)
    }
    guard let object = value.object else { throw TemplateError.malformed(.whatIf, place: "the whole", expected: "an object") }
    var set = ChangeSet(format: .whatIf)
    let body = object["changes"] != nil || object["potentialChanges"] != nil ? value : value["properties"] ?? .null
    if let error = object["error"], !error.isNull { set.errored = failure(error) }
    if let status = object["status"]?.string, status.lowercased() != "succeeded", set.errored == nil {
      set.errored = "the what-if ended as \(TemplateFrame.excerpt(status)) and not as Succeeded"
    }
    guard let changes = body["changes"] else {
      if set.errored != nil { return set }
      throw TemplateError.wrongDocument(.whatIf, found: PlanFormat.document(object.names, schema: object["$schema"]?.string))
    }
    guard let list = changes.array ?? (changes.isNull ? [] : nil) else { throw TemplateError.malformed(.whatIf, place: "changes", expected: "an array") }
    let potential = body["potentialChanges"]?.array ?? []
    guard list.count + potential.count <= 50_000 else { throw TemplateError.tooMuch(.whatIf, what: "changes", limit: 50_000) }
    var seen: [String: Int] = [:]
    for entry in list { try add(entry, &set, &seen) }
    if !potential.isEmpty {
      set.incomplete.append("\(potential.count) potential changes: whether they happen is only known when it is deployed")
      let start = set.resources.count
      for entry in potential { try add(entry, &set, &seen) }
      for index in start..<set.resources.count { set.resources[index].condition = .unknown(UnknownValue(missing: "a potential change")) }
    }
    for diagnostic in body["diagnostics"]?.array ?? [] {
      let code = TemplateFrame.excerpt(diagnostic["code"]?.string ?? "without code")
      let target = TemplateFrame.excerpt(diagnostic["target"]?.string ?? "")
      switch diagnostic["level"]?.string?.lowercased() {
      case "error": set.errored = set.errored ?? "what-if diagnostic \(code)\(target.isEmpty ? "" : " on \(target)")"
      case "info", "informational": break
      default: set.incomplete.append("what-if diagnostic \(code)\(target.isEmpty ? "" : " on \(target)")")
      }
    }
    return set
  }

  private static func failure(_ error: JSONValue) -> String {
    "the what-if failed: \(TemplateFrame.excerpt(error["code"]?.string ?? "no code"))"
  }

  /// Types that are no part of keys and rights may stay unseen.
  static func isWatched(_ type: String) -> Bool {
    let lower = type.lowercased()
    let spaces = ["microsoft.keyvault/", "microsoft.authorization/", "microsoft.managedidentity/", "microsoft.graph/", "microsoft.resources/", "microsoft.insights/diagnosticsettings"]
    return lower.isEmpty || spaces.contains { lower.hasPrefix($0) }
  }

  private static func add(_ entry: JSONValue, _ set: inout ChangeSet, _ seen: inout [String: Int]) throws(TemplateError) {
    guard entry.object != nil else { throw TemplateError.malformed(.whatIf, place: "a change", expected: "an object") }
    guard let kind = entry["changeType"]?.string else { throw TemplateError.malformed(.whatIf, place: "changeType of a change", expected: "a text") }
    let written = entry["resourceId"]?.string
    let graph = entry["extension"]?.object != nil ? entry["identifiers"] : nil
    let id = written ?? entry["symbolicName"]?.string ?? ""
    guard !id.isEmpty else { throw TemplateError.malformed(.whatIf, place: "resourceId of a change", expected: "a text") }
    let parts = parts(of: id)
    let type = (entry["after"]?["type"] ?? entry["before"]?["type"] ?? graph?["type"])?.string.map { String($0.split(separator: "@").first ?? "") } ?? parts.type
    var change = ResourceChange(dialect: .arm, address: unique(id, &seen), type: type, action: .unsupported, before: nil, after: nil)
    change.apiVersion = (entry["after"]?["apiVersion"] ?? entry["before"]?["apiVersion"])?.string
    change.before = side(entry["before"], id: written, parts)
    change.after = side(entry["after"], id: written, parts)
    switch kind.lowercased() {
    case "create": change.action = .create
    case "delete": change.action = .delete
    case "modify": change.action = .update
    case "nochange": change.action = .noOp
    case "deploy": change.action = .update
    default: break
    }
    let lower = kind.lowercased()
    if lower == "nochange", change.after == nil { change.after = change.before }
    if lower == "modify" || lower == "deploy" { fill(&change, entry["delta"], kind: lower, &set) }
    let lacksPayload = (lower == "create" && change.after == nil) || (lower == "delete" && change.before == nil) || (lower == "modify" && (change.after == nil || change.before == nil))
    if lacksPayload || lower == "deploy" {
      change.knowsBefore = change.before != nil
      if isWatched(type) {
        set.missing.append(MissingFact(address: change.address, missing: "what the resource will be: run what-if with result format FullResourcePayloads"))
      }
    }
    if change.action == .unsupported, isWatched(type) {
      let why = entry["unsupportedReason"]?.string.map { ": \(TemplateFrame.excerpt($0))" } ?? ""
      set.missing.append(MissingFact(address: change.address, missing: "what happens to it: what-if says \(TemplateFrame.excerpt(kind))\(why)"))
      change.knowsBefore = change.before != nil
    }
    set.resources.append(change)
  }

  private static func unique(_ id: String, _ seen: inout [String: Int]) -> String {
    var result = id
    while seen[result.lowercased()] != nil {
      // From where the last one of this id ended, so that a thousand of them do not cost a million.
      let number = (seen[id.lowercased()] ?? 1) + 1
      seen[id.lowercased()] = number
      result = "\(id)#\(number)"
    }
    seen[result.lowercased()] = 1
    return result
  }

  /// Type, names and scope of a resource id.
  static func parts(of id: String) -> (type: String, name: String, scope: String) {
    let segments = ResourceNaming.segments(id)
    guard let provider = segments.lastIndex(where: { $0.lowercased() == "providers" }), provider + 2 < segments.count else {
      let isGroup = segments.count == 4 && segments[2].lowercased() == "resourcegroups"
      return (isGroup ? "Microsoft.Resources/resourceGroups" : "", segments.last ?? "", id)
    }
    let tail = Array(segments[(provider + 2)...])
    let types = [segments[provider + 1]] + tail.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
    let names = tail.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
    let scope = "/" + segments[..<provider].joined(separator: "/")
    return (types.joined(separator: "/"), names.joined(separator: "/"), scope)
  }

  /// A resource as what-if shows it, with its full name, id, parent and scope as `ARMTemplate` gives them.
  private static func side(_ json: JSONValue?, id: String?, _ parts: (type: String, name: String, scope: String)) -> PlanValue? {
    guard let json, json.object != nil, case .object(var members) = value(json) else { return nil }
    guard let id else { return .object(members) }
    members["id"] = .string(id)
    members["name"] = .string(parts.name)
    if let above = ResourceNaming.parent(of: id) { members["parent"] = .string(above) }
    if ResourceNaming.isExtension(parts.type) { members["scope"] = .string(parts.scope) }
    return .object(members)
  }

  /// A literal, except that what-if leaves expressions it cannot resolve as text (`[reference(…)]`): those are not known.
  static func value(_ json: JSONValue) -> PlanValue {
    switch json {
    case .string(let text):
      guard TemplateExpression.isExpression(text), text.contains("(") else { return .string(text) }
      return .unknown(UnknownValue(references: referenced(text), missing: "an expression what-if did not resolve"))
    case .array(let values): return .list(values.map { value($0) })
    case .object(let object): return .object(Dictionary(object.members.map { ($0.name, value($0.value)) }, uniquingKeysWith: { first, _ in first }))
    default: return .literal(json)
    }
  }

  /// The resources an unresolved expression asks about, evaluated with nothing known.
  private static func referenced(_ text: String) -> [String] {
    let frame = TemplateFrame(template: JSONObject(), given: [:], place: DeploymentPlace(ARMOptions(), level: .resourceGroup), budget: TemplateBudget(.standard, .whatIf))
    return ((try? frame.evaluate(JSONValue.string(text), EvaluationContext())) ?? .null).unknown?.references ?? []
  }
}
