import Access
import Audit
import Clocks
import Crypto
import Encodings
import JOSE
import Ledger
import ManagedHSMService
import ManagedHSMWire
import NIOHTTP1
import Testing

@Suite("The record behind every reply")
struct AuditTests {
  static let digest = [UInt8](repeating: 0xA5, count: 32)

  @Test("A signature is recorded with key, version, algorithm, digest, engine and the assignment that permitted it")
  func signature() async throws {
    let hsm = try HSM()
    let kid = try await hsm.createKey("release")
    let assignment = try hsm.grant("21dbd100-6940-42c2-9190-5d6cb909625b", to: HSM.nobody, at: "/keys/release").id.text
    let (reply, records) = try await hsm.recorded {
      try await hsm.send(
        .POST, "/keys/release//sign?api-version=7.6", as: HSM.nobody, ["alg": "ES256", "value": .string(Base64URL.encode(Self.digest))],
        headers: ["x-ms-client-request-id": "c0ffee"])
    }
    #expect(reply.status == 200)
    #expect(records.count == 1)
    let entry = try #require(records.first?.entry)
    #expect(entry.operation == .sign && entry.decision == .allow && entry.status == 200)
    #expect(entry.key == "release" && entry.kid == kid && entry.version == kid.split(separator: "/").last.map(String.init))
    #expect(entry.algorithm == "ES256" && entry.digest == AuditDigest(.sha256, Self.digest))
    #expect(entry.engine == .software && entry.assignment == assignment)
    #expect(entry.principal?.objectID == HSM.nobody.text)
    #expect(entry.requestID == reply.value("x-ms-request-id") && entry.clientRequestID == "c0ffee")
    #expect(entry.store == "forge" && entry.callerAddress == "192.0.2.7" && entry.reason == nil)
    // The answer carries what the service's does, and the signature is real.
    #expect(reply.json.object?.names == ["alg", "kid", "value"])
    #expect(reply.json["kid"]?.string == kid)
    #expect(try Base64URL.decode(try #require(reply.json["value"]?.string)).count == 64)
  }

  @Test("What was refused for the body or the key's state is recorded as such, with its reason")
  func failures() async throws {
    let hsm = try HSM()
    try await hsm.createKey("release")
    let value = Base64URL.encode(Self.digest)
    for (path, body, status, decision) in [
      ("/keys/release/sign", ["alg": "ES257", "value": .string(value)], 400, AuditDecision.allow),
      ("/keys/release/sign", ["alg": "ES256", "value": "AAAA"], 400, .allow), ("/keys/absent0/sign", ["alg": "ES256", "value": .string(value)], 404, .allow),
      ("/keys/release/sign", "text", 400, .allow),
    ] as [(String, JSONValue, Int, AuditDecision)] {
      let (reply, records) = try await hsm.recorded { try await hsm.send(.POST, path, as: HSM.user, body) }
      #expect(reply.status == status)
      #expect(records.count == 1)
      #expect(records.first?.entry.operation == .sign && records.first?.entry.status == status && records.first?.entry.decision == decision)
      #expect(records.first?.entry.assignment != nil)
      #expect(records.first?.entry.reason?.isEmpty == false)
    }
  }

