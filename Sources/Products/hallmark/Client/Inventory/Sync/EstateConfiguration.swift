import Encodings
import Outbound

/// What an inventory sweep reads: `hallmark.estate/v1` (docs/formats/estate-config.md).
struct EstateConfiguration: Sendable {
  static let schema = "hallmark.estate/v1"

  struct Tenant: Sendable {
    var id: String
    var credential: ConnectionSettings.Kind
    var clientID: String?
    var federatedTokenFile: String?
    var certificate: String?
    var subscriptions: [String]
    var readsDirectory: Bool
  }

  struct HSM: Sendable {
    var name: String
    var url: String
    var ca: String?
    var credential: ConnectionSettings.Kind
    var tokenFile: String?
    var profile: String?
    var clientID: String?
    var certificate: String?
    var authority: String?
    var tenant: String?
  }

  struct Registry: Sendable {
    var host: String
    /// Empty: what the registry's catalog lists.
    var repositories: [String]
    var plainHTTP: Bool
    var ca: String?
    var credentials: String?
  }

  struct Cluster: Sendable {
    var name: String
    var server: String
    var ca: String?
    var tokenFile: String?
    var clientCertificate: String?
    var clientKey: String?
  }

  struct List: Sendable {
    var file: String
    var environment: String
  }

  struct Logs: Sendable {
    struct Storage: Sendable {
      var tenant: String
      var account: String
      var container: String
    }
    struct Workspace: Sendable {
      var tenant: String
      var id: String
      var timespan: String
    }
    /// The activity log of a tenant's subscription, as far back as `days`.
    struct Activity: Sendable {
      var tenant: String
      var subscription: String
      var days: Int
    }
    var folder: String
    var storage: [Storage]
    var workspaces: [Workspace]
    var activity: [Activity]
  }

  var cloud: AzureCloud
  var ca: String?
  /// How many tenants, and how many stores of one tenant, are read at once.
  var tenantsAtOnce: Int
  var storesAtOnce: Int
  var tenants: [Tenant]
  var hsms: [HSM]
  var registries: [Registry]
  var clusters: [Cluster]
  var lists: [List]
  var logs: Logs?

  init(_ value: JSONValue) throws {
    let top = try Section(value, "", known: ["schema", "cloud", "ca", "concurrency", "tenants", "hsms", "registries", "clusters", "lists", "logs"])
    guard try top.text("schema") == Self.schema else { throw top.bad("schema", "it must be \(Self.schema)") }
    cloud = try top.section("cloud", known: ["name", "login", "arm", "graph", "vault", "managedhsm", "loganalytics", "storage"]).map(Self.cloud) ?? .standard
    ca = try top.optional("ca")
    let concurrency = try top.section("concurrency", known: ["tenants", "stores"])
    tenantsAtOnce = try concurrency?.number("tenants", 1...64) ?? 4
    storesAtOnce = try concurrency?.number("stores", 1...64) ?? 4
    tenants = try top.sections("tenants", known: ["id", "credential", "clientId", "federatedTokenFile", "certificate", "subscriptions", "directory"]).map(Self.tenant)
    hsms = try top.sections(
      "hsms", known: ["name", "url", "ca", "credential", "tokenFile", "profile", "clientId", "certificate", "authority", "tenant"]
    ).map { part in
      HSM(
        name: try part.text("name"), url: try part.text("url"), ca: try part.optional("ca"), credential: try Self.credential(part),
        tokenFile: try part.optional("tokenFile"), profile: try part.optional("profile"), clientID: try part.optional("clientId"),
        certificate: try part.optional("certificate"), authority: try part.optional("authority"), tenant: try part.optional("tenant"))
    }
    registries = try top.sections("registries", known: ["host", "repositories", "plainHTTP", "ca", "credentials"]).map { part in
      Registry(
        host: try part.text("host"), repositories: try part.texts("repositories"), plainHTTP: try part.flag("plainHTTP", false),
        ca: try part.optional("ca"), credentials: try part.optional("credentials"))
    }
    clusters = try top.sections("clusters", known: ["name", "server", "ca", "tokenFile", "clientCertificate", "clientKey"]).map { part in
      let cluster = Cluster(
        name: try part.text("name"), server: try ServiceAddress(try part.text("server")).url, ca: try part.optional("ca"),
        tokenFile: try part.optional("tokenFile"), clientCertificate: try part.optional("clientCertificate"), clientKey: try part.optional("clientKey"))
      guard (cluster.clientCertificate == nil) == (cluster.clientKey == nil) else { throw part.bad("clientKey", "clientCertificate and clientKey belong together") }
      return cluster
    }
    lists = try top.sections("lists", known: ["file", "environment"]).map { List(file: try $0.text("file"), environment: try $0.text("environment")) }
    logs = try top.section("logs", known: ["folder", "storage", "workspaces", "activity"]).map(Self.logs)
    try check(top)
  }

  private func check(_ top: Section) throws {
    var names: Set<String> = []
    for (kind, name) in tenants.map({ ("tenant", $0.id.lowercased()) }) + hsms.map({ ("hsm", $0.name) }) + clusters.map({ ("cluster", $0.name) })
    + registries.map({ ("registry", $0.host.lowercased()) }) where !names.insert("\(kind) \(name)").inserted {
      throw top.bad("\(kind)s", "\(name) stands there twice")
    }
    for tenant in (logs?.storage.map(\.tenant) ?? []) + (logs?.workspaces.map(\.tenant) ?? []) + (logs?.activity.map(\.tenant) ?? []) where !tenants.contains(where: { $0.id.lowercased() == tenant.lowercased() }) {
      throw top.bad("logs", "tenant \(tenant) is not among the tenants")
    }
    guard !(tenants.isEmpty && hsms.isEmpty && registries.isEmpty && clusters.isEmpty && lists.isEmpty) else { throw top.bad("tenants", "there is nothing to read") }
  }

