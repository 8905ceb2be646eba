import ArgumentParser
import Foundation
import Outbound

/// How registries are spoken to.
struct RegistryOptions: ParsableArguments {
  @Flag(name: .customLong("plain-http"), help: "Speak plain HTTP to registries on this machine (localhost, 127.0.0.1, [::1]).")
  var plainHTTP = false

  @Option(name: .customLong("plain-http-host"), parsing: .singleValue, help: "Speak plain HTTP to this registry (HOST[:PORT]); may be given several times.")
  var plainHTTPHosts: [String] = []

  @Option(name: .customLong("registry-config"), help: "Docker configuration with credentials; default $DOCKER_CONFIG/config.json or ~/.docker/config.json.")
  var config: String?

  @Option(name: .customLong("registry-ca"), help: "PEM file with CA certificates that registries may use besides the system's (HALLMARK_REGISTRY_CA).")
  var ca: String?

  /// Opens a client, runs the body and closes it.
  func connect<Result>(_ body: (RegistryClient) async throws -> Result) async throws -> Result {
    let environment = ProcessInfo.processInfo.environment
    let connection = ConnectionSettings(environment: environment)
    var settings = RegistrySettings(lockFolder: connection.stateFolder + "/locks")
    settings.plainHTTPOnLoopback = plainHTTP
    settings.plainHTTPHosts = Set(plainHTTPHosts.map { $0.lowercased() })
    let transport = try HTTPTransport(extraAuthorities: ca ?? environment["HALLMARK_REGISTRY_CA"])
    do {
      let client = try RegistryClient(
        transport: transport, settings: settings, environment: environment, dockerConfig: config,
        azure: try connection.azureIdentity(exchange: RetryingExchange(transport)))
      defer { for warning in client.warnings { Console.note("registry warning: \(Console.plain(warning))") } }
      let result = try await body(client)
      await transport.shutdown()
      return result
    } catch {
      await transport.shutdown()
      throw error
    }
  }
}
