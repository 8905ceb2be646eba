import Encodings

/// References to resources and data sources: to what is planned for them, or further to what their own arguments refer to.
extension PlanResolver {
  func resource(_ local: String, _ path: ArraySlice<PathStep>, _ scope: Scope) -> Resolution {
    let base = scope.module.prefix + local
    if planned[base] != nil { return attribute(of: base, path.first == .number(0) && planned[base]?.object != nil ? path.dropFirst() : path) }
    guard let keys = instances[base], !keys.isEmpty else {
      return Resolution(addresses: [PlanPath.join(base, path)])
    }
    if let step = path.first, let key = InstanceKey(step), planned[base + key.description] != nil {
      return attribute(of: base + key.description, path.dropFirst())
    }
    if path.isEmpty {
      // The whole map or list of instances.
      let some = keys.prefix(HCLEvaluator.maxElements)
      var members: [String: PlanValue] = [:]
      var elements: [PlanValue] = []
      for key in some {
        let value = attribute(of: base + key.description, []).planValue
        switch key {
        case .text(let text): members[text] = value
        case .number: elements.append(value)
        }
      }
      return Resolution(value: members.isEmpty ? .list(elements) : .object(members), addresses: keys.prefix(Self.maxInstances).map { base + $0.description })
    }
    var rest = path
    switch path.first {
    case .splat, .unknown, .number: rest = path.dropFirst()
    default: break
    }
    let found = keys.prefix(Self.maxInstances).map { attribute(of: base + $0.description, rest) }
    var result = found.reduce(into: Resolution()) { $0.join($1) }
    if found.count == 1 { result.value = found[0].value }
    if path.first == .splat { result.value = .list(found.map(\.planValue)) }
    return result
  }

  /// An attribute of one planned instance. Known: its value. Unknown and given by the configuration: where that comes from. Else: itself.
  private func attribute(of address: String, _ path: ArraySlice<PathStep>) -> Resolution {
    guard let planned = planned[address] else { return Resolution(addresses: [PlanPath.join(address, path)]) }
    guard !path.isEmpty else { return Resolution(value: named(planned, address), addresses: [address]) }
    var path = path
    if address.contains("terraform_data."), path.first == .name("output"), planned["input"] != nil {
      // `output` of the built-in resource is its `input`, once applied.
      path = [.name("input")] + path.dropFirst()
    }
    var value = planned
    var walked: [PathStep] = []
    for step in path {
      if case .list(let elements) = value, elements.count == 1, case .name = step { value = elements[0] }
      let next: PlanValue?
      switch (value, step) {
      case (.object(let members), .name(let name)): next = members[name]
      case (.list(let elements), .number(let number)): next = elements.indices.contains(number) ? elements[number] : nil
      case (.list, .splat), (.list, .unknown), (.object, .unknown): next = nil
      default: next = nil
      }
      guard let next else { break }
      value = next
      walked.append(step)
      if case .unknown = value { break }
    }
    let place = PlanPath.join(address, walked.isEmpty ? path.prefix(1) : walked[...])
    if case .unknown = value, !walked.isEmpty {
      let further = once(place) { configured(address, walked[...], path.dropFirst(walked.count)) }
      if further.value != nil || !further.addresses.isEmpty || further.missing != nil { return further }
      return Resolution(addresses: [place])
    }
    guard walked.count == path.count, value != .null else { return Resolution(addresses: [place]) }
    let origin = once(place) { configured(address, walked[...], []) }.addresses
    return Resolution(value: named(value, place), addresses: [place] + origin.filter { $0 != place })
  }

  /// What the configuration gives for an attribute; nothing when the provider computes it.
  private func configured(_ address: String, _ path: ArraySlice<PathStep>, _ rest: ArraySlice<PathStep>) -> Resolution {
    guard let parsed = PlanAddress(address), let resource = configuration.resource(parsed) else { return Resolution() }
    let scope = self.scope(of: parsed, resource)
    if let block = sources?.declared(parsed)?.block, let name = path.first?.name, let attribute = block.body.attributes[name] {
      let value = evaluator.navigate(evaluate(attribute.value, in: scope), path.dropFirst() + rest)
      if let unknown = evaluator.joined([value])?.unknown {
        if !unknown.references.isEmpty { return Resolution(value: value.unknown == nil ? value : nil, addresses: unknown.references, missing: unknown.missing) }
      } else if value != .null {
        return Resolution(value: value, addresses: addresses(of: attribute.value, in: scope))
      }
    }
    var expression = resource.expressions
    var left = path
    while let step = left.first, !expression.isExpression {
      switch step {
      case .name(let name): expression = expression[name] ?? expression[0]?[name] ?? .null
      case .number(let number): expression = expression[number] ?? .null
      default: return Resolution()
      }
      left = left.dropFirst()
    }
    guard expression.isExpression else { return Resolution() }
    var found = resolve(expression, left + rest, in: scope)
    if found.value == .null { found.value = nil }
    return found
  }

  func scope(of address: PlanAddress, _ resource: PlanConfiguration.Resource?) -> Scope {
    Scope(
      module: address.module, key: address.key, forEach: resource?.forEach,
      forEachSource: sources?.declared(address)?.block.body.attributes["for_each"]?.value)
  }

  /// A planned value whose unknown parts say what they are parts of.
  private func named(_ value: PlanValue, _ place: String) -> PlanValue {
    switch value {
    case .unknown(let unknown) where unknown.references.isEmpty: return .unknown(UnknownValue(references: [place], missing: unknown.missing))
    case .object(let members): return .object(Dictionary(uniqueKeysWithValues: members.map { ($0, named($1, "\(place).\($0)")) }))
    case .list(let elements): return .list(elements.enumerated().map { named($1, "\(place)[\($0)]") })
    default: return value
    }
  }
}
