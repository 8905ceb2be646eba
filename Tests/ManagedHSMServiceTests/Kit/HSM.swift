import Audit
import Clocks
import Crypto
import Encodings
import JOSE
import Ledger
import ManagedHSMWire
import NIOCore
import NIOHTTP1
import Secrets
import SoftwareEngine
import Synchronization
import Testing

@testable import Access
@testable import Custody
@testable import ManagedHSMService

/// One HSM in memory behind its real responder: every core is the real one, only what keeps bytes is a double. No sockets.
final class HSM: Sendable {
  static let tenant = TenantID("6b1f0c52-9b0e-4f1d-8c55-0f5a3a7f2d10")!
  static let admin = PrincipalID("11111111-1111-4111-8111-111111111111")!
  static let officer = PrincipalID("22222222-2222-4222-8222-222222222222")!
  static let user = PrincipalID("33333333-3333-4333-8333-333333333333")!
  static let nobody = PrincipalID("44444444-4444-4444-8444-444444444444")!
  static let build = PrincipalID("55555555-5555-4555-8555-555555555555")!
  static let buildClient = ApplicationID("66666666-6666-4666-8666-666666666666")!
  static let github = "https://token.actions.githubusercontent.com"
  static let url = "https://forge.managedhsm.example:8443"
  static let resource = "https://managedhsm.example:8443"
  /// Threads are shared by all tests.
  private static let lanes = Lanes(cores: 2)

  let ledger = MemoryLedger()
  let keyStore = MemoryKeyStore()
  let chainStore: MemoryChainStore
  let accessStore = InMemoryAccessStore()
  let state: MemoryStateStore
  let clock = TurnedClock()
  let access: AccessControl
  let directory: Directory
  let authority: TokenAuthority
  let keyring: Keyring
  let service: HSMService
  let identity: ServiceIdentity
  let adminKey = P256.Signing.PrivateKey()
  let githubKey = P256.Signing.PrivateKey()
  /// The authority's own key: a test may sign with it what the authority never would.
  let authorityKey = P256.Signing.PrivateKey()
  private let tokens = Mutex<[String: String]>([:])

  /// A clock the test turns.
  final class TurnedClock: Sendable {
    private let instant = Mutex(Instant(seconds: 1_800_000_000))
    var now: Int64 { instant.withLock { $0.seconds } }
    func advance(_ seconds: Int64) { instant.withLock { $0 = $0.advanced(bySeconds: seconds) } }
    var source: TimeSource { TimeSource { self.instant.withLock { $0 } } }
  }

