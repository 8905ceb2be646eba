internal import Encodings
internal import Foundation
internal import OCI

/// One credential for one registry, given for this run.
package struct GivenRegistryCredential: RegistryCredentialSource {
  private let registry: String
  private let credential: RegistryCredential

  /// - Parameter registry: the only one that is shown the credential.
  package init(registry: String, credential: RegistryCredential) {
    self.registry = ReferenceGrammar.registry(registry) ?? registry
    self.credential = credential
  }

  /// From HALLMARK_REGISTRY (`host[:port]`) with HALLMARK_REGISTRY_USERNAME and HALLMARK_REGISTRY_PASSWORD; nil when none of them is set.
  ///
  /// - Throws: `.credential` when the host is missing: a password without a host would go to whichever registry asks.
  package init?(environment: [String: String]) throws(RegistryError) {
    let password = environment["HALLMARK_REGISTRY_PASSWORD"] ?? ""
    let username = environment["HALLMARK_REGISTRY_USERNAME"] ?? ""
    guard !password.isEmpty || !username.isEmpty else { return nil }
    guard let host = environment["HALLMARK_REGISTRY"], !host.isEmpty, !password.isEmpty, !username.isEmpty else {
      throw .credential(
        registry: environment["HALLMARK_REGISTRY"] ?? "(any)",
        why: "HALLMARK_REGISTRY, HALLMARK_REGISTRY_USERNAME and HALLMARK_REGISTRY_PASSWORD are used together, and one of them is missing")
    }
    self.init(registry: host, credential: .password(username: username, password: password))
  }

  package func credential(for registry: String) async throws(RegistryError) -> RegistryCredential? { registry == self.registry ? credential : nil }
}

/// Docker's configuration: `auths`, `credHelpers` and `credsStore` of `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
///
/// For one registry: its own helper, else the common store, else what stands in the file.
package struct DockerCredentials: RegistryCredentialSource {
  private let environment: [String: String]
  private let path: String
  private let isNamed: Bool

  /// - Parameter file: a configuration file to be used instead.
  package init(environment: [String: String], file: String? = nil) {
    self.environment = environment
    let folder = environment["DOCKER_CONFIG"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(environment["HOME"] ?? "")/.docker"
    path = file ?? "\(folder)/config.json"
    isNamed = file != nil
  }

  package func credential(for registry: String) async throws(RegistryError) -> RegistryCredential? {
    guard isNamed || FileManager.default.fileExists(atPath: path) else { return nil }
    let configuration: DockerConfiguration
    do {
      configuration = try DockerConfiguration.parse(BoundedFile.bytes(path, maxBytes: DockerConfiguration.maxBytes))
    } catch let error as OCIError {
      throw .credential(registry: registry, why: "\(path): \(error.description)")
    } catch {
      throw .credential(registry: registry, why: "\(path) cannot be read or is longer than \(DockerConfiguration.maxBytes) bytes")
    }
    if let name = configuration.helper(for: registry) {
      let helper = CredentialHelper(name: name, environment: environment)
      if let entry = try await helper.entry(DockerConfiguration.helperKey(of: registry), registry: registry) { return Self.credential(entry) }
    }
    return configuration.entry(for: registry).flatMap(Self.credential)
  }

  static func credential(_ entry: DockerConfiguration.Entry) -> RegistryCredential? {
    if let token = entry.registryToken { return .registryToken(token) }
    if let token = entry.identityToken { return .identityToken(token) }
    guard let username = entry.username, let password = entry.password else { return nil }
    return .password(username: username, password: password)
  }
}

/// Azure Container Registry: an Entra token is exchanged for the registry's refresh token (`POST /oauth2/exchange`).
///
/// The Entra token goes to registries of Azure's own domains only.
package struct AzureRegistryCredentials: RegistryCredentialSource {
  package static let domains = [".azurecr.io", ".azurecr.cn", ".azurecr.us"]
  /// What the token is for: the registry service alone, not the whole of Azure's management.
  package static let scope = "https://containerregistry.azure.net/.default"

  private let credential: any Credential
  private let exchange: RetryingExchange
  private let tenant: String?
  private let domains: [String]
  private let settings: RegistrySettings

  /// - Parameter domains: suffixes, with their dot, of registries that may be sent the token.
  package init(
    credential: any Credential, exchange: RetryingExchange, tenant: String? = nil, settings: RegistrySettings,
    domains: [String] = AzureRegistryCredentials.domains
  ) {
    self.credential = credential
    self.exchange = exchange
    self.tenant = tenant
    self.settings = settings
    self.domains = domains
  }

  package func credential(for registry: String) async throws(RegistryError) -> RegistryCredential? {
    let base = settings.base(of: registry)
    guard domains.contains(where: { base.host.hasSuffix($0) && base.host.utf8.count > $0.utf8.count }) else { return nil }
    let token: AccessToken
    do throws(CredentialError) { token = try await credential.token(TokenRequest(scope: Self.scope, tenant: tenant)) } catch {
      // Whoever has no Azure identity may still pull anonymously.
      if case .notConfigured = error { return nil }
      throw .credential(registry: registry, why: error.description)
    }
    let address = RegistryAddress(isEncrypted: base.isEncrypted, authority: base.authority, path: "/oauth2/exchange")
    let bearer = String(token.headerValue.dropFirst("Bearer ".count))
    var fields: [(name: String, value: String)] = [("grant_type", "access_token"), ("service", base.host)]
    if let tenant { fields.append(("tenant", tenant)) }
    fields.append(("access_token", bearer))
    let request = OutboundRequest(
      "POST", address.url, headers: [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")],
      body: Array(URLText.form(fields).utf8), maxReplyBytes: 256 << 10)
    let reply: OutboundReply
    do throws(OutboundError) { reply = try await exchange.send(request, replay: .harmless).reply } catch {
      throw RegistryError(error, place: address.place)
    }
    guard reply.status == 200 else {
      throw .credential(registry: registry, why: "it did not exchange the token of \(credential.name) (status \(reply.status)); the identity needs AcrPull or AcrPush there")
    }
    guard let refresh = (try? JSONValue.parse(reply.body))?["refresh_token"]?.string, !refresh.isEmpty, refresh.utf8.count <= 32 << 10 else {
      throw .badAnswer(place: address.place, why: "there is no refresh_token in it")
    }
    return .identityToken(refresh)
  }
}

extension RegistryClient {
  /// A client with the credentials a command line has: given ones (HALLMARK_REGISTRY…), Docker's, then Azure's when there is an identity.
  package convenience init(
    transport: any Transport, settings: RegistrySettings, environment: [String: String], dockerConfig: String? = nil,
    azure: (any Credential)? = nil, policy: RetryPolicy = RetryPolicy()
  ) throws(RegistryError) {
    var sources: [any RegistryCredentialSource] = []
    if let given = try GivenRegistryCredential(environment: environment) { sources.append(given) }
    sources.append(DockerCredentials(environment: environment, file: dockerConfig))
    if let azure {
      sources.append(AzureRegistryCredentials(credential: azure, exchange: RetryingExchange(transport), settings: settings))
    }
    self.init(transport: transport, settings: settings, credentials: sources, policy: policy)
  }
}
