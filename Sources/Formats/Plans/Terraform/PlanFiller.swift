import Encodings

/// Gives the unknown parts of one resource their origin, and collects where every argument comes from.
struct PlanFiller {
  let resolver: PlanResolver
  let scope: PlanResolver.Scope
  private(set) var references: [String: [String]] = [:]

  init(_ resolver: PlanResolver, _ scope: PlanResolver.Scope) {
    self.resolver = resolver
    self.scope = scope
  }

  /// - Parameter expression: what the configuration has at this place.
  /// - Parameter source: what the source evaluates to at this place.
  mutating func fill(_ value: PlanValue, _ expression: JSONValue?, _ source: PlanValue?, _ path: String = "") -> PlanValue {
    if case .unknown = value { return origin(expression, source, path) }
    if let expression, expression.isExpression {
      if expression["references"] != nil {
        let found = resolver.resolve(expression, in: scope)
        if !found.addresses.isEmpty { references[path] = found.addresses }
      }
      return deep(value, expression, source, [])
    }
    switch value {
    case .object(let members):
      let block = expression?[0] ?? expression
      let body = source?.list?.first ?? source
      var result = members
      for (name, member) in members {
        let inner = block?[name]
        if member.isPlain, inner?["references"] == nil { continue }
        result[name] = fill(member, inner, body?.object?[name] ?? body.flatMap { $0.unknown == nil ? nil : $0 }, path.isEmpty ? name : "\(path).\(name)")
      }
      note(block, absentFrom: members, path)
      return .object(result)
    case .list(let elements):
      let blocks = expression.map { $0.array ?? [$0] } ?? []
      let bodies = source?.list ?? []
      return .list(
        elements.enumerated().map { index, element in
          let place = path.isEmpty ? "\(index)" : "\(path).\(index)"
          let body = Self.match(element, bodies, at: index) { Self.agrees(element, $0) } ?? source.flatMap { $0.unknown == nil ? nil : $0 }
          let fitting = blocks.indices.filter { Self.agrees(element, expression: blocks[$0]) }
          if fitting.count <= 1 || elements.count == 1 && blocks.count == 1 {
            return fill(element, fitting.first.map { blocks[$0] } ?? (blocks.indices.contains(index) ? blocks[index] : nil), body, place)
          }
          // Sets lose the order of their blocks: several fit. By place when the counts agree and the source orders them so; else any of them.
          if bodies.count == elements.count, body != nil { return fill(element, blocks.indices.contains(index) ? blocks[index] : nil, body, place) }
          return fill(element, Self.union(fitting.map { blocks[$0] }), nil, place)
        })
    default: return value
    }
  }

  /// Unknown parts inside an argument whose expression is given as a whole: what the source has there, else what the expression refers to.
  private func deep(_ value: PlanValue, _ expression: JSONValue, _ source: PlanValue?, _ steps: [PathStep]) -> PlanValue {
    switch value {
    case .unknown:
      if let source {
        let part = resolver.evaluator.navigate(source, steps[...])
        if part != .null, part.unknown.map({ !$0.references.isEmpty || $0.missing != nil }) ?? true { return part }
      }
      let found = resolver.resolve(expression, in: scope)
      if let whole = found.value {
        let part = resolver.evaluator.navigate(whole, steps[...])
        if part != .null { return part }
      }
      return .unknown(UnknownValue(references: found.addresses, missing: found.missing))
    case .object(let members): return .object(Dictionary(uniqueKeysWithValues: members.map { ($0, deep($1, expression, source, steps + [.name($0)])) }))
    case .list(let elements): return .list(elements.enumerated().map { deep($1, expression, source, steps + [.number($0)]) })
    default: return value
    }
  }

  private mutating func origin(_ expression: JSONValue?, _ source: PlanValue?, _ path: String) -> PlanValue {
    var found = PlanResolver.Resolution()
    if let expression {
      let leaves = expression.leaves.filter { $0["references"] != nil }
      if expression.isExpression {
        found = resolver.resolve(expression, in: scope)
        if !Self.isWhole(found.value) { found.value = nil }
      } else {
        for leaf in leaves { found.join(resolver.resolve(leaf, in: scope)) }
      }
    }
    if !found.addresses.isEmpty { references[path] = found.addresses }
    guard let source, source != .null else { return found.planValue }
    guard let unknown = source.unknown else { return source }
    if unknown.references.isEmpty {
      if found.value != nil || !found.addresses.isEmpty { return found.planValue }
      return .unknown(UnknownValue(references: [], missing: unknown.missing ?? found.missing))
    }
    references[path] = unknown.references
    return source
  }

  /// Whether a referred value can be the value of an argument: an object stands for a resource whose attribute the plan does not name.
  private static func isWhole(_ value: PlanValue?) -> Bool {
    switch value {
    case .object?, .null?, nil: false
    case .list(let elements)?: elements.allSatisfy { $0.object == nil }
    default: true
    }
  }

  /// References of arguments that the plan has no value for.
  private mutating func note(_ block: JSONValue?, absentFrom members: [String: PlanValue], _ path: String) {
    guard let block, !block.isExpression, let object = block.object else { return }
    for member in object.members where members[member.name] == nil {
      var all = PlanResolver.Resolution()
      for leaf in member.value.leaves where leaf["references"] != nil { all.join(resolver.resolve(leaf, in: scope)) }
      if !all.addresses.isEmpty { references[path.isEmpty ? member.name : "\(path).\(member.name)"] = all.addresses }
    }
  }

  // MARK: Which block is which element

  private static func match(_ element: PlanValue, _ bodies: [PlanValue], at index: Int, _ agrees: (PlanValue) -> Bool) -> PlanValue? {
    let fitting = bodies.indices.filter { agrees(bodies[$0]) }
    if fitting.count == 1 || fitting.contains(index) { return bodies[fitting.contains(index) ? index : fitting[0]] }
    return fitting.first.map { bodies[$0] }
  }

  private static func agrees(_ value: PlanValue, _ body: PlanValue) -> Bool {
    switch (value, body) {
    case (.unknown, _), (_, .unknown), (_, .null), (.null, _): true
    case (.object(let a), .object(let b)): b.allSatisfy { name, part in a[name].map { agrees($0, part) } ?? true }
    case (.list(let a), .list(let b)): a.count == b.count && zip(a, b).allSatisfy(agrees)
    default: value == body || value.text != nil && value.text == body.text
    }
  }

  private static func agrees(_ value: PlanValue, expression: JSONValue) -> Bool {
    if let constant = expression["constant_value"] { return agrees(value, PlanValue(constant)) }
    if expression.isExpression { return true }
    if let object = expression.object {
      guard case .object(let members) = value else { return true }
      return object.members.allSatisfy { member in members[member.name].map { agrees($0, expression: member.value) } ?? true }
    }
    return true
  }

  private static func union(_ blocks: [JSONValue]) -> JSONValue {
    var result = JSONObject()
    for block in blocks {
      for member in block.object?.members ?? [] {
        let before = result[member.name]?["references"]?.array ?? []
        let more = member.value.leaves.flatMap { $0["references"]?.array ?? [] }.filter { !before.contains($0) }
        if !(before + more).isEmpty { result[member.name] = ["references": .array(before + more)] }
      }
    }
    return .object(result)
  }
}

extension PlanValue {
  /// One known value that holds no others.
  fileprivate var isPlain: Bool {
    switch self {
    case .null, .bool, .number, .string: true
    case .list, .object, .unknown: false
    }
  }
}
