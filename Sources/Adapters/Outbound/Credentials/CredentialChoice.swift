/// Which credential the settings amount to for one service.
struct CredentialChoice {
  let settings: ConnectionSettings
  let profile: AdministratorProfile?
  let address: ServiceAddress
  let exchange: RetryingExchange

  private var environment: [String: String] { settings.environment }

  func credential() throws(CredentialError) -> any Credential {
    switch settings.credential {
    case .auto: return try automatic()
    case .token: return try require(token(), "no token; set HALLMARK_TOKEN or use --token-file")
    case .profile: return try require(fromProfile(), "no profile; use --profile or HALLMARK_PROFILE")
    case .workload: return try require(workload(), "no workload identity; AZURE_FEDERATED_TOKEN_FILE and a client id are needed")
    case .github: return try require(github(), "no GitHub identity; ACTIONS_ID_TOKEN_REQUEST_URL and a client id are needed")
    case .certificate: return try require(certificate(), "no certificate; use --certificate and --client-id")
    case .managedIdentity: return managedIdentity()
    case .az: return AzureCLICredential(tenant: tenant)
    }
  }

  /// The first that is configured. Things said on the command line go before the environment.
  private func automatic() throws(CredentialError) -> any Credential {
    if settings.tokenFile != nil, let found = token() { return found }
    if settings.profile != nil, let found = try fromProfile() { return found }
    if settings.certificate != nil, let found = try certificate() { return found }
    if let found = token() { return found }
    if let found = try workload() { return found }
    if let found = try github() { return found }
    if let found = try certificate() { return found }
    if let found = try fromProfile() { return found }
    if environment["IDENTITY_ENDPOINT"] != nil { return managedIdentity() }
    if !address.isOurs { return AzureCLICredential(tenant: tenant) }
    throw .notConfigured("nothing is configured for \(address.url)")
  }

  private func require(_ found: (any Credential)?, _ missing: String) throws(CredentialError) -> any Credential {
    guard let found else { throw .notConfigured(missing) }
    return found
  }

  private func token() -> (any Credential)? {
    if let file = settings.tokenFile { return FixedTokenCredential(file: file) }
    guard let text = environment["HALLMARK_TOKEN"], !text.isEmpty else { return nil }
    // The token in the environment is for the service in the environment: it is not carried to another host that a key URL names.
    if let home = environment["HALLMARK_URL"], settings.credential != .token {
      guard let own = try? ServiceAddress(home), own.netloc == address.netloc || own.host == address.host else { return nil }
    }
    return FixedTokenCredential(text: text, origin: "HALLMARK_TOKEN")
  }

  private func fromProfile() throws(CredentialError) -> (any Credential)? {
    guard let profile else { return nil }
    // Like the token: the administrator's proof is made for their own authority only, whatever service asks.
    return try profile.credential(exchange: exchange)
  }

  private func workload() throws(CredentialError) -> (any Credential)? {
    guard let file = environment["AZURE_FEDERATED_TOKEN_FILE"], let clientID else { return nil }
    return FederatedCredential(endpoint: try endpoint(), clientID: clientID, tokenFile: file)
  }

  private func github() throws(CredentialError) -> (any Credential)? {
    guard let url = environment["ACTIONS_ID_TOKEN_REQUEST_URL"], let token = environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], let clientID
    else { return nil }
    return FederatedCredential(endpoint: try endpoint(), clientID: clientID, requestURL: url, requestToken: token, exchange: exchange)
  }

  private func certificate() throws(CredentialError) -> (any Credential)? {
    guard let file = settings.certificate ?? environment["AZURE_CLIENT_CERTIFICATE_PATH"], let clientID else { return nil }
    return try KeyPairCredential(endpoint: endpoint(), clientID: clientID, certificateFile: file)
  }

  private func managedIdentity() -> any Credential {
    ManagedIdentityCredential(
      clientID: clientID, identityEndpoint: environment["IDENTITY_ENDPOINT"], identityHeader: environment["IDENTITY_HEADER"],
      exchange: exchange)
  }

  private var clientID: String? { settings.clientID ?? environment["HALLMARK_CLIENT_ID"] ?? environment["AZURE_CLIENT_ID"] }

  private var tenant: String? {
    settings.tenant ?? (address.isOurs ? environment["HALLMARK_TENANT"] : nil) ?? environment["AZURE_TENANT_ID"]
  }

  private func endpoint() throws(CredentialError) -> TokenEndpoint {
    let authority =
      settings.authority ?? (address.isOurs ? environment["HALLMARK_AUTHORITY"] ?? profile?.authority : nil)
      ?? environment["AZURE_AUTHORITY_HOST"] ?? "https://login.microsoftonline.com"
    return try TokenEndpoint(authority: authority, tenant: tenant ?? profile?.tenant, exchange: exchange)
  }
}

extension ConnectionSettings {
  /// The Azure identity that the environment itself gives a workload (federated token, certificate, managed identity): what Azure's
  /// registries are logged in to with. Nil when there is none; nothing of a Hallmark service is used.
  package func azureIdentity(exchange: RetryingExchange) throws(CredentialError) -> (any Credential)? {
    let clientID = environment["AZURE_CLIENT_ID"]
    if let clientID, let tenant = environment["AZURE_TENANT_ID"] {
      let authority = environment["AZURE_AUTHORITY_HOST"] ?? "https://login.microsoftonline.com"
      let endpoint = try TokenEndpoint(authority: authority, tenant: tenant, exchange: exchange)
      if let file = environment["AZURE_FEDERATED_TOKEN_FILE"] { return FederatedCredential(endpoint: endpoint, clientID: clientID, tokenFile: file) }
      if let file = environment["AZURE_CLIENT_CERTIFICATE_PATH"] {
        return try KeyPairCredential(endpoint: endpoint, clientID: clientID, certificateFile: file)
      }
    }
    guard let identityEndpoint = environment["IDENTITY_ENDPOINT"] else { return nil }
    return ManagedIdentityCredential(
      clientID: clientID, identityEndpoint: identityEndpoint, identityHeader: environment["IDENTITY_HEADER"], exchange: exchange)
  }
}
