import ArgumentParser
import Foundation
import Outbound
import Signing

/// Where the service is and who we are. Tokens come from the environment and from files, never from the command line.
struct ConnectionOptions: ParsableArguments {
  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case auto
    case token
    case profile
    case workload
    case github
    case certificate
    case managedIdentity = "managed-identity"
    case az
  }

  @Option(help: "Address of the HSM, vault or Hallmark service (HALLMARK_URL).")
  var url: String?

  @Option(help: "PEM file with CA certificates to trust besides the system's (HALLMARK_CA).")
  var ca: String?

  @Option(help: "File with an access token (else HALLMARK_TOKEN).")
  var tokenFile: String?

  @Option(help: "Token authority, https://HOST[:PORT] (HALLMARK_AUTHORITY, AZURE_AUTHORITY_HOST).")
  var authority: String?

  @Option(help: "Tenant (HALLMARK_TENANT, AZURE_TENANT_ID).")
  var tenant: String?

  @Option(name: .customLong("client-id"), help: "Client id of the workload identity (HALLMARK_CLIENT_ID, AZURE_CLIENT_ID).")
  var clientID: String?

  @Option(help: "Folder of an administrator profile, as `hallmark init` leaves it (HALLMARK_PROFILE).")
  var profile: String?

  @Option(help: "PEM file with a client certificate and its key (AZURE_CLIENT_CERTIFICATE_PATH).")
  var certificate: String?

  @Option(help: "Which credential to use: \(Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
  var credential: Kind = .auto

  /// Opens a connection, runs the body and closes it.
  ///
  /// - Parameter store: address that a key URL named; it goes before `--url`.
  func connect<Result>(
    to store: String? = nil, _ body: (Connection) async throws -> Result
  ) async throws -> Result {
    let environment = ProcessInfo.processInfo.environment
    let connection = try Connection(options: self, store: store, environment: environment)
    do {
      let result = try await body(connection)
      await connection.close()
      return result
    } catch {
      await connection.close()
      throw error
    }
  }
}

/// An open connection to one service.
struct Connection {
  let client: ManagedHSMClient
  private let transport: HTTPTransport

  init(options: ConnectionOptions, store: String?, environment: [String: String]) throws {
    let profilePath = options.profile ?? environment["HALLMARK_PROFILE"]
    let profile = try profilePath.map { path throws(CredentialError) in try AdministratorProfile(directory: path) }
    guard let url = store ?? options.url ?? environment["HALLMARK_URL"] ?? profile?.url else {
      throw CommandFailure.usage("no service", why: "nothing says which one to use", next: "set HALLMARK_URL or use --url or --profile")
    }
    let address = try ServiceAddress(url)
    transport = try HTTPTransport(extraAuthorities: options.ca ?? environment["HALLMARK_CA"] ?? profile?.ca)
    let exchange = RetryingExchange(transport)
    let choice = CredentialChoice(
      options: options, profile: profile, environment: environment, address: address, exchange: exchange)
    client = ManagedHSMClient(address: address, exchange: exchange, credential: try choice.credential())
  }

  func close() async { await transport.shutdown() }

  /// The ledger file of the signing side: the one named, or the default one where the service's own log names no digests.
  static func ledgerPath(_ named: String?, address: ServiceAddress) -> String? {
    if let named { return named }
    guard !address.isOurs else { return nil }
    let environment = ProcessInfo.processInfo.environment
    let base = environment["XDG_STATE_HOME"] ?? "\(environment["HOME"] ?? ".")/.local/state"
    return "\(base)/hallmark/ledger.jsonl"
  }
}

/// Which credential the options and the environment amount to.
struct CredentialChoice {
  let options: ConnectionOptions
  let profile: AdministratorProfile?
  let environment: [String: String]
  let address: ServiceAddress
  let exchange: RetryingExchange