  init(
    active: Bool = true, purgeProtection: Bool = false, limits: CustodyLimits = .none, roleLimits: RoleLimits = .standard, lanes: Lanes = HSM.lanes
  ) throws {
    state = MemoryStateStore(active ? ["activation": Array("active".utf8)] : [:])
    let secret = SecretBytes(random: 32) { Entropy.system.bytes($0) }
    let partition = try #require(PartitionKey(secret))
    let identity = try #require(
      ServiceIdentity(name: "forge", host: "forge.managedhsm.example", port: 8443, tenant: Self.tenant, region: "test-region", build: "0.0.0-test"))
    self.identity = identity
    let hsmID = "7d5c2f7e-0000-4000-8000-000000000001"
    let rows = try SealedRows(store: accessStore, seal: RowSeal(mac: RowMAC(key: partition.subkey(.accessRows)), hsm: hsmID))
    access = try AccessControl(rows: rows, time: clock.source, entropy: .system, limits: roleLimits)
    directory = try Directory(tenantID: Self.tenant, rows: rows, access: access)
    try directory.initialise(
      [
        DirectoryEntry(
          objectID: Self.admin, kind: .user, displayName: "Ada", userPrincipalName: "ada@forge.example",
          keys: [RegisteredKey(name: "laptop", key: JWK(adminKey.publicKey).publicPart)]),
        DirectoryEntry(objectID: Self.officer, kind: .user, displayName: "Otto"), DirectoryEntry(objectID: Self.user, kind: .user, displayName: "Uma"),
        DirectoryEntry(objectID: Self.nobody, kind: .user, displayName: "Nemo"),
        DirectoryEntry(
          objectID: Self.build, kind: .servicePrincipal, displayName: "build", clientID: Self.buildClient,
          federated: [FederatedCredential(name: "main", issuer: Self.github, subject: .exact("repo:o/r:ref:refs/heads/main"))]),
      ],
      issuers: [
        TrustedIssuer(issuer: Self.github, keys: .inline([JWK(githubKey.publicKey).publicPart], keyIDs: ["g1"]), algorithms: [.es256]),
        TrustedIssuer(issuer: "https://slow.example", algorithms: [.es256], accessTokens: ExternalTenant(tenantID: TenantID("99999999-0000-4000-8000-000000000000")!)),
      ])
    try access.initialise(administrators: [Self.admin])
    chainStore = MemoryChainStore(keys: keyStore)
    keyring = try Keyring(
      hsm: try #require(HSMIdentity(hsmID)), partition: partition, engine: SoftwareEngine(partition), store: keyStore,
      recovery: try #require(RecoveryPolicy(days: 7, purgeProtection: purgeProtection)), limits: limits, time: clock.source)
    let issuerKeys = IssuerKeyring(time: clock.source)
    let settings = AuthoritySettings(
      tenantID: Self.tenant, issuer: "\(identity.authority)/\(Self.tenant)/v2.0", assertionAudiences: ["\(identity.authority)/\(Self.tenant)/oauth2/v2.0/token"],
      resources: ServiceResources.all(identity, acceptPublicAudience: true), verificationURI: "\(identity.authority)/devicelogin")
    let publicKeys = [JWK(authorityKey.publicKey)]
    authority = try TokenAuthority(
      settings: settings, directory: directory, rows: rows, keyring: issuerKeys, signer: P256JWSSigner(authorityKey), publicKeys: publicKeys, time: clock.source,
      entropy: .system)
    let validator = try TokenValidator(settings: settings, publicKeys: publicKeys, directory: directory, keyring: issuerKeys, time: clock.source)
    service = HSMService(
      HSMService.Parts(
        identity: identity, hsmID: hsmID, partitionKey: secret, access: access, directory: directory, authority: authority, validator: validator,
        issuerKeys: issuerKeys, fetchKeys: { _ in throw LedgerError.closed }, keyring: keyring,
        certificates: CertificateShelf(keyring: keyring, store: chainStore, rules: WordRules()), audit: AuditTrail(ledger: ledger, node: "node-1"),
        reader: MemoryReader(ledger: ledger), evidence: NoEvidence(), state: state, activation: try Activation(store: state), lanes: lanes, clock: clock.source,
        entropy: .system))
    try grant("515eb02d-2335-4d2d-92f2-b1cbdf9c3778", to: Self.officer)
    try grant("21dbd100-6940-42c2-9190-5d6cb909625b", to: Self.user)
  }

  // MARK: - What a test arranges

  @discardableResult
  func grant(_ role: String, to principal: PrincipalID, at scope: String = "/") throws -> RoleAssignment {
    let scope = try #require(Scope(scope))
    let admin = Principal(
      objectID: Self.admin, tenantID: Self.tenant, kind: .user, displayName: "Ada", issuer: authority.settings.issuer, subject: Self.admin.text)
    return try access.assign(
      try #require(RoleAssignmentID(Entropy.system.uuid())), role: try #require(RoleDefinitionID(role)), to: principal, at: scope,
      permit: access.permit(admin, .roleAssignmentsWrite, at: scope).get())
  }

