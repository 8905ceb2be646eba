import Encodings
import Plans
import Testing

@Suite struct ExpressionLimitTests {
  @Test("What only the deployment knows is unknown, whatever is made of it", arguments: [
    "[reference('x').y]", "[listKeys('x', '1').key1]", "[listSecrets('x')]", "[utcNow()]", "[newGuid()]", "[deployment().name]", "[environment().name]", "[list('x', '1')]", "[concat(reference('x').y, 'z')]",
    "[if(reference('x').y, 'a', 'b')]", "[equals(reference('x').y, 'a')]", "[not(reference('x').y)]", "[add(int(reference('x').y), 1)]", "[toLower(reference('x').y)]", "[length(reference('x').y)]", "[reference(concat('x', newGuid())).y]",
    "[contains(reference('x').y, 'a')]", "[createObject(reference('x').y, 1)]", "[range(0, int(reference('x').y))]", "[parameters('none')]", "[variables('none')]", "[nosuch('a')]", "[sys.nosuch('a')]", "[providers('x')]", "[getSecret('a', 'b')]",
  ])
  func unknown(expression: String) throws {
    #expect(try TemplateFixture.value(of: expression).unknown != nil)
  }

  @Test("What does not fit, or lies outside, is unknown and no trap", arguments: [
    "[add(9223372036854775807, 1)]", "[sub(-9223372036854775808, 1)]", "[mul(9223372036854775807, 2)]", "[div(1, 0)]", "[div(-9223372036854775808, -1)]", "[mod(1, 0)]", "[mod(-9223372036854775808, -1)]", "[substring('abc', 2, 5)]",
    "[substring('abc', -1)]", "[substring('abc', 9223372036854775807)]", "[range(0, 10001)]", "[range(0, -1)]", "[padLeft('a', 9223372036854775807)]", "[padLeft('a', -1)]", "[format('{0:D99}', 1)]", "[base64ToString('%')]", "[json('{')]",
    "[json('{\"a\":NaN}')]", "[int('99999999999999999999')]", "[int('')]", "[copyIndex()]", "[copyIndex('x', 9223372036854775807)]", "[split('a', '')]", "[replace('a', '', 'b')]",
  ])
  func outside(expression: String) throws {
    let value = try TemplateFixture.value(of: expression)
    #expect(value.unknown != nil, "\(expression): \(value)")
  }

