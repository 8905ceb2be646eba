import ArgumentParser
import Foundation
import Outbound

extension ConnectionSettings.Kind: ExpressibleByArgument {}

/// Where the service is and who we are, but for the options that mean something else in some commands (`--profile`, `--certificate`).
/// Tokens come from the environment and from files, never from the command line.
struct AddressOptions: ParsableArguments {
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

  @Option(help: "Which credential to use: \(ConnectionSettings.Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
  var credential: ConnectionSettings.Kind = .auto

  var settings: ConnectionSettings {
    var settings = ConnectionSettings(environment: ProcessInfo.processInfo.environment)
    settings.url = url
    settings.ca = ca
    settings.tokenFile = tokenFile
    settings.authority = authority
    settings.tenant = tenant
    settings.clientID = clientID
    settings.credential = credential
    return settings
  }
}

/// The service, for commands whose own `--certificate` means something else.
struct ServiceOptions: ParsableArguments {
  @OptionGroup var address: AddressOptions

  @Option(help: "Folder of an administrator profile, as `hallmark init` leaves it (HALLMARK_PROFILE).")
  var profile: String?

  var settings: ConnectionSettings {
    var settings = address.settings
    settings.profile = profile
    return settings
  }
}

/// The options of every command that talks to a service.
struct ConnectionOptions: ParsableArguments {
  @OptionGroup var service: ServiceOptions

  @Option(help: "PEM file with a client certificate and its key (AZURE_CLIENT_CERTIFICATE_PATH).")
  var certificate: String?

  var settings: ConnectionSettings {
    var settings = service.settings
    settings.certificate = certificate
    return settings
  }

  /// Opens a connection, runs the body and closes it.
  ///
  /// - Parameter store: address that a key URL named; it goes before `--url`.
  func connect<Result>(
    to store: String? = nil, _ body: (ServiceConnection) async throws -> Result
  ) async throws -> Result {
    try await settings.connect(to: store, body)
  }
}

extension ConnectionSettings {
  /// Opens a connection, runs the body and closes it.
  func connect<Result>(
    to store: String? = nil, _ body: (ServiceConnection) async throws -> Result
  ) async throws -> Result {
    let connection = try ServiceConnection(self, store: store)
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
