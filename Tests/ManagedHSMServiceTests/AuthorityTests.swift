import Access
import Audit
import Clocks
import Encodings
import JOSE
import ManagedHSMService
import ManagedHSMWire
import NIOHTTP1
import Testing

@Suite("The token authority and the directory over HTTP")
struct AuthorityTests {
  private func post(_ hsm: HSM, _ form: String, path: String = "/\(HSM.tenant)/oauth2/v2.0/token") async -> WireReply {
    await hsm.send(.POST, path, Array(form.utf8), headers: ["Content-Type": "application/x-www-form-urlencoded"])
  }

  private func assertion(_ hsm: HSM, _ changes: JSONObject = [:]) throws -> String {
    var claims: JSONObject = [
      "iss": .string(HSM.github), "sub": "repo:o/r:ref:refs/heads/main", "aud": .string(FederatedCredential.usualAudience), "iat": .integer(hsm.clock.now),
      "nbf": .integer(hsm.clock.now), "exp": .integer(hsm.clock.now + 300), "repository": "o/r", "run_id": "77",
    ]
    for member in changes.members { claims[member.name] = member.value }
    return try JWS.compact(JSONValue.object(claims).serialized(), by: P256JWSSigner(hsm.githubKey, header: ["kid": "g1"]))
  }

  private func form(_ assertion: String, client: String = HSM.buildClient.text, scope: String = HSM.resource + "/.default") -> String {
    "grant_type=client_credentials&client_id=\(client)&scope=\(scope)&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=\(assertion)"
  }

  @Test("A federated token becomes an access token that the data plane takes, and the record names the workload")
  func federated() async throws {
    let hsm = try HSM()
    let (reply, records) = try await hsm.recorded { await post(hsm, form(try assertion(hsm))) }
    try #require(reply.status == 200, "\(reply.text)")
    #expect(reply.json["token_type"]?.string == "Bearer")
    #expect(reply.value("Cache-Control") == "no-store")
    #expect(reply.json["refresh_token"] == nil)
    let entry = try #require(records.first?.entry)
    #expect(records.count == 1 && entry.operation == .tokenIssue && entry.decision == .allow)
    #expect(entry.principal?.objectID == HSM.build.text && entry.principal?.subject == "repo:o/r:ref:refs/heads/main")
    #expect(entry.principal?.claims.contains(AuditClaim("run_id", "77")) == true)
    // The token lets its bearer in; it has no right yet.
    let token = try #require(reply.json["access_token"]?.string)
    #expect(await hsm.send(.GET, "/keys", bearer: token).code == "AccessDenied")
    try hsm.grant("21dbd100-6940-42c2-9190-5d6cb909625b", to: HSM.build)
    let (listed, read) = try await hsm.recorded { await hsm.send(.GET, "/keys", bearer: token) }
    #expect(listed.status == 200 && read.first?.entry.principal?.issuer == HSM.github)
  }

  @Test("A request that is no grant gets an OAuth error, is recorded without a principal and leaks nothing")
  func refusals() async throws {
    let hsm = try HSM()
    let good = try assertion(hsm)
    let cases: [(String, Int, String)] = [
      ("", 400, "invalid_request"), ("grant_type=", 400, "invalid_request"), ("a=%zz", 400, "invalid_request"), ("grant_type=client_credentials&grant_type=x", 400, "invalid_request"),
      ("a=%ff", 400, "invalid_request"), ((0..<100).map { "f\($0)=1" }.joined(separator: "&"), 400, "invalid_request"), (String(repeating: "a", count: 70_000), 400, "invalid_request"),
      ("grant_type=password&username=u&password=p", 400, "unsupported_grant_type"), ("grant_type=authorization_code&code=x", 400, "unsupported_grant_type"),
      ("grant_type=client_credentials&client_id=\(HSM.buildClient)&client_secret=hunter2&scope=\(HSM.resource)/.default", 401, "invalid_client"),
      ("grant_type=client_credentials&client_id=\(HSM.buildClient)&scope=\(HSM.resource)/.default", 401, "invalid_client"),
      (form(good, client: "99999999-9999-4999-8999-999999999999"), 400, "unauthorized_client"), (form(good, scope: "https://vault.azure.net/.default"), 400, "invalid_resource"),
      (form("garbage"), 401, "invalid_client"), (form(try assertion(hsm, ["sub": "repo:o/r:ref:refs/heads/evil"])), 401, "invalid_client"),
      (form(try assertion(hsm, ["iss": "https://evil.example"])), 401, "invalid_client"), (form(try assertion(hsm, ["exp": .integer(hsm.clock.now - 3600)])), 401, "invalid_client"),
      (form(try assertion(hsm, ["aud": "someone-else"])), 401, "invalid_client"), ("grant_type=refresh_token&client_id=04b07795-8ddb-461a-bbee-02f9e1bf7b46&refresh_token=x&scope=\(HSM.resource)/.default", 400, "invalid_grant"),
      ("{\"grant_type\":\"client_credentials\"}", 400, "invalid_request"),
    ]
    for (body, status, code) in cases {
      let (reply, records) = try await hsm.recorded { await post(hsm, body) }
      #expect(reply.json["error"]?.string == code, "\(body.prefix(80)): \(reply.text)")
      #expect(reply.status == status || (status == 401 && reply.status == 400), "\(body.prefix(80)): \(reply.status)")
      #expect(reply.json["error_description"]?.string?.isEmpty == false)
      #expect(reply.json["access_token"] == nil)
      #expect(!reply.text.contains("hunter2") && !reply.text.contains(good.suffix(20)))
      #expect(records.count == 1 && records.first?.entry.principal == nil && records.first?.entry.decision == .deny && records.first?.entry.operation == .tokenIssue)
      #expect(records.first?.entry.reason?.contains("hunter2") != true)
    }
  }

