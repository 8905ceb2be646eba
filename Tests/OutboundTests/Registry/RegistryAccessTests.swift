import Encodings
import OCI
import Outbound
import Testing

@Suite("Registry: credentials, tokens, redirects")
struct RegistryAccessTests {
  private let reference = ImageReference(home: RegistryKit.home, digest: ContentDigest(of: RegistryKit.image))
  private let alice = GivenRegistryCredential(registry: "registry.example.org", credential: .password(username: "alice", password: "pa:ss"))

  @Test("A Bearer challenge is answered with a token; password in the header, never in the URL; the token is used again")
  func bearer() async throws {
    let kit = RegistryKit(
      [RegistryKit.reply(401, RegistryKit.challenge), RegistryKit.token("t1", seconds: 300), RegistryKit.manifest(RegistryKit.image), RegistryKit.manifest(RegistryKit.image)],
      credentials: [alice])
    _ = try await kit.client.resolve(reference)
    _ = try await kit.client.resolve(reference)
    let asked = kit.transport.requests
    try #require(asked.count == 4)
    #expect(asked[0].authorization == nil && asked[0].url.hasPrefix("https://registry.example.org/v2/team/app/manifests/sha256:"))
    #expect(asked[1].url == "https://auth.example.org/token?service=s&scope=repository%3Ateam%2Fapp%3Apull")
    #expect(asked[1].authorization == "Basic \(Base64.encode("alice:pa:ss".utf8))")
    #expect(asked[2].authorization == "Bearer t1" && asked[3].authorization == "Bearer t1")
  }

  @Test("A token without a stated life lives a minute, and one that is refused is replaced once")
  func refused() async throws {
    let kit = RegistryKit(
      [RegistryKit.reply(401, RegistryKit.challenge), RegistryKit.token("t1"), RegistryKit.reply(401, RegistryKit.challenge), RegistryKit.token("t2"),
       RegistryKit.reply(401, RegistryKit.challenge)])
    await #expect { try await kit.client.resolve(reference) } throws: { if case .unauthorized? = $0 as? RegistryError { true } else { false } }
    #expect(kit.transport.requests.map(\.authorization) == [nil, nil, "Bearer t1", nil, "Bearer t2"])
  }

