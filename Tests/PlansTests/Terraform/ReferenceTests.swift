import Plans
import Testing

@Suite struct ReferenceTests {
  static let grant = "azurerm_role_assignment.ci"

  static func configuration(_ expression: String, type: String = "azurerm_role_assignment", address: String = grant, more: String = "", beside: String = "", forEach: String = "") -> String {
    #"{"root_module":{"resources":[{"address":"\#(address)","mode":"managed","type":"\#(type)","name":"ci","provider_config_key":"azurerm","expressions":{"principal_id":\#(expression)}\#(forEach)}\#(beside)]\#(more)}}"#
  }

  static func principal(_ expression: String, more: String = "", variables: String = "{}", sources: [String: String] = [:], others: [String] = []) throws -> PlanValue {
    let change = PlanFixture.change(grant, unknown: #"{"principal_id":true}"#)
    let text = PlanFixture.plan([change] + others, configuration: configuration(expression, more: more), more: #","variables":\#(variables)"#)
    return try #require(try PlanFixture.read(text, sources: sources).resources.first?.after?["principal_id"])
  }

  @Test("An unknown attribute names the resource it comes from") func resource() throws {
    let value = try Self.principal(#"{"references":["azurerm_user_assigned_identity.ci.principal_id","azurerm_user_assigned_identity.ci"]}"#)
    #expect(value.unknown?.references == ["azurerm_user_assigned_identity.ci.principal_id"])
  }

  @Test("A variable of the plan gives its value; one without says what is missing") func variables() throws {
    #expect(try Self.principal(#"{"references":["var.p"]}"#, variables: #"{"p":{"value":"id-1"}}"#) == .string("id-1"))
    let missing = try Self.principal(#"{"references":["var.p"]}"#)
    #expect(missing.unknown?.missing == "var.p: the plan holds no value of it")
  }

  @Test("A module's output leads through the module to its resource, a caller's argument to the variable within") func modules() throws {
    let call = #","module_calls":{"id":{"source":"./id","expressions":{"name":{"references":["var.n"]}},"module":{"outputs":{"p":{"expression":{"references":["azurerm_user_assigned_identity.it.principal_id","azurerm_user_assigned_identity.it"]}},"q":{"expression":{"references":["var.name"]}}},"resources":[{"address":"azurerm_user_assigned_identity.it","type":"azurerm_user_assigned_identity","expressions":{}}],"variables":{"name":{}}}}}"#
    let through = try Self.principal(#"{"references":["module.id.p","module.id"]}"#, more: call)
    #expect(through.unknown?.references == ["module.id.azurerm_user_assigned_identity.it.principal_id"])
    #expect(try Self.principal(#"{"references":["module.id.q","module.id"]}"#, more: call, variables: #"{"n":{"value":"outer"}}"#) == .string("outer"))
    #expect(try Self.principal(#"{"references":["module.id.none","module.id"]}"#, more: call).unknown?.missing?.contains("output none of module.id") == true)
  }

  @Test("A local is missing without source, and resolved with it", arguments: [[:], ["main.tf": "locals {\n  p = azurerm_user_assigned_identity.ci.principal_id\n}"]])
  func local(sources: [String: String]) throws {
    let value = try Self.principal(#"{"references":["local.p"]}"#, sources: sources)
    #expect(sources.isEmpty == (value.unknown?.missing?.hasPrefix("local.p: locals are not in the plan JSON") == true))
    #expect(value.unknown?.references == (sources.isEmpty ? [] : ["azurerm_user_assigned_identity.ci.principal_id"]))
  }

  @Test("Circles of variables, locals and outputs end, and say so", arguments: [
    "locals {\n a = local.a\n}", "locals {\n a = local.b\n b = local.c\n c = local.a\n}", "locals {\n a = [for x in [1] : local.a]\n}", "locals {\n a = { for k, v in local.b : k => v }\n b = local.a\n}",
    "locals {\n a = \"${local.a}-x\"\n}", "locals {\n a = merge(local.a, {})\n}", "locals {\n a = local.a.b[local.a]\n}",
  ])
  func circles(source: String) throws {
    let value = try Self.principal(#"{"references":["local.a"]}"#, sources: ["main.tf": source])
    #expect((value.unknown ?? value.list?.first?.unknown)?.missing != nil)
  }

  @Test("A module whose output is its own argument ends") func moduleCircle() throws {
    let call = #","module_calls":{"m":{"expressions":{"i":{"references":["module.m.o"]}},"module":{"outputs":{"o":{"expression":{"references":["var.i"]}}},"variables":{"i":{}}}}}"#
    #expect(try Self.principal(#"{"references":["module.m.o"]}"#, more: call).unknown?.missing != nil)
  }

  @Test("A chain of locals is followed as far as forty, and beyond sixty said to be too long", arguments: [(40, true), (200, false)])
  func chain(length: Int, isKnown: Bool) throws {
    let source = "locals {\n l0 = \"id\"\n" + (1...length).map { " l\($0) = local.l\($0 - 1)" }.joined(separator: "\n") + "\n}"
    let value = try Self.principal(#"{"references":["local.l\#(length)"]}"#, sources: ["main.tf": source])
    #expect((value == .string("id")) == isKnown && (value.unknown?.missing != nil) == !isKnown)
  }

  @Test("Locals that hold each other twice do not make the reader walk a billion values") func doubling() throws {
    let source = "locals {\n l0 = [\"x\"]\n" + (1...45).map { " l\($0) = [local.l\($0 - 1), local.l\($0 - 1)]" }.joined(separator: "\n") + "\n}"
    let value = try Self.principal(#"{"references":["local.l45"]}"#, sources: ["main.tf": source])
    #expect(Self.count(value) < 1_000_000 && "\(value)".contains("a value of this size"))
  }

  static func count(_ value: PlanValue) -> Int { 1 + (value.list ?? []).reduce(0) { $0 + count($1) } }

  @Test("The instance of the same key is meant by each.key") func each() throws {
    let address = #"azurerm_role_assignment.ci["a"]"#
    let identities = ["a", "b"].map { PlanFixture.change(#"azurerm_user_assigned_identity.i["\#($0)"]"#, unknown: #"{"principal_id":true}"#).replacing(#""type":"azurerm_user_assigned_identity""#, with: #""type":"azurerm_user_assigned_identity""#) }
    let text = PlanFixture.plan(
      [PlanFixture.change(address, unknown: #"{"principal_id":true}"#)] + identities,
      configuration: Self.configuration(#"{"references":["azurerm_user_assigned_identity.i","each.key"]}"#, forEach: #","for_each_expression":{"constant_value":["a","b"]}"#))
    let value = try #require(try PlanFixture.read(text).resources.first?.after?["principal_id"])
    #expect(value.unknown?.references.contains { $0.contains(#"["b"]"#) } == false)
  }

  @Test("A hundred thousand references of one attribute, and of many, cost no more than their number") func many() throws {
    let references = (0..<100_000).map { #""azurerm_user_assigned_identity.i\#($0).principal_id""# }.joined(separator: ",")
    let value = try Self.principal(#"{"references":[\#(references)]}"#)
    #expect(value.unknown.map { !$0.references.isEmpty } == true)
  }

  @Test("Addresses that are none are kept as they are", arguments: ["", "x", "a.b.c.d", "module.m", #"a.b["x"#, "a.b[1", "a..b", "[0]", "a.b[-9223372036854775809]"])
  func addresses(address: String) throws {
    let quoted = address.replacing("\"", with: "\\\"")
    let set = try PlanFixture.read(#"{"format_version":"1.2","resource_changes":[{"address":"\#(quoted)","type":"t","change":{"actions":["create"],"after":{}}}]}"#)
    #expect(set.resources.map(\.address) == [address])
  }
}
