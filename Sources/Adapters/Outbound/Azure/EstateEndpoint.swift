package import Encodings
internal import Estate

/// A place that answers GETs with JSON and lists with pages: ARM, Graph, a key store's data plane.
package protocol EstateEndpoint: Sendable {
  /// `https://host[:port]`, for messages.
  var base: String { get }
  /// - Parameter path: begins with `/`, encoded.
  func get(_ path: String, _ query: [(name: String, value: String)]) async throws(OutboundError) -> JSONValue
  /// Every item of a paged list, at most a million.
  func list(_ path: String, _ query: [(name: String, value: String)]) async throws(OutboundError) -> [JSONValue]
}

extension EstateEndpoint {
  package func get(_ path: String) async throws(OutboundError) -> JSONValue { try await get(path, []) }
  package func list(_ path: String) async throws(OutboundError) -> [JSONValue] { try await list(path, []) }
}

/// One host of Azure, as one tenant sees it. Pages are followed on that host only, without circles, at most `maxPages`.
package struct AzureEndpoint: EstateEndpoint {
  package static let maxPages = 5000
  package static let maxItems = 1_000_000

  package let base: String
  let access: AzureAccess
  let scope: String
  /// Added to every path as `api-version`; nil for Graph.
  let version: String?
  let headers: [(name: String, value: String)]

  package init(_ access: AzureAccess, base: String, scope: String, version: String?, headers: [(name: String, value: String)] = []) {
    self.access = access
    self.base = base
    self.scope = scope
    self.version = version
    self.headers = headers
  }

  /// Azure Resource Manager. Key Vault's control plane takes nothing older than 2026-02-01 after its retirement date (§1.2).
  package static func resourceManager(_ access: AzureAccess, version: String) -> AzureEndpoint {
    AzureEndpoint(access, base: access.cloud.resourceManager, scope: access.cloud.resourceManagerAudience + "/.default", version: version)
  }

  /// Microsoft Graph v1.0; paths begin with `/v1.0/`.
  package static func graph(_ access: AzureAccess) -> AzureEndpoint {
    AzureEndpoint(access, base: access.cloud.graph, scope: access.cloud.graph + "/.default", version: nil, headers: [("consistencylevel", "eventual")])
  }

  /// The data plane of a store.
  ///
  /// - Throws: `.badAddress` when the address is not under this cloud's suffixes: no token is sent to it.
  package static func store(_ access: AzureAccess, uri: String) throws(OutboundError) -> AzureEndpoint {
    let address = try ServiceAddress(uri)
    guard let scope = access.cloud.dataScope(address) else {
      throw .badAddress(uri, why: "it is not a store of \(access.cloud.name): a token is not sent there")
    }
    return AzureEndpoint(access, base: address.url, scope: scope, version: "7.6")
  }

  private func url(_ path: String, _ query: [(name: String, value: String)]) -> String {
    let fields = query + (version.map { [("api-version", $0)] } ?? [])
    return base + path + (fields.isEmpty ? "" : "?" + URLText.form(fields))
  }

  private func request(_ method: String, _ url: String, body: [UInt8] = []) -> OutboundRequest {
    var request = OutboundRequest(
      method, url, headers: [("accept", "application/json")] + headers, body: body, timeout: .seconds(60), maxReplyBytes: AzurePage.limits.maxBytes)
    if !body.isEmpty { request.headers.append(("content-type", "application/json")) }
    return request
  }

  package func get(_ path: String, _ query: [(name: String, value: String)]) async throws(OutboundError) -> JSONValue {
    try await json(request("GET", url(path, query)))
  }

  /// A POST that reads (queries, `getByIds`).
  package func post(_ path: String, _ body: JSONValue) async throws(OutboundError) -> JSONValue {
    try await json(request("POST", url(path, []), body: body.serialized()))
  }

  private func json(_ request: OutboundRequest) async throws(OutboundError) -> JSONValue {
    let reply = try await access.send(request, scope: scope)
    guard let value = try? JSONValue.parse(reply.body, limits: AzurePage.limits) else { throw .badAnswer(url: request.place, why: "it is not JSON") }
    return value
  }

  package func list(_ path: String, _ query: [(name: String, value: String)]) async throws(OutboundError) -> [JSONValue] {
    var next: String? = url(path, query)
    var result: [JSONValue] = []
    var seen: Set<String> = []
    while let address = next {
      guard seen.insert(address).inserted else { throw .badAnswer(url: base + path, why: "its pages lead in a circle") }
      guard seen.count <= Self.maxPages else { throw .badAnswer(url: base + path, why: "more than \(Self.maxPages) pages") }
      let reply = try await access.send(request("GET", address), scope: scope)
      let page: AzurePage
      do { page = try AzurePage.parse(reply.body, origin: base) } catch { throw .badAnswer(url: base + path, why: error.description) }
      result += page.items
      guard result.count <= Self.maxItems else { throw .badAnswer(url: base + path, why: "more than \(Self.maxItems) items") }
      next = page.next
    }
    return result
  }

  /// Every row of a Resource Graph query.
  ///
  /// - Returns: the rows, and whether Azure said that there are more it will not give (too many subscriptions, or a list without a token).
  package func resourceGraph(_ query: String) async throws(OutboundError) -> (rows: [JSONValue], isWhole: Bool) {
    let path = "/providers/Microsoft.ResourceGraph/resources"
    var rows: [JSONValue] = []
    var token: String?
    var isWhole = true
    var seen: Set<String> = []
    repeat {
      var options: JSONObject = ["$top": 1000, "resultFormat": "objectArray"]
      options.set("$skipToken", ifPresent: token.map { .string($0) })
      let body: JSONValue = ["query": .string(query), "options": .object(options)]
      let reply = try await access.send(request("POST", url(path, []), body: body.serialized()), scope: scope)
      let page: ResourceGraphPage
      do { page = try ResourceGraphPage.parse(reply.body) } catch { throw .badAnswer(url: base + path, why: error.description) }
      rows += page.rows
      if page.isTruncated || reply.header("x-ms-tenant-subscription-limit-hit")?.lowercased() == "true" { isWhole = false }
      token = page.skipToken
      if let token, !seen.insert(token).inserted || seen.count > Self.maxPages || rows.count > Self.maxItems {
        throw .badAnswer(url: base + path, why: "its pages do not end")
      }
      if token != nil { try await access.respectQuota(reply) }
    } while token != nil
    return (rows, isWhole)
  }
}

