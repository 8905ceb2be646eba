import ArgumentParser
import Clocks
import Crypto
import Encodings
import Foundation
import JOSE
import ManagedHSMService
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Secrets

/// `hallmark dev issuer`: a stand-in for a CI platform's OpenID Connect issuer, with GitHub's way of asking for a token.
///
/// For demonstrations and tests on loopback. It signs whatever claims its starter wrote down, so no real service should ever trust it.
struct DevIssuer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "issuer", abstract: "Run a stand-in OpenID Connect issuer of a CI platform, on loopback, until stopped.")

  @Option(help: "Folder for its CA, and for the file `env` that a job sources.") var dir: String
  @Option(help: "TCP port on loopback; 0 takes a free one.") var port = 0
  @Option(help: "Host name in the issuer's URL.") var host = "ci.managedhsm.localhost"
  @Option(help: "Claim as name=value, repeatable: sub, repository, workflow, run_id, ref, sha, actor.") var claim: [String] = []

  func run() async throws {
    let folder = URL(fileURLWithPath: dir)
    try PrivateFile.makeFolder(folder)
    var claims: JSONObject = [:]
    for text in claim {
      let parts = text.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { throw ValidationError("--claim takes name=value, not '\(text)'") }
      claims[String(parts[0])] = .string(String(parts[1]))
    }
    let ca = EmbeddedCA(folder: folder.appending(path: "tls"), clock: .system)
    let (chain, key) = try ca.material(dnsNames: [host, "localhost"], commonName: "CI stand-in")
    var tls = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
    tls.minimumTLSVersion = .tlsv12
    tls.applicationProtocols = ["http/1.1"]
    let requestToken = Hex.encode(Entropy.system.bytes(24))
    let port = try self.port == 0 ? FreePort.find() : self.port
    let responder = WorkloadIssuerResponder(url: "https://\(host):\(port)", claims: claims, requestToken: requestToken)
    let listener = try await Listener.bind(
      ListenerConfiguration(port: port), tls: NIOSSLContext(configuration: tls), responder: responder, group: .singleton)
    let environment = """
      ACTIONS_ID_TOKEN_REQUEST_URL='https://\(host):\(port)/token?api-version=2.0'
      ACTIONS_ID_TOKEN_REQUEST_TOKEN='\(requestToken)'
      HALLMARK_CI_ISSUER='https://\(host):\(port)'
      HALLMARK_CI_CA='\(ca.caFile.path)'
      HALLMARK_CI_PID='\(ProcessInfo.processInfo.processIdentifier)'

      """
    try PrivateFile.write(Data(environment.utf8), to: folder.appending(path: "env"))
    await StopSignal.wait()
    await listener.shutDown()
  }
}

/// Discovery, keys, and a token for whoever holds the request token.
private struct WorkloadIssuerResponder: Responder {
  let url: String
  let claims: JSONObject
  let requestToken: String
  private let signer = P256JWSSigner(P256.Signing.PrivateKey())

  init(url: String, claims: JSONObject, requestToken: String) {
    self.url = url
    self.claims = claims
    self.requestToken = requestToken
  }

  func respond(to request: WireRequest, reply: @escaping @Sendable (WireReply) -> Void) { reply(answer(request)) }

  func refuseOversized(_ request: WireRequest, limit: Int) -> WireReply { WireReply(status: 413) }

  private func answer(_ request: WireRequest) -> WireReply {
    switch (request.method, request.path) {
    case (.GET, "/.well-known/openid-configuration"):
      return json([
        "issuer": .string(url), "jwks_uri": .string("\(url)/.well-known/jwks"), "id_token_signing_alg_values_supported": ["ES256"],
        "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
      ])
    case (.GET, "/.well-known/jwks"):
      var key = signer.publicKey.publicJSON()
      key["kid"] = signer.header["kid"]
      key["alg"] = "ES256"
      key["use"] = "sig"
      return json(["keys": [.object(key)]])
    case (.GET, "/token"):
      let presented = request.header("authorization")?.split(separator: " ").last.map { Array($0.utf8) } ?? []
      guard constantTimeEqual(presented, Array(requestToken.utf8)) else { return WireReply(status: 401) }
      let now = TimeSource.system.now().seconds
      var claims = self.claims
      claims["iss"] = .string(url)
      claims["aud"] = .string(audience(request.query) ?? url)
      claims["iat"] = .integer(now)
      claims["nbf"] = .integer(now - 5)
      claims["exp"] = .integer(now + 300)
      claims["jti"] = .string(Entropy.system.uuid())
      guard let token = try? JWS.compact(JSONValue.object(claims).serialized(), by: signer) else { return WireReply(status: 500) }
      return json(["value": .string(token)])
    default:
      return WireReply(status: 404)
    }
  }

  private func audience(_ query: Substring) -> String? {
    query.split(separator: "&").first { $0.hasPrefix("audience=") }.flatMap { String($0.dropFirst("audience=".count)).removingPercentEncoding }
  }

  private func json(_ object: JSONObject) -> WireReply {
    WireReply(status: 200, headers: [("Content-Type", "application/json")], body: JSONValue.object(object).serialized())
  }
}
