import Plans
import Testing

@Suite struct WhatIfLimitTests {
  static let vault = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv"

  static func read(_ text: String) throws -> ChangeSet { try WhatIf.changeSet(json: Array(text.utf8)) }

  static func change(_ type: String, id: String = vault, more: String = "") -> String { #"{"resourceId":"\#(id)","changeType":"\#(type)"\#(more)}"# }

  @Test("What is said not to have been looked at is missing for a watched type and no gap for others", arguments: ["Ignore", "Unsupported", "ignore", "Whatever"])
  func unseen(type: String) throws {
    let watched = try Self.read(#"{"changes":[\#(Self.change(type))]}"#)
    #expect(watched.resources.map(\.action) == [.unsupported] && watched.missing.map(\.address) == [Self.vault])
    let other = try Self.read(#"{"changes":[\#(Self.change(type, id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/w"))]}"#)
    #expect(other.resources.map(\.action) == [.unsupported] && other.missing.isEmpty)
  }

  @Test("Without payload a change of a watched type is missing", arguments: ["Create", "Delete", "Modify", "Deploy"])
  func idsOnly(type: String) throws {
    #expect(try Self.read(#"{"changes":[\#(Self.change(type))]}"#).missing.map(\.address) == [Self.vault])
  }

  @Test("Nothing changes by NoChange, nor by a delta of NoEffect") func noEffect() throws {
    let set = try Self.read(#"{"changes":[\#(Self.change("NoChange", more: #","before":{"properties":{"a":1}}"#))]}"#)
    #expect(set.resources[0].action == .noOp && set.resources[0].after == set.resources[0].before && set.missing.isEmpty)
    let delta = try Self.read(#"{"changes":[\#(Self.change("Modify", more: #","before":{"properties":{"a":1}},"delta":[{"path":"properties.a","propertyChangeType":"NoEffect","before":1,"after":2}]"#))]}"#)
    #expect(delta.resources[0].after?["properties"]?["a"]?.int == 1)
  }

  @Test("A change within a list leaves the list open") func arrays() throws {
    let delta = #","before":{"properties":{"l":["a","b"]}},"delta":[{"path":"properties.l","propertyChangeType":"Array","children":[{"path":"1","propertyChangeType":"Create","after":"c"}]}]"#
    let list = try Self.read(#"{"changes":[\#(Self.change("Modify", more: delta))]}"#).resources[0].after?["properties"]?["l"]?.list
    #expect(list?.first == .string("c") && list?.last?.unknown != nil)
  }

  @Test("Thirty thousand changes of one id are numbered in time that grows with their number") func sameIds() throws {
    let set = try Self.read(#"{"changes":[\#(Array(repeating: Self.change("Create"), count: 30_000).joined(separator: ","))]}"#)
    #expect(Set(set.resources.map { $0.address.lowercased() }).count == 30_000)
  }

  @Test("More changes than the limit are refused") func tooMany() {
    let text = #"{"changes":[\#(Array(repeating: #"{"resourceId":"/x","changeType":"Ignore"}"#, count: 50_001).joined(separator: ","))]}"#
    #expect(throws: TemplateError.tooMuch(.whatIf, what: "changes", limit: 50_000)) { try Self.read(text) }
  }

  @Test("A principal left as an expression is unknown, with what it asks about", arguments: ["[reference('/x').principalId]", "[reference(resourceId('A.B/c', 'n')).principalId]", "[parameters('p')]", "[nosuch()]", "[malformed(]"])
  func expressions(text: String) throws {
    let set = try Self.read(#"{"changes":[\#(Self.change("Create", more: #","after":{"properties":{"principalId":"\#(text)"}}"#))]}"#)
    #expect(set.resources[0].after?["properties"]?["principalId"]?.unknown != nil)
  }

  @Test("What is no answer is refused", arguments: [
    "", "[]", "{}", #"{"changes":{}}"#, #"{"changes":[1]}"#, #"{"changes":[{}]}"#, #"{"changes":[{"resourceId":"/x"}]}"#, #"{"changes":[{"changeType":"Create"}]}"#, #"{"changes":[{"resourceId":1,"changeType":"Create"}]}"#,
    #"{"changes":[],"changes":[]}"#, #"{"changes":[NaN]}"#, #"{"status":"Succeeded","properties":{}}"#,
  ])
  func refused(text: String) { #expect(throws: TemplateError.self) { try Self.read(text) } }

  @Test("A hundred thousand levels are refused", arguments: ["[", #"{"a":"#])
  func deep(open: String) { #expect(throws: TemplateError.self) { try Self.read(#"{"changes":\#(String(repeating: open, count: 100_000))"#) } }
}
