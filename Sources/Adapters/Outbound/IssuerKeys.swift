internal import Encodings
package import JOSE

/// Fetches the signing keys of a token issuer: OpenID Connect discovery, then the JWKS (OpenID Connect Discovery 1.0 §4, RFC 8414).
///
/// It does not cache: the caller knows when keys are stale. What it returns is only as trustworthy as TLS to the issuer.
package struct IssuerKeys: Sendable {
  package static let maxDocumentBytes = 256 << 10
  package static let maxKeys = 100

  private let exchange: RetryingExchange

  /// - Parameter exchange: over a transport that trusts the issuer's CA. A short policy is wise: somebody waits for the answer.
  package init(exchange: RetryingExchange) { self.exchange = exchange }

  /// Two requests of at most 256 KiB and 10 s each; no redirects.
  ///
  /// - Parameter issuer: exactly as tokens write it in `iss`; https only.
  /// - Throws: `.badAnswer` when the document names another issuer, when the keys lie on another host under http, or cannot be read.
  package func keys(of issuer: String) async throws(OutboundError) -> [JWK] {
    let base = issuer.hasSuffix("/") ? String(issuer.dropLast()) : issuer
    let document = try await get(base + "/.well-known/openid-configuration")
    guard let named = document.value["issuer"]?.string, named == issuer else {
      throw .badAnswer(url: document.url, why: "it describes another issuer than \(issuer.prefix(200))")
    }
    guard let uri = document.value["jwks_uri"]?.string else { throw .badAnswer(url: document.url, why: "no jwks_uri in it") }
    return try await keys(at: uri)
  }

  /// The keys at a JWKS address. Keys of kinds Hallmark does not verify with are passed over.
  package func keys(at uri: String) async throws(OutboundError) -> [JWK] {
    let reply = try await get(uri)
    guard let count = reply.value["keys"]?.array?.count, count <= Self.maxKeys else {
      throw .badAnswer(url: reply.url, why: "not a key set of at most \(Self.maxKeys) keys")
    }
    do { return try JWK.parseSet(reply.bytes) } catch { throw .badAnswer(url: reply.url, why: "key set: \(error)") }
  }

  private func get(_ url: String) async throws(OutboundError) -> (url: String, value: JSONValue, bytes: [UInt8]) {
    guard url.lowercased().hasPrefix("https://"), ServiceChallenge.split(url) != nil, url.utf8.count <= 2048 else {
      throw .badAddress(url, why: "an issuer's documents are fetched over https only")
    }
    let request = OutboundRequest(
      "GET", url, headers: [("accept", "application/json")], timeout: .seconds(10), maxReplyBytes: Self.maxDocumentBytes)
    let reply = try await exchange.send(request, replay: .harmless).reply
    guard reply.status == 200 else { throw .badAnswer(url: request.place, why: "status \(reply.status)") }
    do { return (request.place, try JSONValue.parse(reply.body), reply.body) } catch {
      throw .badAnswer(url: request.place, why: error.description)
    }
  }
}
