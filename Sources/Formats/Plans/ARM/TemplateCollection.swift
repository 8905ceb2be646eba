import Encodings

/// What reading a template finds, and what ties it together at the end.
final class TemplateCollection {
  var changes: [ResourceChange] = []
  var missing: [MissingFact] = []
  var completeModeScopes: [String] = []
  /// Address by resource id in lower case.
  var ids: [String: String] = [:]
  /// By address, the number last given to another of the same.
  private var addresses: [String: Int] = [:]
  private let lines: LineIndex
  private let file: String?

  init(lines: LineIndex, file: String?) {
    self.lines = lines
    self.file = file
  }

  func location(_ path: String) -> SourceLocation? { file.flatMap { file in lines.line(of: path).map { SourceLocation(file: file, line: $0) } } }

  /// The address, numbered when it is taken.
  func unique(_ address: String) -> String {
    var result = address
    while addresses[result] != nil {
      let number = (addresses[address] ?? 1) + 1
      addresses[address] = number
      result = "\(address)#\(number)"
    }
    addresses[result] = 1
    return result
  }

  /// A default of a secure parameter is a secret in the source.
  func noteSecureDefaults(of template: JSONObject, address: String) {
    for parameter in template["parameters"]?.object?.members ?? [] {
      guard ["securestring", "secureobject"].contains(parameter.value["type"]?.string?.lowercased()), let value = parameter.value["defaultValue"] else { continue }
      if value.isNull || value.string == "" || value.object?.isEmpty == true || value.string.map({ TemplateExpression.isExpression($0) }) == true { continue }
      missing.append(
        MissingFact(address: address, missing: "parameters('\(TemplateFrame.excerpt(parameter.name))') is secure and has a default in the template: remove it, it is a secret in the source"))
    }
  }

  /// Turns stand-ins into unknown values where they stand for values, and ids and names within references into addresses.
  func link() {
    for index in changes.indices {
      let address = changes[index].address
      if let after = changes[index].after { collect(after, path: "", of: address, into: &changes[index].references) }
      changes[index].after = changes[index].after.map { settled($0, key: "", address: address) }
      changes[index].condition = changes[index].condition.map { settled($0, key: "", address: address) }
    }
  }

  /// Which properties hold the id of a resource of this template: as `ADDRESS.id`, by path in dots.
  private func collect(_ value: PlanValue, path: String, of address: String, into references: inout [String: [String]]) {
    switch value {
    case .string(let text):
      guard text.hasPrefix("/"), path != "id", let target = ids[text.lowercased()], target != address else { return }
      references[path] = ["\(target).id"]
    case .list(let list):
      for (index, element) in list.enumerated() { collect(element, path: "\(path).\(index)", of: address, into: &references) }
    case .object(let members):
      for (name, member) in members { collect(member, path: path.isEmpty ? name : "\(path).\(name)", of: address, into: &references) }
    default: break
    }
  }

  private func settled(_ value: PlanValue, key: String, address: String) -> PlanValue {
    switch value {
    case .list(let list): return .list(list.map { settled($0, key: key, address: address) })
    case .object(let members):
      return .object(Dictionary(uniqueKeysWithValues: members.map { ($0.key, settled($0.value, key: $0.key.lowercased(), address: address)) }))
    case .unknown(let unknown): return .unknown(UnknownValue(references: unknown.references.flatMap { linked($0) }, missing: unknown.missing))
    case .string(let text): return settled(text, key: key, address: address)
    default: return value
    }
  }

  private func settled(_ text: String, key: String, address: String) -> PlanValue {
    guard Placeholder.isOpaque(text) else { return .string(text) }
    let keys = Placeholder.unresolved(text)
    guard keys.isEmpty else {
      var references = ids[text.lowercased()].map { ["\($0).id"] } ?? []
      references += keys.flatMap { linked($0) }.filter { !references.contains($0) }
      let reason = keys.first.map { $0.hasPrefix("parameters(") ? "\($0) has no value: give it in a parameters file" : "\($0): known when it is deployed" }
      return .unknown(UnknownValue(references: references, missing: reason))
    }
    // Paths and names stay: they are equal where they will be equal.
    if text.contains("/") || key.hasSuffix("name") || ["id", "scope", "location"].contains(key) { return .string(text) }
    return .unknown(UnknownValue(missing: "\(text): where it is deployed is not known"))
  }

  /// A reference by resource id gains the address of the resource, first.
  private func linked(_ reference: String) -> [String] {
    guard reference.utf8.count <= 4_096 else { return [reference] }
    var base = reference[...]
    while true {
      if let address = ids[base.lowercased()] { return ["\(address)\(reference.dropFirst(base.count))", reference] }
      guard base.hasPrefix("/"), let dot = base.lastIndex(of: ".") else { break }
      base = base[..<dot]
    }
    return [reference]
  }
}
