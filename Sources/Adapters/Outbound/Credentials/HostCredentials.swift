package import Clocks
internal import Encodings
internal import Foundation

/// The identity Azure gives a machine, a container app or a function.
package struct ManagedIdentityCredential: Credential {
  package let name = "managed identity"
  private let clientID: String?
  private let identityEndpoint: String?
  private let identityHeader: String?
  private let exchange: RetryingExchange
  private let clock: TimeSource

  /// - Parameters:
  ///   - identityEndpoint: IDENTITY_ENDPOINT (App Service, Container Apps) with `identityHeader`; nil: the instance metadata service.
  ///   - clientID: which user-assigned identity; nil: the system-assigned or only one.
  package init(
    clientID: String?, identityEndpoint: String?, identityHeader: String?, exchange: RetryingExchange, clock: TimeSource = .system
  ) {
    self.clientID = clientID
    self.identityEndpoint = identityEndpoint
    self.identityHeader = identityHeader
    self.exchange = exchange
    self.clock = clock
  }

  package func token(_ request: TokenRequest) async throws(CredentialError) -> AccessToken {
    var fields: [(name: String, value: String)] = [("resource", request.resource)]
    if let clientID { fields.append(("client_id", clientID)) }
    let message: OutboundRequest
    if let identityEndpoint {
      guard let identityHeader, Self.isLocal(identityEndpoint) else {
        throw .unusable("IDENTITY_ENDPOINT needs IDENTITY_HEADER and a local address")
      }
      message = OutboundRequest(
        "GET", "\(identityEndpoint)?\(URLText.form([("api-version", "2019-08-01")] + fields))",
        headers: [("x-identity-header", identityHeader)], timeout: .seconds(10), maxReplyBytes: 128 << 10)
    } else {
      message = OutboundRequest(
        "GET", "http://169.254.169.254/metadata/identity/oauth2/token?\(URLText.form([("api-version", "2018-02-01")] + fields))",
        headers: [("metadata", "true")], timeout: .seconds(3), maxReplyBytes: 128 << 10)
    }
    let reply: OutboundReply
    do { reply = try await exchange.send(message, replay: .harmless).reply } catch { throw .unreachable(error.description) }
    return try TokenEndpoint.read(reply, from: "the managed identity endpoint", now: clock.now().seconds)
  }

  /// The identity header is a secret of this machine: it goes to this machine only.
  static func isLocal(_ url: String) -> Bool {
    guard let parts = ServiceChallenge.split(url) else { return false }
    let host = parts.authority.split(separator: "/").last.map(String.init) ?? ""
    let name = host.hasPrefix("[") ? host : String(host.split(separator: ":").first ?? "")
    return name == "localhost" || name.hasPrefix("127.") || name.hasPrefix("169.254.") || host.hasPrefix("[::1]") || url.hasPrefix("https://")
  }
}

/// Whoever is logged in with `az`.
package struct AzureCLICredential: Credential {
  package let name = "Azure CLI"
  private let tenant: String?

  package init(tenant: String?) { self.tenant = tenant }

  package func token(_ request: TokenRequest) async throws(CredentialError) -> AccessToken {
    var arguments = ["az", "account", "get-access-token", "--output", "json", "--scope", request.scope]
    if let tenant = tenant ?? request.tenant { arguments += ["--tenant", tenant] }
    let output: [UInt8]
    do { output = try await Self.run(arguments, seconds: 60) } catch { throw error }
    guard let value = try? JSONValue.parse(output), let text = value["accessToken"]?.string else {
      throw .badAnswer("az printed no accessToken")
    }
    return try AccessToken(text, expires: value["expires_on"]?.int64)
  }

  /// Runs a program from PATH and returns what it wrote to standard output, at most 1 MiB. Its standard error is not shown: it may
  /// quote tokens.
  private static func run(_ arguments: [String], seconds: Int) async throws(CredentialError) -> [UInt8] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    do { try process.run() } catch { throw .notConfigured("az cannot be started") }
    let deadline = DispatchTime.now() + .seconds(seconds)
    let watch = DispatchWorkItem { if process.isRunning { process.terminate() } }
    DispatchQueue.global().asyncAfter(deadline: deadline, execute: watch)
    let output = await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        let data = (try? pipe.fileHandleForReading.read(upToCount: 1 << 20)) ?? Data()
        process.waitUntilExit()
        continuation.resume(returning: Array(data))
      }
    }
    watch.cancel()
    guard process.terminationStatus == 0 else {
      throw .notConfigured("`az account get-access-token` exited \(process.terminationStatus); run `az login` first")
    }
    return output
  }
}
