import Encodings

extension TemplateFrame {
  /// Calls one function. What it cannot compute is unknown and carries the references of its arguments.
  func call(_ name: String, _ arguments: [TemplateExpression], _ context: EvaluationContext) throws(TemplateError) -> PlanValue {
    let key = name.lowercased()
    switch key {
    case "if": return try choose(arguments, context)
    case "coalesce":
      for argument in arguments {
        let value = try evaluate(argument, context)
        if !value.isNull { return value }
      }
      return .null
    case "and", "or": return try combine(isAnd: key == "and", arguments, context)
    case "lambda": return .unknown(UnknownValue(missing: "a lambda outside the functions that take one"))
    case "map", "filter", "reduce", "sort", "toobject", "mapvalues", "groupby":
      return try withLambda(key, arguments, context)
    default: break
    }
    var values: [PlanValue] = []
    for argument in arguments { values.append(try evaluate(argument, context)) }
    if let value = try surroundings(key, values, context) { return try charged(value) }
    if let value = try resourceFunction(key, values) { return try charged(value) }
    if let value = try logic(key, values) { return value }
    if let value = try textFunction(key, values) { return try charged(value) }
    if let value = try collection(key, values) { return try charged(value) }
    if let function = functions[key] { return try userFunction(function, values, context) }
    return .unknowing(of: values, "\(Self.excerpt(name))(): a function only Azure evaluates, or unknown here")
  }

  /// Long results cost what they hold, so that doubling a text or a list again and again ends.
  private func charged(_ value: PlanValue) throws(TemplateError) -> PlanValue {
    switch value {
    case .string(let text):
      guard text.utf8.count <= budget.limits.maxString else {
        return .unknown(UnknownValue(missing: "a text of more than \(budget.limits.maxString) bytes"))
      }
      try budget.spend(text.utf8.count / 64)
    case .list(let list):
      try budget.spend(list.count)
      for element in list { try budget.spend(holding: element) }
    case .object(let members):
      try budget.spend(members.count)
      for member in members.values { try budget.spend(holding: member) }
    default: break
    }
    return value
  }

  private func choose(_ arguments: [TemplateExpression], _ context: EvaluationContext) throws(TemplateError) -> PlanValue {
    guard arguments.count == 3 else { return .unknown(UnknownValue(missing: "if() with other than three arguments")) }
    let condition = try evaluate(arguments[0], context)
    if let flag = condition.bool { return try evaluate(arguments[flag ? 1 : 2], context) }
    let yes = try evaluate(arguments[1], context)
    let no = try evaluate(arguments[2], context)
    if yes == no { return yes }
    return .unknowing(of: [condition, yes, no], condition.unknown?.missing ?? "a condition that is not known")
  }

  private func combine(isAnd: Bool, _ arguments: [TemplateExpression], _ context: EvaluationContext) throws(TemplateError) -> PlanValue {
    var open: [PlanValue] = []
    for argument in arguments {
      let value = try evaluate(argument, context)
      if let flag = value.bool { if flag != isAnd { return .bool(flag) } } else { open.append(value) }
    }
    return open.isEmpty ? .bool(isAnd) : .unknowing(of: open)
  }

  /// A function of the template itself: it sees its own arguments and nothing else.
  private func userFunction(_ function: JSONValue, _ values: [PlanValue], _ context: EvaluationContext) throws(TemplateError) -> PlanValue {
    var inner = EvaluationContext()
    var arguments: [String: PlanValue] = [:]
    for (parameter, value) in zip(function["parameters"]?.array ?? [], values) {
      if let name = parameter["name"]?.string { arguments[name.lowercased()] = value }
    }
    inner.arguments = arguments
    guard let output = function["output"]?["value"] else { return .unknown(UnknownValue(missing: "a function of the template without output")) }
    return try evaluate(output, inner)
  }

  private func withLambda(_ name: String, _ arguments: [TemplateExpression], _ context: EvaluationContext) throws(TemplateError) -> PlanValue {
    guard arguments.count == 2, case .call(let keyword, let parts) = arguments[1], keyword.lowercased() == "lambda", let body = parts.last, parts.count >= 2,
      case .string(let variable) = parts[0], name == "map" || name == "filter"
    else {
      let inputs = try arguments.first.map { expression throws(TemplateError) in [try evaluate(expression, context)] } ?? []
      return .unknowing(of: inputs, "\(name)() is not evaluated")
    }
    let input = try evaluate(arguments[0], context)
    guard let list = input.list else { return .unknowing(of: [input], "\(name)() over something that is no known list") }
    var result: [PlanValue] = []
    for (index, element) in list.enumerated() {
      var inner = context
      inner.lambdas[variable.lowercased()] = element
      if parts.count == 3, case .string(let second) = parts[1] { inner.lambdas[second.lowercased()] = .number(JSONNumber(index)) }
      let value = try evaluate(body, inner)
      if name == "map" {
        result.append(value)
      } else if let keep = value.bool {
        if keep { result.append(element) }
      } else {
        // It may be in or out: what it is must not be lost, nor taken for certain.
        result.append(.unknowing(of: [value, element], "filter(): whether an element stays is not known"))
      }
    }
    return .list(result)
  }

  /// Functions that look at the template and where it is deployed. Nil: not one of these.
  private func surroundings(_ name: String, _ values: [PlanValue], _ context: EvaluationContext) throws(TemplateError) -> PlanValue? {
    switch name {
    case "parameters":
      guard let key = values.first?.string else { return .unknowing(of: values, "parameters() of an unknown name") }
      if let arguments = context.arguments { return arguments[key.lowercased()] ?? Self.noSuchParameter(key) }
      return try parameter(key)
    case "variables":
      guard let key = values.first?.string, context.arguments == nil else { return .unknowing(of: values, "variables() of an unknown name") }
      return try variable(key)
    case "lambdavariables":
      return values.first?.string.flatMap { context.lambdas[$0.lowercased()] } ?? .unknowing(of: values, "lambdaVariables() of an unknown name")
    case "copyindex":
      let named = values.first?.string?.lowercased()
      let offset = values.last?.int ?? 0
      guard let loop = named ?? context.innermost, let index = context.copies[loop], let index else {
        return .unknown(UnknownValue(missing: "copyIndex(): its copy has no known count"))
      }
      return .number(JSONNumber(index &+ offset))
    case "subscription": return place.subscriptionObject
    case "resourcegroup": return place.resourceGroupObject
    case "managementgroup": return place.managementGroupObject
    case "tenant": return place.tenantObject
    default: return nil
    }
  }

  private static func noSuchParameter(_ name: String) -> PlanValue {
    .unknown(UnknownValue(references: ["parameters('\(excerpt(name))')"], missing: "parameters('\(excerpt(name))'): the template has no such parameter"))
  }
}
