import Encodings

/// Follows references to where values come from: variables through their callers, locals through the source, outputs through their modules, `each` through
/// its collection, data through what was read, resources through what is planned (estate-and-gates §3.2).
///
/// Used by one reader at a time; every walk is bounded in depth, and all of them together by a budget.
final class PlanResolver {
  /// Where an expression stands: its module, and the instance of the resource or module call it belongs to.
  struct Scope {
    var module: ModuleInstance
    var key: InstanceKey?
    var forEach: JSONValue?
    var forEachSource: HCLExpression?
  }

  /// What is known of a reference. `value` may hold unknown parts.
  struct Resolution {
    var value: PlanValue?
    var addresses: [String] = []
    var missing: String?

    static func missing(_ text: String) -> Resolution { Resolution(missing: text) }

    var planValue: PlanValue { value ?? .unknown(UnknownValue(references: addresses, missing: missing)) }

    mutating func join(_ other: Resolution) {
      for address in other.addresses where !addresses.contains(address) { addresses.append(address) }
      if missing == nil { missing = other.missing }
    }
  }

  let configuration: PlanConfiguration
  let variables: [String: PlanValue]
  let sources: PlanSources?
  /// Every resource's values after the change, by address; unknown parts are bare.
  var planned: [String: PlanValue] = [:]
  /// The same with the resource's own key taken off → its keys.
  var instances: [String: [InstanceKey]] = [:]
  /// Module calls without their own key, like `module.ci` → their keys.
  var moduleInstances: [String: Set<InstanceKey>] = [:]

  let evaluator = HCLEvaluator(budget: 20_000_000)
  private var depth = 0
  private var steps = 0
  private var known: [String: Resolution] = [:]
  private var locals: [String: PlanValue] = [:]
  private var open: Set<String> = []
  static let maxDepth = 60
  static let maxSteps = 20_000_000
  static let maxInstances = 256

  init(configuration: PlanConfiguration, variables: [String: PlanValue], sources: PlanSources?) {
    self.configuration = configuration
    self.variables = variables
    self.sources = sources
  }

  func register(_ address: PlanAddress, _ text: String, _ values: PlanValue) {
    guard planned.updateValue(values, forKey: text) == nil else { return }
    if let key = address.key { instances[address.base, default: []].append(key) }
    var module = ModuleInstance.root
    for (name, key) in zip(address.module.names, address.module.keys) {
      if let key { moduleInstances["\(module.prefix)module.\(name)", default: []].insert(key) }
      module = module.child(name, key)
    }
  }

  // MARK: Expressions

  /// A JSON expression, and then a path into what it gives.
  func resolve(_ expression: JSONValue, _ rest: ArraySlice<PathStep> = [], in scope: Scope) -> Resolution {
    if let constant = expression["constant_value"] {
      return Resolution(value: evaluator.navigate(PlanValue(constant), rest))
    }
    var references = expression.references
    // `x.y[each.key].z` is written as `x.y` and `each.key`: the instance with the same key is meant.
    var own: PathStep?
    if references.count == 2, let key = scope.key, let index = references.firstIndex(where: { $0 == "each.key" || $0 == "count.index" }),
      let parts = PlanPath.parse(references[1 - index]), parts.count == 2 || parts.count == 3, ["data", "module"].contains(parts[0].step.name) || parts.count == 2
    {
      references.remove(at: index)
      own = key.step
    }
    guard references.count == 1 else {
      return references.reduce(into: Resolution()) { $0.join(resolve(reference: $1, [], in: scope)) }
    }
    return resolve(reference: references[0], (own.map { [$0] } ?? []) + rest, in: scope)
  }

  func resolve(reference: String, _ rest: ArraySlice<PathStep>, in scope: Scope) -> Resolution {
    let dependsOnInstance = reference.hasPrefix("each.") || reference.hasPrefix("count.")
    let memo = dependsOnInstance || !rest.isEmpty ? nil : "\(scope.module.text)\n\(reference)"
    if let memo, let found = known[memo] { return found }
    guard let parts = PlanPath.parse(reference), case .name(let root, _)? = parts.first else { return Resolution(addresses: [reference]) }
    let result = resolve(root, parts.dropFirst().map(\.step)[...] + rest, in: scope)
    if let memo { known[memo] = result }
    return result
  }

