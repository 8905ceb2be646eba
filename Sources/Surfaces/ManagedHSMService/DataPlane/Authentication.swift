package import Access
import Clocks
package import JOSE
import ManagedHSMWire
import NIOHTTP1

/// What became of the token of a call.
enum AuthenticationOutcome: Sendable {
  case authenticated(Authenticated<Call>)
  /// No token was sent: the challenge, and no record.
  case anonymous
  case refused(String)
  /// The keys of the token's issuer must be fetched and too many fetches wait.
  case busy
}

/// Fetches the key set of a trusted issuer. Implemented by the adapter that may open connections; bounded in time and size.
package typealias IssuerKeyFetch = @Sendable (TrustedIssuer) async throws -> [JWK]

/// Takes the bearer token of a call to the validator, and fetches issuer keys where the validator lacks them.
struct BearerAuthentication: Sendable {
  let challenge: Challenge
  let validator: TokenValidator
  let refresh: KeyRefresh

  func authenticate(_ call: Call, for surface: TokenSurface, _ completion: @escaping @Sendable (AuthenticationOutcome) -> Void) {
    let headers = call.request.headers["authorization"]
    guard let header = headers.first else { return completion(.anonymous) }
    // Two credentials: whichever were used, a proxy may have judged the other.
    guard headers.count == 1 else { return completion(.refused("The request carries more than one Authorization header")) }
    guard let bearer = Self.bearer(header) else { return completion(.refused("The Authorization header is not a bearer token")) }
    switch validator.authenticate(call, bearer: bearer, for: surface) {
    case .authenticated(let call): completion(.authenticated(call))
    case .refused(let refusal): completion(.refused(refusal.description))
    case .needsKeyRefresh(let issuer):
      let accepted = refresh.run(issuer) { [validator] in
        switch validator.authenticate(call, bearer: bearer, for: surface) {
        case .authenticated(let call): completion(.authenticated(call))
        case .refused(let refusal): completion(.refused(refusal.description))
        case .needsKeyRefresh: completion(.refused("the keys of the token's issuer could not be fetched"))
        }
      }
      if !accepted { completion(.busy) }
    }
  }

  private static func bearer(_ header: String) -> String? {
    guard header.utf8.count > 7, header.prefix(7).lowercased() == "bearer " else { return nil }
    return String(header.dropFirst(7))
  }
}

/// Fetches an issuer's keys on the network lane, then goes on whatever came of it.
struct KeyRefresh: Sendable {
  let lanes: Lanes
  let keyring: IssuerKeyring
  let fetch: IssuerKeyFetch

  /// - Returns: false when too many fetches wait; `next` will not run.
  func run(_ issuer: TrustedIssuer, _ next: @escaping @Sendable () -> Void) -> Bool {
    lanes.runOnNetwork {
      do { keyring.install(issuer: issuer.issuer, keys: try await fetch(issuer)) } catch { keyring.fetchFailed(issuer: issuer.issuer) }
      next()
    }
  }
}
