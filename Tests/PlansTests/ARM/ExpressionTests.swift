import Plans
import Testing

@Suite struct ExpressionTests {
  @Test(
    "A function of texts, lists and truth values gives what Azure documents",
    arguments: [
      ("[concat('a', 'b', '''c''')]", "ab'c'"), ("[[literal]", "[literal]"), ("[toUpper(concat('a', 1))]", "A1"), ("[format('{0}-{1:D3}', 'a', 7)]", "a-007"),
      ("[if(equals('a', 'A'), 'same', 'other')]", "other"), ("[if(not(false()), 'yes', 'no')]", "yes"), ("[coalesce(null(), 'x')]", "x"),
      ("[last(split('a/b/c', '/'))]", "c"), ("[substring('decrypt', 0, 3)]", "dec"), ("[json('{\"k\":[1,\"two\"]}').k[1]]", "two"),
      ("[replace('keys/x/action', 'x', 'decrypt')]", "keys/decrypt/action"), ("[base64ToString(base64('decrypt'))]", "decrypt"),
      ("[string(length(union(createArray('a','b'), createArray('b','c'))))]", "3"), ("[createObject('Key', 'v').key]", "v"),
      ("[first(map(createArray('un', 'de'), lambda('x', concat(lambdaVariables('x'), 'wrap'))))]", "unwrap"), ("[padLeft('7', 3, '0')]", "007"),
      ("[if(or(greater(2, 1), equals(1, 2)), take('sign', 2), 'no')]", "si"), ("[variables('v')[mod(4, 3)]]", "two"), ("[join(createArray('a','b'), '/')]", "a/b"),
      ("[items(createObject('b', 2, 'a', 'one'))[0].value]", "one"), ("[uriComponentX]text", "[uriComponentX]text"), ("[ toLower ( 'A' ) ]", "a"),
    ])
  func documented(expression: String, expected: String) throws {
    #expect(try TemplateFixture.value(of: expression, variables: #"{"v":["one","two"]}"#) == .string(expected))
  }