  /// Evaluates source; what it refers to is looked up in `scope`.
  func evaluate(_ expression: HCLExpression, bound: [String: PlanValue] = [:], in scope: Scope) -> PlanValue {
    evaluator.bounded(evaluator.evaluate(expression, bound: bound) { root, steps in self.resolve(root, steps[...], in: scope).planValue })
  }

  /// Everything that a piece of source refers to, whether its value is known or not.
  func addresses(of expression: HCLExpression, in scope: Scope) -> [String] {
    expression.traversals().prefix(1000).reduce(into: Resolution()) { found, traversal in
      let path = traversal.steps.map { step -> PathStep in
        switch step {
        case .name(let name): .name(name)
        case .splat: .splat
        case .index(let index): PathStep(evaluate(index, in: scope))
        }
      }
      found.join(resolve(traversal.root, path[...], in: scope))
    }.addresses
  }

  func resolve(_ root: String, _ path: ArraySlice<PathStep>, in scope: Scope) -> Resolution {
    depth += 1
    steps += 1
    defer { depth -= 1 }
    guard depth <= Self.maxDepth, steps <= Self.maxSteps else {
      return .missing("a reference goes through more than \(Self.maxDepth) others, or in a circle: shorten it")
    }
    switch root {
    case "var": return variable(path, scope)
    case "local": return local(path, scope)
    case "each", "count": return iteration(root, path, scope)
    case "module": return output(path, scope)
    case "data", "ephemeral":
      guard case .name(let type)? = path.first, case .name(let name)? = path.dropFirst().first else { return Resolution() }
      return resource("\(root).\(type).\(name)", path.dropFirst(2), scope)
    case "path", "terraform", "tofu", "self": return .missing("\(root).\(path.first?.name ?? "")")
    default:
      guard case .name(let name)? = path.first else { return Resolution() }
      return resource("\(root).\(name)", path.dropFirst(), scope)
    }
  }

  /// Guards one name against being needed for itself.
  func once(_ name: String, _ body: () -> Resolution) -> Resolution {
    guard open.insert(name).inserted else { return .missing("\(name) refers to itself") }
    defer { open.remove(name) }
    return body()
  }

  // MARK: Locals

  private func local(_ path: ArraySlice<PathStep>, _ scope: Scope) -> Resolution {
    guard case .name(let name)? = path.first else { return Resolution() }
    let inModule = scope.module.isRoot ? "" : " of \(scope.module.text)"
    guard let module = sources?.modules[scope.module.key] else {
      return .missing(
        "local.\(name)\(inModule): locals are not in the plan JSON; give the saved plan file (`terraform plan -out=FILE`) or the .tf files as well")
    }
    guard let local = module.locals[name] else { return .missing("local.\(name)\(inModule): the source given does not define it") }
    let memo = "\(scope.module.text)\nlocal.\(name)"
    let here = Scope(module: scope.module)
    return once(memo) {
      let whole = locals[memo] ?? evaluate(local.value, in: here)
      locals[memo] = whole
      let value = evaluator.navigate(whole, path.dropFirst())
      if let unknown = evaluator.joined([value])?.unknown {
        return Resolution(value: value.unknown == nil ? value : nil, addresses: unknown.references, missing: unknown.missing.map { "local.\(name): \($0)" })
      }
      var origin = local.value
      if case .object(let items) = origin, case .name(let key)? = path.dropFirst().first,
        let item = items.first(where: { $0.key == .literal(.string(key)) || $0.key == .template([.literal(.string(key))]) })
      {
        origin = item.value
      }
      return Resolution(value: value, addresses: addresses(of: origin, in: here))
    }
  }
}

extension PathStep {
  init(_ value: PlanValue) {
    switch value {
    case .string(let text): self = .name(text)
    case .number(let number): self = number.int64.flatMap { Int(exactly: $0) }.map(PathStep.number) ?? .unknown(UnknownValue())
    default: self = .unknown(value.unknown ?? UnknownValue())
    }
  }

  var name: String? { if case .name(let name) = self { name } else { nil } }
}

extension InstanceKey {
  var step: PathStep {
    switch self {
    case .text(let text): .name(text)
    case .number(let number): .number(number)
    }
  }

  var value: PlanValue {
    switch self {
    case .text(let text): .string(text)
    case .number(let number): .number(JSONNumber(number))
    }
  }
}
