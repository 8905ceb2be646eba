import Encodings

/// The member `configuration` of a plan: expressions before evaluation, by module (key as in `modules.json`).
struct PlanConfiguration {
  struct Resource {
    var address: String
    var mode: String
    var type: String
    var providerKey: String?
    var expressions: JSONValue
    var forEach: JSONValue?
    var provisioners: [JSONValue]
  }

  struct Call {
    var expressions: JSONValue
    var forEach: JSONValue?
    var source: String?
  }

  struct Module {
    var resources: [String: Resource] = [:]
    /// In the order written.
    var order: [String] = []
    var outputs: [String: JSONValue] = [:]
    var defaults: [String: JSONValue] = [:]
    var calls: [String: Call] = [:]
  }

  private(set) var modules: [String: Module] = [:]
  var providers: [(key: String, value: JSONValue)] = []
  static let maxModules = 20_000
  static let maxDepth = 48

  init() {}

  init(_ json: JSONValue) throws(PlanError) {
    for member in json["provider_config"]?.object?.members ?? [] { providers.append((member.name, member.value)) }
    if let root = json["root_module"] { try add(root, key: "", depth: 0) }
  }

  private mutating func add(_ json: JSONValue, key: String, depth: Int) throws(PlanError) {
    guard json.object != nil, depth <= Self.maxDepth, modules.count < Self.maxModules else {
      throw .malformed(place: "configuration of module \(PlanError.excerpt(key))", expected: "an object, at most \(Self.maxDepth) deep and \(Self.maxModules) together")
    }
    var module = Module()
    for one in json["resources"]?.array ?? [] {
      guard let address = one["address"]?.string, let type = one["type"]?.string else {
        throw .malformed(place: "a resource in configuration of module \(PlanError.excerpt(key))", expected: "an object with address and type")
      }
      let forEach = one["for_each_expression"]
      module.order.append(address)
      module.resources[address] = Resource(
        address: address, mode: one["mode"]?.string ?? "managed", type: type, providerKey: one["provider_config_key"]?.string,
        expressions: one["expressions"] ?? .null, forEach: forEach, provisioners: one["provisioners"]?.array ?? [])
    }
    for output in json["outputs"]?.object?.members ?? [] { module.outputs[output.name] = output.value["expression"] ?? .null }
    for variable in json["variables"]?.object?.members ?? [] {
      if let value = variable.value["default"] { module.defaults[variable.name] = value }
    }
    for call in json["module_calls"]?.object?.members ?? [] {
      module.calls[call.name] = Call(
        expressions: call.value["expressions"] ?? .null, forEach: call.value["for_each_expression"], source: call.value["source"]?.string)
      if let inner = call.value["module"] { try add(inner, key: key.isEmpty ? call.name : "\(key).\(call.name)", depth: depth + 1) }
    }
    modules[key] = module
  }

  func resource(_ address: PlanAddress) -> Resource? { modules[address.module.key]?.resources[address.local] }
}

extension JSONValue {
  /// Whether this is one expression, and not a block that holds expressions.
  var isExpression: Bool {
    guard let object else { return false }
    return object.isEmpty || object["references"]?.array != nil || object.count <= 2 && object["constant_value"] != nil
  }

  /// References of one expression that are looked at; people write tens of them.
  static let maxReferences = 1_000

  /// References of one expression: what is only the beginning of another is left out, each once.
  var references: [String] {
    let all = (self["references"]?.array ?? []).prefix(JSONValue.maxReferences).compactMap(\.string)
    var kept: [String] = []
    for one in all where !kept.contains(one) {
      let isParent = all.contains { $0.count > one.count && $0.hasPrefix(one) && ($0.dropFirst(one.count).first == "." || $0.dropFirst(one.count).first == "[") }
      if !isParent { kept.append(one) }
    }
    return kept
  }

  /// The expressions at and under a place of the configuration.
  var leaves: [JSONValue] {
    if isExpression { return [self] }
    if let object { return object.members.flatMap(\.value.leaves) }
    return array?.flatMap(\.leaves) ?? []
  }
}
