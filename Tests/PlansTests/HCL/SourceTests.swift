import Encodings
import Plans
import Testing

@Suite struct SourceTests {
  static func problems(_ text: String, path: String = "main.tf") -> [MissingFact] { PlanSources(files: [SourceFile(path: path, bytes: Array(text.utf8))]).problems }

  static let vault = "azurerm_key_vault.this"

  @Test("Places are lines of the file, comments and heredocs counted", arguments: [
    ("resource \"azurerm_key_vault\" \"this\" {}", 1), ("# c\n// d\n/* e\n f */ resource \"azurerm_key_vault\" \"this\" {\n}\n", 4),
    ("locals {\n a = <<-E\n  resource \"azurerm_key_vault\" \"this\" {}\n E\n}\nresource azurerm_key_vault this {\n}\n", 6), ("\u{FEFF}resource \"azurerm_key_vault\" \"this\" {\r\n}\r\n", 1),
    ("removed {\n  from = azurerm_key_vault.this\n  lifecycle { destroy = false }\n}", 1),
  ])
  func places(text: String, line: Int) {
    let sources = PlanFixture.sources(["main.tf": text])
    #expect(sources.problems.isEmpty && sources.location(of: Self.vault) == SourceLocation(file: "main.tf", line: line))
  }

  @Test("Local modules are found without a list, registry modules only with one") func modules() {
    let files = ["main.tf": "module \"a\" {\n source = \"./m/../m\"\n}\nmodule \"r\" {\n source = \"x/y/z\"\n}", "m/main.tf": "resource \"azurerm_key_vault\" \"this\" {}", ".terraform/modules/r/x.tf": "\nresource \"azurerm_key_vault\" \"this\" {}"]
    let alone = PlanFixture.sources(files)
    #expect(alone.location(of: #"module.a["k"].azurerm_key_vault.this[0]"#)?.file == "m/main.tf" && alone.location(of: "module.r.azurerm_key_vault.this") == nil)
    let listed = PlanSources(files: files.map { SourceFile(path: $0.key, bytes: Array($0.value.utf8)) }, modules: [ModuleEntry(key: "", directory: "."), ModuleEntry(key: "r", directory: ".terraform/modules/r")])
    #expect(listed.location(of: "module.r.azurerm_key_vault.this")?.line == 2)
  }

  @Test("A module that calls itself ends") func recursion() {
    let sources = PlanFixture.sources(["main.tf": "module \"a\" {\n source = \".\"\n}\nresource \"azurerm_key_vault\" \"this\" {}"])
    #expect(sources.location(of: Self.vault) != nil && sources.location(of: "module.a.module.a.azurerm_key_vault.this") != nil)
  }

  @Test("A file that cannot be read is told by name and line, and nothing of it is quoted", arguments: [
    "a = \"hunter2", "a = \"hunter2\n\"", "a = <<E\nhunter2\n", "a = <<\nE\n", "a = ${hunter2}", "a = \"${hunter2\"", "a = \"%{hunter2 x}\"", "a = \"\\q\"", "a = \"\\u12\"", "a = \"\\uD800\"", "a = [1, 2", "a = { b = 1", "a = f(1", "a = (1",
    "a = 1 +", "a = 1 ? 2", "a =", "= 1", "a = 1\na = 2", "a = 1 b = 2", "resource \"x\" {", "}", "resource \"x\" \"${y}\" {}", "/* hunter2", "a = 1e", "a = 99999999999999999999999999999999999999999999999999999999999999999999",
    "a = [for x in y]", "a = {for x in y : z}", "a = [for in y : z]", "a = x.", "a = x[", "a = x.99999999999999999999", "a = @", "\u{0}", "a = x...", "\"a\" = 1", "a b c d e f g h i j {}", "a = \"${<<E}\"",
  ])
  func unreadable(text: String) {
    let problems = Self.problems(text)
    #expect(problems.map(\.address) == ["main.tf"] && problems.allSatisfy { !$0.missing.contains("hunter2") && $0.missing.contains("line ") })
  }