  @Test("An identity token is posted, in the body")
  func refreshToken() async throws {
    let kit = RegistryKit(
      [RegistryKit.reply(401, RegistryKit.challenge), RegistryKit.reply(200, [], Array(#"{"access_token":"t"}"#.utf8)), RegistryKit.manifest(RegistryKit.image)],
      credentials: [GivenRegistryCredential(registry: "registry.example.org", credential: .identityToken("secret"))])
    _ = try await kit.client.resolve(reference)
    let post = kit.transport.requests[1]
    #expect(post.method == "POST" && post.url == "https://auth.example.org/token" && post.authorization == nil)
    #expect(String(decoding: post.body, as: UTF8.self) == "grant_type=refresh_token&client_id=hallmark&service=s&scope=repository%3Ateam%2Fapp%3Apull&refresh_token=secret")
  }

  @Test("A Basic challenge gets the password; without one, or when it is wrong, that is said and nothing is sent")
  func basic() async throws {
    let challenge = [(name: "www-authenticate", value: #"Basic realm="a, b""#)]
    let kit = RegistryKit([RegistryKit.reply(401, challenge), RegistryKit.manifest(RegistryKit.image), RegistryKit.manifest(RegistryKit.image)], credentials: [alice])
    _ = try await kit.client.resolve(reference)
    _ = try await kit.client.resolve(reference)
    #expect(kit.transport.requests.map { $0.authorization != nil } == [false, true, true])
    for (credentials, count) in [([], 1), ([alice], 2)] as [([GivenRegistryCredential], Int)] {
      let kit = RegistryKit(Array(repeating: RegistryKit.reply(401, challenge), count: 4), credentials: credentials)
      await #expect { try await kit.client.resolve(reference) } throws: { if case .unauthorized? = $0 as? RegistryError { true } else { false } }
      #expect(kit.transport.requests.count == count)
    }
  }

  @Test("A password goes to no token server of another domain, and nothing goes to one in the clear", arguments: [
    "https://auth.evil.example/token", "https://example.org.evil.example/token", "http://auth.example.org/token", "https://org/token", "token", "https://u@auth.example.org/",
  ])
  func realm(_ realm: String) async throws {
    let kit = RegistryKit([RegistryKit.reply(401, [("www-authenticate", "Bearer realm=\"\(realm)\"")])], credentials: [alice])
    do {
      _ = try await kit.client.resolve(reference)
      Issue.record("\(realm) was asked")
    } catch { #expect(!"\(error)".contains("pa:ss")) }
    #expect(kit.transport.requests.count == 1)
  }

  @Test("A token server of another domain may be trusted by name, and anonymous callers may ask it")
  func foreignRealm() async throws {
    let challenge = [(name: "www-authenticate", value: "Bearer realm=\"https://login.other.example/t\"")]
    let script = [RegistryKit.reply(401, challenge), RegistryKit.token("t"), RegistryKit.manifest(RegistryKit.image)]
    _ = try await RegistryKit(script).client.resolve(reference)
    let kit = RegistryKit(script, credentials: [alice]) { $0.trustedRealms = ["registry.example.org": ["login.other.example"]] }
    _ = try await kit.client.resolve(reference)
    #expect(kit.transport.requests[1].authorization != nil)
  }

  @Test("A redirected read leaves the credentials behind, also when the way leads back")
  func redirects() async throws {
    let content = Array("layer".utf8)
    let kit = RegistryKit(
      [RegistryKit.reply(401, [("www-authenticate", "Basic realm=r")]), RegistryKit.reply(307, [("location", "https://store.example.net/x?sig=1")]),
       RegistryKit.reply(302, [("location", "https://registry.example.org/v2/team/app/y")]), RegistryKit.reply(200, [], content)],
      credentials: [alice])
    #expect(try await kit.client.blob(Descriptor(of: content, mediaType: "a/b"), in: RegistryKit.home) == content)
    #expect(kit.transport.requests.map { $0.authorization != nil } == [false, true, false, false])
  }

  @Test("Redirects to plain HTTP, in circles or without a target are refused, and a write is never redirected", arguments: [
    "http://store.example.net/x", "", "https://a/../b", "file:///etc/passwd", "https://registry.example.org/loop",
  ])
  func badRedirects(_ location: String) async throws {
    let kit = RegistryKit(Array(repeating: RegistryKit.reply(307, [("location", location)]), count: 20))
    await #expect(throws: RegistryError.self) { try await kit.client.resolve(reference) }
    #expect(kit.transport.requests.count <= 6)
    let writing = RegistryKit(Array(repeating: RegistryKit.reply(307, [("location", "https://store.example.net/x")]), count: 20))
    await #expect(throws: RegistryError.self) { try await writing.client.put(RegistryKit.image, mediaType: MediaType.imageManifest, in: RegistryKit.home) }
    #expect(writing.transport.requests.count == 1)
  }

  @Test("Plain HTTP is spoken to hosts that were named, and to this machine when that was asked")
  func plainHTTP() async throws {
    for (registry, hosts, loopback, scheme) in [
      ("registry.example.org", [], true, "https"), ("localhost:5000", [], false, "https"), ("localhost:5000", [], true, "http"), ("127.0.0.1:5000", [], true, "http"),
      ("localhost.evil.example", [], true, "https"), ("registry.example.org:80", ["registry.example.org:80"], false, "http"),
      ("registry.example.org", ["registry.example.org"], false, "http"), ("registry.example.org:81", ["registry.example.org"], false, "https"),
    ] as [(String, Set<String>, Bool, String)] {
      let kit = RegistryKit([RegistryKit.manifest(RegistryKit.image)], plainHTTP: hosts) { $0.plainHTTPOnLoopback = loopback }
      _ = try await kit.client.resolve(ImageReference(home: ImageRepository(registry: registry, path: "a")))
      #expect(kit.transport.requests[0].url.hasPrefix(scheme + "://"), "\(registry)")
    }
  }

  @Test("Credentials do not show in descriptions")
  func descriptions() {
    var dumped = ""
    dump(RegistryCredential.password(username: "u", password: "very-secret"), to: &dumped)
    #expect(!"\(RegistryCredential.identityToken("very-secret")) \(dumped)".contains("very-secret"))
  }

  @Test("A password from the environment needs the host it is for")
  func environment() throws {
    #expect(try GivenRegistryCredential(environment: [:]) == nil)
    for environment in [["HALLMARK_REGISTRY_PASSWORD": "p"], ["HALLMARK_REGISTRY_USERNAME": "u", "HALLMARK_REGISTRY_PASSWORD": "p"], ["HALLMARK_REGISTRY": "h", "HALLMARK_REGISTRY_USERNAME": "u"]] {
      #expect(throws: RegistryError.self) { try GivenRegistryCredential(environment: environment) }
    }
  }

  @Test("Azure's token goes to Azure's registries only and comes back as an identity token")
  func azure() async throws {
    let exchange = ScriptedTransport([.success(.json(200, #"{"refresh_token":"r"}"#))])
    let source = AzureRegistryCredentials(
      credential: FixedAzureToken(), exchange: RetryingExchange(exchange), tenant: "t1", settings: RegistrySettings(lockFolder: "/nonexistent"))
    for registry in ["docker.io", "azurecr.io", "azurecr.io.evil.example", "evilazurecr.io"] { #expect(try await source.credential(for: registry) == nil) }
    #expect(try await source.credential(for: "mine.azurecr.io") == .identityToken("r"))
    try #require(exchange.requests.count == 1)
    #expect(exchange.requests[0].url == "https://mine.azurecr.io/oauth2/exchange")
    #expect(String(decoding: exchange.requests[0].body, as: UTF8.self) == "grant_type=access_token&service=mine.azurecr.io&tenant=t1&access_token=aad")
  }
}

private struct FixedAzureToken: Credential {
  let name = "test"
  func token(_ request: TokenRequest) async throws(CredentialError) -> AccessToken { try AccessToken("aad", expires: nil) }
}