  @Test("Limits of the numbers themselves are read", arguments: [("[range(9223372036854775807, 2)]", 2), ("[createArray(9223372036854775807, -9223372036854775808)]", 2)])
  func extremes(expression: String, count: Int) throws { #expect(try TemplateFixture.value(of: expression).list?.count == count) }

  @Test("Elements behind a part of unknown length are not known", arguments: [
    "[concat(parameters('l'), createArray('a'))[1]]", "[concat(parameters('l'), createArray('a'))[5]]", "[skip(concat(parameters('l'), createArray('a')), 1)]", "[take(concat(parameters('l'), createArray('a')), 1)]", "[first(concat(parameters('l'), createArray('a')))]",
    "[last(concat(createArray('a'), parameters('l')))]", "[length(concat(createArray('a'), parameters('l')))]", "[indexFromEnd(concat(createArray('a'), parameters('l')), 2)]",
  ])
  func openLists(expression: String) throws { #expect(try TemplateFixture.value(of: expression, parameters: #"{"l":{"type":"array"}}"#).unknown != nil) }

  @Test("Elements before it, and at the known end, are", arguments: ["[concat(createArray('a'), parameters('l'))[0]]", "[first(concat(createArray('a'), parameters('l')))]", "[last(concat(parameters('l'), createArray('a')))]"])
  func knownEnds(expression: String) throws { #expect(try TemplateFixture.value(of: expression, parameters: #"{"l":{"type":"array"}}"#) == .string("a")) }

  @Test("Malformed expressions are unknown", arguments: ["[", "[]", "[a]", "[a(]", "[a(')]", "['a]", "['a''']x]", "[a(1,)]", "[a(,1)]", "[1 2]", "[a()b]", "[a().]", "[a()[]", "[a()[0]", "[-]", "[99999999999999999999]", "[a..b()]", "[$()]", "[\u{0}]", "[a('\u{FFFD}'"])
  func malformed(expression: String) throws {
    let value = try TemplateFixture.value(of: expression)
    #expect(value.unknown != nil || value == .string(expression))
  }

  @Test("Expressions of a hundred thousand levels or links are unknown and no overflow", arguments: [("a(", ")"), ("a()[", "]"), ("", ".b"), ("", "[0]"), ("if(true(), ", ", 1)"), ("", "?.b"), ("not(", ")"), ("'", "'"), ("-", "")])
  func deep(open: String, close: String) throws {
    let text = "[" + String(repeating: open, count: 100_000) + "a()" + String(repeating: close, count: 100_000) + "]"
    #expect(try TemplateFixture.value(of: text).unknown != nil)
  }

  @Test("Variables that hold each other twice are refused before they fill the memory") func doubling() {
    let variables = "{\"v0\":[\"x\"]," + (1...45).map { "\"v\($0)\":[\"[variables('v\($0 - 1)')]\",\"[variables('v\($0 - 1)')]\"]" }.joined(separator: ",") + "}"
    #expect(throws: TemplateError.self) { try TemplateFixture.value(of: "[variables('v45')]", variables: variables) }
    #expect(throws: TemplateError.self) { try TemplateFixture.value(of: "[equals(variables('v45'), variables('v44'))]", variables: variables) }
    let objects = "{\"v0\":{\"a\":1}," + (1...45).map { "\"v\($0)\":\"[createObject('a', variables('v\($0 - 1)'), 'b', variables('v\($0 - 1)'))]\"" }.joined(separator: ",") + "}"
    #expect(throws: TemplateError.self) { try TemplateFixture.value(of: "[variables('v45')]", variables: objects) }
  }

  @Test("Texts that double are unknown when they are too long") func longTexts() throws {
    let variables = "{\"v0\":\"0123456789abcdef\"," + (1...40).map { "\"v\($0)\":\"[concat(variables('v\($0 - 1)'), variables('v\($0 - 1)'))]\"" }.joined(separator: ",") + "}"
    #expect(try TemplateFixture.value(of: "[variables('v40')]", variables: variables).unknown != nil)
  }

  @Test("Circles of variables and of parameters' defaults end", arguments: [
    ("[variables('a')]", #"{"a":"[variables('b')]","b":"[variables('a')]"}"#, "{}"), ("[variables('a')]", #"{"a":{"x":"[variables('a').x]"}}"#, "{}"), ("[parameters('a')]", "{}", #"{"a":{"type":"string","defaultValue":"[parameters('a')]"}}"#),
    ("[parameters('a')]", #"{"v":"[parameters('a')]"}"#, #"{"a":{"type":"string","defaultValue":"[variables('v')]"}}"#),
  ])
  func circles(expression: String, variables: String, parameters: String) throws {
    let value = try TemplateFixture.value(of: expression, parameters: parameters, variables: variables)
    #expect(value.unknown != nil || value["x"]?.unknown != nil)
  }

  @Test("A template nested a hundred thousand levels is refused", arguments: [("[", "]"), (#"{"a":"#, "}")])
  func deepTemplate(open: String, close: String) {
    #expect(throws: TemplateError.self) { try TemplateFixture.changes(#"{"r":{"type":"A.B/c","name":"n","properties":\#(String(repeating: open, count: 100_000))1\#(String(repeating: close, count: 100_000))}}"#) }
  }

  @Test("Twenty thousand resources of one name are numbered in time that grows with their number") func sameNames() throws {
    let one = #"{"type":"A.B/c","name":"n"}"#
    let text = TemplateFixture.text("[" + Array(repeating: one, count: 15_000).joined(separator: ",") + "]")
    let set = try ARMTemplate.changeSet(json: Array(text.utf8))
    #expect(Set(set.resources.map(\.address)).count == 15_000)
  }

  @Test("A copy whose count nobody knows is one that may happen") func openCopy() throws {
    let set = try TemplateFixture.changes(#"{"a":{"type":"A.B/c","name":"[concat('n', copyIndex())]","copy":{"name":"c","count":"[parameters('n')]"}}}"#, parameters: #"{"n":{"type":"int"}}"#)
    #expect(set.resources.count == 1 && set.resources[0].condition?.unknown != nil)
  }

  @Test("A condition that is false leaves the resource out, one that is not known leaves it in", arguments: [("false", 0, true), ("[equals('a', 'b')]", 0, true), ("[parameters('c')]", 1, false), ("true", 1, true), ("[reference('x').y]", 1, false)] as [(String, Int, Bool)])
  func condition(text: String, count: Int, isCertain: Bool) throws {
    let written = text.hasPrefix("[") ? "\"\(text)\"" : text
    let set = try TemplateFixture.changes(#"{"a":{"type":"A.B/c","name":"n","condition":\#(written)}}"#, parameters: #"{"c":{"type":"bool"}}"#)
    #expect(set.resources.count == count && (set.resources.first?.condition == nil) == isCertain)
  }

  @Test("Templates that are elsewhere are missing by the deployment's address", arguments: [#""templateLink":{"uri":"https://x"}"#, #""templateLink":{"id":"/x"}"#, #""templateLink":{"relativePath":"x.json"}"#, #""parameters":{}"#, #""template":"[variables('t')]""#])
  func linked(properties: String) throws {
    let set = try TemplateFixture.changes(#"{"m":{"type":"Microsoft.Resources/deployments","name":"m","properties":{"mode":"Incremental",\#(properties)}}}"#, variables: #"{"t":{}}"#)
    #expect(set.resources.isEmpty && set.missing.map(\.address) == ["m"])
  }

  @Test("A resource whose type is empty is missing and no crash", arguments: ["", "/", "@", "//@", "[concat('')]", "[parameters('none')]"])
  func emptyType(type: String) throws {
    let set = try TemplateFixture.changes(#"{"r":{"type":"\#(type)","name":"n/m"}}"#)
    #expect(set.resources.isEmpty && set.missing.map(\.address) == ["r"])
  }

  @Test("Types and names of different lengths make ids and no crash", arguments: [("A", "a/b/c"), ("A.B/c/d/e", "n"), ("A.B/c", ""), ("A.B/c/providers/d", "n"), ("providers", "n"), ("a/b/providers", "x/y/z"), ("A.B/c@1@2", "n/{")])
  func oddNames(type: String, name: String) throws {
    #expect(try TemplateFixture.changes(#"{"r":{"type":"\#(type)","name":"\#(name)"}}"#).resources.count == 1)
  }

  @Test("Deployments within deployments beyond the limit are refused") func nesting() {
    var inner = #"{"resources":[]}"#
    for _ in 0..<12 { inner = #"{"resources":[{"type":"Microsoft.Resources/deployments","name":"m","properties":{"mode":"Incremental","template":\#(inner)}}]}"# }
    #expect(throws: TemplateError.self) { try TemplateFixture.changes(#"{"m":{"type":"Microsoft.Resources/deployments","name":"m","properties":{"mode":"Incremental","template":\#(inner)}}}"#) }
  }

  @Test("Parameters files that are none are refused", arguments: ["", "[]", "{}", #"{"parameters":[]}"#, #"{"parameters":{"p":1}}"#, #"{"a":{"b":1}}"#, #"{"parameters":{"p":{"value":1},"p":{"value":2}}}"#, #"{"contentVersion":"1","resources":[]}"#, #"{"parametersJson":"{"}"#])
  func badParameters(given: String) {
    #expect(throws: TemplateError.self) { try TemplateFixture.changes("{}", given: given) }
  }
}
