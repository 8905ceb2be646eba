import Encodings
import Plans
import Testing

@Suite struct TerraformPlanTests {
  @Test("Every combination of actions is the action it is", arguments: [
    (#"["no-op"]"#, ChangeAction.noOp), (#"["create"]"#, .create), (#"["read"]"#, .read), (#"["update"]"#, .update), (#"["delete"]"#, .delete), (#"["delete","create"]"#, .replace),
    (#"["create","delete"]"#, .replace), (#"["forget"]"#, .forget), (#"["create","forget"]"#, .replace),
  ])
  func actions(written: String, action: ChangeAction) throws {
    #expect(try PlanFixture.one(PlanFixture.change(actions: written, before: #"{"name":"a"}"#, after: "{}")).action == action)
  }

  @Test("Actions nobody knows, or that are no texts, are refused", arguments: ["[]", #"["explode"]"#, #"["create",1]"#, #"["update","delete"]"#, #"["create","create"]"#, #""create""#, "null", #"["Create"]"#])
  func unknownActions(written: String) {
    #expect(throws: PlanError.malformed(place: "resource_changes[0].change.actions", expected: "a combination of actions that is known")) {
      try PlanFixture.read(PlanFixture.plan([PlanFixture.change(actions: written)]))
    }
  }

  @Test("A format of major version 1 is read", arguments: [#""1.0""#, #""1.2""#, #""1.99""#])
  func versions(version: String) throws {
    #expect(try PlanFixture.read(PlanFixture.plan([PlanFixture.change()], version: version)).resources.count == 1)
  }

  @Test("Another major version, or what is none, is refused", arguments: [
    (#""0.2""#, PlanError.version("0.2")), (#""2.0""#, .version("2.0")), (#""10.1""#, .version("10.1")), (#""1""#, .version("1")), (#""1.""#, .version("1.")), (#""1.2.3""#, .version("1.2.3")),
    (#""1.٣""#, .version("1.٣")), (#""1.½""#, .version("1.½")), ("1.2", .version(nil)), ("null", .version(nil)), (#"" 1.2""#, .version(" 1.2")),
  ])
  func wrongVersions(version: String, error: PlanError) {
    #expect(throws: error) { try PlanFixture.read(PlanFixture.plan([], version: version)) }
  }

  @Test("A truth value that a verdict hangs on must be one", arguments: ["errored", "complete"], [#""true""#, "1", "[]", "{}"])
  func flags(name: String, value: String) {
    #expect(throws: PlanError.malformed(place: name, expected: "true or false")) { try PlanFixture.read(#"{"format_version":"1.2","resource_changes":[],"\#(name)":\#(value)}"#) }
  }

  @Test("An errored plan and a targeted plan say so, and may be both") func errored() throws {
    let set = try PlanFixture.read(#"{"format_version":"1.2","errored":true,"complete":false,"resource_changes":[]}"#)
    #expect(set.errored != nil && set.incomplete.count == 1)
    let fine = try PlanFixture.read(#"{"format_version":"1.2","errored":null,"resource_changes":[]}"#)
    #expect(fine.errored == nil && fine.incomplete.isEmpty && fine.resources.isEmpty)
  }

  @Test("What is no plan is refused by what it is", arguments: [
    (#"{"version":4,"serial":1,"lineage":"x"}"#, PlanError.wrongDocument(.state)), (#"{"format_version":"1.0","values":{"root_module":{}}}"#, .wrongDocument(.state)),
    (#"{"@level":"info","@message":"x","type":"version"}"#, .wrongDocument(.interfaceStream)), ("PK\u{3}\u{4}", .wrongDocument(.savedPlanFile)), ("[]", .wrongDocument(.neither)),
    (#""text""#, .wrongDocument(.neither)), ("{}", .wrongDocument(.neither)), (#"{"resource_changes":[]}"#, .wrongDocument(.neither)),
  ])
  func otherDocuments(text: String, error: PlanError) {
    #expect(throws: error) { try PlanFixture.read(text) }
  }

  @Test("Text that is no strict JSON is refused, in parts that are skipped too", arguments: [
    "", "{", #"{"format_version":"1.2","format_version":"1.2"}"#, #"{"format_version":"1.2","resource_changes":[],"errored":true,"errored":false}"#, #"{"format_version":"1.2","a":NaN}"#,
    #"{"format_version":"1.2","a":Infinity}"#, #"{"format_version":"1.2",}"#, #"{"format_version":"1.2"} {}"#, #"{"format_version":"1.2","planned_values":{"a":1,"a":2}}"#,
    #"{"format_version":"1.2","prior_state":{"a":NaN}}"#, #"{"format_version":"1.2","checks":[1,]}"#, "{\"format_version\":\"1.2\",\"planned_values\":\"\u{1}\"}",
    #"{"format_version":"1.2","planned_values":{},"planned_\u0076alues":{}}"#,
  ])
  func notJSON(text: String) {
    #expect { try PlanFixture.read(text) } throws: { if case .json? = $0 as? PlanError { true } else { false } }
  }

  @Test("Nesting of a hundred thousand levels is refused before it is walked", arguments: ["resource_changes", "planned_values", "prior_state", "configuration", "other"])
  func deep(member: String) {
    for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
      let nested = String(repeating: open, count: 100_000) + "1" + String(repeating: close, count: 100_000)
      #expect { try PlanFixture.read(#"{"format_version":"1.2","\#(member)":\#(nested)}"#) } throws: { if case .json(let error)? = $0 as? PlanError, case .tooDeep = error.reason { true } else { false } }
    }
  }

  @Test("More bytes, values or resources than the limit are refused") func limits() {
    let text = Array(PlanFixture.plan((0..<20).map { PlanFixture.change("azurerm_key_vault.v\($0)") }).utf8)
    #expect(throws: PlanError.tooLarge(what: "the plan", size: text.count, limit: 100)) { try TerraformPlan.changeSet(json: text, limits: PlanLimits(maxBytes: 100)) }
    #expect(throws: PlanError.tooLarge(what: "the list of resource changes", size: 20, limit: 19)) { try TerraformPlan.changeSet(json: text, limits: PlanLimits(maxResources: 19)) }
    #expect { try TerraformPlan.changeSet(json: text, limits: PlanLimits(maxElements: 50)) } throws: { if case .json? = $0 as? PlanError { true } else { false } }
  }

  @Test("Lists and changes of another kind are refused by their place", arguments: [
    (#""resource_changes":{}"#, "resource_changes"), (#""resource_drift":1"#, "resource_drift"), (#""deferred_changes":"x""#, "deferred_changes"), (#""deferred_changes":[{}]"#, "deferred_changes[0]"),
    (#""resource_changes":[1]"#, "resource_changes[0]"), (#""resource_changes":[{"address":"a.b","type":"a"}]"#, "resource_changes[0]"), (#""resource_changes":[{"address":"a.b","change":{}}]"#, "resource_changes[0]"),
    (#""resource_drift":[{"address":1,"type":"a","change":{}}]"#, "resource_drift[0]"), (#""resource_changes":[{"address":"a.b","type":"a","change":[]}]"#, "resource_changes[0]"),
    (#""configuration":{"root_module":[]}"#, #"configuration of module """#), (#""configuration":{"root_module":{"resources":[{}]}}"#, #"a resource in configuration of module """#),
  ])
  func malformed(member: String, place: String) {
    #expect { try PlanFixture.read(#"{"format_version":"1.2",\#(member)}"#) } throws: { if case .malformed(place, _)? = $0 as? PlanError { true } else { false } }
  }

  @Test("Unknown is neither null nor empty, wherever the mirror marks it", arguments: [
    (#"{"name":"kv"}"#, #"{"id":true}"#, ["id"]), (#"{"key_opts":["sign",null]}"#, #"{"key_opts":[false,true]}"#, ["key_opts", "1"]), (#"{"permission":[{"actions":[]}]}"#, #"{"permission":[{"data_actions":true}]}"#, ["permission", "0", "data_actions"]),
    (#"{"key_opts":null}"#, #"{"key_opts":true}"#, ["key_opts"]), ("{}", #"{"tags":{"a":true}}"#, ["tags", "a"]), (#"{"l":[]}"#, #"{"l":[true]}"#, ["l", "0"]), (#"{"a":"text"}"#, #"{"a":{"b":true}}"#, ["a", "b"]),
  ])
  func unknown(after: String, mirror: String, path: [String]) throws {
    var value = try #require(try PlanFixture.one(PlanFixture.change(after: after, unknown: mirror)).after)
    for step in path { value = try #require(Int(step).map { value.list?[$0] } ?? value[step]) }
    #expect(value.unknown != nil)
  }

  @Test("A mirror that marks nothing makes nothing unknown", arguments: ["{}", "false", "null", "[]", #"{"tags":{},"key_opts":[false,false],"name":false}"#])
  func known(mirror: String) throws {
    let after = try #require(try PlanFixture.one(PlanFixture.change(after: #"{"name":null,"key_opts":["sign","verify"],"tags":{}}"#, unknown: mirror)).after)
    #expect(after == .object(["name": .null, "key_opts": .list([.string("sign"), .string("verify")]), "tags": .object([:])]))
  }

  @Test("A resource wholly unknown is not a resource without attributes") func wholly() throws {
    #expect(try PlanFixture.one(PlanFixture.change(after: "null", unknown: "true")).after?.unknown != nil)
  }

  @Test("Sensitive mirrors give paths, whole resources the empty one", arguments: [
    (#""after_sensitive":true"#, Set([""])), (#""after_sensitive":{"a":true,"b":[false,{"c":true}],"d":false}"#, ["a", "b.1.c"]), (#""after_sensitive":false"#, []),
  ] as [(String, Set<String>)])
  func sensitive(mirror: String, paths: Set<String>) throws {
    let text = #"{"address":"a.b","type":"a","change":{"actions":["create"],"after":{},\#(mirror)}}"#
    #expect(try PlanFixture.one(text).sensitivePaths == paths)
  }

  @Test("Moved, imported, replaced, forgotten and left-over objects are told") func kinds() throws {
    let moved = try PlanFixture.one(PlanFixture.change(actions: #"["no-op"]"#, before: "{}", more: #","previous_address":"azurerm_key_vault.old""#))
    #expect(moved.previousAddress == "azurerm_key_vault.old" && moved.action == .noOp)
    let imported = try PlanFixture.one(PlanFixture.change(actions: #"["no-op"]"#, before: "{}", inside: #","importing":{"id":"/x"}"#))
    #expect(imported.isImport)
    #expect(try !PlanFixture.one(PlanFixture.change(inside: #","importing":null"#)).isImport)
    let replaced = try PlanFixture.one(PlanFixture.change(actions: #"["delete","create"]"#, before: "{}", inside: #","replace_paths":[["purge_protection_enabled"],["network_acls",0,"bypass"],[]]"#))
    #expect(replaced.replacePaths == ["purge_protection_enabled", "network_acls.0.bypass", ""])
    let forgotten = try PlanFixture.one(PlanFixture.change(actions: #"["forget"]"#, before: "{}", after: "{}", more: #","action_reason":"delete_because_no_resource_config","deposed":"ab12""#))
    #expect(forgotten.after == nil && forgotten.before != nil && forgotten.deposed == "ab12" && forgotten.actionReason == "delete_because_no_resource_config")
  }

  @Test("Drift and deferred changes stand beside the plan's own, marked") func besides() throws {
    let vault = PlanFixture.change()
    let set = try PlanFixture.read(PlanFixture.plan([vault], more: #","resource_drift":[\#(vault)],"deferred_changes":[{"reason":"instance_count_unknown","resource_change":\#(vault)}]"#))
    #expect(set.resources.map(\.isDrift) == [false, true, false] && set.resources.map(\.isDeferred) == [false, false, true])
  }

  @Test("Data sources of the state before give values to what refers to them; other modes and other modules do not") func priorState() throws {
    func state(_ mode: String) -> String {
      #","prior_state":{"values":{"root_module":{"child_modules":[{"address":"module.m","resources":[{"address":"module.m.data.azuread_group.g","mode":"data","type":"azuread_group","values":{"object_id":"inner"}}]}],"resources":[{"address":"data.azuread_group.g","mode":"\#(mode)","type":"azuread_group","values":{"object_id":"outer"}}]}}}"#
    }
    let configuration = #"{"root_module":{"resources":[{"address":"azurerm_key_vault.this","type":"azurerm_key_vault","expressions":{"x":{"references":["data.azuread_group.g.object_id","data.azuread_group.g"]}}}]}}"#
    func value(_ more: String) throws -> PlanValue? { try PlanFixture.read(PlanFixture.plan([PlanFixture.change(unknown: #"{"x":true}"#)], configuration: configuration, more: more)).resources.first?.after?["x"] }
    #expect(try value(state("data")) == .string("outer"))
    #expect(try value(state("managed"))?.unknown?.references == ["data.azuread_group.g.object_id"])
    for odd in ["null", "[]", #"{"values":[]}"#, #"{"values":{"root_module":1}}"#, #"{"values":{"root_module":{"resources":{"mode":"data"},"child_modules":"data"}}}"#] {
      #expect(try value(#","prior_state":\#(odd)"#)?.unknown != nil)
    }
  }

  @Test("Provider settings keep their alias, and blocks that are not there are null") func providers() throws {
    let set = try PlanFixture.read(PlanFixture.plan([], configuration: #"{"provider_config":{"azurerm.second":{"name":"azurerm","full_name":"registry.terraform.io/hashicorp/azurerm","alias":"second","expressions":{"features":[{"key_vault":[{"purge_soft_delete_on_destroy":{"constant_value":false}}]}],"subscription_id":{"references":["var.s"]}}},"random":{"name":"random"}},"root_module":{}}"#, more: #","variables":{"s":{"value":"0000"}}"#))
    let second = try #require(set.providers.first { $0.key == "azurerm.second" })
    #expect(second.subscription == .string("0000"))
    #expect(second.features.list?.first?["key_vault"]?.list?.first?["purge_soft_delete_on_destroy"] == .bool(false))
    #expect(set.providers.first { $0.key == "random" }?.features == .null)
  }

  @Test("An error never carries a value of the plan", arguments: [#"{"format_version":"1.2","resource_changes":[{"address":"hunter2"}]}"#, #"{"format_version":"1.2","resource_changes":["hunter2"],}"#, #"{"format_version":"1.2","resource_changes":"hunter2"}"#])
  func quiet(text: String) {
    do { _ = try PlanFixture.read(text) } catch { #expect(!"\(error)".contains("hunter2")) }
  }
}
