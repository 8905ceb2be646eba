package import Encodings

extension PlanValue {
  /// Every unknown in here as one; nil when all is known. `budget` bounds the walk over values that share parts.
  func unknowns(_ budget: inout Int) -> UnknownValue? {
    budget -= 1
    guard budget > 0 else { return UnknownValue(missing: "the expression is too large to be evaluated") }
    switch self {
    case .unknown(let value): return value
    case .list(let elements):
      return elements.reduce(into: UnknownValue?.none) { found, element in
        if let more = element.unknowns(&budget) { found = found?.joined(more) ?? more }
      }
    case .object(let members):
      return members.sorted { $0.key < $1.key }.reduce(into: UnknownValue?.none) { found, member in
        if let more = member.value.unknowns(&budget) { found = found?.joined(more) ?? more }
      }
    case .null, .bool, .number, .string: return nil
    }
  }

  /// The JSON tree as it stands: nothing in it is unknown.
  package init(_ json: JSONValue) {
    switch json {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .number(let value): self = .number(value)
    case .string(let value): self = .string(value)
    case .array(let elements): self = .list(elements.map(PlanValue.init))
    case .object(let object):
      var members: [String: PlanValue] = [:]
      members.reserveCapacity(object.count)
      for member in object.members { members[member.name] = PlanValue(member.value) }
      self = .object(members)
    }
  }

  /// The value as JSON; nil when something in it is unknown.
  package var json: JSONValue? {
    switch self {
    case .null: return .null
    case .bool(let value): return .bool(value)
    case .number(let value): return .number(value)
    case .string(let value): return .string(value)
    case .list(let elements):
      var result: [JSONValue] = []
      for element in elements {
        guard let json = element.json else { return nil }
        result.append(json)
      }
      return .array(result)
    case .object(let members):
      var result = JSONObject()
      for (name, value) in members.sorted(by: { $0.key < $1.key }) {
        guard let json = value.json else { return nil }
        result[name] = json
      }
      return .object(result)
    case .unknown: return nil
    }
  }

  /// The text a template would put in its place; nil for lists, objects, null and unknown.
  var text: String? {
    switch self {
    case .string(let value): value
    case .number(let value): value.text
    case .bool(let value): value ? "true" : "false"
    default: nil
    }
  }
}

extension UnknownValue {
  /// Both, references once each.
  func joined(_ other: UnknownValue) -> UnknownValue {
    var result = self
    for reference in other.references where !result.references.contains(reference) { result.references.append(reference) }
    if result.missing == nil { result.missing = other.missing }
    return result
  }
}
