import Encodings

/// Where expressions of one template are evaluated: its parameters, variables, functions, and the deployments it can refer to.
///
/// Lives only while one template is read.
final class TemplateFrame {
  let budget: TemplateBudget
  let place: DeploymentPlace
  /// Values given for parameters, by lower-case name.
  let given: [String: PlanValue]
  /// Parameters the template declares, by lower-case name.
  let parameters: [String: JSONValue]
  let variables: [String: JSONValue]
  /// User-defined functions by `namespace.name` in lower case.
  let functions: [String: JSONValue]
  /// Addresses of resources with symbolic names, by lower-case name without copy index.
  var symbols: [String: String] = [:]
  /// Deployments within this template whose outputs can be read.
  var modules = ModuleTable()
  private var values: [String: PlanValue] = [:]
  private var busy: Set<String> = []

  init(template: JSONObject, given: [String: PlanValue], place: DeploymentPlace, budget: TemplateBudget) {
    self.budget = budget
    self.place = place
    self.given = given
    parameters = Self.lowered(template["parameters"])
    variables = Self.lowered(template["variables"])
    var functions: [String: JSONValue] = [:]
    for space in template["functions"]?.array ?? [] {
      guard let name = space["namespace"]?.string else { continue }
      for (member, value) in Self.lowered(space["members"]) { functions["\(name.lowercased()).\(member)"] = value }
    }
    self.functions = functions
  }

  private static func lowered(_ value: JSONValue?) -> [String: JSONValue] {
    Dictionary((value?.object?.members ?? []).map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
  }

  /// The parameter's value: given, else its default, else a stand-in (texts) or unknown that names it.
  func parameter(_ name: String) throws(TemplateError) -> PlanValue {
    let key = name.lowercased()
    if let value = given[key] { return value }
    let label = "parameters('\(Self.excerpt(name))')"
    guard let declaration = parameters[key] else {
      return .unknown(UnknownValue(references: [label], missing: "\(label): the template has no such parameter"))
    }
    let slot = "parameter \(key)"
    if let value = values[slot] { return value }
    guard busy.insert(slot).inserted else { return .unknown(UnknownValue(references: [label], missing: "\(label): its default is itself")) }
    defer { busy.remove(slot) }
    let value: PlanValue
    if let text = declaration["defaultValue"] {
      value = try evaluate(text, EvaluationContext())
    } else if declaration["nullable"]?.bool == true {
      value = .null
    } else if declaration["type"]?.string?.lowercased() == "string" {
      value = .string(Placeholder.token(label))
    } else {
      value = .unknown(UnknownValue(references: [label], missing: "\(label) has no value: give it in a parameters file"))
    }
    values[slot] = value
    return value
  }

  /// The variable's value, evaluated once. A variable that needs itself is unknown.
  func variable(_ name: String) throws(TemplateError) -> PlanValue {
    let key = name.lowercased()
    if let value = values[key] { return value }
    guard let text = variables[key] ?? copiedVariable(key) else {
      return .unknown(UnknownValue(missing: "variables('\(Self.excerpt(name))'): the template has no such variable"))
    }
    guard busy.insert(key).inserted else {
      return .unknown(UnknownValue(missing: "variables('\(Self.excerpt(name))'): it is defined by itself"))
    }
    defer { busy.remove(key) }
    let value = try evaluate(text, EvaluationContext())
    values[key] = value
    return value
  }

  /// `"variables": {"copy": [{"name": …, "count": …, "input": …}]}`: the copy as an object of one property, of which the value is taken.
  private func copiedVariable(_ key: String) -> JSONValue? {
    variables["copy"]?.array?.first { $0["name"]?.string?.lowercased() == key }.flatMap { copy in copy.object.map { .object(JSONObject(dictionaryLiteral: (TemplateFrame.copyMarker, .object($0)))) } }
  }

  /// A member name no template can hold, for a variable that is a copy.
  static let copyMarker = "\u{0}copy"

  static func excerpt(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.prefix(80).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
  }
}

/// What one evaluation may see besides the template: loop indexes, lambda variables, arguments.
struct EvaluationContext {
  /// Loop index by lower-case copy name; nil when the count is not known.
  var copies: [String: Int?] = [:]
  /// The innermost loop, for `copyIndex()`.
  var innermost: String?
  var lambdas: [String: PlanValue] = [:]
  /// Arguments of a user-defined function, which sees nothing else.
  var arguments: [String: PlanValue]?
  /// Resources are read, so `reference()` may ask for outputs of deployments; false within outputs' own evaluation of a cycle.
  var depth = 0

  func loop(_ name: String, index: Int?) -> EvaluationContext {
    var context = self
    context.copies[name.lowercased()] = .some(index)
    context.innermost = name.lowercased()
    return context
  }
}

/// What may still be spent on one template and everything nested in it.
final class TemplateBudget {
  let limits: TemplateLimits
  let input: TemplateError.Input
  private var work = 0
  private var resources = 0
  private var held = 0
  /// How deep evaluation has gone in terms of native calls.
  var depth = 0
  static let maxDepth = 400

  init(_ limits: TemplateLimits, _ input: TemplateError.Input = .template) {
    self.limits = limits
    self.input = input
  }

  func spend(_ count: Int = 1) throws(TemplateError) {
    work += count
    guard work <= limits.maxWork else { throw TemplateError.tooMuch(input, what: "values made by its expressions", limit: limits.maxWork) }
  }

  /// For what lists and objects hold at any depth, a quarter of what making it would cost: parts are shared in memory and walked one by one, so thirty
  /// variables that each hold the one before twice are a billion values.
  func spend(holding value: PlanValue) throws(TemplateError) {
    switch value {
    case .list(let list):
      held += list.count
      for element in list { try spend(holding: element) }
    case .object(let members):
      held += members.count
      for member in members.values { try spend(holding: member) }
    default: return
    }
    try spend(held / 4)
    held %= 4
  }

  func countResource() throws(TemplateError) {
    resources += 1
    guard resources <= limits.maxResources else { throw TemplateError.tooMuch(input, what: "resources", limit: limits.maxResources) }
  }
}