  /// Puts another person into the directory.
  func add(_ id: PrincipalID) throws {
    let admin = Principal(
      objectID: Self.admin, tenantID: Self.tenant, kind: .user, displayName: "Ada", issuer: authority.settings.issuer, subject: Self.admin.text)
    try directory.put(
      DirectoryEntry(objectID: id, kind: .user, displayName: id.text), permit: access.permit(admin, .roleAssignmentsWrite, at: .root).get())
  }

  /// A bearer token of the embedded authority.
  func token(_ principal: PrincipalID, audience: String = HSM.resource, surface: TokenSurface = .hsm, seconds: Int64 = 3600) throws -> String {
    let name = "\(principal) \(audience) \(seconds) \(clock.now)"
    if let token = tokens.withLock({ $0[name] }) { return token }
    let token = try authority.mint(principal, resource: TokenResource(audience, surface), lifetimeSeconds: seconds).accessToken
    tokens.withLock { $0[name] = token }
    return token
  }

  /// A token with the claims of a good one, changed, and signed by `key`.
  func forgedToken(_ changes: JSONObject = [:], removing: [String] = [], key: P256.Signing.PrivateKey? = nil) throws -> String {
    var claims: JSONObject = [
      "aud": .string(Self.resource), "iss": .string(authority.settings.issuer), "iat": .integer(clock.now), "nbf": .integer(clock.now),
      "exp": .integer(clock.now + 600), "oid": .string(Self.user.text), "sub": .string(Self.user.text), "tid": .string(Self.tenant.text), "ver": "2.0",
    ]
    for member in changes.members { claims[member.name] = member.value }
    for name in removing { claims[name] = nil }
    return try JWS.compact(JSONValue.object(claims).serialized(), by: P256JWSSigner(key ?? authorityKey))
  }

  // MARK: - Requests

  /// A checked continuation under it: a second answer to one request would trap.
  func send(_ method: HTTPMethod, _ target: String, bearer: String? = nil, _ body: [UInt8] = [], headers: HTTPHeaders = [:]) async -> WireReply {
    var headers = headers
    if let bearer { headers.add(name: "Authorization", value: "Bearer \(bearer)") }
    let request = WireRequest(method: method, target: target, headers: headers, body: ByteBuffer(bytes: body), peer: "192.0.2.7", arrived: 0)
    return await withCheckedContinuation { continuation in service.respond(to: request) { continuation.resume(returning: $0) } }
  }

  func send(_ method: HTTPMethod, _ target: String, as principal: PrincipalID?, _ body: JSONValue? = nil, headers: HTTPHeaders = [:]) async throws -> WireReply {
    await send(method, target, bearer: try principal.map { try token($0) }, body?.serialized() ?? [], headers: headers)
  }

  /// The records that the requests within `body` left.
  func recorded<R>(_ body: () async throws -> R) async throws -> (R, [AuditRecord]) {
    let before = ledger.lines.count
    let result = try await body()
    return (result, try Array(ledger.records().dropFirst(before)))
  }

  /// Creates a key over the wire, as the Crypto User.
  @discardableResult
  func createKey(_ name: String, _ body: JSONValue = ["kty": "EC-HSM", "crv": "P-256"]) async throws -> String {
    let reply = try await send(.POST, "/keys/\(name)/create?api-version=7.6", as: Self.user, body)
    #expect(reply.status == 200, "\(reply.text)")
    return try #require(reply.json["key"]?["kid"]?.string)
  }
}

extension WireReply {
  var text: String { String(decoding: body, as: UTF8.self) }
  var json: JSONValue { (try? JSONValue.parse(body)) ?? .null }
  /// `error.code`.
  var code: String? { json["error"]?["code"]?.string }
  /// `error.message` without its Activity ID.
  var message: String? {
    guard let text = json["error"]?["message"]?.string else { return nil }
    return text.firstRange(of: " (Activity ID: ").map { String(text[..<$0.lowerBound]) } ?? text
  }
  func values(_ name: String) -> [String] { headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value) }
  func value(_ name: String) -> String? { values(name).first }
}
