import Clocks
import Crypto
import Encodings
import JOSE
import Testing

@testable import Access

/// An authority, its validator, and foreign issuers with keys of their own.
struct TokenWorld {
  static let hsm = TokenResource("https://managedhsm.example:8443", .hsm)
  static let graph = TokenResource("https://graph.example", .graph)
  static let endpoint = "https://login.example/\(World.tenant.text)/oauth2/v2.0/token"
  static let github = "https://token.actions.githubusercontent.com"
  static let entra = "https://sts.windows.net/99999999-0000-4000-8000-000000000000/"
  static let entraTenant = TenantID("99999999-0000-4000-8000-000000000000")!
  static let application = ApplicationID("55555555-5555-4555-8555-555555555555")!
  static let az = DeviceCodesTests.az

  let world: World
  let directory: Directory
  let authority: TokenAuthority
  let validator: TokenValidator
  let keyring: IssuerKeyring
  let authorityKey: P256.Signing.PrivateKey
  let adminKey = P256.Signing.PrivateKey()
  let githubKey = P256.Signing.PrivateKey()
  let entraKey = P256.Signing.PrivateKey()

  init(
    world: World? = nil, authorityKey: P256.Signing.PrivateKey = P256.Signing.PrivateKey(), initialise: Bool = true,
    subject: SubjectRule = .exact("repo:o/r:ref:refs/heads/main")
  ) throws {
    let world = try world ?? World()
    self.world = world
    self.authorityKey = authorityKey
    directory = try Directory(tenantID: World.tenant, rows: world.rows, access: world.access)
    if initialise {
      try directory.initialise(
        [
          DirectoryEntry(
            objectID: World.admin, kind: .user, displayName: "Ada", userPrincipalName: "ada@hallmark.example",
            keys: [RegisteredKey(name: "laptop", key: JWK(adminKey.publicKey).publicPart)]),
          DirectoryEntry(objectID: World.alice, kind: .user, displayName: "Alice", memberOf: [World.team]),
          DirectoryEntry(objectID: World.team, kind: .group, displayName: "Team"),
          DirectoryEntry(
            objectID: World.build, kind: .servicePrincipal, displayName: "build", clientID: Self.application,
            federated: [FederatedCredential(name: "main", issuer: Self.github, subject: subject)]),
        ],
        issuers: [
          TrustedIssuer(issuer: Self.github, keys: .inline([JWK(githubKey.publicKey).publicPart], keyIDs: ["g1"]), algorithms: [.es256, .rs256]),
          TrustedIssuer(
            issuer: Self.entra, algorithms: [.es256],
            accessTokens: ExternalTenant(tenantID: Self.entraTenant, audiences: ["https://managedhsm.azure.net"])),
        ])
    }
    keyring = IssuerKeyring(time: world.clock.source)
    let settings = AuthoritySettings(
      tenantID: World.tenant, issuer: "https://login.example/\(World.tenant.text)/v2.0", assertionAudiences: [Self.endpoint],
      resources: [Self.hsm, Self.graph], verificationURI: "https://login.example/device")
    let publicKeys = [JWK(authorityKey.publicKey)]
    authority = try TokenAuthority(
      settings: settings, directory: directory, rows: world.rows, keyring: keyring, signer: P256JWSSigner(authorityKey),
      publicKeys: publicKeys, time: world.clock.source, entropy: .system)
    validator = try TokenValidator(
      settings: settings, publicKeys: publicKeys, directory: directory, keyring: keyring, time: world.clock.source)
  }

  var now: Int64 { world.clock.now }

  func jwt(_ key: P256.Signing.PrivateKey, _ claims: JSONObject, kid: String? = nil) throws -> String {
    let header: JSONObject = kid.map { ["kid": .string($0)] } ?? [:]
    return try JWS.compact(JSONValue.object(claims).serialized(), by: P256JWSSigner(key, header: header))
  }

  func request(_ assertion: String, client: String = application.text, scope: String = hsm.audience + "/.default") -> TokenRequest {
    var request = TokenRequest()
    request.grant = .clientCredentials
    request.clientID = client
    request.scope = scope
    request.assertionType = TokenRequest.jwtBearer
    request.assertion = assertion
    return request
  }

