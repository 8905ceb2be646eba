package import Clocks

internal import Encodings
package import JOSE
internal import SwiftASN1
internal import X509

/// A workload's own identity token, exchanged for an access token: no secret anywhere.
package struct FederatedCredential: Credential {
  package let name: String
  private let endpoint: TokenEndpoint
  private let clientID: String
  private let assertion: @Sendable () async throws(CredentialError) -> String

  package init(
    name: String, endpoint: TokenEndpoint, clientID: String,
    assertion: @escaping @Sendable () async throws(CredentialError) -> String
  ) {
    self.name = name
    self.endpoint = endpoint
    self.clientID = clientID
    self.assertion = assertion
  }

  /// Kubernetes and the like: the assertion lies in a file that the platform renews (AZURE_FEDERATED_TOKEN_FILE).
  package init(endpoint: TokenEndpoint, clientID: String, tokenFile: String) {
    self.init(name: "workload identity \(clientID)", endpoint: endpoint, clientID: clientID) { () throws(CredentialError) in
      try BoundedFile.text(tokenFile, maxBytes: 64 << 10).filter { !$0.isWhitespace }
    }
  }

  /// GitHub Actions: the runner hands out the job's token for an audience.
  ///
  /// - Parameters:
  ///   - requestURL: ACTIONS_ID_TOKEN_REQUEST_URL.
  ///   - requestToken: ACTIONS_ID_TOKEN_REQUEST_TOKEN; sent to that URL only.
  package init(
    endpoint: TokenEndpoint, clientID: String, requestURL: String, requestToken: String,
    audience: String = "api://AzureADTokenExchange", exchange: RetryingExchange
  ) {
    self.init(name: "GitHub Actions identity \(clientID)", endpoint: endpoint, clientID: clientID) { () throws(CredentialError) in
      guard requestURL.lowercased().hasPrefix("https://") else { throw .unusable("ACTIONS_ID_TOKEN_REQUEST_URL is not https") }
      let bearer = try AccessToken(requestToken, expires: nil)
      let separator = requestURL.contains("?") ? "&" : "?"
      let message = OutboundRequest(
        "GET", "\(requestURL)\(separator)audience=\(URLText.component(audience))",
        headers: [("authorization", bearer.headerValue), ("accept", "application/json")], maxReplyBytes: 128 << 10)
      let reply: OutboundReply
      do throws(OutboundError) { reply = try await exchange.send(message, replay: .harmless).reply } catch {
        throw CredentialError.unreachable(error.description)
      }
      guard reply.status == 200 else {
        throw .refused(by: "GitHub Actions", status: reply.status, why: "does the job have `permissions: id-token: write`?")
      }
      guard let text = (try? JSONValue.parse(reply.body))?["value"]?.string else { throw .badAnswer("GitHub Actions gave no token") }
      return text
    }
  }

  package func token(_ request: TokenRequest) async throws(CredentialError) -> AccessToken {
    try await endpoint.token(request, clientID: clientID) { (_) async throws(CredentialError) in try await assertion() }
  }
}

/// A key pair of the principal's own: private_key_jwt (RFC 7523, OpenID Connect Core §9).
package struct KeyPairCredential: Credential {
  package let name: String
  private let endpoint: TokenEndpoint
  private let clientID: String
  /// Signs a payload into a compact JWS.
  private let sign: @Sendable ([UInt8]) throws(JOSEError) -> String
  private let clock: TimeSource
  private let entropy: Entropy

  package init(
    name: String, endpoint: TokenEndpoint, clientID: String, signer: some JWSSigner, clock: TimeSource = .system,
    entropy: Entropy = .system
  ) {
    self.init(name, endpoint, clientID, Self.sign(by: signer), clock, entropy)
  }

  private init(
    _ name: String, _ endpoint: TokenEndpoint, _ clientID: String,
    _ sign: @escaping @Sendable ([UInt8]) throws(JOSEError) -> String, _ clock: TimeSource, _ entropy: Entropy
  ) {
    self.name = name
    self.endpoint = endpoint
    self.clientID = clientID
    self.sign = sign
    self.clock = clock
    self.entropy = entropy
  }

  private static func sign(by signer: some JWSSigner) -> @Sendable ([UInt8]) throws(JOSEError) -> String {
    { (payload) throws(JOSEError) in try JWS.compact(payload, by: signer, extra: ["typ": "JWT"]) }
  }

  /// A PEM file with a certificate and its private key (RSA or P-256), as Entra ID wants it: the header names the certificate by digest.
  package init(endpoint: TokenEndpoint, clientID: String, certificateFile: String, clock: TimeSource = .system) throws(CredentialError) {
    let text = try BoundedFile.text(certificateFile, maxBytes: 256 << 10)
    let sign = try Self.signer(pem: text, path: certificateFile)
    self.init("client certificate of \(clientID)", endpoint, clientID, sign, clock, .system)
  }

  package func token(_ request: TokenRequest) async throws(CredentialError) -> AccessToken {
    try await endpoint.token(request, clientID: clientID) { (url) throws(CredentialError) in try assertion(for: url) }
  }

  /// Valid for five minutes, for this endpoint alone, once.
  func assertion(for endpoint: String) throws(CredentialError) -> String {
    let now = clock.now().seconds
    let claims: JSONValue = [
      "iss": .string(clientID), "sub": .string(clientID), "aud": .string(endpoint), "jti": .string(entropy.uuid()),
      "iat": .integer(now), "nbf": .integer(now), "exp": .integer(now + 300),
    ]
    do { return try sign(claims.serialized()) } catch {
      throw .unusable("signing the client assertion failed")
    }
  }

  private static func signer(
    pem: String, path: String
  ) throws(CredentialError) -> @Sendable ([UInt8]) throws(JOSEError) -> String {
    let blocks: [PEM.Block]
    do { blocks = try PEM.parse(pem) } catch { throw .unusable("\(path): \(error.description)") }
    let chain = blocks.filter { $0.label == "CERTIFICATE" }.map(\.bytes)
    guard let leaf = chain.first else { throw .unusable("\(path) holds no certificate") }
    guard let key = blocks.first(where: { $0.label.hasSuffix("PRIVATE KEY") }) else { throw .unusable("\(path) holds no private key") }
    let text = PEM.encode(key.bytes, label: key.label)
    let header = JSONObject.certificateHeader(chain: chain)
    guard let certificate = try? Certificate(derEncoded: leaf), let own = try? Certificate.PrivateKey(pemEncoded: text),
      certificate.publicKey == own.publicKey
    else { throw .unusable("\(path): the private key does not belong to the first certificate, or is of an unknown kind") }
    if let signer = try? P256JWSSigner(pem: text, header: header) { return sign(by: signer) }
    if let signer = try? RSAJWSSigner(pem: text, header: header) { return sign(by: signer) }
    throw .unusable("\(path): the private key is neither RSA nor P-256")
  }
}