/// A service that tells by itself whose token it wants: one of ours.
package struct ManagedHSMEndpoint: EstateEndpoint {
  let client: ManagedHSMClient

  package init(_ client: ManagedHSMClient) { self.client = client }

  package var base: String { client.address.url }

  package func get(_ path: String, _ query: [(name: String, value: String)]) async throws(OutboundError) -> JSONValue {
    try await client.call("GET", path, query: query).body
  }

  package func list(_ path: String, _ query: [(name: String, value: String)]) async throws(OutboundError) -> [JSONValue] {
    try await client.list(path, query: query)
  }
}

extension AzureCloud {
  /// The credential that settings amount to for a tenant of this cloud. Nothing that was set for a Hallmark service (`HALLMARK_…`) is used.
  ///
  /// - Parameter settings: client id, certificate and kind; tenant and authority are this tenant's.
  package func credential(tenant: String, settings: ConnectionSettings, exchange: RetryingExchange) throws(OutboundError) -> any Credential {
    var own = ConnectionSettings(environment: settings.environment.filter { !$0.key.hasPrefix("HALLMARK_") })
    own.clientID = settings.clientID
    own.certificate = settings.certificate
    own.credential = settings.credential
    own.tenant = tenant
    own.authority = login
    guard own.credential != .token, own.credential != .profile else {
      throw .credential(.notConfigured("a tenant's credential is workload, github, certificate, managed-identity, az or auto: one token does not fit every audience"))
    }
    // The address only says that the service is Azure's.
    let address = try ServiceAddress("https://tenant.vault.azure.net")
    do throws(CredentialError) {
      return try CredentialChoice(settings: own, profile: nil, address: address, exchange: exchange).credential()
    } catch { throw .credential(error) }
  }
}
