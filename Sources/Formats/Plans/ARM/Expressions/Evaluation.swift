import Encodings

extension TemplateFrame {
  /// The value with every expression in it resolved as far as that goes; what is not known is `.unknown`, never left out.
  func evaluate(_ json: JSONValue, _ context: EvaluationContext) throws(TemplateError) -> PlanValue {
    try budget.spend()
    budget.depth += 1
    defer { budget.depth -= 1 }
    guard budget.depth <= TemplateBudget.maxDepth else { return Self.tooDeep }
    switch json {
    case .null: return .null
    case .bool(let value): return .bool(value)
    case .number(let value): return .number(value)
    case .string(let text): return try evaluate(text: text, context)
    case .array(let elements):
      var list: [PlanValue] = []
      list.reserveCapacity(elements.count)
      for element in elements { list.append(try evaluate(element, context)) }
      return .list(list)
    case .object(let object):
      if let copy = object[Self.copyMarker] { return try evaluate(copy: copy, context) }
      var members: [String: PlanValue] = [:]
      for member in object.members {
        if member.name.lowercased() == "copy", let copies = member.value.array, copies.allSatisfy({ $0["name"] != nil && $0["input"] != nil }), !copies.isEmpty {
          for copy in copies {
            guard let name = copy["name"]?.string else { continue }
            members[name] = try evaluate(copy: copy, context)
          }
          continue
        }
        let name = TemplateExpression.isExpression(member.name) ? try evaluate(text: member.name, context).string ?? member.name : member.name
        members[name] = try evaluate(member.value, context)
      }
      return .object(members)
    }
  }

  static let tooDeep = PlanValue.unknown(UnknownValue(missing: "an expression that nests too deeply to be evaluated"))

  private func evaluate(text: String, _ context: EvaluationContext) throws(TemplateError) -> PlanValue {
    if text.hasPrefix("[[") { return .string(String(text.dropFirst())) }
    guard TemplateExpression.isExpression(text) else { return .string(text) }
    try budget.spend(text.utf8.count / 64)
    guard let expression = TemplateExpression.parse(text, maxLength: budget.limits.maxExpression, maxDepth: budget.limits.maxExpressionDepth) else {
      return .unknown(UnknownValue(missing: "an expression that is malformed, too long or nests too deeply"))
    }
    return try evaluate(expression, context)
  }

  /// `copy` on a property or a variable: the list of inputs.
  private func evaluate(copy: JSONValue, _ context: EvaluationContext) throws(TemplateError) -> PlanValue {
    guard let name = copy["name"]?.string, let input = copy["input"], let count = copy["count"] else {
      return .unknown(UnknownValue(missing: "a copy without name, count or input"))
    }
    guard let number = try evaluate(count, context).int else {
      let once = try evaluate(input, context.loop(name, index: nil))
      // One element stands for all of them, and the unknown one says there may be others.
      return .list([once, .unknown(UnknownValue(missing: "copy '\(Self.excerpt(name))': its count is not known"))])
    }
    try checkCount(number)
    var list: [PlanValue] = []
    for index in 0..<number { list.append(try evaluate(input, context.loop(name, index: index))) }
    return .list(list)
  }

  func checkCount(_ count: Int) throws(TemplateError) {
    guard (0...budget.limits.maxCopies).contains(count) else {
      throw TemplateError.tooMuch(budget.input, what: "iterations of one copy (or fewer than none)", limit: budget.limits.maxCopies)
    }
  }

  func evaluate(_ expression: TemplateExpression, _ context: EvaluationContext) throws(TemplateError) -> PlanValue {
    try budget.spend()
    budget.depth += 1
    defer { budget.depth -= 1 }
    guard budget.depth <= TemplateBudget.maxDepth else { return Self.tooDeep }
    switch expression {
    case .string(let text): return .string(text)
    case .number(let number): return .number(number)
    case .member(let base, let name): return Self.member(name, of: try evaluate(base, context))
    case .index(let base, let index):
      let value = try evaluate(base, context)
      return Self.element(try evaluate(index, context), of: value)
    case .call(let name, let arguments): return try call(name, arguments, context)
    }
  }

  /// A property by name; ARM does not mind the case. Of an unknown value it is an unknown value that says where it comes from.
  static func member(_ name: String, of value: PlanValue) -> PlanValue {
    switch value {
    case .object(let members):
      if let found = members[name] { return found }
      let lower = name.lowercased()
      return members.first { $0.key.lowercased() == lower }?.value ?? .null
    case .unknown(let unknown):
      return .unknown(UnknownValue(references: unknown.references.map { $0.utf8.count < 2_000 ? "\($0).\(name)" : $0 }, missing: unknown.missing))
    case .string(let text) where Placeholder.isOpaque(text): return .unknown(UnknownValue(references: Placeholder.unresolved(text)))
    default: return .null
    }
  }

  static func element(_ index: PlanValue, of value: PlanValue) -> PlanValue {
    switch (value, index) {
    case (.unknown(let unknown), _): return .unknown(UnknownValue(references: unknown.references, missing: unknown.missing))
    case (_, .unknown): return .unknowing(of: [index, value])
    case (.object, .string(let name)): return member(name, of: value)
    case (.list(let list), .number):
      // Behind a part of unknown length nothing has a place.
      if list.prefix((index.int ?? 0) < list.count ? max(index.int ?? 0, 0) : list.count).contains(where: isOpen) { return .unknowing(of: list, openPart) }
      return index.int.flatMap { list.indices.contains($0) ? list[$0] : nil } ?? .null
    default: return .null
    }
  }
}

extension PlanValue {
  /// Not known because of these: their references and the first reason.
  static func unknowing(of values: [PlanValue], _ missing: String? = nil) -> PlanValue {
    var references: [String] = []
    var reason = missing
    for value in values { value.collectUnknown(&references, &reason, depth: 0) }
    return .unknown(UnknownValue(references: references, missing: reason))
  }

  private func collectUnknown(_ references: inout [String], _ reason: inout String?, depth: Int) {
    guard references.count < 32, depth < 32 else { return }
    switch self {
    case .unknown(let unknown):
      for reference in unknown.references where !references.contains(reference) { references.append(reference) }
      reason = reason ?? unknown.missing
    case .string(let text):
      for key in Placeholder.unresolved(text) {
        if !references.contains(key) { references.append(key) }
        reason = reason ?? "\(key) has no value: give it in a parameters file"
      }
    case .list(let list): for value in list { value.collectUnknown(&references, &reason, depth: depth + 1) }
    case .object(let members): for key in members.keys.sorted() { members[key]?.collectUnknown(&references, &reason, depth: depth + 1) }
    default: break
    }
  }

  /// Whether anything in it is not known, or is a stand-in.
  var isUncertain: Bool {
    switch self {
    case .unknown: true
    case .string(let text): Placeholder.isOpaque(text)
    case .list(let list): list.contains { $0.isUncertain }
    case .object(let members): members.values.contains { $0.isUncertain }
    default: false
    }
  }

  /// A literal of JSON, nothing evaluated.
  static func literal(_ json: JSONValue) -> PlanValue {
    switch json {
    case .null: .null
    case .bool(let value): .bool(value)
    case .number(let value): .number(value)
    case .string(let value): .string(value)
    case .array(let values): .list(values.map { literal($0) })
    case .object(let object): .object(Dictionary(object.members.map { ($0.name, literal($0.value)) }, uniquingKeysWith: { first, _ in first }))
    }
  }
}
