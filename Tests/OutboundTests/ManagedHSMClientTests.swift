import Clocks
import Crypto
import Encodings
import Foundation
import Outbound
import Signing
import SigstoreFormats
import Synchronization
import Testing
import Trust

/// A credential that hands out numbered tokens and keeps what was asked.
private final class CountingCredential: Credential {
  let name = "counting"
  private let asked = Mutex<[TokenRequest]>([])
  var requests: [TokenRequest] { asked.withLock { $0 } }

  func token(_ request: TokenRequest) async throws(CredentialError) -> AccessToken {
    let count = asked.withLock { $0.append(request); return $0.count }
    return try AccessToken("token\(count)", expires: Instant(seconds: 10_000).seconds)
  }
}

@Suite("Client of a service")
struct ManagedHSMClientTests {
  static let challenge: [(name: String, value: String)] = [
    ("www-authenticate", #"Bearer authorization="https://login.example.org/tenant-1", resource="https://example.org""#)
  ]

  private func client(_ transport: ScriptedTransport, _ credential: any Credential, url: String = "https://hsm.example.org") throws -> ManagedHSMClient {
    ManagedHSMClient(
      address: try ServiceAddress(url), exchange: RetryingExchange(transport, pause: Waits().pause), credential: credential,
      clock: .fixed(Instant(seconds: 0)))
  }

  @Test("The first call asks with a bodiless copy, without token; later calls reuse what was learnt")
  func probe() async throws {
    let transport = ScriptedTransport([
      .success(OutboundReply(status: 401, headers: Self.challenge)), .success(.json(200, "{}")), .success(.json(200, "{}")),
    ])
    let credential = CountingCredential()
    let client = try client(transport, credential)
    _ = try await client.call("POST", "/keys/a/create", body: ["kty": "EC"], replay: .onlyIfNotPerformed)
    _ = try await client.call("GET", "/keys")
    let requests = transport.requests
    try #require(requests.count == 3)
    #expect(requests[0].method == "POST" && requests[0].url == requests[1].url)
    #expect(requests[0].body.isEmpty && requests[0].header("authorization") == nil && requests[0].header("content-type") == nil)
    #expect(requests[1].header("authorization") == "Bearer token1" && !requests[1].body.isEmpty)
    #expect(requests[2].header("authorization") == "Bearer token1")
    #expect(requests.allSatisfy { $0.header("x-ms-client-request-id")?.utf8.count == 36 && $0.url.contains("api-version=7.4") })
    #expect(credential.requests == [TokenRequest(scope: "https://example.org/.default", tenant: "tenant-1")])
  }

  @Test("A token that is refused is replaced once, then the refusal stands")
  func refusedToken() async throws {
    let refusal = OutboundReply(status: 401, headers: Self.challenge)
    let transport = ScriptedTransport(Array(repeating: .success(refusal), count: 5))
    let credential = CountingCredential()
    let client = try client(transport, credential)
    await #expect(throws: OutboundError.self) { try await client.call("GET", "/keys") }
    #expect(credential.requests.count == 2)
    #expect(transport.requests.count == 3)
  }

  @Test("A claims challenge is answered with the claims")
  func claims() async throws {
    let claims = #"{"access_token":{"nbf":{"essential":true}}}"#
    let transport = ScriptedTransport([
      .success(OutboundReply(status: 401, headers: Self.challenge)),
      .success(
        OutboundReply(
          status: 401,
          headers: [("www-authenticate", "Bearer realm=\"\", error=\"insufficient_claims\", claims=\"\(Base64.encode(claims.utf8))\"")])),
      .success(.json(200, "{}")),
    ])
    let credential = CountingCredential()
    _ = try await client(transport, credential).call("GET", "/keys")
    #expect(credential.requests.last?.claims == claims)
  }

  @Test("Without a usable challenge nothing is asked of the credential", arguments: [
    (200, nil), (401, nil), (401, "Basic"), (401, #"Bearer authorization="https://l/t""#),
    (401, #"Bearer authorization="https://l/t", resource="https://vault.azure.net""#), (500, nil),
  ] as [(Int, String?)])
  func noChallenge(_ status: Int, _ header: String?) async throws {
    let reply = OutboundReply(status: status, headers: header.map { [("www-authenticate", $0)] } ?? [])
    let credential = CountingCredential()
    let client = try client(ScriptedTransport(Array(repeating: .success(reply), count: 4)), credential)
    await #expect(throws: OutboundError.self) { try await client.call("GET", "/keys") }
    #expect(credential.requests.isEmpty)
  }

  @Test("On an Azure host a challenge for another resource is not believed")
  func azureHost() async throws {
    let reply = OutboundReply(status: 401, headers: [("www-authenticate", #"Bearer authorization="https://l/t", resource="https://azure.net""#)])
    let credential = CountingCredential()
    let client = try client(ScriptedTransport([.success(reply)]), credential, url: "https://nw.managedhsm.azure.net")
    await #expect(throws: OutboundError.self) { try await client.call("GET", "/keys") }
    #expect(credential.requests.isEmpty)
  }

  @Test("An error answer keeps the service's code, message and request id")
  func refusal() async throws {
    let transport = ScriptedTransport([
      .success(.json(403, #"{"error":{"code":"AccessDenied","message":"Not authorized"}}"#, [("x-ms-request-id", "r-1")]))
    ])
    let client = try client(transport, FixedTokenCredential(text: "secret-token", origin: "test"))
    do {
      _ = try await client.call("GET", "/keys/a/", query: [("q", "v")])
      Issue.record("the refusal was swallowed")
    } catch {
      guard case .refused(let refusal) = error else { throw error }
      #expect(refusal.status == 403 && refusal.code == "AccessDenied" && refusal.requestID == "r-1" && refusal.url == "https://hsm.example.org/keys/a/")
      #expect(!"\(error)".contains("secret-token"))
    }
  }

  @Test("A next link to another host is not followed")
  func nextLink() async throws {
    for next in ["https://evil.example/keys", "https://hsm.example.org.evil.example/keys", "http://hsm.example.org/keys", "//evil"] {
      let transport = ScriptedTransport([.success(.json(200, #"{"value":[],"nextLink":"\#(next)"}"#))])
      let client = try client(transport, FixedTokenCredential(text: "t", origin: "test"))
      await #expect(throws: OutboundError.self) { try await client.list("/keys") }
      #expect(transport.requests.count == 1)
    }
  }

  @Test("Tokens do not show in descriptions, and texts that could break a header are no tokens")
  func tokens() throws {
    let token = try AccessToken("very-secret", expires: nil)
    var dumped = ""
    dump(token, to: &dumped)
    #expect(!"\(token) \(String(reflecting: token)) \(dumped)".contains("very-secret"))
    for text in ["", "a b", "a\r\nx: y", "ä", String(repeating: "a", count: 40_000)] {
      #expect(throws: CredentialError.self) { try AccessToken(text, expires: nil) }
    }
  }

  // MARK: Signing

  static let version = String(repeating: "a", count: 32)

  private func pinned() throws -> PinnedKey {
    PinnedKey(
      kid: "https://hsm.example.org/keys/k/\(Self.version)", name: "k", version: Self.version,
      publicKey: try PublicKey(spki: Array(P256.Signing.PrivateKey().publicKey.derRepresentation)))
  }

  @Test("Each sign attempt is in the ledger, and the result says how many may have been performed")
  func ledger() async throws {
    let answer = #"{"kid":"https://hsm.example.org/keys/k/\#(Self.version)","value":"AAAA"}"#
    let transport = ScriptedTransport([
      .failure(.dropped("reset")), .success(OutboundReply(status: 503, headers: [("x-ms-request-id", "r-1")])),
      .success(.json(200, answer, [("x-ms-request-id", "r-2")])),
    ])
    let lines = Lines()
    let signing = RemoteSigning(
      client: try client(transport, FixedTokenCredential(text: "t", origin: "test")), ledger: lines.ledger, clock: .fixed(Instant(seconds: 0)))
    let digest = MessageDigest(algorithm: .sha256, bytes: [UInt8](repeating: 1, count: 32))
    let result = try await signing.sign(digest, scheme: .es256, key: try pinned())
    #expect(result.attempts == 3 && result.requestID == "r-2")
    let records = lines.all
    try #require(records.count == 3)
    #expect(records.map { $0["decision"] } == ["deny", "deny", "allow"])
    #expect(records.map { $0["requestId"] } == [.null, "r-1", "r-2"])
    #expect(records.allSatisfy { $0["schema"] == "hallmark.audit/v1" && $0["digest"] == .string(digest.text) && $0["operation"] == "sign" })
    #expect(transport.requests.allSatisfy { $0.url.hasPrefix("https://hsm.example.org/keys/k/\(Self.version)/sign?") })
  }

  @Test("A refused signing is in the ledger too")
  func refusedSigning() async throws {
    let lines = Lines()
    let transport = ScriptedTransport([.success(.json(403, "{}", [("x-ms-request-id", "r-1")]))])
    let signing = RemoteSigning(client: try client(transport, FixedTokenCredential(text: "t", origin: "test")), ledger: lines.ledger)
    let digest = MessageDigest(algorithm: .sha256, bytes: [UInt8](repeating: 1, count: 32))
    await #expect(throws: OutboundError.self) { try await signing.sign(digest, scheme: .es256, key: try pinned()) }
    #expect(lines.all.map { $0["status"] } == [403])
  }

  @Test("A key answer for another name or version is refused")
  func pinning() throws {
    let raw = Array(P256.Signing.PrivateKey().publicKey.rawRepresentation)
    func bundle(_ kid: String) -> JSONValue {
      ["key": ["kid": .string(kid), "kty": "EC-HSM", "crv": "P-256", "x": .string(Base64URL.encode(raw[..<32])), "y": .string(Base64URL.encode(raw[32...]))]]
    }
    let wanted = KeyReference(store: nil, name: "k", version: Self.version)
    #expect(try RemoteSigning.pinned(bundle("https://h/keys/k/\(Self.version)"), url: "u", wanted: wanted).version == Self.version)
    for kid in ["https://h/keys/other/\(Self.version)", "https://h/keys/k/\(String(repeating: "b", count: 32))", "https://h/keys/k", "k", ""] {
      #expect(throws: OutboundError.self) { try RemoteSigning.pinned(bundle(kid), url: "u", wanted: wanted) }
    }
  }

  private final class Lines: Sendable {
    private let list = Mutex<[JSONValue]>([])
    var all: [JSONValue] { list.withLock { $0 } }
    var ledger: SigningLedger { SigningLedger { line in let value = try JSONValue.parse(line); self.list.withLock { $0.append(value) } } }
  }
}
