import Encodings

extension TemplateFrame {
  /// Comparisons, conversions and arithmetic. Nil: not one of these.
  func logic(_ name: String, _ values: [PlanValue]) throws(TemplateError) -> PlanValue? {
    switch name {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null": return .null
    case "not":
      return values.first?.bool.map { .bool(!$0) } ?? .unknowing(of: values, "not() of something that is no known truth value")
    case "equals":
      guard values.count == 2 else { return .unknowing(of: values, "equals() with other than two arguments") }
      // A stand-in equals itself; against anything else it may turn out to be anything.
      if values[0] == values[1], values[0].string != nil || !values[0].isUncertain { return .bool(true) }
      if values[0].isUncertain || values[1].isUncertain { return .unknowing(of: values, "a comparison with something only the deployment knows") }
      return .bool(false)
    case "less", "lessorequals", "greater", "greaterorequals":
      guard values.count == 2, !values[0].isUncertain, !values[1].isUncertain else { return .unknowing(of: values, "a comparison with something not known") }
      let order: Int
      if let a = values[0].int, let b = values[1].int {
        order = a < b ? -1 : a > b ? 1 : 0
      } else if let a = values[0].string, let b = values[1].string {
        order = a < b ? -1 : a > b ? 1 : 0
      } else {
        return .unknowing(of: values, "a comparison of different kinds")
      }
      return .bool(name == "less" ? order < 0 : name == "lessorequals" ? order <= 0 : name == "greater" ? order > 0 : order >= 0)
    case "bool":
      switch values.first {
      case .bool(let value): return .bool(value)
      case .number(let value): return .bool(value.int64 != 0)
      case .string(let text) where ["true", "1"].contains(text.lowercased()): return .bool(true)
      case .string(let text) where ["false", "0"].contains(text.lowercased()): return .bool(false)
      default: return .unknowing(of: values, "bool() of something else")
      }
    case "int":
      if let value = values.first?.int { return .number(JSONNumber(value)) }
      return values.first?.string.flatMap { Int($0) }.map { .number(JSONNumber($0)) } ?? .unknowing(of: values, "int() of something else")
    case "add", "sub", "mul", "div", "mod": return arithmetic(name, values)
    case "min", "max":
      let flat = values.count == 1 ? values[0].list ?? values : values
      let numbers = flat.compactMap(\.int)
      guard numbers.count == flat.count, let best = name == "min" ? numbers.min() : numbers.max() else { return .unknowing(of: values, "\(name)() of unknown numbers") }
      return .number(JSONNumber(best))
    default: return nil
    }
  }

  private func arithmetic(_ name: String, _ values: [PlanValue]) -> PlanValue {
    guard values.count == 2, let a = values[0].int, let b = values[1].int else { return .unknowing(of: values, "\(name)() of unknown numbers") }
    let (result, overflow): (Int, Bool) =
      switch name {
      case "add": a.addingReportingOverflow(b)
      case "sub": a.subtractingReportingOverflow(b)
      case "mul": a.multipliedReportingOverflow(by: b)
      case "div": a.dividedReportingOverflow(by: b)
      default: a.remainderReportingOverflow(dividingBy: b)
      }
    return overflow ? .unknown(UnknownValue(missing: "\(name)(): the result does not fit")) : .number(JSONNumber(result))
  }
}