  func workload(_ changes: JSONObject = [:], removing: [String] = []) -> JSONObject {
    var claims: JSONObject = [
      "iss": .string(Self.github), "sub": "repo:o/r:ref:refs/heads/main", "aud": .string(FederatedCredential.usualAudience),
      "iat": .integer(now), "nbf": .integer(now), "exp": .integer(now + 300), "repository": "o/r", "workflow": "release", "run_id": "77",
      "ref": "refs/heads/main", "sha": "abc", "actor": "alice", "unlisted": "x",
    ]
    for member in changes.members { claims[member.name] = member.value }
    for name in removing { claims[name] = nil }
    return claims
  }

  func own(_ changes: JSONObject = [:], removing: [String] = []) -> JSONObject {
    var claims: JSONObject = [
      "iss": .string(World.admin.text), "sub": .string(World.admin.text), "aud": .string(Self.endpoint), "iat": .integer(now),
      "exp": .integer(now + 600), "jti": .string(Entropy.system.uuid()),
    ]
    for member in changes.members { claims[member.name] = member.value }
    for name in removing { claims[name] = nil }
    return claims
  }

  func token(_ request: TokenRequest) -> IssuedToken? {
    if case .issued(let token) = authority.redeem(request) { token } else { nil }
  }

  func refusal(_ request: TokenRequest) -> OAuthError? {
    if case .refused(let error) = authority.redeem(request) { error } else { nil }
  }

  func principal(_ bearer: String, _ surface: TokenSurface = .hsm) -> Principal? {
    if case .authenticated(let authenticated) = validator.authenticate(0, bearer: bearer, for: surface) { authenticated.principal } else { nil }
  }

  func tokenRefusal(_ bearer: String, _ surface: TokenSurface = .hsm) -> TokenRefusal? {
    if case .refused(let refusal) = validator.authenticate(0, bearer: bearer, for: surface) { refusal } else { nil }
  }
}

@Suite("Tokens from proofs")
struct TokenAuthorityTests {
  @Test("A matching federated token becomes an access token that names the workload")
  func federated() throws {
    let tokens = try TokenWorld()
    let issued = try #require(tokens.token(tokens.request(try tokens.jwt(tokens.githubKey, tokens.workload(), kid: "g1"))))
    let principal = try #require(tokens.principal(issued.accessToken))
    #expect(principal.objectID == World.build)
    #expect(principal.clientID == TokenWorld.application)
    #expect(principal.kind == .servicePrincipal)
    #expect(principal.issuer == TokenWorld.github)
    #expect(principal.subject == "repo:o/r:ref:refs/heads/main")
    #expect(principal.claims["repository"] == "o/r")
    #expect(principal.claims["run_id"] == "77")
    #expect(principal.claims["unlisted"] == nil)
    #expect(issued.expiresInSeconds == 3600)
  }

  @Test("A scope with a double slash is the same resource; an unknown one is refused")
  func resources() throws {
    let tokens = try TokenWorld()
    let assertion = try tokens.jwt(tokens.githubKey, tokens.workload())
    for scope in ["https://managedhsm.example:8443//.default", "https://managedhsm.example:8443/.default openid profile"] {
      #expect(tokens.token(tokens.request(assertion, scope: scope)) != nil)
    }
    for scope in ["https://managedhsm.example/.default", "https://other.example/.default", "openid", "", "/.default"] {
      #expect(tokens.refusal(tokens.request(assertion, scope: scope))?.code == "invalid_resource", "\(scope)")
    }
  }

