import Encodings

/// A step whose index was evaluated.
enum PathStep: Sendable, Hashable {
  case name(String)
  case number(Int)
  case splat
  /// An index that only the apply will know.
  case unknown(UnknownValue)
}

/// Evaluates expressions as far as that goes without running anything: what is not known stays `.unknown`, with what it came from and why.
///
/// One evaluator has one budget. `jsonencode` of something partly unknown gives the structure it would encode, because the text cannot be known.
final class HCLEvaluator {
  typealias Lookup = (_ root: String, _ steps: [PathStep]) -> PlanValue

  /// Nodes and elements that may still be visited.
  var budget: Int
  private var depth = 0
  static let maxDepth = 200
  static let maxElements = 100_000
  static let maxText = 4 << 20

  init(budget: Int = 2_000_000) { self.budget = budget }

  static func cannot(_ what: String) -> PlanValue { .unknown(UnknownValue(missing: "\(what) is not evaluated: give the value as a variable or check again after the apply")) }

  func evaluate(_ expression: HCLExpression, bound: [String: PlanValue] = [:], lookup: @escaping Lookup) -> PlanValue {
    budget -= 1
    depth += 1
    defer { depth -= 1 }
    guard budget > 0, depth <= Self.maxDepth else { return Self.cannot("an expression of this size") }
    let inner = { (part: HCLExpression) in self.evaluate(part, bound: bound, lookup: lookup) }
    switch expression {
    case .literal(let value): return value
    case .template(let parts): return template(parts.map(inner))
    case .traversal(let root, let steps):
      let path = self.path(steps, bound, lookup)
      if let value = bound[root] { return navigate(value, path[...]) }
      return lookup(root, path)
    case .access(let base, let steps): return navigate(inner(base), path(steps, bound, lookup)[...])
    case .call("try", let arguments, _):
      for argument in arguments {
        let value = inner(argument)
        // What is not there and what is null read alike; the object around it tells them apart.
        if value != .null || isPresent(argument, inner) { return value }
      }
      return .null
    case .call("can", let arguments, _):
      guard arguments.count == 1 else { return Self.cannot("can()") }
      let value = inner(arguments[0])
      if let unknown = joined([value]) { return unknown }
      return value != .null || isPresent(arguments[0], inner) ? .bool(true) : Self.cannot("can()")
    case .call(let name, let arguments, let expands):
      var values = arguments.map(inner)
      if expands, let last = values.popLast() {
        guard case .list(let elements) = last else { return self.joined(values + [last]) ?? Self.cannot("\(name)()") }
        values += elements
      }
      return HCLFunctions.call(name, values, self)
    case .unary(let op, let operand):
      let value = inner(operand)
      switch (op, value) {
      case (.not, .bool(let value)): return .bool(!value)
      case (.minus, .number(let number)): return number.int64.flatMap { $0 == .min ? nil : .number(JSONNumber(-$0)) } ?? Self.cannot("arithmetic with fractions")
      default: return joined([value]) ?? Self.cannot("operator \(op.rawValue) on this kind of value")
      }
    case .binary(let op, let left, let right): return binary(op, inner(left), inner(right))
    case .conditional(let test, let yes, let no):
      switch inner(test) {
      case .bool(let value): return inner(value ? yes : no)
      case .string("true"): return inner(yes)
      case .string("false"): return inner(no)
      case let value:
        let (a, b) = (inner(yes), inner(no))
        if a == b { return a }
        return .unknown(joined([a, b, value])?.unknown ?? UnknownValue(missing: "which branch of a condition holds"))
      }
    case .tuple(let elements): return .list(elements.map(inner))
    case .object(let items):
      var members: [String: PlanValue] = [:]
      for item in items {
        let key = inner(item.key)
        guard let name = key.text else { return joined([key, inner(item.value)]) ?? Self.cannot("a key that is no text") }
        members[name] = inner(item.value)
      }
      return .object(members)
    case .comprehension(let loop): return comprehension(loop, bound, lookup)
    case .unsupported(let what, let parts): return joined(parts.map(inner)) ?? Self.cannot(what)
    }
  }

