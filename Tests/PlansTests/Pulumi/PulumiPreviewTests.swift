import Plans
import Testing

@Suite struct PulumiPreviewTests {
  static let urn = "urn:pulumi:prod::keys::azure-native:keyvault:Vault::kv"

  static func read(_ text: String) throws -> ChangeSet { try PulumiPreview.changeSet(json: Array(text.utf8)) }

  static func state(_ inputs: String, type: String = "azure-native:keyvault:Vault", more: String = "") -> String {
    #"{"urn":"\#(urn)","type":"\#(type)","custom":true,"inputs":\#(inputs)\#(more)}"#
  }

  static func step(_ op: String, old: String? = nil, new: String? = nil) -> String {
    #"{"op":"\#(op)","urn":"\#(urn)"\#(old.map { ",\"oldState\":\($0)" } ?? "")\#(new.map { ",\"newState\":\($0)" } ?? "")}"#
  }

  @Test("Each op is the action it is", arguments: [
    ("same", ChangeAction.noOp), ("create", .create), ("update", .update), ("delete", .delete), ("replace", .replace), ("create-replacement", .replace), ("delete-replaced", .replace),
    ("read", .read), ("refresh", .noOp), ("discard", .forget), ("import", .noOp), ("import-replacement", .replace), ("explode", .unsupported),
  ])
  func ops(op: String, action: ChangeAction) throws {
    let set = try Self.read(#"{"steps":[\#(Self.step(op, old: Self.state("{}"), new: Self.state("{}")))]}"#)
    #expect(set.resources.map(\.action) == [action])
    #expect(set.resources.first?.isImport == op.hasPrefix("import") && set.missing.isEmpty == (op != "explode"))
  }

  @Test("The three steps of a replacement are one, in either order", arguments: [["create-replacement", "replace", "delete-replaced"], ["delete-replaced", "replace", "create-replacement"]])
  func replacement(ops: [String]) throws {
    let steps = ops.map { Self.step($0, old: Self.state(#"{"vaultName":"old"}"#), new: $0 == "delete-replaced" ? nil : Self.state(#"{"vaultName":"new"}"#)) }
    let set = try Self.read(#"{"steps":[\#(steps.joined(separator: ","))]}"#)
    #expect(set.resources.count == 1 && set.resources[0].action == .replace)
    #expect(set.resources[0].before?["vaultName"] == .string("old") && set.resources[0].after?["vaultName"] == .string("new"))
  }

  @Test("A resource that is kept when deleted is forgotten") func retained() throws {
    let set = try Self.read(#"{"steps":[\#(Self.step("delete", old: Self.state("{}", more: #","retainOnDelete":true"#)))]}"#)
    #expect(set.resources.map(\.action) == [.forget])
  }

  @Test("Types of one API version are the type and its version", arguments: [
    ("azure-native:keyvault/v20230701:Vault", "azure-native:keyvault:Vault", "2023-07-01"), ("azure-native:keyvault/v20240401preview:Key", "azure-native:keyvault:Key", "2024-04-01-preview"),
    ("azure-native_keyvault_v20230701:keyvault:Vault", "azure-native:keyvault:Vault", "2023-07-01"), ("azure-native:keyvault:Vault", "azure-native:keyvault:Vault", nil),
    ("azure:keyvault/keyVault:KeyVault", "azure:keyvault/keyVault:KeyVault", nil), ("azure-native:x/vault:Y", "azure-native:x/vault:Y", nil),
  ] as [(String, String, String?)])
  func types(written: String, type: String, version: String?) throws {
    let set = try Self.read(#"{"steps":[\#(Self.step("create", new: Self.state("{}", type: written)))]}"#)
    #expect(set.resources[0].type == type && set.resources[0].apiVersion == version)
    #expect(set.resources[0].dialect == (type.hasPrefix("azure-native") ? .pulumiNative : .pulumiClassic))
  }

  @Test("Unknown and secret values are unknown, with what they depend on, and never shown") func unknown() throws {
    let inputs = #"{"principalId":"04da6b54-80e4-46f7-96ec-b56ff0331ba9","password":{"4dabf18193072939515e22adb298388d":"1b47061264138c4ac30d75fd1eb44270","ciphertext":"AAsecretAA","plaintext":"\"hunter2\""},"plain":{"a":["b"]}}"#
    let set = try Self.read(#"{"steps":[\#(Self.step("create", new: Self.state(inputs, more: #","propertyDependencies":{"principalId":["urn:pulumi:p::k::azure-native:managedidentity:UserAssignedIdentity::ci"]}"#)))]}"#)
    let after = try #require(set.resources[0].after)
    #expect(after["principalId"]?.unknown?.references == ["urn:pulumi:p::k::azure-native:managedidentity:UserAssignedIdentity::ci"])
    #expect(after["password"]?.unknown != nil && !"\(set)".contains("hunter2") && !"\(set)".contains("AAsecretAA"))
    #expect(after["plain"]?["a"] == .list([.string("b")]))
  }

  @Test("Failures and gaps are said", arguments: [
    (#"{"steps":[],"diagnostics":[{"severity":"error","message":"x"}]}"#, true, 0), (#"{"steps":[],"maybeCorrupt":true}"#, false, 1), (#"{"steps":[],"changeSummary":{"delete":2}}"#, false, 1),
    (#"{"diagnostics":[{"severity":"error"}]}"#, true, 0), (#"{"steps":[],"diagnostics":[{"severity":"warning"}],"changeSummary":{"same":4}}"#, false, 0),
  ])
  func gaps(text: String, isErrored: Bool, incomplete: Int) throws {
    let set = try Self.read(text)
    #expect((set.errored != nil) == isErrored && set.incomplete.count == incomplete)
  }

  @Test("What is no preview is refused", arguments: ["{}", "[]", "", #"{"steps":{}}"#, #"{"steps":[{}]}"#, #"{"steps":[{"op":"create"}]}"#, #"{"steps":[1]}"#, #"{"version":3,"deployment":{}}"#, #"{"steps":[],"steps":[]}"#])
  func refused(text: String) { #expect(throws: TemplateError.self) { try Self.read(text) } }
}
