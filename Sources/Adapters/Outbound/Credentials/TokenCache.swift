package import Clocks
internal import Synchronization

/// Keeps tokens until shortly before they expire.
package final class TokenCache: Sendable {
  /// Renewed this long before expiry.
  package static let margin: Int64 = 120

  private let credential: any Credential
  private let clock: TimeSource
  private let tokens = Mutex<[TokenRequest: AccessToken]>([:])

  package init(_ credential: any Credential, clock: TimeSource = .system) {
    self.credential = credential
    self.clock = clock
  }

  package var name: String { credential.name }

  /// A token for this request. Two calls at once may both ask the issuer: that does no harm.
  package func token(_ request: TokenRequest) async throws(CredentialError) -> AccessToken {
    let now = clock.now().seconds
    if let held = tokens.withLock({ $0[request] }), let expires = held.expires, now < expires - Self.margin { return held }
    let fresh = try await credential.token(request)
    tokens.withLock { $0[request] = fresh }
    return fresh
  }

  /// Forgets a token the service did not accept.
  package func forget(_ request: TokenRequest) { tokens.withLock { $0[request] = nil } }
}