  @Test("Bytes that are no UTF-8 are a problem, not a crash", arguments: [[0xFF], [0x61, 0x3D, 0x22, 0xC3, 0x22], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]] as [[UInt8]])
  func encoding(bytes: [UInt8]) {
    #expect(PlanSources(files: [SourceFile(path: "main.tf", bytes: bytes)]).problems.count == 1)
  }

  @Test("JSON syntax is said not to be read", arguments: ["main.tf.json", "m/a.tofu.json"])
  func json(path: String) {
    let sources = PlanSources(files: [SourceFile(path: path, bytes: Array("{}".utf8))] + (path.hasPrefix("m/") ? [SourceFile(path: "main.tf", bytes: Array("module \"m\" {\n source = \"./m\"\n}".utf8))] : []))
    #expect(sources.problems.map(\.address) == [path])
  }

  @Test("Nesting of a hundred thousand levels is a problem and no overflow", arguments: [
    ("a = ", "[", "1", "]"), ("a = ", "(", "1", ")"), ("a = ", "{ a = ", "1", "}"), ("a = ", "!", "true", ""), ("a = ", "-", "1", ""), ("a = ", "f(", "1", ")"), ("a = ", "\"${", "1", "}\""), ("", "b {\n", "", "}\n"),
    ("a = ", "1 + ", "1", ""), ("a = ", "1 ? 1 : ", "1", ""), ("a = ", "x[", "1", "]"), ("a = ", "1 == ", "1", ""), ("a = ", "[for x in ", "1", " : x]"), ("a = ", "true ? ", "1", " : 1"), ("a = ", "a || b && ", "c", ""),
  ])
  func deep(before: String, open: String, middle: String, close: String) {
    let count = 100_000
    let text = "locals {\n" + before + String(repeating: open, count: count) + middle + String(repeating: close, count: count) + "\n}"
    #expect(Self.problems(text).count == 1)
  }

  @Test("A hundred thousand steps, elements or parts in a row are no nesting") func long() {
    for text in ["a = x" + String(repeating: ".y", count: 100_000), "a = [" + String(repeating: "1,", count: 100_000) + "]", "a = \"" + String(repeating: "${x}", count: 50_000) + "\"", "a = x" + String(repeating: "[0]", count: 50_000)] {
      #expect(Self.problems("locals {\n\(text)\n}").isEmpty)
    }
  }

  @Test("A chain of operators as long as people write is read") func operators() throws {
    let value = try PlanFixture.local("locals {\n v = " + (0..<150).map { _ in "1" }.joined(separator: " + ") + "\n}")
    #expect(value == .number(.init(150)))
  }

  @Test("A file beyond the limit of bytes, and one file too many, are told") func limits() {
    #expect(Self.problems(String(repeating: " ", count: (8 << 20) + 1)).count == 1)
    let many = (0..<20_001).map { SourceFile(path: "f\($0).tf", bytes: []) }
    #expect(PlanSources(files: many).problems.map(\.address) == ["configuration"])
  }

  @Test("Dynamic blocks, lifecycle, overrides and provisioners are seen") func blocks() throws {
    let source = """
      locals { grants = [{ who = "a", what = ["sign"] }, { who = "b", what = ["decrypt"] }] }
      resource "azurerm_key_vault" "this" {
        name = "old"
        dynamic "access_policy" {
          for_each = local.grants
          iterator = it
          content {
            object_id       = it.value.who
            key_permissions = it.value.what
          }
        }
        lifecycle {
          prevent_destroy = true
          ignore_changes  = [tags["x"], access_policy[0].object_id]
        }
        provisioner "local-exec" {
          command = "az keyvault key delete --name ${self.name}"
        }
      }
      """
    let change = PlanFixture.change(unknown: #"{"access_policy":true,"name":true}"#)
    let configuration = #"{"root_module":{"resources":[{"address":"azurerm_key_vault.this","type":"azurerm_key_vault","expressions":{"name":{}}}]}}"#
    let set = try PlanFixture.read(PlanFixture.plan([change], configuration: configuration), sources: ["main.tf": source, "x_override.tf": "resource \"azurerm_key_vault\" \"this\" {\n name = \"new\"\n}"])
    let vault = try #require(set.resources.first)
    #expect(vault.after?["access_policy"]?.list?.map { $0["object_id"] } == [.string("a"), .string("b")])
    #expect(vault.after?["access_policy"]?.list?.last?["key_permissions"] == .list([.string("decrypt")]))
    #expect(vault.after?["name"] == .string("new") && vault.preventDestroy == true && vault.ignoreChanges == ["tags.x", "access_policy.0.object_id"])
    #expect(vault.scripts.map(\.text) == ["az keyvault key delete --name ${?}"] && vault.scripts.first?.location?.line == 16)
  }

  @Test("A dynamic block over what is not known is unknown and not absent") func dynamic() throws {
    let source = "resource \"azurerm_key_vault\" \"this\" {\n dynamic \"access_policy\" {\n for_each = azurerm_x.y.z\n content { object_id = access_policy.value }\n }\n}"
    let set = try PlanFixture.read(PlanFixture.plan([PlanFixture.change(unknown: #"{"access_policy":true}"#)]), sources: ["main.tf": source])
    #expect(set.resources.first?.after?["access_policy"]?.unknown != nil)
  }
}
