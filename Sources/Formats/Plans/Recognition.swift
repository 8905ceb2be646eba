package import Encodings

extension PlanFormat {
  /// What the bytes are, by content and never by file name. One pass, nothing is built.
  ///
  /// - Throws: `TemplateError` for what looks like an input and is none (a state, a parameters file, a log), and for bytes that are no JSON.
  package static func recognise(_ bytes: [UInt8], limits: JSONLimits = JSONLimits(maxBytes: 512 << 20, maxDepth: 160, maxElements: 30_000_000)) throws(TemplateError) -> PlanFormat {
    if bytes.starts(with: [0x50, 0x4B, 0x03, 0x04]) { return .terraformPlanFile }
    let found: [JSONScanner.Member]
    let schema: String?
    do throws(JSONError) {
      (found, schema) = try members(bytes, limits)
    } catch {
      // A log of one object a line is no JSON text: what it is can be seen in its first line.
      if error.reason == .trailingBytes, let line = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1).first, let value = try? JSONValue.parse(line) {
        if value["@level"] != nil { throw TemplateError.wrongDocument(.input, found: .terraformStream) }
        if value["sequence"] != nil, value["timestamp"] != nil { throw TemplateError.wrongDocument(.input, found: .pulumiStream) }
      }
      if error.reason == .expectedValue, error.offset == bytes.prefix(while: { $0 <= 0x20 }).count, isBicep(bytes) { throw TemplateError.wrongDocument(.input, found: .bicep) }
      throw TemplateError.json(.input, error)
    }
    switch document(found.map(\.name), schema: schema) {
    case .terraformPlan: return .terraformPlanJSON
    case .template: return .armTemplate
    case .whatIf: return .whatIf
    case .pulumiPreview: return .pulumiPreview
    case let other: throw TemplateError.wrongDocument(.input, found: other)
    }
  }

  private static func members(_ bytes: [UInt8], _ limits: JSONLimits) throws(JSONError) -> ([JSONScanner.Member], String?) {
    let result = bytes.withUnsafeBytes { text -> Result<([JSONScanner.Member], String?), JSONError> in
      do throws(JSONError) {
        let members = try JSONScanner.members(text, limits: limits)
        return .success((members, members.first { $0.name == "$schema" }?.field.string(in: text)))
      } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// What an object with these members is.
  static func document(_ names: [String], schema: String?) -> TemplateError.Document {
    let has = Set(names)
    if has.contains("@level") { return .terraformStream }
    if let schema, DeploymentPlace.level(ofSchema: schema) != nil, has.contains("resources") { return .template }
    if schema?.lowercased().contains("parameters.json") == true || has.contains("parametersJson") { return .parameters }
    if has.contains("terraform_version"), has.contains("serial") || has.contains("lineage") { return .terraformState }
    if has.contains("format_version") {
      if has.contains("resource_changes") || has.contains("planned_values") || has.contains("configuration") || has.contains("errored") { return .terraformPlan }
      return has.contains("values") ? .terraformState : .other
    }
    if has.contains("steps") || has.contains("changeSummary") || has.contains("maybeCorrupt") { return .pulumiPreview }
    if has.contains("deployment"), has.contains("version") { return .pulumiState }
    if has.contains("changes") || has.contains("potentialChanges") { return .whatIf }
    if has.contains("resources"), has.contains("contentVersion") { return .template }
    if has.contains("properties") || has.contains("error"), has.contains("status") || has.count <= 2 { return .whatIf }
    if has.contains("parameters"), has.count <= 4 { return .parameters }
    return .other
  }

  /// Whether the first word is one a Bicep file starts with.
  private static func isBicep(_ bytes: [UInt8]) -> Bool {
    let text = String(decoding: bytes.prefix(64), as: UTF8.self)
    let first = text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
    return ["param", "resource", "targetScope", "module", "using", "var", "metadata"].contains(first) || first.hasPrefix("@") || first.hasPrefix("targetScope=")
  }
}