  @Test(
    "What only the deployment knows is unknown and neither null nor text",
    arguments: [
      "[utcNow()]", "[newGuid()]", "[deployment().name]", "[reference('x').y]", "[listKeys('x', '2020-01-01').key]", "[concat('a', reference('x').y)]",
      "[if(equals(subscription().subscriptionId, 'x'), 'a', 'b')]", "[noSuchFunction('a')]", "[parameters('missing')]", "[parameters('undeclared')]", "[variables('none')]",
      "[toLower(parameters('missing'))]", "[take(parameters('missing'), 3)]", "[substring('abc', 9)]", "[json('{')]", "[concat('a']", "[]", "[concat('a',)]", "[1 + 2]", "['a' 'b']",
      "[equals(parameters('missing'), 'x')]", "[format('{0}', parameters('missing'))]", "[div(1, 0)]", "[add(9223372036854775807, 1)]", "[variables('self')]",
      "[contains(createArray(parameters('missing')), 'x')]", "[tenant().tenantId]", "[copyIndex()]", "[split(uniqueString('x'), 'a')]", "[environment().name]", "[int('x')]",
    ])
  func unknown(expression: String) throws {
    let value = try TemplateFixture.value(of: expression, parameters: #"{"missing":{"type":"string"}}"#, variables: #"{"self":"[variables('self')]"}"#)
    #expect(value.unknown != nil, "\(value)")
  }

  @Test("A missing parameter is named") func missingParameter() throws {
    let value = try TemplateFixture.value(of: "[concat('x-', parameters('who'))]", parameters: #"{"who":{"type":"string"}}"#)
    #expect(value.unknown?.references == ["parameters('who')"])
    #expect(value.unknown?.missing?.contains("parameters('who')") == true)
  }

  @Test("guid() is the version-5 UUID that other tools compute for the same arguments") func guid() throws {
    // python3: uuid.uuid5(uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830"), "a-b-c")
    #expect(try TemplateFixture.value(of: "[guid('a', 'b', 'c')]") == .string("a98fa280-e03f-5afa-8d8e-92d0a9c201e8"))
  }

  @Test("A known part of a list stays visible beside an unknown part") func partOfList() throws {
    let value = try TemplateFixture.value(of: "[concat(createArray('keys/decrypt/action'), parameters('more'))]", parameters: #"{"more":{"type":"array"}}"#)
    #expect(value.list?.first == .string("keys/decrypt/action"))
    #expect(value.list?.last?.unknown != nil)
  }

  @Test("Doubling a text again and again ends in unknown or refusal") func bomb() throws {
    var variables = #""v0":"xxxxxxxxxxxxxxxx""#
    for n in 1...40 { variables += #","v\#(n)":"[concat(variables('v\#(n - 1)'),variables('v\#(n - 1)'))]""# }
    #expect(try TemplateFixture.value(of: "[variables('v40')]", variables: "{\(variables)}").unknown != nil)
  }

  @Test("Doubling a list again and again is refused") func listBomb() {
    var variables = #""v0":["a","b","c","d"]"#
    for n in 1...40 { variables += #","v\#(n)":"[concat(variables('v\#(n - 1)'),variables('v\#(n - 1)'))]""# }
    #expect(throws: TemplateError.self) { try TemplateFixture.value(of: "[variables('v40')]", variables: "{\(variables)}") }
  }

  @Test("Deep calls and long chains of variables are unknown, and the stack holds") func deep() throws {
    let calls = "[" + String(repeating: "toLower(", count: 5_000) + "'a'" + String(repeating: ")", count: 5_000) + "]"
    #expect(try TemplateFixture.value(of: calls).unknown != nil)
    let chain = (1...3_000).map { #""v\#($0)":"[variables('v\#($0 - 1)')]""# }.joined(separator: ",")
    #expect(try TemplateFixture.value(of: "[variables('v3000')]", variables: #"{"v0":"a",\#(chain)}"#).unknown != nil)
  }

  @Test(
    "Resource ids are whole, with stand-ins where the place is not known",
    arguments: [
      ("[resourceId('Microsoft.KeyVault/vaults', 'kv')]", "/subscriptions/{subscription}/resourceGroups/{resourceGroup}/providers/Microsoft.KeyVault/vaults/kv"),
      ("[resourceId('g', 'Microsoft.KeyVault/vaults/keys', 'kv', 'k')]", "/subscriptions/{subscription}/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv/keys/k"),
      ("[resourceId('s', 'g', 'Microsoft.KeyVault/vaults', 'kv')]", "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv"),
      ("[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')]", "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/r"),
      ("[tenantResourceId('Microsoft.Authorization/roleDefinitions', 'r')]", "/providers/Microsoft.Authorization/roleDefinitions/r"),
      ("[managementGroupResourceId('Microsoft.Authorization/roleDefinitions', 'r')]", "/providers/Microsoft.Management/managementGroups/{managementGroup}/providers/Microsoft.Authorization/roleDefinitions/r"),
      ("[extensionResourceId('/subscriptions/s', 'Microsoft.Authorization/locks', 'l')]", "/subscriptions/s/providers/Microsoft.Authorization/locks/l"),
      ("[subscription().id]", "/subscriptions/{subscription}"), ("[resourceGroup().id]", "/subscriptions/{subscription}/resourceGroups/{resourceGroup}"),
    ])
  func ids(expression: String, expected: String) throws {
    #expect(try TemplateFixture.value(of: expression) == .string(expected))
  }

  @Test("What is known of the place stands in ids") func knownPlace() throws {
    let options = ARMOptions(scope: "/subscriptions/S1/resourceGroups/G1")
    #expect(try TemplateFixture.value(of: "[resourceId('Microsoft.KeyVault/vaults', 'kv')]", options: options) == .string("/subscriptions/S1/resourceGroups/G1/providers/Microsoft.KeyVault/vaults/kv"))
  }
}