  func credential() throws -> any Credential {
    switch options.credential {
    case .auto: return try automatic()
    case .token: return try require(token(), "no token", "set HALLMARK_TOKEN or use --token-file")
    case .profile: return try require(fromProfile(), "no profile", "use --profile")
    case .workload: return try require(workload(), "no workload identity", "AZURE_FEDERATED_TOKEN_FILE and a client id are needed")
    case .github: return try require(github(), "no GitHub identity", "ACTIONS_ID_TOKEN_REQUEST_URL and a client id are needed")
    case .certificate: return try require(certificate(), "no certificate", "use --certificate and --client-id")
    case .managedIdentity: return managedIdentity()
    case .az: return AzureCLICredential(tenant: tenant)
    }
  }

  /// The first that is configured. Things said on the command line go before the environment.
  private func automatic() throws -> any Credential {
    if options.tokenFile != nil, let found = token() { return found }
    if options.profile != nil, let found = try fromProfile() { return found }
    if options.certificate != nil, let found = try certificate() { return found }
    if let found = token() { return found }
    if let found = try workload() { return found }
    if let found = try github() { return found }
    if let found = try certificate() { return found }
    if let found = try fromProfile() { return found }
    if environment["IDENTITY_ENDPOINT"] != nil { return managedIdentity() }
    if !address.isOurs { return AzureCLICredential(tenant: tenant) }
    throw CredentialError.notConfigured("nothing is configured for \(address.url)")
  }

  private func require(_ found: (any Credential)?, _ what: String, _ next: String) throws -> any Credential {
    guard let found else { throw CommandFailure.usage(what, why: "it was asked for and is not configured", next: next) }
    return found
  }

  private func token() -> (any Credential)? {
    if let file = options.tokenFile { return FixedTokenCredential(file: file) }
    guard let text = environment["HALLMARK_TOKEN"], !text.isEmpty else { return nil }
    // The token in the environment is for the service in the environment: it is not carried to another host that a key URL names.
    if let home = environment["HALLMARK_URL"], options.credential != .token {
      guard let own = try? ServiceAddress(home), own.netloc == address.netloc || own.host == address.host else { return nil }
    }
    return FixedTokenCredential(text: text, origin: "HALLMARK_TOKEN")
  }

  private func fromProfile() throws -> (any Credential)? {
    guard let profile else { return nil }
    // Like the token: the administrator's proof is made for their own authority only, whatever service asks.
    return try profile.credential(exchange: exchange)
  }

  private func workload() throws -> (any Credential)? {
    guard let file = environment["AZURE_FEDERATED_TOKEN_FILE"], let clientID else { return nil }
    return FederatedCredential(endpoint: try endpoint(), clientID: clientID, tokenFile: file)
  }

  private func github() throws -> (any Credential)? {
    guard let url = environment["ACTIONS_ID_TOKEN_REQUEST_URL"], let token = environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"], let clientID
    else { return nil }
    return FederatedCredential(
      endpoint: try endpoint(), clientID: clientID, requestURL: url, requestToken: token, exchange: exchange)
  }

  private func certificate() throws -> (any Credential)? {
    guard let file = options.certificate ?? environment["AZURE_CLIENT_CERTIFICATE_PATH"], let clientID else { return nil }
    return try KeyPairCredential(endpoint: endpoint(), clientID: clientID, certificateFile: file)
  }

  private func managedIdentity() -> any Credential {
    ManagedIdentityCredential(
      clientID: clientID, identityEndpoint: environment["IDENTITY_ENDPOINT"], identityHeader: environment["IDENTITY_HEADER"],
      exchange: exchange)
  }

  private var clientID: String? { options.clientID ?? environment["HALLMARK_CLIENT_ID"] ?? environment["AZURE_CLIENT_ID"] }

  private var tenant: String? {
    options.tenant ?? (address.isOurs ? environment["HALLMARK_TENANT"] : nil) ?? environment["AZURE_TENANT_ID"]
  }

  private func endpoint() throws -> TokenEndpoint {
    let authority =
      options.authority ?? (address.isOurs ? environment["HALLMARK_AUTHORITY"] ?? profile?.authority : nil)
      ?? environment["AZURE_AUTHORITY_HOST"] ?? "https://login.microsoftonline.com"
    return try TokenEndpoint(authority: authority, tenant: tenant ?? profile?.tenant, exchange: exchange)
  }
}