  @Test("A change of rights says what was changed")
  func change() async throws {
    let hsm = try HSM()
    let (_, records) = try await hsm.recorded {
      try await hsm.send(
        .PUT, "/keys/release/providers/Microsoft.Authorization/roleAssignments/99999999-9999-4999-8999-999999999999", as: HSM.officer,
        ["properties": ["roleDefinitionId": "21dbd100-6940-42c2-9190-5d6cb909625b", "principalId": .string(HSM.nobody.text)]])
    }
    let entry = try #require(records.first?.entry)
    #expect(entry.operation == .roleAssignmentCreate && entry.status == 201 && entry.decision == .allow)
    let reason = try #require(entry.reason)
    for part in ["21dbd100-6940-42c2-9190-5d6cb909625b", HSM.nobody.text, "/keys/release"] { #expect(reason.contains(part)) }
  }

  // MARK: - Tokens

  @Test("A request without a token is challenged and leaves no record, whatever it asks")
  func anonymous() async throws {
    let hsm = try HSM()
    for (method, path) in [
      (HTTPMethod.GET, "/keys"), (.POST, "/keys/k/create"), (.PUT, "/keys/k"), (.DELETE, "/keys/k"), (.GET, "/no/such/path"), (.POST, "/keys/k/sign?api-version=%zz"),
      (.PATCH, "/settings/x"), (.GET, "/graph/v1.0/me"), (.GET, "/hallmark/v1/audit/records"), (.POST, "/hallmark/v1/issuers"), (.GET, "/subscriptions"), (.TRACE, "/keys"),
    ] {
      let (reply, records) = try await hsm.recorded { await hsm.send(method, path, Array("{broken".utf8)) }
      #expect(reply.status == 401, "\(method) \(path)")
      #expect(records.isEmpty)
      #expect(
        reply.values("WWW-Authenticate") == [#"Bearer authorization="\#(HSM.resource)/\#(HSM.tenant.text)", resource="\#(HSM.resource)""#])
      #expect(reply.body == (method == .GET ? Array("OK".utf8) : []))
      #expect(reply.value("Content-Type") == "application/json; charset=utf-8")
      #expect(reply.value("x-ms-keyvault-region") == nil && reply.value("x-ms-keyvault-network-info") == nil)
      #expect((reply.value("x-ms-build-version") != nil) == (method == .GET))
    }
  }

  @Test("A token that is not accepted is refused with the challenge and one record that names nobody")
  func refusedTokens() async throws {
    let hsm = try HSM()
    let other = P256.Signing.PrivateKey()
    let unsigned = "eyJhbGciOiJub25lIn0." + Base64URL.encode(Array(#"{"iss":"\#(hsm.authority.settings.issuer)","oid":"\#(HSM.user.text)","aud":"\#(HSM.resource)"}"#.utf8)) + "."
    let hmac = Base64URL.encode(Array(#"{"alg":"HS256"}"#.utf8)) + "." + Base64URL.encode(Array("{}".utf8)) + ".AAAA"
    let good = try hsm.token(HSM.user)
    let cases: [(String, String)] = [
      ("not a token", "garbage"), ("nothing", ""), ("dots", ".."), ("alg none", unsigned), ("symmetric", hmac), ("cut short", String(good.dropLast(3))), ("with a tail", good + "x"),
      ("another key", try hsm.forgedToken(key: other)), ("expired", try hsm.forgedToken(["exp": .integer(hsm.clock.now - 1)])),
      ("early", try hsm.forgedToken(["nbf": .integer(hsm.clock.now + 3600), "exp": .integer(hsm.clock.now + 7200)])),
      ("foreign audience", try hsm.forgedToken(["aud": "https://vault.azure.net"])), ("no audience", try hsm.forgedToken(removing: ["aud"])),
      ("foreign issuer", try hsm.forgedToken(["iss": "https://evil.example"])), ("federation issuer", try hsm.forgedToken(["iss": .string(HSM.github)], key: hsm.githubKey)),
      ("foreign tenant", try hsm.forgedToken(["tid": "99999999-0000-4000-8000-000000000000"])), ("no object id", try hsm.forgedToken(removing: ["oid"])),
      ("no expiry", try hsm.forgedToken(removing: ["exp"])), ("unknown person", try hsm.forgedToken(["oid": "99999999-0000-4000-8000-00000000aaaa"])),
      ("too long", String(repeating: "a", count: 20_000)),
    ]
    #expect(cases.count == 19)
    // The forged tokens are refused for what was changed, not for how they are made.
    #expect(await hsm.send(.GET, "/keys", bearer: try hsm.forgedToken()).status == 200)
    for (what, token) in cases {
      let (reply, records) = try await hsm.recorded { await hsm.send(.GET, "/keys", bearer: token) }
      #expect(reply.status == 401, "\(what): \(reply.text)")
      #expect(reply.values("WWW-Authenticate").count == 1, "\(what)")
      #expect(records.count == 1, "\(what)")
      let entry = try #require(records.first?.entry)
      #expect(entry.principal == nil && entry.operation == .tokenAuthenticate && entry.decision == .deny && entry.status == 401, "\(what)")
      #expect(entry.reason?.isEmpty == false)
      // No part of the token gets into the answer or the trail.
      if token.utf8.count > 30 { #expect(!reply.text.contains(token.suffix(25)) && !(entry.reason ?? "").contains(token.suffix(25))) }
    }
  }

  @Test("An Authorization header that is no bearer token is refused and recorded", arguments: ["Basic dTpw", "Bearer", "Bearer ", "Token x", "pop x", "bearer", "mtls_pop abc"])
  func otherSchemes(_ header: String) async throws {
    let hsm = try HSM()
    let (reply, records) = try await hsm.recorded { await hsm.send(.GET, "/keys", headers: ["Authorization": header]) }
    #expect(reply.status == 401 && reply.values("WWW-Authenticate").count == 1)
    #expect(records.count == 1 && records.first?.entry.principal == nil)
  }

  @Test("The scheme's letter case does not matter")
  func schemeCase() async throws {
    let hsm = try HSM()
    let token = try hsm.token(HSM.user)
    for scheme in ["bearer", "BEARER", "Bearer"] { #expect(await hsm.send(.GET, "/keys", headers: ["authorization": "\(scheme) \(token)"]).status == 200) }
  }

  // MARK: - A trail that fails

  @Test("No reply leaves before its record is durable")
  func held() async throws {
    let hsm = try HSM()
    hsm.ledger.hold()
    let token = try hsm.token(HSM.user)
    async let pending = hsm.send(.GET, "/keys", bearer: token)
    let deadline = ContinuousClock.now + .seconds(10)
    while hsm.ledger.heldCount == 0, ContinuousClock.now < deadline { await Task.yield() }
    // The work is done and recorded, and the answer waits for the medium.
    #expect(hsm.ledger.heldCount == 1)
    #expect(hsm.ledger.lines.count == 1)
    hsm.ledger.release()
    #expect(await pending.status == 200)
  }

  @Test(
    "When the record does not become durable the answer is 503 and nothing of the operation",
    arguments: [LedgerError.queueFull(limit: 4096), .writeFailed(operation: "flush", errno: 28), .closed])
  func broken(_ failure: LedgerError) async throws {
    let hsm = try HSM()
    try await hsm.createKey("release")
    hsm.ledger.fail(failure)
    let value = JSONValue.string(Base64URL.encode(Self.digest))
    for (method, path, body) in [
      (HTTPMethod.POST, "/keys/release/sign", ["alg": "ES256", "value": value]), (.GET, "/keys/release", nil), (.GET, "/keys", nil), (.POST, "/rng", ["count": 16]),
      (.POST, "/keys/other/create", ["kty": "EC"]), (.GET, "/providers/Microsoft.Authorization/roleDefinitions", nil), (.GET, "/no/such/path", nil),
    ] as [(HTTPMethod, String, JSONValue?)] {
      let reply = try await hsm.send(method, path, as: HSM.user, body)
      #expect(reply.status == 503, "\(path)")
      #expect(reply.code == "ServiceUnavailable")
      #expect(reply.value("Retry-After") != nil)
      #expect(reply.json.object?.names == ["error"])
      for leak in ["\"value\"", "\"kid\"", "\"key\"", "\"attributes\""] { #expect(!reply.text.contains(leak), "\(path)") }
    }
    // A refused token, too, and the token endpoint.
    #expect(await hsm.send(.GET, "/keys", bearer: "garbage").status == 503)
    #expect(try await hsm.send(.POST, "/\(HSM.tenant)/oauth2/v2.0/token", as: nil, nil).status == 503)
    // The challenge and the probes tell nothing and still answer.
    #expect(await hsm.send(.GET, "/keys").status == 401)
    #expect(await hsm.send(.GET, "/healthz").status == 200)
    #expect(await hsm.send(.GET, "/metrics").text.contains("hallmark_audit_failures_total"))
  }

  @Test("After a full queue has drained the same request succeeds")
  func recovers() async throws {
    let hsm = try HSM()
    hsm.ledger.fail(.queueFull(limit: 1))
    #expect(try await hsm.send(.GET, "/keys", as: HSM.user).status == 503)
    hsm.ledger.fail(nil)
    #expect(try await hsm.send(.GET, "/keys", as: HSM.user).status == 200)
  }

  @Test("Every record of a busy minute reads back, in order and without gaps")
  func sequences() async throws {
    let hsm = try HSM()
    try await hsm.createKey("release")
    let token = try hsm.token(HSM.user)
    let body: JSONValue = ["alg": "ES256", "value": .string(Base64URL.encode(Self.digest))]
    let statuses = await withTaskGroup(of: Int.self) { group in
      for index in 0..<64 {
        group.addTask { await hsm.send(.POST, index % 4 == 0 ? "/keys/absent0/sign" : "/keys/release/sign", bearer: token, body.serialized()).status }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(statuses.filter { $0 == 200 }.count == 48 && statuses.filter { $0 == 404 }.count == 16)
    let records = try hsm.ledger.records()
    #expect(records.map(\.sequence) == Array(1...UInt64(records.count)))
    #expect(records.filter { $0.entry.operation == .sign }.count == 64)
    #expect(Set(records.compactMap(\.entry.requestID)).count == records.count)
  }
}
