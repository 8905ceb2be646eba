package import Clocks
internal import Encodings

/// The token endpoint of an authority: Entra ID's, or Hallmark's own (`POST <authority>/<tenant>/oauth2/v2.0/token`).
package struct TokenEndpoint: Sendable {
  /// `https://host[:port]`.
  package let authority: String
  package let tenant: String?
  private let exchange: RetryingExchange
  private let clock: TimeSource

  /// - Parameter authority: `https://host[:port]`, with or without the tenant as its path. https only: secrets go there.
  package init(
    authority: String, tenant: String?, exchange: RetryingExchange, clock: TimeSource = .system
  ) throws(CredentialError) {
    guard authority.lowercased().hasPrefix("https://"), let parts = ServiceChallenge.split(authority) else {
      throw .unusable("authority \"\(authority.prefix(200))\" is not https://HOST[:PORT][/TENANT]")
    }
    let path = parts.path.filter { !$0.isEmpty }
    guard path.count <= 1 else { throw .unusable("authority \"\(authority.prefix(200))\" has more than the tenant as its path") }
    let named = tenant ?? path.first
    if let named, !named.utf8.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x2D && $0 <= 0x39 && $0 != 0x2F }) {
      throw .unusable("tenant \"\(named.prefix(100))\" is neither a GUID nor a domain name")
    }
    self.authority = parts.authority
    self.tenant = named
    self.exchange = exchange
    self.clock = clock
  }

  /// The URL tokens are asked of; a tenant of our own goes before the one that a service named.
  package func url(for request: TokenRequest) throws(CredentialError) -> String {
    guard let tenant = tenant ?? request.tenant else { throw .notConfigured("the tenant is not known; use --tenant or AZURE_TENANT_ID") }
    return "\(authority)/\(URLText.component(tenant))/oauth2/v2.0/token"
  }

  /// A client_credentials request proved by an assertion (RFC 7523 §2.2).
  ///
  /// - Parameter assertion: made for exactly the endpoint URL it is given.
  package func token(
    _ request: TokenRequest, clientID: String, assertion: (_ endpoint: String) async throws(CredentialError) -> String
  ) async throws(CredentialError) -> AccessToken {
    let url = try url(for: request)
    var fields: [(name: String, value: String)] = [
      ("grant_type", "client_credentials"), ("client_id", clientID), ("scope", request.scope),
      ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
      ("client_assertion", try await assertion(url)),
    ]
    if let claims = request.claims { fields.append(("claims", claims)) }
    return try await send(fields, to: url)
  }

  private func send(_ fields: [(name: String, value: String)], to url: String) async throws(CredentialError) -> AccessToken {
    let message = OutboundRequest(
      "POST", url,
      headers: [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")],
      body: Array(URLText.form(fields).utf8), maxReplyBytes: 256 << 10)
    let reply: OutboundReply
    do { reply = try await exchange.send(message, replay: .harmless).reply } catch { throw .unreachable(error.description) }
    return try Self.read(reply, from: "\(authority)", now: clock.now().seconds)
  }

  /// Reads a token answer (RFC 6749 §5): `expires_in` may be a number or a text.
  static func read(_ reply: OutboundReply, from issuer: String, now: Int64) throws(CredentialError) -> AccessToken {
    let value = try? JSONValue.parse(reply.body)
    guard reply.status == 200 else {
      let code = value?["error"]?.string ?? "no reason given"
      let text = value?["error_description"]?.string.map { ": \($0.prefix(500))" } ?? ""
      throw .refused(by: issuer, status: reply.status, why: code.prefix(100) + text)
    }
    guard let value, let text = value["access_token"]?.string else { throw .badAnswer("there is no access_token in it") }
    if let type = value["token_type"]?.string, type.lowercased() != "bearer" { throw .badAnswer("token type is not Bearer") }
    let lifetime = value["expires_in"]?.int64 ?? value["expires_in"]?.string.flatMap { Int64($0) }
    let until = value["expires_on"]?.int64 ?? value["expires_on"]?.string.flatMap { Int64($0) }
    return try AccessToken(text, expires: lifetime.map { now + max(0, min($0, 86_400 * 7)) } ?? until)
  }
}
