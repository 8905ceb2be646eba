import Clocks
import Encodings
import Estate
import Outbound
import Testing

/// Hands out `token-N` for each request it gets and keeps the scopes.
private struct CountingCredential: Credential {
  let name = "counting"
  func token(_ request: TokenRequest) async throws(CredentialError) -> AccessToken {
    try AccessToken("token-for-\(request.scope.filter { $0.isLetter })\(request.claims == nil ? "" : "-claims")", expires: 4_000_000_000)
  }
}

@Suite struct AzureEndpointTests {
  private func access(_ transport: ScriptedTransport, waits: Waits = Waits(), cloud: AzureCloud = .standard) -> AzureAccess {
    AzureAccess(
      cloud: cloud, tenant: "11111111-1111-4111-8111-111111111111", credential: CountingCredential(),
      exchange: RetryingExchange(transport, policy: AzureAccess.sweepPolicy, pause: waits.pause, jitter: { 1 }), pause: waits.pause)
  }

  private func page(_ items: String, next: String? = nil, headers: [(name: String, value: String)] = []) -> Result<OutboundReply, TransportError> {
    .success(.json(200, #"{"value":[\#(items)]\#(next.map { #","nextLink":"\#($0)""# } ?? "")}"#, headers))
  }

  @Test func pagesAreFollowedWithTheTokenOfTheirAudience() async throws {
    let transport = ScriptedTransport([page("1,2", next: "https://management.azure.com/next?t=1"), page("3")])
    let items = try await AzureEndpoint.resourceManager(access(transport), version: "2026-02-01").list("/subscriptions")
    #expect(items == [1, 2, 3])
    #expect(transport.requests.map(\.url) == ["https://management.azure.com/subscriptions?api-version=2026-02-01", "https://management.azure.com/next?t=1"])
    #expect(Set(transport.requests.map { $0.header("authorization") }) == ["Bearer token-for-httpsmanagementazurecomdefault"])
  }

  @Test(arguments: ["https://evil.example/next", "https://management.azure.com.evil.example/next", "http://management.azure.com/next"])
  func aPageElsewhereIsNeverAskedFor(link: String) async {
    let transport = ScriptedTransport([page("1", next: link)])
    await #expect(throws: OutboundError.self) { try await AzureEndpoint.resourceManager(access(transport), version: "v").list("/x") }
    #expect(transport.requests.count == 1)
  }

  @Test func pagesThatLeadInACircleEnd() async {
    let transport = ScriptedTransport([page("1", next: "https://management.azure.com/a"), page("2", next: "https://management.azure.com/a")])
    await #expect(throws: OutboundError.self) { try await AzureEndpoint.resourceManager(access(transport), version: "v").list("/x") }
    #expect(transport.requests.count == 2)
  }

  @Test func retryAfterIsWaitedFor() async throws {
    let waits = Waits()
    let transport = ScriptedTransport([.success(.json(429, "{}", [("retry-after", "17")])), page("1")])
    #expect(try await AzureEndpoint.resourceManager(access(transport, waits: waits), version: "v").list("/x") == [1])
    #expect(waits.all == [.seconds(17)])
  }

  @Test func aUsedUpQuotaIsWaitedForBetweenPages() async throws {
    let waits = Waits()
    let quota = [(name: "x-ms-user-quota-remaining", value: "0"), (name: "x-ms-user-quota-resets-after", value: "00:00:05")]
    let transport = ScriptedTransport([
      .success(.json(200, #"{"data":[{"id":"/a"}],"$skipToken":"s","resultTruncated":"true"}"#, quota)), .success(.json(200, #"{"data":[{"id":"/b"}],"resultTruncated":"false"}"#, quota)),
    ])
    let (rows, isWhole) = try await AzureEndpoint.resourceManager(access(transport, waits: waits), version: "v").resourceGraph("resources")
    #expect(rows.count == 2 && isWhole)
    #expect(waits.all == [.seconds(5)])
    #expect(try JSONValue.parse(transport.requests[1].body)["options"]?["$skipToken"] == "s")
  }

  @Test func aLimitOnSubscriptionsMakesTheListIncomplete() async throws {
    let transport = ScriptedTransport([.success(.json(200, #"{"data":[]}"#, [("x-ms-tenant-subscription-limit-hit", "true")]))])
    #expect(try await !AzureEndpoint.resourceManager(access(transport), version: "v").resourceGraph("resources").isWhole)
  }

  @Test func aRetiredVersionIsNamed() async {
    let transport = ScriptedTransport([.success(.json(400, #"{"error":{"code":"InvalidApiVersionParameter","message":"m"}}"#))])
    do {
      _ = try await AzureEndpoint.resourceManager(access(transport), version: "2023-07-01").list("/x")
      Issue.record("it was taken")
    } catch {
      #expect(error.description.contains("does not take api-version 2023-07-01"))
    }
  }

  @Test func aClaimsChallengeIsAnsweredOnce() async throws {
    let challenge = #"Bearer authorization="https://login.example/t", error="insufficient_claims", claims="eyJhIjoxfQ==""#
    let transport = ScriptedTransport([.success(.json(401, "{}", [("www-authenticate", challenge)])), page("1")])
    #expect(try await AzureEndpoint.resourceManager(access(transport), version: "v").list("/x") == [1])
    #expect(transport.requests[1].header("authorization")?.hasSuffix("-claims") == true)
  }

  @Test(arguments: [
    "https://nw.vault.azure.net.evil.example", "https://evil.example", "https://vault.azure.net", "https://nw.vault.azure.net:8443", "https://evilvault.azure.net", "http://nw.vault.azure.net",
  ]) func aStoreElsewhereGetsNoToken(uri: String) {
    #expect(throws: OutboundError.self) { try AzureEndpoint.store(access(ScriptedTransport([Result<OutboundReply, TransportError>]())), uri: uri) }
  }

  @Test func theHostsOfACloudAreATable() throws {
    for cloud in AzureCloud.known {
      #expect(cloud.dataScope(try ServiceAddress("https://a.\(cloud.vaultSuffix)")) == "https://\(cloud.vaultSuffix)/.default")
      #expect(cloud.dataScope(try ServiceAddress("https://a.\(cloud.managedHSMSuffix)")) == "https://\(cloud.managedHSMSuffix)/.default")
    }
    var own = AzureCloud.standard
    try own.replace([("arm", "https://arm.example:8443"), ("vault", "vault.example:8443")])
    #expect(own.resourceManagerAudience == "https://arm.example:8443", "a token for Azure's own is not sent elsewhere")
    #expect(own.dataScope(try ServiceAddress("https://a.vault.example:8443")) == "https://vault.example/.default")
    #expect(throws: OutboundError.self) { try own.replace([("vault", "localhost")]) }
    #expect(throws: OutboundError.self) { try own.replace([("arm", "http://arm.example")]) }
  }
}

/// Answers by path: what is not in the table is refused.
private struct TableEndpoint: EstateEndpoint {
  let base = "https://nw-hsm.example"
  var lists: [String: [JSONValue]]
  var objects: [String: JSONValue] = [:]
  var status = 403

  private func refusal(_ path: String) -> OutboundError {
    .refused(RemoteRefusal(method: "GET", url: base + path, status: status, code: "Forbidden", message: nil, requestID: nil, attempts: []))
  }
  func get(_ path: String, _ query: [(name: String, value: String)]) async throws(OutboundError) -> JSONValue {
    guard let value = objects[path] else { throw refusal(path) }
    return value
  }
  func list(_ path: String, _ query: [(name: String, value: String)]) async throws(OutboundError) -> [JSONValue] {
    guard let value = lists[path] else { throw refusal(path) }
    return value
  }
}

@Suite struct KeyStoreReaderTests {
  private static let roles = "/providers/Microsoft.Authorization"
  private func store(_ kind: InventorySnapshot.StoreKind) -> InventorySnapshot.Store { InventorySnapshot.Store(id: "nw-hsm", kind: kind, visibility: .partial) }

  @Test(arguments: [401, 403, 404]) func aRefusedStoreIsDenied(status: Int) async {
    var endpoint = TableEndpoint(lists: [:])
    endpoint.status = status
    let read = await KeyStoreReader(endpoint, store: store(.vault)).read()
    #expect(read.stores.map(\.visibility) == [.denied])
    #expect(read.keys.isEmpty && read.gaps.map(\.kind) == [.denied])
  }

  @Test func anEmptyStoreIsFullAndEmpty() async {
    let read = await KeyStoreReader(TableEndpoint(lists: ["/keys": [], "/deletedkeys": []]), store: store(.vault)).read()
    #expect(read.stores.map(\.visibility) == [.full] && read.gaps.isEmpty)
  }

  @Test func anHSMWhoseRightsAreHiddenIsPartial() async {
    let read = await KeyStoreReader(TableEndpoint(lists: ["/keys": [], "/deletedkeys": []]), store: store(.managedHsm)).read()
    #expect(read.stores.map(\.visibility) == [.partial])
    #expect(Set(read.gaps.map(\.place)) == ["nw-hsm roleDefinitions", "nw-hsm roleAssignments at /", "nw-hsm roleAssignments at /keys"])
  }

  @Test func everyKeyScopeIsAskedForItsAssignments() async {
    func grant(_ id: String, _ scope: String) -> JSONValue { ["name": .string(id), "properties": ["scope": .string(scope), "principalId": "p", "roleDefinitionId": "x/r"]] }
    let deleted: JSONValue = ["kid": "https://nw-hsm.example/keys/gone"]
    let endpoint = TableEndpoint(lists: [
      "/keys": [["kid": "https://nw-hsm.example/keys/fw"]], "/keys/fw/versions": [], "/deletedkeys": [deleted], "\(Self.roles)/roleDefinitions": [],
      "\(Self.roles)/roleAssignments": [grant("1", "/")], "/keys\(Self.roles)/roleAssignments": [grant("2", "/keys")],
      "/keys/fw\(Self.roles)/roleAssignments": [grant("3", "/keys/fw")], "/keys/gone\(Self.roles)/roleAssignments": [grant("4", "/keys/gone"), grant("1", "/")],
    ])
    let read = await KeyStoreReader(endpoint, store: store(.managedHsm)).read()
    #expect(Set(read.grants.map(\.id)) == ["1", "2", "3", "4"] && read.grants.count == 4)
  }

  @Test func aKeyWhoseBundleIsHiddenStaysListed() async {
    let endpoint = TableEndpoint(lists: [
      "/keys": [["kid": "https://nw-hsm.example/keys/fw"]], "/deletedkeys": [],
      "/keys/fw/versions": [["kid": "https://nw-hsm.example/keys/fw/0123456789abcdef0123456789abcdef", "attributes": ["enabled": true]]],
    ])
    let read = await KeyStoreReader(endpoint, store: store(.vault)).read()
    #expect(read.keys.map(\.version) == ["0123456789abcdef0123456789abcdef"])
    #expect(read.keys.first?.spkiSha256 == nil && read.stores.map(\.visibility) == [.partial])
  }
}
