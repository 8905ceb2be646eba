import Encodings

/// The functions whose result depends on nothing but their arguments, and which are small. Every other one is said to be not evaluated.
enum HCLFunctions {
  static func call(_ name: String, _ arguments: [PlanValue], _ evaluator: HCLEvaluator) -> PlanValue {
    if let value = structural(name, arguments, evaluator) { return value }
    if let unknown = evaluator.joined(arguments) { return unknown }
    return textual(name, arguments) ?? collection(name, arguments) ?? HCLEvaluator.cannot("function \(name)()")
  }

  /// Functions that pass values on without looking at them, so that what is known stays known.
  private static func structural(_ name: String, _ arguments: [PlanValue], _ evaluator: HCLEvaluator) -> PlanValue? {
    switch name {
    case "merge":
      var members: [String: PlanValue] = [:]
      for argument in arguments where argument != .null {
        guard case .object(let more) = argument else { return nil }
        members.merge(more) { $1 }
      }
      return .object(members)
    case "concat":
      var elements: [PlanValue] = []
      for argument in arguments {
        guard case .list(let more) = argument, elements.count + more.count <= HCLEvaluator.maxElements else { return nil }
        elements += more
      }
      return .list(elements)
    case "lookup":
      guard case .object(let members)? = arguments.first, let key = arguments.dropFirst().first?.text else { return nil }
      return members[key] ?? (arguments.count > 2 ? arguments[2] : nil)
    case "element":
      guard case .list(let elements)? = arguments.first, !elements.isEmpty, let index = arguments.dropFirst().first.flatMap(HCLEvaluator.integer), index >= 0
      else { return nil }
      return elements[Int(index % Int64(elements.count))]
    case "one":
      guard case .list(let elements)? = arguments.first, elements.count <= 1 else { return nil }
      return elements.first ?? .null
    case "values":
      guard case .object(let members)? = arguments.first else { return nil }
      return .list(members.sorted { $0.key < $1.key }.map(\.value))
    case "keys":
      guard case .object(let members)? = arguments.first else { return nil }
      return .list(members.keys.sorted().map(PlanValue.string))
    case "flatten":
      guard case .list(let elements)? = arguments.first else { return nil }
      var flat: [PlanValue] = []
      return flatten(elements, into: &flat, evaluator, depth: 0) ? .list(flat) : nil
    case "coalesce":
      for argument in arguments {
        switch argument {
        case .null, .string(""): continue
        case .unknown: return nil
        default: return argument
        }
      }
      return .null
    case "coalescelist":
      for argument in arguments {
        guard case .list(let elements) = argument else { return nil }
        if !elements.isEmpty { return argument }
      }
      return .list([])
    case "tolist", "tomap", "toset", "sensitive", "nonsensitive", "ephemeralasnull":
      guard arguments.count == 1 else { return nil }
      if name == "toset", case .list(let elements) = arguments[0], evaluator.joined(elements) == nil { return .list(distinct(elements)) }
      return arguments[0]
    case "zipmap":
      guard arguments.count == 2, case .list(let names) = arguments[0], case .list(let values) = arguments[1], names.count == values.count else { return nil }
      let keys = names.compactMap(\.text)
      return keys.count == names.count ? .object(Dictionary(zip(keys, values)) { $1 }) : nil
    case "jsonencode", "yamlencode":
      guard arguments.count == 1 else { return nil }
      guard let json = arguments[0].json else { return arguments[0] }
      return name == "jsonencode" ? .string(json.text(sortedKeys: true)) : nil
    default: return nil
    }
  }

  private static func flatten(_ elements: [PlanValue], into flat: inout [PlanValue], _ evaluator: HCLEvaluator, depth: Int) -> Bool {
    for element in elements {
      evaluator.budget -= 1
      guard evaluator.budget > 0, flat.count < HCLEvaluator.maxElements, depth < 64 else { return false }
      if case .list(let inner) = element {
        guard flatten(inner, into: &flat, evaluator, depth: depth + 1) else { return false }
      } else {
        flat.append(element)
      }
    }
    return true
  }

  private static func distinct(_ elements: [PlanValue]) -> [PlanValue] {
    var seen: Set<PlanValue> = []
    return elements.filter { seen.insert($0).inserted }
  }