  @Test("Discovery, keys and the metadata document are public, agree with each other and leave no record")
  func documents() async throws {
    let hsm = try HSM()
    let base = "\(HSM.resource)/\(HSM.tenant)"
    let (_, records) = try await hsm.recorded {
      for path in ["/\(HSM.tenant)/v2.0/.well-known/openid-configuration", "/organizations/v2.0/.well-known/openid-configuration", "/\(HSM.tenant)//v2.0/.well-known/openid-configuration"] {
        let reply = await hsm.send(.GET, path)
        #expect(reply.status == 200)
        #expect(reply.json["issuer"]?.string == hsm.authority.settings.issuer)
        #expect(reply.json["token_endpoint"]?.string == "\(base)/oauth2/v2.0/token")
        #expect(reply.json["jwks_uri"]?.string == "\(base)/discovery/v2.0/keys")
      }
      let keys = await hsm.send(.GET, "/\(HSM.tenant)/discovery/v2.0/keys")
      #expect(keys.json["keys"]?.array?.count == 1)
      // Public halves only.
      for secret in ["\"d\"", "\"p\"", "\"k\""] { #expect(!keys.text.contains(secret)) }
      #expect(await hsm.send(.GET, "/metadata/endpoints?api-version=2022-09-01").json["suffixes"]?["mhsmDns"]?.string == "managedhsm.example:8443")
      #expect(await hsm.send(.GET, "/common/discovery/instance").json["tenant_discovery_endpoint"]?.string?.hasPrefix(base) == true)
    }
    #expect(records.isEmpty)
  }

  @Test("Another tenant, another method and near paths are not the authority's")
  func notTheAuthority() async throws {
    let hsm = try HSM()
    for path in ["/99999999-0000-4000-8000-000000000000/oauth2/v2.0/token", "/\(HSM.tenant)/oauth2/v3.0/token", "/\(HSM.tenant)", "/\(HSM.tenant)/oauth2/v2.0/token/x", "/keys/oauth2/token"] {
      #expect(await hsm.send(.POST, path).status == 401, "\(path)")
    }
    #expect(await hsm.send(.GET, "/\(HSM.tenant)/oauth2/v2.0/token").status == 405)
    #expect(await hsm.send(.DELETE, "/\(HSM.tenant)/discovery/v2.0/keys").status == 405)
  }

  // MARK: - Graph

  @Test("Principal ids are resolved to their names, unknown ones left out")
  func byIDs() async throws {
    let hsm = try HSM()
    let token = try hsm.token(HSM.user, audience: "\(HSM.resource)/graph", surface: .graph)
    let body: JSONValue = ["ids": [.string(HSM.officer.text), .string(HSM.build.text), "99999999-9999-4999-8999-999999999999", "no guid"], "types": ["user"]]
    let (reply, records) = try await hsm.recorded { await hsm.send(.POST, "/graph/v1.0/directoryObjects/getByIds", bearer: token, body.serialized()) }
    #expect(reply.status == 200, "\(reply.text)")
    let entries = try #require(reply.json["value"]?.array)
    #expect(Set(entries.compactMap { $0["displayName"]?.string }) == ["Otto", "build"])
    #expect(entries.first { $0["displayName"]?.string == "Otto" }?["@odata.type"]?.string == "#microsoft.graph.user")
    #expect(entries.first { $0["displayName"]?.string == "build" }?["servicePrincipalNames"] == [.string(HSM.buildClient.text)])
    #expect(records.count == 1 && records.first?.entry.operation == .principalRead)
    for bad in [["ids": 1], ["ids": [1]], "x", ["ids": .array([JSONValue](repeating: "x", count: 1001))]] as [JSONValue] {
      #expect(await hsm.send(.POST, "/graph/v1.0/directoryObjects/getByIds", bearer: token, bad.serialized()).status == 400)
    }
  }

  @Test("The directory changes only for who may assign roles at /, and every change is recorded")
  func directoryChanges() async throws {
    let hsm = try HSM()
    let graph = "\(HSM.resource)/graph"
    let id = HSM.build.text
    for (method, path, body) in [
      (HTTPMethod.POST, "/graph/v1.0/applications", ["displayName": "x"]), (.POST, "/graph/v1.0/users", ["displayName": "x"]), (.POST, "/graph/v1.0/servicePrincipals", ["appId": "x"]),
      (.DELETE, "/graph/v1.0/users/\(HSM.user)", nil), (.DELETE, "/graph/v1.0/applications/\(id)", nil), (.PATCH, "/graph/v1.0/applications/\(id)", ["keyCredentials": []]),
      (.POST, "/graph/v1.0/applications/\(id)/federatedIdentityCredentials", ["name": "n", "issuer": "https://evil.example", "subject": "*"]),
      (.DELETE, "/graph/v1.0/applications/\(id)/federatedIdentityCredentials/main", nil),
    ] as [(HTTPMethod, String, JSONValue?)] {
      for principal in [HSM.user, HSM.nobody] {
        let (reply, records) = try await hsm.recorded {
          await hsm.send(method, path, bearer: try hsm.token(principal, audience: graph, surface: .graph), body?.serialized() ?? [])
        }
        #expect(reply.status == 403 && reply.code == "AccessDenied", "\(method) \(path): \(reply.text)")
        #expect(records.count == 1 && records.first?.entry.decision == .deny)
      }
    }
    #expect(hsm.directory.entry(HSM.build)?.federated.count == 1)
    #expect(hsm.directory.entry(HSM.user) != nil)
  }

  @Test("A token for the HSM does not open Graph, nor one for Graph the HSM")
  func surfaces() async throws {
    let hsm = try HSM()
    let graph = try hsm.token(HSM.admin, audience: "\(HSM.resource)/graph", surface: .graph)
    #expect(await hsm.send(.GET, "/settings", bearer: graph).status == 401)
    #expect(await hsm.send(.GET, "/graph/v1.0/me", bearer: graph).status == 200)
  }

  @Test("Paths of Graph that nobody needs are 404 after authentication")
  func graphPaths() async throws {
    let hsm = try HSM()
    let token = try hsm.token(HSM.admin, audience: "\(HSM.resource)/graph", surface: .graph)
    for path in ["/graph/", "/graph/v1.0", "/graph/v1.0/", "/graph/v1.0/drives", "/graph/v1.0/users/no-guid", "/graph/v1.0/users/a/b/c/d", "/graph/v1.0/applications/%zz"] {
      #expect(await hsm.send(.GET, path, bearer: token).status == 404, "\(path)")
      #expect(await hsm.send(.GET, path).status == 401)
    }
  }

  // MARK: - Issuers

  @Test("Trust in an issuer is added and removed only by who may assign roles, and a misspelt restriction is an error")
  func issuers() async throws {
    let hsm = try HSM()
    let path = "/hallmark/v1/issuers"
    let good: JSONValue = ["issuer": "https://gitlab.example"]
    for principal in [HSM.user, HSM.nobody] {
      let (reply, records) = try await hsm.recorded { try await hsm.send(.POST, path, as: principal, good) }
      #expect(reply.status == 403 && records.count == 1 && records.first?.entry.operation == .issuerCreate && records.first?.entry.decision == .deny)
      #expect(try await hsm.send(.DELETE, path + "?issuer=\(HSM.github)", as: principal).status == 403)
    }
    for bad in [
      [:], ["issuer": 1], ["issuer": "https://x.example", "audience": ["a"]], ["issuer": "https://x.example", "jwks": "x"], ["issuer": "https://x.example", "jwks": ["keys": [["kty": "oct", "k": "AA"]]]],
      ["issuer": "https://x.example", "accessTokens": true], ["issuer": "https://x.example", "accessTokens": "yes"], ["issuer": "https://x.example", "accessTokens": true, "tenant": "x"], "x",
    ] as [JSONValue] { #expect(try await hsm.send(.POST, path, as: HSM.admin, bad).status == 400, "\(bad)") }
    let (created, records) = try await hsm.recorded { try await hsm.send(.POST, path, as: HSM.admin, good) }
    #expect(created.status == 201 && records.first?.entry.reason?.contains("https://gitlab.example") == true)
    let listed = try await hsm.send(.GET, path, as: HSM.admin)
    #expect(listed.json["issuers"]?.array?.contains { $0["issuer"]?.string == "https://gitlab.example" } == true)
    #expect(try await hsm.send(.DELETE, path + "?issuer=https%3A%2F%2Fgitlab.example", as: HSM.admin).status == 204)
    #expect(try await hsm.send(.DELETE, path, as: HSM.admin).status == 400)
    #expect(try await hsm.send(.PUT, path, as: HSM.admin, good).status == 405)
  }

  // MARK: - Probes

  @Test("Probes answer without a token and without a record, and the metrics are Prometheus text with bounded labels")
  func probes() async throws {
    let hsm = try HSM()
    try await hsm.createKey("secret-project")
    _ = try await hsm.send(.GET, "/keys/secret-project", as: HSM.user)
    _ = try await hsm.send(.GET, "/keys", as: HSM.nobody)
    let (reply, records) = try await hsm.recorded { await hsm.send(.GET, "/metrics") }
    #expect(records.isEmpty)
    #expect(reply.value("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
    var counts: [String: Double] = [:]
    var types: Set<Substring> = []
    for line in reply.text.split(separator: "\n") {
      if line.hasPrefix("# TYPE ") { types.insert(line.split(separator: " ")[2]) }
      if line.hasPrefix("#") { continue }
      let parts = line.split(separator: " ")
      try #require(parts.count == 2, "\(line)")
      #expect(types.contains { parts[0].hasPrefix($0) }, "\(line) has no type")
      let value = try #require(Double(String(parts[1])), "\(line)")
      counts[String(parts[0])] = value
    }
    #expect(reply.text.hasSuffix("\n"))
    #expect(counts[#"hallmark_requests_total{operation="key.create",status="2xx"}"#] == 1)
    #expect(counts[#"hallmark_requests_total{operation="key.read",status="2xx"}"#] == 1)
    #expect(counts[#"hallmark_requests_total{operation="key.list",status="4xx"}"#] == 1)
    #expect(counts["hallmark_request_seconds_count"] == 3)
    #expect(counts[#"hallmark_request_seconds_bucket{le="+Inf"}"#] == 3)
    #expect(counts["hallmark_activated"] == 1)
    // Buckets only grow.
    let buckets = reply.text.split(separator: "\n").filter { $0.hasPrefix("hallmark_request_seconds_bucket") }.compactMap { Int($0.split(separator: " ")[1]) }
    #expect(buckets == buckets.sorted() && buckets.count == 16)
    for leak in ["secret-project", HSM.user.text, "Uma"] { #expect(!reply.text.contains(leak)) }
    #expect(await hsm.send(.GET, "/healthz").text == "ok\n")
    #expect(await hsm.send(.GET, "/readyz").status == 200)
    // Near the probes' names there is only the data plane.
    for path in ["/healthz/", "/metrics/x", "/Metrics", "/readyz2"] { #expect(await hsm.send(.GET, path).status == 401, "\(path)") }
  }

  @Test("The audit trail is read by who may and by nobody else, and reading it is recorded")
  func auditReading() async throws {
    let hsm = try HSM()
    try await hsm.createKey("release")
    for path in ["/hallmark/v1/audit/records", "/hallmark/v1/audit/export", "/hallmark/v1/audit/checkpoint", "/hallmark/v1/keys/release/history", "/hallmark/v1/trace?digest=sha256:00"] {
      for principal in [HSM.user, HSM.nobody] {
        let (reply, records) = try await hsm.recorded { try await hsm.send(.GET, path, as: principal) }
        #expect(reply.status == 403, "\(path)")
        #expect(records.count == 1 && records.first?.entry.operation == .auditRead && records.first?.entry.decision == .deny)
      }
    }
    let (reply, records) = try await hsm.recorded { try await hsm.send(.GET, "/hallmark/v1/audit/records?operation=key.create", as: HSM.admin) }
    #expect(reply.json["records"]?.array?.compactMap { $0["key"]?.string } == ["release"], "\(reply.text)")
    #expect(records.count == 1)
    for bad in ["limit=0", "limit=10001", "limit=x", "after=-1", "after=x", "since=yesterday", "until=2026", "operation=fly", "decision=maybe", "digest=sha256:00", "digest=md5:00", "digest=zz"] {
      #expect(try await hsm.send(.GET, "/hallmark/v1/audit/records?\(bad)", as: HSM.admin).status == 400, "\(bad)")
    }
  }
}