  @Test("A federated token that is off in any one point is refused for that reason")
  func federatedNegatives() throws {
    let tokens = try TokenWorld()
    let cases: [(JSONObject, [String], String)] = [
      (["sub": "repo:o/r:ref:refs/heads/other"], [], "AADSTS700213"), (["sub": "repo:o/r:pull_request"], [], "AADSTS700213"),
      (["sub": 7], [], "AADSTS700213"), ([:], ["sub"], "AADSTS700213"), (["aud": "https://other.example"], [], "AADSTS700213"),
      (["aud": .array([])], [], "AADSTS700213"), ([:], ["aud"], "AADSTS700213"), (["iss": "https://evil.example"], [], "AADSTS700213"),
      (["iss": "https://token.actions.githubusercontent.com/"], [], "AADSTS700213"), ([:], ["iss"], "AADSTS50027"),
      (["exp": .integer(tokens.now - 200)], [], "AADSTS700024"), (["nbf": .integer(tokens.now + 200)], [], "AADSTS700024"),
      ([:], ["exp"], "AADSTS700024"), (["exp": "soon"], [], "AADSTS50027"),
    ]
    #expect(cases.count == 14)
    for (changes, removing, number) in cases {
      let assertion = try tokens.jwt(tokens.githubKey, tokens.workload(changes, removing: removing), kid: "g1")
      let refusal = tokens.refusal(tokens.request(assertion))
      #expect(refusal?.description.hasPrefix(number + ":") == true, "\(changes) \(removing) \(String(describing: refusal))")
    }
    // Signed by somebody else, under an unknown key id, for another application, as text that is no token.
    #expect(tokens.refusal(tokens.request(try tokens.jwt(tokens.entraKey, tokens.workload(), kid: "g1"))) == .assertionSignatureInvalid)
    #expect(tokens.refusal(tokens.request(try tokens.jwt(tokens.githubKey, tokens.workload(), kid: "g2"))) == .assertionKeysUnavailable(TokenWorld.github))
    let good = try tokens.jwt(tokens.githubKey, tokens.workload(), kid: "g1")
    #expect(tokens.refusal(tokens.request(good, client: World.admin.text))?.number == 700213)
    #expect(tokens.refusal(tokens.request(good, client: World.build.text)) == .unknownClient)
    #expect(tokens.refusal(tokens.request(good, client: World.team.text)) == .unknownClient)
    for text in ["", ".", "a.b.c", good + ".", String(good.dropLast(1)), "é", String(repeating: "a", count: 40_000)] {
      #expect(tokens.refusal(tokens.request(text))?.code == "invalid_client")
    }
    let none = Base64URL.encode(Array(#"{"alg":"none"}"#.utf8)) + "." + good.split(separator: ".")[1] + "."
    #expect(tokens.refusal(tokens.request(none))?.number == 50027)
  }

  @Test("A person signs in with a registered key, once per assertion")
  func privateKey() throws {
    let tokens = try TokenWorld()
    let request = tokens.request(try tokens.jwt(tokens.adminKey, tokens.own()), client: World.admin.text)
    let issued = try #require(tokens.token(request))
    #expect(tokens.principal(issued.accessToken)?.claims["upn"] == "ada@hallmark.example")
    #expect(tokens.principal(issued.accessToken)?.kind == .user)
    #expect(tokens.refusal(request) == .assertionReplayed)
  }

  @Test("An assertion with a registered key that is off in any one point is refused")
  func privateKeyNegatives() throws {
    let tokens = try TokenWorld()
    func refusal(_ changes: JSONObject = [:], removing: [String] = [], key: P256.Signing.PrivateKey? = nil) throws -> OAuthError? {
      tokens.refusal(tokens.request(try tokens.jwt(key ?? tokens.adminKey, tokens.own(changes, removing: removing)), client: World.admin.text))
    }
    #expect(try refusal(key: tokens.githubKey) == .assertionSignatureInvalid)
    #expect(try refusal(["sub": .string(World.alice.text)]) == .assertionNotAboutClient)
    #expect(try refusal(removing: ["sub"]) == .assertionNotAboutClient)
    #expect(try refusal(["aud": "https://elsewhere.example/token"]) == .assertionAudienceWrong)
    #expect(try refusal(["exp": .integer(tokens.now + 90_000)]) == .assertionLifetimeTooLong(maxSeconds: 3600))
    #expect(try refusal(["exp": .integer(Int64.max)]) == .assertionLifetimeTooLong(maxSeconds: 3600))
    #expect(try refusal(["exp": .integer(tokens.now - 121)]) == .assertionExpired)
    #expect(try refusal(["exp": .integer(Int64.min)]) == .assertionExpired)
    #expect(try refusal(["nbf": .integer(tokens.now + 600)]) == .assertionEarly)
    #expect(try refusal(removing: ["jti"]) == .assertionReplayed)
    #expect(try refusal(["jti": ""]) == .assertionReplayed)
    // Alice has no key; the application is not a person.
    let alice = try tokens.jwt(tokens.adminKey, tokens.own(["iss": .string(World.alice.text), "sub": .string(World.alice.text)]))
    #expect(tokens.refusal(tokens.request(alice, client: World.alice.text)) == .assertionSignatureInvalid)
  }

  @Test("A shared secret is always refused, beside whatever else")
  func secret() throws {
    let tokens = try TokenWorld()
    var request = tokens.request(try tokens.jwt(tokens.githubKey, tokens.workload()))
    request.hasSecret = true
    #expect(tokens.refusal(request) == .secretRefused)
    request.assertion = nil
    #expect(tokens.refusal(request)?.code == "invalid_client")
  }

  @Test("Grants and forms that are wrong are refused by name")
  func forms() throws {
    let tokens = try TokenWorld()
    for (form, code) in [
      ("", "invalid_request"), ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
      ("grant_type=authorization_code", "unsupported_grant_type"), ("grant_type=client_credentials", "invalid_client"),
      ("grant_type=client_credentials&client_secret=x", "invalid_client"), ("grant_type=refresh_token", "invalid_request"),
      ("grant_type=device_code&client_id=\(TokenWorld.az.text)&device_code=x", "invalid_grant"),
      ("grant_type=device_code&client_id=\(TokenWorld.application.text)&device_code=x", "unauthorized_client"),
    ] {
      #expect(tokens.refusal(try TokenRequest.parse(form: Array(form.utf8)))?.code == code, "\(form)")
    }
    for form in ["a=%", "a=%4", "a=%zz", "a=%ff", "grant_type=a&grant_type=b", String(repeating: "a=1&", count: 2), (0..<65).map { "f\($0)=1" }.joined(separator: "&"), String(repeating: "a", count: 70_000)] {
      #expect(throws: OAuthError.self) { try TokenRequest.parse(form: Array(form.utf8)) }
    }
    let parsed = try TokenRequest.parse(form: Array("scope=a%2Fb+c&client_info=1&x&=&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&code=d".utf8))
    #expect(parsed.scope == "a/b c" && parsed.wantsClientInfo && parsed.grant == .deviceCode && parsed.deviceCode == "d")
  }

  @Test("The device flow ends in tokens a client like MSAL takes, and its refresh token rotates")
  func device() throws {
    let tokens = try TokenWorld()
    var start = TokenRequest()
    start.clientID = TokenWorld.az.text
    start.scope = TokenWorld.hsm.audience + "/.default offline_access openid profile"
    let device = try tokens.authority.startDevice(start)
    var poll = start
    poll.grant = .deviceCode
    poll.deviceCode = device.deviceCode
    #expect(tokens.refusal(poll) == .authorizationPending)
    // Alice cannot confirm for Ada, nor without a permit for anybody else; Ada confirms for Alice with one.
    let alice = Authenticated(request: 0, principal: World.principal(World.alice))
    let ada = Authenticated(request: 0, principal: World.principal(World.admin))
    #expect(throws: OAuthError.deviceCodeDenied) { try tokens.authority.confirmDevice(device.userCode, for: World.admin, by: alice) }
    let permit = try tokens.world.permit(.roleAssignmentsWrite)
    #expect(throws: OAuthError.deviceCodeDenied) { try tokens.authority.confirmDevice(device.userCode, for: World.admin, by: alice, permit: permit) }
    #expect(throws: OAuthError.unknownClient) { try tokens.authority.confirmDevice(device.userCode, for: World.build, by: ada, permit: permit) }
    #expect(throws: OAuthError.deviceCodeUnknown) { try tokens.authority.confirmDevice("BCD-FGH-JKL", for: World.admin, by: ada) }
    try tokens.authority.confirmDevice(device.userCode.lowercased(), for: World.alice, by: ada, permit: permit)
    tokens.world.clock.advance(5)
    let issued = try #require(tokens.token(poll))
    #expect(tokens.refusal(poll) == .deviceCodeUnknown)
    let principal = try #require(tokens.principal(issued.accessToken))
    #expect(principal.objectID == World.alice && principal.clientID == TokenWorld.az && principal.groups == [World.team])
    let idToken = try UnverifiedJWT.parse(try #require(issued.idToken)).claims
    #expect(idToken["aud"]?.string == TokenWorld.az.text)
    #expect(idToken["oid"]?.string == World.alice.text && idToken["tid"]?.string == World.tenant.text)
    #expect(try JSONValue.parse(Base64URL.decode(try #require(issued.clientInfo)))["uid"]?.string == World.alice.text)
    // The id token is no access token.
    #expect(tokens.tokenRefusal(try #require(issued.idToken)) == .wrongAudience)

    // Refresh: for another resource too, each token once.
    var refresh = TokenRequest()
    refresh.grant = .refreshToken
    refresh.clientID = TokenWorld.az.text
    refresh.scope = TokenWorld.graph.audience + "/.default"
    refresh.refreshToken = issued.refreshToken
    let second = try #require(tokens.token(refresh))
    #expect(tokens.principal(second.accessToken, .graph)?.objectID == World.alice)
    #expect(tokens.tokenRefusal(second.accessToken, .hsm) == .wrongAudience)
    // Two processes at once are not theft; the same token a while later is, and ends the sign-in.
    #expect(tokens.token(refresh) != nil)
    tokens.world.clock.advance(RefreshSessions.graceSeconds)
    #expect(tokens.refusal(refresh) == .refreshTokenReused)
    refresh.refreshToken = second.refreshToken
    #expect(tokens.refusal(refresh) == .refreshTokenInvalid)
  }

  @Test("A refresh token outlives a restart, is kept as a digest, and ends with its time, its client and its principal")
  func refreshBounds() throws {
    let tokens = try TokenWorld()
    func signIn() throws -> TokenRequest {
      var start = TokenRequest()
      start.clientID = TokenWorld.az.text
      start.scope = TokenWorld.hsm.audience + "/.default"
      let device = try tokens.authority.startDevice(start)
      try tokens.authority.confirmDevice(device.userCode, for: World.alice, by: Authenticated(request: 0, principal: World.principal(World.alice)))
      start.grant = .deviceCode
      start.deviceCode = device.deviceCode
      var refresh = start
      refresh.grant = .refreshToken
      refresh.refreshToken = try #require(tokens.token(start)?.refreshToken)
      return refresh
    }
    let request = try signIn()
    let secret = try #require(request.refreshToken)
    for row in tokens.world.store.rows { #expect(!String(decoding: row.body, as: UTF8.self).contains(secret) && !row.id.contains(secret)) }
    var foreign = request
    foreign.clientID = "1950a258-227b-4e31-a9cf-717495945fc2"
    #expect(tokens.refusal(foreign) == .refreshTokenInvalid)
    let restarted = try TokenWorld(world: tokens.world.restarted(), authorityKey: tokens.authorityKey, initialise: false)
    #expect(restarted.token(request) != nil)
    let late = try signIn()
    tokens.world.clock.advance(24 * 3600)
    #expect(tokens.refusal(late) == .refreshTokenInvalid)
    let orphan = try signIn()
    try tokens.directory.remove(World.alice, permit: tokens.world.permit(.roleAssignmentsWrite))
    #expect(tokens.refusal(orphan) == .clientDisabled)
  }
}

@Suite("Bearer tokens")
struct TokenValidatorTests {
  func mint(_ tokens: TokenWorld, _ id: PrincipalID = World.admin, seconds: Int64 = 3600) throws -> String {
    try tokens.authority.mint(id, resource: TokenWorld.hsm, lifetimeSeconds: seconds).accessToken
  }

  /// The claims of a good token with changes, signed by the authority's key.
  func altered(_ tokens: TokenWorld, _ changes: JSONObject, removing: [String] = []) throws -> String {
    var claims = try UnverifiedJWT.parse(mint(tokens)).claims
    for member in changes.members { claims[member.name] = member.value }
    for name in removing { claims[name] = nil }
    return try tokens.jwt(tokens.authorityKey, claims)
  }

  @Test("Our own token is taken with the audience with or without a slash, and a skewed start is forgiven")
  func good() throws {
    let tokens = try TokenWorld()
    #expect(tokens.principal(try mint(tokens))?.objectID == World.admin)
    #expect(tokens.principal(try altered(tokens, ["aud": "https://managedhsm.example:8443/"])) != nil)
    #expect(tokens.principal(try altered(tokens, ["nbf": .integer(tokens.now + 299), "iat": .integer(tokens.now + 299)])) != nil)
  }

  @Test("A token that is off in any one point is refused for that reason")
  func negatives() throws {
    let tokens = try TokenWorld()
    let cases: [(JSONObject, [String], TokenRefusal)] = [
      (["aud": "https://managedhsm.example"], [], .wrongAudience), (["aud": "https://graph.example"], [], .wrongAudience),
      (["aud": .array(["https://managedhsm.example:8443", 7])], [], .wrongAudience), ([:], ["aud"], .wrongAudience),
      (["exp": .integer(tokens.now)], [], .expired), (["exp": .integer(tokens.now - 1)], [], .expired), ([:], ["exp"], .malformed),
      (["exp": "x"], [], .malformed), (["exp": .integer(Int64.min)], [], .expired), (["nbf": .integer(tokens.now + 301)], [], .notYetValid),
      (["iat": .integer(tokens.now + 301)], [], .notYetValid), (["iss": "https://evil.example"], [], .unknownIssuer), ([:], ["iss"], .unknownIssuer),
      (["iss": .string(TokenWorld.github)], [], .issuerMayNotIssueAccessTokens), (["tid": .string(World.admin.text)], [], .wrongTenant),
      ([:], ["tid"], .wrongTenant), ([:], ["oid"], .noObjectID), (["oid": "admin"], [], .noObjectID),
      (["oid": .string(Entropy.system.uuid())], [], .principalUnknownOrDisabled), (["oid": .string(World.team.text)], [], .principalUnknownOrDisabled),
    ]
    #expect(cases.count == 20)
    for (changes, removing, refusal) in cases {
      #expect(tokens.tokenRefusal(try altered(tokens, changes, removing: removing)) == refusal, "\(changes) without \(removing)")
    }
  }

  @Test("alg none, symmetric algorithms, foreign keys and broken texts are refused")
  func forged() throws {
    let tokens = try TokenWorld()
    let good = try mint(tokens)
    let parts = good.split(separator: ".").map(String.init)
    func header(_ json: String) -> String { Base64URL.encode(Array(json.utf8)) }
    for algorithm in ["none", "None", "HS256", "ES256K"] {
      #expect(tokens.tokenRefusal(header(#"{"alg":"\#(algorithm)"}"#) + "." + parts[1] + ".") == .algorithmRefused)
    }
    #expect(tokens.tokenRefusal(header(#"{"alg":"RS256"}"#) + "." + parts[1] + "." + parts[2]) == .algorithmRefused)
    let kid = JWK(tokens.authorityKey.publicKey).thumbprint
    let claims = try UnverifiedJWT.parse(good).claims
    #expect(tokens.tokenRefusal(try tokens.jwt(tokens.githubKey, claims, kid: kid)) == .badSignature)
    #expect(tokens.tokenRefusal(try tokens.jwt(tokens.githubKey, claims, kid: "x")) == .unknownKey)
    #expect(tokens.tokenRefusal(try tokens.jwt(tokens.githubKey, claims)) == .badSignature)
    for text in ["", "x", "..", good + ".", good + "A", " " + good, parts[0] + "." + parts[1], parts[0] + "." + parts[1] + "." + String(parts[2].dropLast(4)), "é.é.é"] {
      #expect(tokens.principal(text) == nil, "\(text.prefix(20))")
    }
    #expect(tokens.tokenRefusal(String(repeating: "a", count: TokenValidator.maxBytes + 1)) == .tooLong(limit: TokenValidator.maxBytes))
    // A changed claim under the old signature.
    let changed = Base64URL.encode(Array(String(decoding: try Base64URL.decode(parts[1]), as: UTF8.self).replacing("Ada", with: "Eve").utf8))
    #expect(tokens.tokenRefusal(parts[0] + "." + changed + "." + parts[2]) == .badSignature)
  }

  @Test("A cached principal dies with the token, with its directory entry, and is not served to another surface")
  func cache() throws {
    let tokens = try TokenWorld()
    let short = try mint(tokens, seconds: 60)
    #expect(tokens.principal(short) != nil)
    #expect(tokens.principal(short) != nil)
    #expect(tokens.tokenRefusal(short, .graph) == .wrongAudience)
    tokens.world.clock.advance(60)
    #expect(tokens.tokenRefusal(short) == .expired)

    let alice = try mint(tokens, World.alice)
    #expect(tokens.principal(alice)?.groups == [World.team])
    let permit = try tokens.world.permit(.roleAssignmentsWrite)
    try tokens.directory.put(DirectoryEntry(objectID: World.alice, kind: .user, displayName: "Alice"), permit: permit)
    #expect(tokens.principal(alice)?.groups == [])
    try tokens.directory.put(DirectoryEntry(objectID: World.alice, kind: .user, displayName: "Alice", enabled: false), permit: permit)
    #expect(tokens.tokenRefusal(alice) == .principalUnknownOrDisabled)
  }

  @Test("The cache is bounded")
  func bounded() {
    let cache = TokenCache(capacity: 100)
    let entry = TokenCache.Entry(principal: World.principal(World.alice), expires: Instant(seconds: 1), directory: 1, issuer: nil)
    for index in 0..<10_000 { cache.insert(entry, TokenDigest("\(index)")) }
    #expect(cache.count <= 100)
    #expect(cache.entry(TokenDigest("9999")) != nil)
    #expect(cache.entry(TokenDigest("0")) == nil)
  }

  // MARK: Foreign tenants

  func foreign(_ tokens: TokenWorld, _ changes: JSONObject = [:]) throws -> String {
    var claims: JSONObject = [
      "iss": .string(TokenWorld.entra), "aud": "https://managedhsm.azure.net/", "tid": .string(TokenWorld.entraTenant.text),
      "oid": "77777777-7777-4777-8777-777777777777", "appid": .string(TokenWorld.application.text), "iat": .integer(tokens.now),
      "nbf": .integer(tokens.now), "exp": .integer(tokens.now + 3600), "idtyp": "app", "sub": "s",
      "groups": .array([.string(World.team.text), "88888888-8888-4888-8888-888888888888"]),
    ]
    for member in changes.members { claims[member.name] = member.value }
    return try tokens.jwt(tokens.entraKey, claims, kid: "e1")
  }

  @Test("A trusted tenant's token needs its keys first, then is taken; a key change ends what was cached")
  func foreignTenant() throws {
    let tokens = try TokenWorld()
    let bearer = try foreign(tokens)
    guard case .needsKeyRefresh(let issuer) = tokens.validator.authenticate(0, bearer: bearer) else { Issue.record("no refresh asked"); return }
    #expect(issuer.issuer == TokenWorld.entra)
    tokens.keyring.fetchFailed(issuer: issuer.issuer)
    #expect(tokens.tokenRefusal(bearer) == .unknownKey)
    tokens.world.clock.advance(IssuerKeyring.retrySeconds)
    if case .needsKeyRefresh = tokens.validator.authenticate(0, bearer: bearer) {} else { Issue.record("not asked again") }
    var key = JWK(tokens.entraKey.publicKey)
    key.kid = "e1"
    tokens.keyring.install(issuer: issuer.issuer, keys: [key])
    let principal = try #require(tokens.principal(bearer))
    #expect(principal.tenantID == TokenWorld.entraTenant && principal.kind == .servicePrincipal && principal.clientID == TokenWorld.application)
    // It speaks for its own groups, not for ours.
    #expect(principal.groups.map(\.text) == ["88888888-8888-4888-8888-888888888888"])
    var other = JWK(tokens.githubKey.publicKey)
    other.kid = "e1"
    tokens.keyring.install(issuer: issuer.issuer, keys: [other])
    #expect(tokens.tokenRefusal(bearer) == .badSignature)
  }

  @Test("A trusted tenant cannot speak for our principals, other tenants, or the other surfaces")
  func foreignNegatives() throws {
    let tokens = try TokenWorld()
    var key = JWK(tokens.entraKey.publicKey)
    key.kid = "e1"
    tokens.keyring.install(issuer: TokenWorld.entra, keys: [key])
    #expect(tokens.principal(try foreign(tokens)) != nil)
    #expect(tokens.tokenRefusal(try foreign(tokens, ["oid": .string(World.admin.text)])) == .foreignClaimToLocalPrincipal)
    #expect(tokens.tokenRefusal(try foreign(tokens, ["tid": .string(World.tenant.text)])) == .wrongTenant)
    #expect(tokens.tokenRefusal(try foreign(tokens, ["aud": "https://vault.azure.net"])) == .wrongAudience)
    #expect(tokens.tokenRefusal(try foreign(tokens), .graph) == .wrongAudience)
    #expect(tokens.tokenRefusal(try foreign(tokens, ["exp": .integer(tokens.now)])) == .expired)
    #expect(tokens.tokenRefusal(try foreign(tokens, ["iss": .string("https://login.example/\(World.tenant.text)/v2.0")])) == .unknownKey)
  }
}

@Suite("The directory")
struct DirectoryTests {
  @Test("Entries come back after a restart, and names resolve in the order asked")
  func roundTrip() throws {
    let pattern = try #require(ClaimPattern("repo:o/*:environment:prod", style: .glob))
    let tokens = try TokenWorld(subject: .pattern(pattern))
    let restarted = try Directory(tenantID: World.tenant, rows: tokens.world.restarted().rows, access: tokens.world.access)
    #expect(restarted.entries() == tokens.directory.entries())
    #expect(restarted.issuers() == tokens.directory.issuers())
    #expect(restarted.resolve([World.build, PrincipalID(Entropy.system.uuid())!, World.admin]).map(\.displayName) == ["build", "Ada"])
    #expect(restarted.entry(clientID: TokenWorld.application)?.objectID == World.build)
  }

  @Test("Whoever may not assign roles at / cannot change it")
  func permits() throws {
    let tokens = try TokenWorld()
    try tokens.world.grant(BuiltInRoles.policyAdministrator, to: World.alice, at: .keys)
    let entry = DirectoryEntry(objectID: World.alice, kind: .user, displayName: "Root")
    for permit in [
      try tokens.world.permit(.roleAssignmentsWrite, at: .keys, as: World.alice), try tokens.world.permit(.roleAssignmentsRead),
    ] {
      #expect(throws: DirectoryError.access(.permitDoesNotServe(needed: .roleAssignmentsWrite, at: .root))) {
        try tokens.directory.put(entry, permit: permit)
      }
    }
  }

  @Test("Entries that would be ambiguous or could not work are refused")
  func badEntries() throws {
    let tokens = try TokenWorld()
    let permit = try tokens.world.permit(.roleAssignmentsWrite)
    let id = PrincipalID(Entropy.system.uuid())!
    let credential = FederatedCredential(name: "c", issuer: TokenWorld.github, subject: .exact("repo:o/*:pull_request"))
    let entries = [
      DirectoryEntry(objectID: id, kind: .servicePrincipal, displayName: "x", clientID: TokenWorld.application),
      DirectoryEntry(objectID: id, kind: .servicePrincipal, displayName: "x", clientID: ApplicationID(World.admin.text)),
      DirectoryEntry(objectID: id, kind: .servicePrincipal, displayName: "x"),
      DirectoryEntry(objectID: id, kind: .servicePrincipal, displayName: "x", clientID: ApplicationID(id.text), federated: [credential]),
      DirectoryEntry(objectID: id, kind: .servicePrincipal, displayName: "x", clientID: ApplicationID(id.text), federated: [
        FederatedCredential(name: "c", issuer: TokenWorld.github, subject: .exact("s"), audiences: [])]),
      DirectoryEntry(objectID: id, kind: .user, displayName: "x", clientID: ApplicationID(id.text)),
      DirectoryEntry(objectID: id, kind: .user, displayName: ""), DirectoryEntry(objectID: id, kind: .user, displayName: "a\u{7}"),
      DirectoryEntry(objectID: id, kind: .group, displayName: "g", keys: [RegisteredKey(name: "k", key: JWK(tokens.adminKey.publicKey).publicPart)]),
      DirectoryEntry(objectID: id, kind: .user, displayName: "x", keys: [RegisteredKey(name: "k", key: .ec(.p256, x: [1], y: [2]))]),
    ]
    #expect(entries.count == 10)
    for entry in entries { #expect(throws: DirectoryError.self) { try tokens.directory.put(entry, permit: permit) } }
    for issuer in ["http://issuer.example", "https://", "https://issuer.example/?x", "https://issuer.example/#x", "issuer"] {
      #expect(throws: DirectoryError.self) { try tokens.directory.trust(TrustedIssuer(issuer: issuer), permit: permit) }
    }
    #expect(throws: DirectoryError.alreadyInitialised) { try tokens.directory.initialise([]) }
  }

  @Test("Groups within groups count, circles end, and a disabled group gives nothing")
  func groups() throws {
    let tokens = try TokenWorld()
    let permit = try tokens.world.permit(.roleAssignmentsWrite)
    let outer = PrincipalID(Entropy.system.uuid())!
    try tokens.directory.put(DirectoryEntry(objectID: outer, kind: .group, displayName: "outer", memberOf: [World.team]), permit: permit)
    try tokens.directory.put(DirectoryEntry(objectID: World.team, kind: .group, displayName: "Team", memberOf: [outer]), permit: permit)
    #expect(Set(tokens.directory.groups(of: World.alice)) == [World.team, outer])
    try tokens.directory.put(DirectoryEntry(objectID: World.team, kind: .group, displayName: "Team", enabled: false, memberOf: [outer]), permit: permit)
    #expect(tokens.directory.groups(of: World.alice).isEmpty)
  }
}
