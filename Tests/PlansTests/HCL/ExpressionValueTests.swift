import Encodings
import Plans
import Testing

/// What expressions of the source give, seen through a local that a plan refers to.
@Suite struct ExpressionValueTests {
  static func value(_ expression: String) throws -> PlanValue { try PlanFixture.local("locals {\n  o = { present = null, list = [\"a\", \"b\"] }\n  v = \(expression)\n}") }

  @Test("Texts, templates and heredocs give what Terraform gives", arguments: [
    (#""a${"b"}c""#, "abc"), (#""$${x}""#, "${x}"), (#""%%{x}""#, "%{x}"), (#""a\tb\u00e9""#, "a\tb\u{e9}"), (#""${~ "x" ~}""#, "x"), (#""a ${~ "x" ~} b""#, "axb"), (#""a  ${~ "x"} b""#, "ax b"),
    ("<<E\n  a\n    b\n  E\n", "  a\n    b\n"), ("<<-E\n    a\n      b\n    c\n    E\n", "a\n  b\nc\n"), ("<<-E\n\n    a\n\n  E\n", "\na\n\n"), ("<<-E\n    ${\"x\"}\n  y\n  E\n", "  x\ny\n"),
    (#"upper("a")"#, "A"), (#"join(",", ["a", "b"])"#, "a,b"), (#"format("%s-%d", "a", 3)"#, "a-3"), (#"trimprefix("abc", "a")"#, "bc"), (#"replace("a.b", ".", "-")"#, "a-b"),
    (#"element(["a", "b"], 3)"#, "b"), (#"lookup({ a = "x" }, "b", "d")"#, "d"), (#"coalesce("", "x")"#, "x"), (#"try(local.o.absent, "d")"#, "d"), (#"one(["x"])"#, "x"), (#"local.o.list[1]"#, "b"),
    (#"true ? "y" : "n""#, "y"), (#"1 + 2 * 3 == 7 ? "y" : "n""#, "y"), (#"!false && 1 < 2 ? "y" : "n""#, "y"), (#"[for s in local.o.list : upper(s) if s != "a"][0]"#, "B"),
    (#"{ for k, v in { a = "x" } : v => k }["x"]"#, "a"), (#"jsonencode({ b = [1], a = null })"#, #"{"a":null,"b":[1]}"#), (#"-(-1) == 1 ? "y" : "n""#, "y"), (#"jsondecode("{\"a\":\"x\"}").a"#, "x"),
  ])
  func texts(expression: String, text: String) throws { #expect(try Self.value(expression) == .string(text)) }

  @Test("What is null stays null and is not taken for absent", arguments: [#"try(local.o.present, "d")"#, "null", "one([])", "local.o.present"])
  func null(expression: String) throws {
    // Null through a reference reads as "not known to be anything": never as the other branch.
    let value = try Self.value(expression)
    #expect(value == .null || value.unknown != nil)
  }

  @Test("What cannot be evaluated is unknown, with the reason, and never a guess", arguments: [
    #"timestamp()"#, #"file("x")"#, #"templatefile("x", {})"#, #"sha256("x")"#, #"uuid()"#, #"bcrypt("x")"#, #"cidrsubnet("10.0.0.0/8", 8, 1)"#, #"regex("a", "a")"#, #"replace("a", "/a/", "b")"#, #"1 / 2"#, "1.5 + 1",
    "9223372036854775807 + 1", "-9223372036854775807 - 2", "9223372036854775807 * 2", "5 % 0", #"1.0 == 1 ? "y" : "n""#, #"[] == [] ? "y" : "n""#, #"{} == {} ? "y" : "n""#, #"can(local.o.absent) ? "y" : "n""#,
    #""%{ if true }a%{ endif }""#, #""%{ for x in ["a"] }${x}%{ endfor }""#, #"format("%5.2f", 1)"#, #"format("%s")"#, #""a${[1]}""#, #""a${null}""#, #"provider::x::f("a")"#, "yamlencode({ a = [1] })", #"setproduct(["a"], ["b"])"#,
    "path.module", "terraform.workspace", "each.key", "count.index", "self.x", #"local.absent"#, #"var.absent"#, "{ for x in 5 : x => x }", "[for x in null : x]", "length(5)", #"split(1, ["a"])"#, "nosuch()", #"element([], 0)"#, #"one(["a", "b"])"#, #"tonumber("1.5")"#,
  ])
  func notEvaluated(expression: String) throws {
    let value = try Self.value(expression)
    #expect(value.unknown?.missing?.isEmpty == false || value.unknown?.references.isEmpty == false, "\(expression): \(value)")
  }

  @Test("A condition that is not known gives neither branch, unless both are the same") func condition() throws {
    #expect(try Self.value(#"azurerm_x.y.z ? "a" : "b""#).unknown?.references == ["azurerm_x.y.z"])
    #expect(try Self.value(#"azurerm_x.y.z ? "a" : "a""#) == .string("a"))
  }

  @Test("Short circuits hold, whatever the other side is") func shortCircuit() throws {
    #expect(try Self.value(#"false && azurerm_x.y.z ? "a" : "b""#) == .string("b"))
    #expect(try Self.value(#"true && azurerm_x.y.z ? "a" : "b""#).unknown != nil)
  }
}
