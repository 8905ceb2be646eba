package import Encodings

/// What a token is wanted for.
package struct TokenRequest: Sendable, Hashable {
  /// `https://resource/.default`.
  package var scope: String
  /// The tenant the service named; a credential with a tenant of its own keeps that one.
  package var tenant: String?
  /// JSON of a claims challenge, to be sent along.
  package var claims: String?

  package init(scope: String, tenant: String? = nil, claims: String? = nil) {
    self.scope = scope
    self.tenant = tenant
    self.claims = claims
  }

  /// The resource without `/.default`: what managed identities want.
  package var resource: String { scope.hasSuffix("/.default") ? String(scope.dropLast("/.default".count)) : scope }
}

/// A bearer token. Its text leaves only through `headerValue`; descriptions do not show it.
package struct AccessToken: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let text: String
  /// Seconds since the epoch; nil when nobody said.
  package let expires: Int64?

  /// - Throws: `.badAnswer` when the text could not stand in a header.
  package init(_ text: String, expires: Int64?) throws(CredentialError) {
    guard (1...32_768).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw .badAnswer("the token is empty, too long or not plain text")
    }
    self.text = text
    self.expires = expires
  }

  package var headerValue: String { "Bearer \(text)" }
  package var description: String { "(token)" }
  package var debugDescription: String { "(token)" }
  package var customMirror: Mirror { Mirror(self, children: [:]) }

  /// The claims inside, when it is a JWT: for the ledger and for people, never for decisions.
  package var unverifiedClaims: JSONObject {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let payload = try? Base64URL.decode(String(parts[1])), let value = try? JSONValue.parse(payload) else { return [:] }
    return value.object ?? [:]
  }
}

/// Why no token could be had. Never holds a secret or a token.
package enum CredentialError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What would be needed is not there.
  case notConfigured(String)
  /// A file, variable or key is there and cannot be used.
  case unusable(String)
  /// The issuer refused.
  case refused(by: String, status: Int, why: String)
  /// The issuer cannot be reached.
  case unreachable(String)
  case badAnswer(String)

  package var description: String {
    switch self {
    case .notConfigured(let why): "no credential: \(why)"
    case .unusable(let why): "credential cannot be used: \(why)"
    case .refused(let who, let status, let why): "\(who) refused a token (\(status)): \(why)"
    case .unreachable(let why): "cannot reach the token issuer: \(why)"
    case .badAnswer(let why): "unusable answer of the token issuer: \(why)"
    }
  }
}

/// Gets tokens. Implementers do not cache; `TokenCache` does. Trusted with the secrets they hold.
package protocol Credential: Sendable {
  /// For messages: which kind it is, and of whom.
  var name: String { get }
  func token(_ request: TokenRequest) async throws(CredentialError) -> AccessToken
}