  /// One unknown for all that is unknown in these; nil when all is known.
  func joined(_ values: [PlanValue]) -> PlanValue? { PlanValue.list(values).unknowns(&budget).map(PlanValue.unknown) }

  /// The value, or unknown when it holds more than `maxElements` values: parts are shared in memory, and whoever walks it walks them one by one.
  func bounded(_ value: PlanValue) -> PlanValue {
    var left = min(Self.maxElements, budget)
    let before = left
    let fits = Self.count(value, &left)
    budget -= before - left
    return fits ? value : Self.cannot("a value of this size")
  }

  private static func count(_ value: PlanValue, _ left: inout Int) -> Bool {
    left -= 1
    guard left > 0 else { return false }
    switch value {
    case .list(let elements):
      for element in elements { guard count(element, &left) else { return false } }
    case .object(let members):
      for member in members.values { guard count(member, &left) else { return false } }
    default: break
    }
    return true
  }

  private func path(_ steps: [HCLStep], _ bound: [String: PlanValue], _ lookup: @escaping Lookup) -> [PathStep] {
    steps.map { step in
      switch step {
      case .name(let name): return .name(name)
      case .splat: return .splat
      case .index(let index):
        switch evaluate(index, bound: bound, lookup: lookup) {
        case .string(let text): return .name(text)
        case .number(let number): return number.int64.flatMap { Int(exactly: $0) }.map(PathStep.number) ?? .unknown(UnknownValue())
        case let value: return .unknown(joined([value])?.unknown ?? UnknownValue())
        }
      }
    }
  }

  /// Follows a path into a value. What is not there is null, as far as it is known to be absent.
  func navigate(_ value: PlanValue, _ path: ArraySlice<PathStep>) -> PlanValue {
    budget -= 1
    guard budget > 0, let step = path.first else { return value }
    let rest = path.dropFirst()
    switch (value, step) {
    case (.unknown, _): return value
    case (.object(let members), .name(let name)): return members[name].map { navigate($0, rest) } ?? .null
    case (.object(let members), .number(let number)): return members[String(number)].map { navigate($0, rest) } ?? .null
    case (.list(let elements), .number(let number)): return elements.indices.contains(number) ? navigate(elements[number], rest) : .null
    case (.list(let elements), .name(let name)):
      if let number = Int(name) { return navigate(.list(elements), [.number(number)] + rest) }
      // A block that is a list of one is often written without its index.
      return elements.count == 1 ? navigate(elements[0], path) : .null
    case (.list(let elements), .splat): return .list(elements.map { navigate($0, rest) })
    case (.null, .splat): return .list([])
    case (_, .splat): return .list([navigate(value, rest)])
    case (_, .unknown(let index)):
      let inside = joined([value])?.unknown ?? UnknownValue()
      return .unknown(index.joined(inside))
    default: return .null
    }
  }

  /// Whether what gives null is written there as null.
  private func isPresent(_ expression: HCLExpression, _ inner: (HCLExpression) -> PlanValue) -> Bool {
    switch expression {
    case .literal: return true
    case .traversal(let root, let steps):
      guard steps.count >= 2, case .name(let name)? = steps.last else { return false }
      return inner(.traversal(root, steps.dropLast())).object?[name] != nil
    default: return false
    }
  }

  /// Whether both are equal; nil when that hangs on types that are not known here (a list is never equal to a tuple), or on fractions.
  private static func same(_ left: PlanValue, _ right: PlanValue) -> Bool? {
    switch (left, right) {
    case (.list, .list), (.object, .object): return nil
    case (.number(let a), .number(let b)):
      if a.text == b.text { return true }
      guard let a = a.int64, let b = b.int64 else { return nil }
      return a == b
    default: return left == right
    }
  }

