import Encodings

extension TemplateFrame {
  /// Functions over texts. Nil: not one of these, or not over texts.
  func textFunction(_ name: String, _ values: [PlanValue]) throws(TemplateError) -> PlanValue? {
    switch name {
    case "format": return try format(values)
    case "string":
      guard let value = values.first else { return nil }
      return scalarText(value).map { .string($0) } ?? .unknowing(of: values, "string() of a structure or of something not known")
    case "guid", "uniquestring":
      guard let texts = texts(values) else { return .unknowing(of: values, "\(name)() of something not known") }
      if name == "guid", !texts.contains(where: Placeholder.isOpaque) { return .string(NameHash.guid(texts)) }
      return .string(Placeholder.derived(name == "guid" ? "guid" : "uniqueString", texts))
    case "newguid", "utcnow", "datetimeadd", "datetimefromepoch", "datetimetoepoch", "deployment", "deployer", "environment":
      return .unknown(UnknownValue(missing: "\(name)(): only known when it is deployed"))
    case "json":
      guard let text = values.first?.string, !Placeholder.isOpaque(text) else { return .unknowing(of: values, "json() of something not known") }
      let limits = JSONLimits(maxBytes: budget.limits.maxString, maxDepth: 64, maxElements: 50_000)
      guard let value = try? JSONValue.parse(text, limits: limits) else { return .unknown(UnknownValue(missing: "json() of a text that is no JSON")) }
      try budget.spend(text.utf8.count / 8)
      return .literal(value)
    case "concat" where values.allSatisfy { $0.list == nil }:
      guard let texts = texts(values) else { return .unknowing(of: values) }
      guard texts.reduce(0, { $0 + $1.utf8.count }) <= budget.limits.maxString else { return .unknown(UnknownValue(missing: "a text too long to be made")) }
      return .string(texts.joined())
    default: break
    }
    guard let first = values.first?.string, Self.ofText.contains(name) else { return nil }
    return try textFunction(name, first, values)
  }

  private static let ofText: Set<String> = [
    "tolower", "toupper", "trim", "split", "replace", "substring", "indexof", "lastindexof", "startswith", "endswith", "padleft", "base64", "base64tostring",
    "base64tojson", "uri", "uricomponent", "uricomponenttostring", "first", "last", "take", "skip", "length", "contains", "empty", "datauri", "datauritostring", "join",
  ]

