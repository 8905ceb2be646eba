import Encodings

/// Variables, outputs and iteration: references that cross the border of a module.
extension PlanResolver {
  /// The scope of a module call: its parent, with the call's own instance.
  private func callScope(of module: ModuleInstance) -> Scope {
    let parent = module.parent
    let name = module.names.last ?? ""
    let source = sources?.modules[parent.key]?.calls[name]?.block.body
    return Scope(
      module: parent, key: module.keys.last ?? nil, forEach: configuration.modules[parent.key]?.calls[name]?.forEach,
      forEachSource: source?.attributes["for_each"]?.value)
  }

  func variable(_ path: ArraySlice<PathStep>, _ scope: Scope) -> Resolution {
    guard case .name(let name)? = path.first else { return Resolution() }
    let rest = path.dropFirst()
    let module = scope.module
    if module.isRoot {
      if let value = variables[name] ?? configuration.modules[""]?.defaults[name].map({ PlanValue($0) }) {
        return Resolution(value: evaluator.navigate(value, rest))
      }
      return sourceDefault(name, rest, scope) ?? .missing("var.\(name): the plan holds no value of it")
    }
    let callName = module.names.last ?? ""
    let outer = callScope(of: module)
    return once("\(module.text)\nvar.\(name)") {
      if let call = sources?.modules[outer.module.key]?.calls[callName], let argument = call.block.body.attributes[name] {
        let value = evaluator.navigate(evaluate(argument.value, in: outer), rest)
        guard let unknown = evaluator.joined([value])?.unknown else {
          return Resolution(value: value, addresses: addresses(of: argument.value, in: outer))
        }
        // What the source cannot say, the plan's own list of references may.
        if unknown.references.isEmpty, let expression = configuration.modules[outer.module.key]?.calls[callName]?.expressions[name] {
          var listed = resolve(expression, rest, in: outer)
          if listed.value != nil || !listed.addresses.isEmpty { return listed }
          listed.missing = unknown.missing ?? listed.missing
          return listed
        }
        return Resolution(value: value.unknown == nil ? value : nil, addresses: unknown.references, missing: unknown.missing)
      }
      if let expression = configuration.modules[outer.module.key]?.calls[callName]?.expressions[name], expression.isExpression {
        return resolve(expression, rest, in: outer)
      }
      if let value = configuration.modules[module.key]?.defaults[name] { return Resolution(value: evaluator.navigate(PlanValue(value), rest)) }
      return sourceDefault(name, rest, scope) ?? .missing("var.\(name) of \(module.text): the plan does not say what its caller gives")
    }
  }

  private func sourceDefault(_ name: String, _ rest: ArraySlice<PathStep>, _ scope: Scope) -> Resolution? {
    guard let value = sources?.modules[scope.module.key]?.defaults[name] else { return nil }
    return Resolution(value: evaluator.navigate(evaluate(value, in: Scope(module: scope.module)), rest))
  }

  func output(_ path: ArraySlice<PathStep>, _ scope: Scope) -> Resolution {
    guard case .name(let name)? = path.first else { return Resolution() }
    var rest = path.dropFirst()
    let call = "\(scope.module.prefix)module.\(name)"
    let keys = moduleInstances[call] ?? []
    var chosen: [ModuleInstance] = []
    if keys.isEmpty, rest.first?.name != nil || rest.isEmpty {
      chosen = [scope.module.child(name, nil)]
    } else if let step = rest.first, let key = InstanceKey(step), keys.contains(key) {
      chosen = [scope.module.child(name, key)]
      rest = rest.dropFirst()
    } else {
      chosen = keys.sorted { $0.description < $1.description }.prefix(Self.maxInstances).map { scope.module.child(name, $0) }
      switch rest.first {
      case .splat, .unknown, .number: rest = rest.dropFirst()
      default: break
      }
    }
    guard case .name(let output)? = rest.first else { return Resolution(addresses: chosen.map(\.text)) }
    rest = rest.dropFirst()
    let found = chosen.map { one in once("\(one.text)\noutput.\(output)") { self.output(output, rest, of: one) } }
    guard found.count != 1 else { return found[0] }
    return found.reduce(into: Resolution()) { $0.join($1) }
  }

  private func output(_ name: String, _ rest: ArraySlice<PathStep>, of module: ModuleInstance) -> Resolution {
    let scope = Scope(module: module)
    let listed = configuration.modules[module.key]?.outputs[name]
    if let source = sources?.modules[module.key]?.outputs[name] {
      let value = evaluator.navigate(evaluate(source, in: scope), rest)
      guard let unknown = evaluator.joined([value])?.unknown else { return Resolution(value: value, addresses: addresses(of: source, in: scope)) }
      if !unknown.references.isEmpty || listed == nil {
        return Resolution(value: value.unknown == nil ? value : nil, addresses: unknown.references, missing: unknown.missing)
      }
    }
    guard let listed, listed.isExpression else { return .missing("output \(name) of \(module.text): the plan's configuration does not have it") }
    return resolve(listed, rest, in: scope)
  }

  /// `each.key`, `each.value…`, `count.index`.
  func iteration(_ root: String, _ path: ArraySlice<PathStep>, _ scope: Scope) -> Resolution {
    guard let key = scope.key else { return .missing("\(root).\(path.first?.name ?? ""): the instance is not known") }
    if root == "count" || path.first?.name == "key" { return Resolution(value: key.value) }
    let rest = path.dropFirst()
    let name = "\(scope.module.text)\neach \(key)"
    return once(name) {
      if let source = scope.forEachSource {
        let outer = Scope(module: scope.module)
        let element = self.element(evaluate(source, in: outer), key, rest)
        if let element, let unknown = evaluator.joined([element])?.unknown {
          if !unknown.references.isEmpty { return Resolution(value: element.unknown == nil ? element : nil, addresses: unknown.references, missing: unknown.missing) }
        } else if let element {
          return Resolution(value: element, addresses: scope.forEach.map { resolve($0, [key.step] + rest, in: outer).addresses } ?? [])
        }
      }
      guard let forEach = scope.forEach else { return .missing("each.value: the plan does not say what for_each is") }
      let outer = Scope(module: scope.module)
      let whole = resolve(forEach, [], in: outer)
      if let value = whole.value, let element = self.element(value, key, rest), element.unknown == nil {
        return Resolution(value: element, addresses: forEach.references.count == 1 ? resolve(forEach, [key.step] + rest, in: outer).addresses : whole.addresses)
      }
      guard forEach.references.count == 1 else { return Resolution(addresses: whole.addresses, missing: whole.missing) }
      let narrow = resolve(forEach, [key.step] + rest, in: outer)
      return narrow.value == nil && narrow.addresses.isEmpty ? Resolution(addresses: whole.addresses, missing: whole.missing ?? narrow.missing) : narrow
    }
  }

  /// One element of what `for_each` iterates: a member of a map, or a member of a set, which is its own key.
  private func element(_ collection: PlanValue, _ key: InstanceKey, _ rest: ArraySlice<PathStep>) -> PlanValue? {
    switch (collection, key) {
    case (.object(let members), .text(let name)): members[name].map { evaluator.navigate($0, rest) }
    case (.list(let elements), _) where elements.contains(key.value): evaluator.navigate(key.value, rest)
    case (.unknown, _): collection
    default: nil
    }
  }
}