  private func template(_ parts: [PlanValue]) -> PlanValue {
    if parts.isEmpty { return .string("") }
    if parts.count == 1 { return parts[0] }
    var text = ""
    for part in parts {
      guard let piece = part.text else { return joined(parts) ?? Self.cannot("a template with a value that is no text") }
      text += piece
      guard text.utf8.count <= Self.maxText else { return Self.cannot("a text of this size") }
    }
    return .string(text)
  }

  private func binary(_ op: HCLOperator, _ left: PlanValue, _ right: PlanValue) -> PlanValue {
    switch (op, left, right) {
    case (.and, .bool(false), _), (.and, _, .bool(false)): return .bool(false)
    case (.or, .bool(true), _), (.or, _, .bool(true)): return .bool(true)
    default: break
    }
    if let unknown = joined([left, right]) { return unknown }
    switch (op, left, right) {
    case (.and, .bool(let a), .bool(let b)): return .bool(a && b)
    case (.or, .bool(let a), .bool(let b)): return .bool(a || b)
    case (.equal, _, _), (.notEqual, _, _):
      guard let same = Self.same(left, right) else { return Self.cannot("a comparison of lists, objects or fractions") }
      return .bool((op == .equal) == same)
    default: break
    }
    guard let a = Self.integer(left), let b = Self.integer(right) else { return Self.cannot("arithmetic with fractions") }
    func number(_ result: (Int64, Bool)) -> PlanValue { result.1 ? Self.cannot("arithmetic with large numbers") : .number(JSONNumber(result.0)) }
    switch op {
    case .less: return .bool(a < b)
    case .lessOrEqual: return .bool(a <= b)
    case .greater: return .bool(a > b)
    case .greaterOrEqual: return .bool(a >= b)
    case .plus: return number(a.addingReportingOverflow(b))
    case .minus: return number(a.subtractingReportingOverflow(b))
    case .times: return number(a.multipliedReportingOverflow(by: b))
    case .modulo where b != 0: return number(a.remainderReportingOverflow(dividingBy: b))
    default: return Self.cannot("operator \(op.rawValue)")
    }
  }

  static func integer(_ value: PlanValue) -> Int64? { value.text.flatMap { Int64($0) } }

  private func comprehension(_ loop: HCLFor, _ bound: [String: PlanValue], _ lookup: @escaping Lookup) -> PlanValue {
    let collection = evaluate(loop.collection, bound: bound, lookup: lookup)
    let pairs: [(PlanValue, PlanValue)]
    switch collection {
    case .list(let elements): pairs = elements.enumerated().map { (.number(JSONNumber($0.offset)), $0.element) }
    case .object(let members): pairs = members.sorted { $0.key < $1.key }.map { (.string($0.key), $0.value) }
    default: return joined([collection]) ?? Self.cannot("a for over this kind of value")
    }
    guard pairs.count <= Self.maxElements else { return Self.cannot("a for of this size") }
    var elements: [PlanValue] = []
    var members: [String: PlanValue] = [:]
    for (key, value) in pairs {
      var inner = bound
      if let name = loop.keyName { inner[name] = key }
      inner[loop.valueName] = value
      if let condition = loop.condition {
        switch evaluate(condition, bound: inner, lookup: lookup) {
        case .bool(true): break
        case .bool(false): continue
        case let other: return joined([other, collection]) ?? Self.cannot("a condition of a for")
        }
      }
      let result = evaluate(loop.value, bound: inner, lookup: lookup)
      guard let keyExpression = loop.key else { elements.append(result); continue }
      let evaluated = evaluate(keyExpression, bound: inner, lookup: lookup)
      guard let name = evaluated.text else { return joined([evaluated, result]) ?? Self.cannot("a key that is no text") }
      if loop.groups {
        members[name] = .list((members[name]?.list ?? []) + [result])
      } else {
        members[name] = result
      }
    }
    return loop.key == nil ? .list(elements) : .object(members)
  }
}