  private func textFunction(_ name: String, _ text: String, _ values: [PlanValue]) throws(TemplateError) -> PlanValue? {
    let second = values.count > 1 ? values[1].string : nil
    switch name {
    case "tolower": return .string(text.lowercased())
    case "toupper": return .string(text.uppercased())
    case "empty": return .bool(text.isEmpty)
    case "split":
      let separators = second.map { [$0] } ?? (values.count > 1 ? values[1].list?.compactMap(\.string) : nil) ?? []
      guard !separators.isEmpty, separators.allSatisfy({ $0.count == 1 }) else { return .unknowing(of: values, "split() by something not known") }
      // A stand-in holds no slash, and what it stands for neither.
      guard !Placeholder.isOpaque(text) || separators == ["/"] else { return .unknowing(of: values, "split() of something only the deployment knows") }
      let cut = Set(separators.compactMap(\.first))
      return .list(text.split(omittingEmptySubsequences: false, whereSeparator: { cut.contains($0) }).map { .string(String($0)) })
    default: break
    }
    if values.contains(where: \.isUncertain) {
      if ["take", "skip", "substring", "replace", "trim", "padleft", "base64", "first", "last"].contains(name), let texts = texts(values) {
        return .string(Placeholder.derived(name, texts))
      }
      return .unknowing(of: values, "\(name)() of something only the deployment knows")
    }
    let number = values.count > 1 ? values[1].int : nil
    switch name {
    case "trim": return .string(Self.trimmed(text))
    case "replace":
      guard let second, let third = values.last?.string, values.count == 3, !second.isEmpty else { return .unknowing(of: values, "replace() of something not known") }
      guard text.utf8.count * max(third.utf8.count, 1) <= budget.limits.maxString * 8 else { return .unknown(UnknownValue(missing: "a text too long to be made")) }
      return .string(text.replacing(second, with: third))
    case "substring":
      guard let number, number >= 0, number <= text.count else { return .unknown(UnknownValue(missing: "substring() outside the text")) }
      let rest = text.dropFirst(number)
      guard values.count > 2 else { return .string(String(rest)) }
      guard let length = values[2].int, length >= 0, length <= rest.count else { return .unknown(UnknownValue(missing: "substring() outside the text")) }
      return .string(String(rest.prefix(length)))
    case "take": return number.map { .string(String(text.prefix(max($0, 0)))) }
    case "skip": return number.map { .string(String(text.dropFirst(max($0, 0)))) }
    case "first": return .string(text.first.map(String.init) ?? "")
    case "last": return .string(text.last.map(String.init) ?? "")
    case "length": return .number(JSONNumber(text.count))
    case "contains": return second.map { .bool($0.isEmpty || text.contains($0)) }
    case "startswith": return second.map { .bool(text.lowercased().hasPrefix($0.lowercased())) }
    case "endswith": return second.map { .bool(text.lowercased().hasSuffix($0.lowercased())) }
    case "indexof", "lastindexof":
      guard let second else { return nil }
      let (haystack, needle) = (Array(text.lowercased()), Array(second.lowercased()))
      guard needle.count <= haystack.count else { return .number(JSONNumber(-1)) }
      guard haystack.count * max(needle.count, 1) <= budget.limits.maxString else { return .unknown(UnknownValue(missing: "\(name)() in a text too long to be searched")) }
      let places = 0...(haystack.count - needle.count)
      let matches: (Int) -> Bool = { haystack[$0..<$0 + needle.count].elementsEqual(needle) }
      return .number(JSONNumber((name == "indexof" ? places.first(where: matches) : places.last(where: matches)) ?? -1))
    case "padleft":
      guard let number, number >= 0, number <= 256 else { return .unknown(UnknownValue(missing: "padLeft() to an unknown or excessive length")) }
      let fill = values.count > 2 ? values[2].string?.first ?? " " : " "
      return .string(String(repeating: fill, count: max(0, number - text.count)) + text)
    case "base64": return .string(Base64.encode(Array(text.utf8)))
    case "base64tostring", "base64tojson":
      guard let bytes = try? Base64.decode(text), let plain = String(validating: bytes, as: UTF8.self) else { return .unknown(UnknownValue(missing: "\(name)() of a text that is no base64")) }
      return name == "base64tostring" ? .string(plain) : try textFunction("json", [.string(plain)])
    default: return nil
    }
  }

  /// `{0}`, `{1:D2}` in the pattern; doubled braces are braces.
  private func format(_ values: [PlanValue]) throws(TemplateError) -> PlanValue {
    guard let pattern = values.first?.string else { return .unknowing(of: values, "format() with a pattern not known") }
    guard let arguments = texts(Array(values.dropFirst())) else { return .unknowing(of: Array(values.dropFirst())) }
    var result = ""
    var rest = pattern[...]
    while let character = rest.popFirst() {
      if character == "{" || character == "}", rest.first == character {
        rest.removeFirst()
        result.append(character)
      } else if character == "{", let end = rest.firstIndex(of: "}") {
        let inside = rest[..<end]
        rest = rest[rest.index(after: end)...]
        let parts = inside.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == ":" || $0 == "," }
        guard let index = parts.first.flatMap({ Int($0) }), arguments.indices.contains(index) else {
          // A stand-in within the pattern stays one.
          result += "{\(inside)}"
          continue
        }
        if parts.count > 1 {
          guard let width = Int(parts[1].drop { $0 == "D" || $0 == "d" }), (0...64).contains(width), Int(arguments[index]) != nil else {
            return .unknowing(of: values, "format() with a number format that is not read")
          }
          result += String(repeating: "0", count: max(0, width - arguments[index].count))
        }
        result += arguments[index]
      } else {
        result.append(character)
      }
      guard result.utf8.count <= budget.limits.maxString else { return .unknown(UnknownValue(missing: "a text too long to be made")) }
    }
    return .string(result)
  }

  /// Every value as text, nil when one is not known or is a structure.
  func texts(_ values: [PlanValue]) -> [String]? {
    var texts: [String] = []
    for value in values {
      guard let text = scalarText(value) else { return nil }
      texts.append(text)
    }
    return texts
  }

  private func scalarText(_ value: PlanValue) -> String? {
    switch value {
    case .string(let text): text
    case .number(let number): number.text
    case .bool(let flag): flag ? "True" : "False"
    case .null: ""
    default: nil
    }
  }

  static func trimmed(_ text: String) -> String {
    var rest = text[...]
    while rest.first?.isWhitespace == true { rest.removeFirst() }
    while rest.last?.isWhitespace == true { rest.removeLast() }
    return String(rest)
  }
}