  private static func collection(_ name: String, _ arguments: [PlanValue]) -> PlanValue? {
    switch (name, arguments.first) {
    case ("distinct", .list(let elements)?): return .list(distinct(elements))
    case ("compact", .list(let elements)?): return .list(elements.filter { $0 != .null && $0 != .string("") })
    case ("reverse", .list(let elements)?): return .list(elements.reversed())
    case ("sort", .list(let elements)?): return .list(elements.compactMap(\.text).sorted().map(PlanValue.string))
    case ("length", .list(let elements)?): return .number(JSONNumber(elements.count))
    case ("length", .object(let members)?): return .number(JSONNumber(members.count))
    case ("length", .string(let text)?): return .number(JSONNumber(text.count))
    case ("contains", .list(let elements)?): return arguments.count == 2 ? .bool(elements.contains(arguments[1])) : nil
    case ("setunion", _), ("setintersection", _), ("setsubtract", _):
      let sets = arguments.compactMap(\.list)
      guard sets.count == arguments.count, var result = sets.first else { return nil }
      for other in sets.dropFirst() {
        switch name {
        case "setunion": result += other
        case "setintersection": result = result.filter(Set(other).contains)
        default: result = result.filter { !Set(other).contains($0) }
        }
      }
      return .list(distinct(result))
    default: return nil
    }
  }

  private static func textual(_ name: String, _ arguments: [PlanValue]) -> PlanValue? {
    if name == "join", arguments.count == 2, let separator = arguments[0].text, case .list(let elements) = arguments[1] {
      let texts = elements.compactMap(\.text)
      return texts.count == elements.count ? .string(texts.joined(separator: separator)) : nil
    }
    let texts = arguments.compactMap(\.text)
    guard texts.count == arguments.count, let first = texts.first else { return nil }
    switch (name, texts.count) {
    case ("lower", 1): return .string(first.lowercased())
    case ("upper", 1): return .string(first.uppercased())
    case ("tostring", 1): return .string(first)
    case ("tobool", 1): return first == "true" ? .bool(true) : first == "false" ? .bool(false) : nil
    case ("tonumber", 1): return Int64(first).map { .number(JSONNumber($0)) }
    case ("trimspace", 1): return .string(trimmed(first, { $0.isWhitespace }))
    case ("trim", 2): return .string(trimmed(first, { texts[1].contains($0) }))
    case ("trimprefix", 2): return .string(first.hasPrefix(texts[1]) ? String(first.dropFirst(texts[1].count)) : first)
    case ("trimsuffix", 2): return .string(first.hasSuffix(texts[1]) ? String(first.dropLast(texts[1].count)) : first)
    case ("startswith", 2): return .bool(first.hasPrefix(texts[1]))
    case ("endswith", 2): return .bool(first.hasSuffix(texts[1]))
    case ("strcontains", 2): return .bool(first.contains(texts[1]))
    case ("split", 2):
      guard !first.isEmpty else { return texts[1].isEmpty ? .list([]) : .list(texts[1].map { .string(String($0)) }) }
      return .list(texts[1].split(separator: first, omittingEmptySubsequences: false).map { .string(String($0)) })
    case ("replace", 3):
      guard !texts[1].isEmpty, !(texts[1].hasPrefix("/") && texts[1].hasSuffix("/") && texts[1].count > 1) else { return nil }
      return .string(first.split(separator: texts[1], omittingEmptySubsequences: false).joined(separator: texts[2]))
    case ("format", _): return format(first, Array(texts.dropFirst()))
    case ("jsondecode", 1): return (try? JSONValue.parse(first)).map { PlanValue($0) }
    default: return nil
    }
  }

  private static func trimmed(_ text: String, _ drops: (Character) -> Bool) -> String {
    var rest = text.drop(while: drops)
    while let last = rest.last, drops(last) { rest.removeLast() }
    return String(rest)
  }

  /// `%s`, `%d`, `%v` and `%%`; other verbs are not evaluated.
  private static func format(_ pattern: String, _ values: [String]) -> PlanValue? {
    var result = ""
    var used = 0
    var characters = pattern.makeIterator()
    while let character = characters.next() {
      guard character == "%" else { result.append(character); continue }
      switch characters.next() {
      case "%": result.append("%")
      case "s", "d", "v":
        guard used < values.count else { return nil }
        result += values[used]
        used += 1
      default: return nil
      }
    }
    return used == values.count ? .string(result) : nil
  }
}
