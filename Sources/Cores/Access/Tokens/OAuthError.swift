package import Encodings

/// A refusal of the token endpoint (RFC 6749 §5.2, RFC 8628 §3.5), with the text people know from Entra.
package enum OAuthError: Error, Sendable, Equatable, CustomStringConvertible {
  case malformedRequest(String)
  case unsupportedGrant(String)
  /// Shared secrets do not exist here.
  case secretRefused
  case noCredential
  case unknownClient
  case clientDisabled
  case unknownResource(String)
  case assertionMalformed(String)
  case assertionIssuerUntrusted(String)
  /// No federated credential matches; what the token said is named, it is the caller's own.
  case noMatchingFederatedCredential(issuer: String, subject: String, audiences: [String])
  case assertionSignatureInvalid
  case assertionExpired
  case assertionEarly
  case assertionLifetimeTooLong(maxSeconds: Int64)
  case assertionAudienceWrong
  case assertionNotAboutClient
  case assertionReplayed
  case assertionKeysUnavailable(String)
  case authorizationPending
  case slowDown
  case deviceCodeExpired
  case deviceCodeDenied
  case deviceCodeUnknown
  case refreshTokenInvalid
  /// The token was used before: the whole sign-in is ended.
  case refreshTokenReused
  case busy
  case signingFailed

  /// The registered error code.
  package var code: String {
    switch self {
    case .malformedRequest: "invalid_request"
    case .unsupportedGrant: "unsupported_grant_type"
    case .secretRefused, .noCredential, .assertionMalformed, .assertionIssuerUntrusted, .noMatchingFederatedCredential,
      .assertionSignatureInvalid, .assertionExpired, .assertionEarly, .assertionLifetimeTooLong, .assertionAudienceWrong,
      .assertionNotAboutClient, .assertionReplayed:
      "invalid_client"
    case .unknownClient, .clientDisabled: "unauthorized_client"
    case .unknownResource: "invalid_resource"
    case .assertionKeysUnavailable, .busy: "temporarily_unavailable"
    case .authorizationPending: "authorization_pending"
    case .slowDown: "slow_down"
    case .deviceCodeExpired: "expired_token"
    case .deviceCodeDenied: "access_denied"
    case .deviceCodeUnknown, .refreshTokenInvalid, .refreshTokenReused: "invalid_grant"
    case .signingFailed: "server_error"
    }
  }

  /// The HTTP status RFC 6749 asks for.
  package var status: Int {
    switch self {
    case .assertionKeysUnavailable, .busy: 503
    case .signingFailed: 500
    default: code == "invalid_client" ? 401 : 400
    }
  }

  /// Entra's number for the same refusal, where it has one.
  package var number: Int {
    switch self {
    case .malformedRequest: 900144
    case .unsupportedGrant: 70003
    case .secretRefused, .noCredential: 7000218
    case .unknownClient: 700016
    case .clientDisabled: 7000112
    case .unknownResource: 500011
    case .assertionMalformed: 50027
    case .assertionIssuerUntrusted, .noMatchingFederatedCredential: 700213
    case .assertionSignatureInvalid: 700027
    case .assertionExpired, .assertionEarly, .assertionLifetimeTooLong: 700024
    case .assertionAudienceWrong: 700212
    case .assertionNotAboutClient: 700021
    case .assertionReplayed: 700026
    case .assertionKeysUnavailable: 7000272
    case .authorizationPending: 70016
    case .slowDown: 70018
    case .deviceCodeExpired: 70020
    case .deviceCodeDenied: 70000
    case .deviceCodeUnknown: 70019
    case .refreshTokenInvalid: 70008
    case .refreshTokenReused: 54005
    case .busy, .signingFailed: 90033
    }
  }

  package var description: String {
    let what =
      switch self {
      case .malformedRequest(let why): "The request is malformed: \(why)."
      case .unsupportedGrant(let grant): "The grant type '\(grant)' is not supported."
      case .secretRefused: "Client secrets are not accepted here. Use a federated token or a certificate (client_assertion)."
      case .noCredential: "The request body must contain 'client_assertion' and 'client_assertion_type'."
      case .unknownClient: "No application, public client or person with this client_id is known in the tenant."
      case .clientDisabled: "The principal is disabled."
      case .unknownResource(let resource): "The resource '\(resource)' is not served by this authority."
      case .assertionMalformed(let why): "The client assertion cannot be read: \(why)."
      case .assertionIssuerUntrusted(let issuer): "The assertion's issuer '\(issuer)' is not trusted. An administrator adds it with 'hallmark identity'."
      case .noMatchingFederatedCredential(let issuer, let subject, let audiences):
        "No matching federated identity record found for presented assertion: issuer '\(issuer)', subject '\(subject)', audience '\(audiences.joined(separator: ","))'."
      case .assertionSignatureInvalid: "The assertion's signature does not verify with any key registered for its issuer."
      case .assertionExpired: "The assertion is expired."
      case .assertionEarly: "The assertion is not yet valid. Check the clocks."
      case .assertionLifetimeTooLong(let seconds): "The assertion's lifetime is missing or exceeds \(seconds) seconds."
      case .assertionAudienceWrong: "The assertion's audience is not this token endpoint."
      case .assertionNotAboutClient: "The assertion's issuer and subject must both be the client_id."
      case .assertionReplayed: "The assertion was used before, or has no 'jti'."
      case .assertionKeysUnavailable(let issuer): "The keys of issuer '\(issuer)' could not be fetched, or hold none of this key id."
      case .authorizationPending: "The device code was not confirmed yet."
      case .slowDown: "The device polls too often."
      case .deviceCodeExpired: "The device code is expired."
      case .deviceCodeDenied: "The sign-in was refused."
      case .deviceCodeUnknown: "The device code is unknown or was used."
      case .refreshTokenInvalid: "The refresh token is unknown, expired or belongs to another client."
      case .refreshTokenReused: "The refresh token was used before; the sign-in it belongs to is ended."
      case .busy: "Too many sign-ins are under way."
      case .signingFailed: "The token could not be signed."
      }
    return "AADSTS\(number): \(what)"
  }

  /// The body of the answer.
  package func json() -> JSONObject {
    ["error": .string(code), "error_description": .string(description), "error_codes": .array([.integer(number)])]
  }
}
