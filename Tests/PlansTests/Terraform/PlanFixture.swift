import Plans
import Testing

/// Terraform plans as text, in the shape that 1.11.4 prints.
enum PlanFixture {
  static func change(
    _ address: String = "azurerm_key_vault.this", actions: String = #"["create"]"#, before: String = "null", after: String = "{}", unknown: String = "{}", more: String = "", inside: String = ""
  ) -> String {
    let local = address.split(separator: ".").suffix(2).first.map(String.init) ?? ""
    let quoted = address.replacing("\"", with: "\\\"")
    return #"{"address":"\#(quoted)","mode":"managed","type":"\#(local)","name":"x","provider_name":"registry.terraform.io/hashicorp/azurerm"\#(more),"change":{"actions":\#(actions),"before":\#(before),"after":\#(after),"after_unknown":\#(unknown),"before_sensitive":false,"after_sensitive":{}\#(inside)}}"#
  }

  static func plan(_ changes: [String], configuration: String = "{}", version: String = #""1.2""#, more: String = "") -> String {
    #"{"format_version":\#(version),"terraform_version":"1.11.4","applyable":true,"complete":true,"errored":false\#(more),"resource_changes":[\#(changes.joined(separator: ","))],"configuration":\#(configuration)}"#
  }

  static func read(_ text: String, sources: [String: String] = [:]) throws -> ChangeSet {
    try TerraformPlan.changeSet(json: Array(text.utf8), sources: sources.isEmpty ? nil : Self.sources(sources))
  }

  static func one(_ change: String) throws -> ResourceChange { try #require(try read(plan([change])).resources.first) }

  static func sources(_ files: [String: String]) -> PlanSources {
    PlanSources(files: files.sorted { $0.key < $1.key }.map { SourceFile(path: $0.key, bytes: Array($0.value.utf8)) })
  }

  /// What `local.v` of the root module evaluates to, seen through an attribute that is unknown and refers to it.
  static func local(_ source: String, variables: String = "{}") throws -> PlanValue {
    let configuration = #"{"root_module":{"resources":[{"address":"azurerm_key_vault.this","mode":"managed","type":"azurerm_key_vault","name":"this","expressions":{"x":{"references":["local.v"]}}}]}}"#
    let text = plan([change(unknown: #"{"x":true}"#)], configuration: configuration, more: #","variables":\#(variables)"#)
    return try #require(try read(text, sources: ["main.tf": source]).resources.first?.after?["x"])
  }
}