  private static func cloud(_ part: Section) throws -> AzureCloud {
    let name = try part.optional("name") ?? AzureCloud.standard.name
    guard var cloud = AzureCloud.known.first(where: { $0.name == name }) else {
      throw part.bad("name", "it is none of \(AzureCloud.known.map(\.name).joined(separator: ", "))")
    }
    var hosts: [(name: String, value: String)] = []
    for name in ["login", "arm", "graph", "vault", "managedhsm", "loganalytics", "storage"] {
      if let value = try part.optional(name) { hosts.append((name, value)) }
    }
    try cloud.replace(hosts)
    return cloud
  }

  private static func tenant(_ part: Section) throws -> Tenant {
    Tenant(
      id: try guid(part, "id", "a tenant is named by its GUID"), credential: try credential(part), clientID: try part.optional("clientId"), federatedTokenFile: try part.optional("federatedTokenFile"),
      certificate: try part.optional("certificate"), subscriptions: try part.texts("subscriptions"), readsDirectory: try part.flag("directory", true))
  }

  private static func guid(_ part: Section, _ name: String, _ why: String) throws -> String {
    let id = try part.text(name)
    guard id.utf8.count == 36, id.utf8.allSatisfy({ $0 == 0x2D || $0 >= 0x30 && $0 <= 0x39 || ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x66 }) else {
      throw part.bad(name, why)
    }
    return id
  }

  private static func credential(_ part: Section) throws -> ConnectionSettings.Kind {
    guard let text = try part.optional("credential") else { return .auto }
    guard let kind = ConnectionSettings.Kind(rawValue: text) else {
      throw part.bad("credential", "it is none of \(ConnectionSettings.Kind.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return kind
  }

  private static func logs(_ part: Section) throws -> Logs {
    Logs(
      folder: try part.text("folder"),
      storage: try part.sections("storage", known: ["tenant", "account", "container"]).map {
        .init(tenant: try $0.text("tenant"), account: try $0.text("account"), container: try $0.optional("container") ?? StorageLogs.container)
      },
      workspaces: try part.sections("workspaces", known: ["tenant", "id", "timespan"]).map {
        .init(tenant: try $0.text("tenant"), id: try $0.text("id"), timespan: try $0.optional("timespan") ?? "PT24H")
      },
      activity: try part.sections("activity", known: ["tenant", "subscription", "days"]).map {
        .init(
          tenant: try $0.text("tenant"), subscription: try guid($0, "subscription", "a subscription is named by its GUID"),
          days: try $0.number("days", 1...90) ?? 2)
      })
  }

  /// One mapping of the file: unknown members are errors, every scalar is a text.
  struct Section {
    let object: JSONObject
    let path: String

    init(_ value: JSONValue, _ path: String, known: [String]) throws {
      guard let object = value.object else { throw CommandFailure.usage("cannot use the estate configuration", why: "\(path.isEmpty ? "the file" : path) is no mapping") }
      self.object = object
      self.path = path
      if let unknown = object.firstName(notIn: known) { throw bad(unknown, "it is not known here (known: \(known.joined(separator: ", ")))") }
    }

    func bad(_ name: String, _ why: String) -> CommandFailure {
      .usage("cannot use the estate configuration", why: "\(path.isEmpty ? "" : path + ".")\(Console.plain(name)): \(why)", next: "docs/formats/estate-config.md")
    }

    func optional(_ name: String) throws -> String? {
      guard let value = object[name] else { return nil }
      guard let text = value.string, !text.isEmpty, text.utf8.count <= 4096 else { throw bad(name, "a text is wanted") }
      return text
    }

    func text(_ name: String) throws -> String {
      guard let text = try optional(name) else { throw bad(name, "it is missing") }
      return text
    }

    func texts(_ name: String) throws -> [String] {
      guard let value = object[name] else { return [] }
      guard let list = value.array, list.count <= 10_000 else { throw bad(name, "a list of texts is wanted") }
      return try list.map { item in
        guard let text = item.string, !text.isEmpty, text.utf8.count <= 1024 else { throw bad(name, "a list of texts is wanted") }
        return text
      }
    }

    func flag(_ name: String, _ usual: Bool) throws -> Bool {
      switch try optional(name) {
      case nil: return usual
      case "true": return true
      case "false": return false
      default: throw bad(name, "true or false is wanted")
      }
    }

    func number(_ name: String, _ range: ClosedRange<Int>) throws -> Int? {
      guard let text = try optional(name) else { return nil }
      guard let number = Int(text), range.contains(number) else { throw bad(name, "a number from \(range.lowerBound) to \(range.upperBound) is wanted") }
      return number
    }

    func section(_ name: String, known: [String]) throws -> Section? { try object[name].map { try Section($0, at(name), known: known) } }

    func sections(_ name: String, known: [String]) throws -> [Section] {
      guard let value = object[name] else { return [] }
      guard let list = value.array, list.count <= 1000 else { throw bad(name, "a list is wanted") }
      return try list.enumerated().map { try Section($1, at("\(name)[\($0)]"), known: known) }
    }

    private func at(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
  }
}
