package import Clocks
package import Encodings

/// A JSON Web Token (RFC 7519) whose signature nobody checked yet. Its claims serve only to find the key to check it with.
package struct UnverifiedJWT: Sendable {
  package let jws: JWS
  package let claims: JSONObject

  package static func parse(_ text: some Sequence<UInt8>, maxBytes: Int = JWS.maxBytes) throws(JOSEError) -> UnverifiedJWT {
    let jws = try JWS.parse(text, maxBytes: maxBytes)
    return UnverifiedJWT(jws: jws, claims: try object(of: jws.payload, "claims"))
  }

  package static func parse(_ text: String, maxBytes: Int = JWS.maxBytes) throws(JOSEError) -> UnverifiedJWT {
    try parse(text.utf8, maxBytes: maxBytes)
  }

  /// The issuer the token says it has.
  package var claimedIssuer: String? { claims["iss"]?.string }
  package var kid: String? { jws.kid }

  /// The only way to a `VerifiedJWT`.
  package func verified(
    with key: VerificationKey, allowing allowed: Set<JWSAlgorithm> = Set(JWSAlgorithm.allCases)
  ) throws(JOSEError) -> VerifiedJWT {
    try jws.verify(with: key, allowing: allowed)
    return VerifiedJWT(header: jws.header, claims: claims)
  }
}

/// A token whose signature was proven with a key the caller chose. Made only by `UnverifiedJWT.verified`.
///
/// Its times, audience and issuer are still to be checked: `checkTimes` does the times, the rest depends on who asks.
package struct VerifiedJWT: Sendable {
  package let header: JSONObject
  package let claims: JSONObject

  fileprivate init(header: JSONObject, claims: JSONObject) {
    self.header = header
    self.claims = claims
  }

  package var issuer: String? { claims["iss"]?.string }
  package var subject: String? { claims["sub"]?.string }

  /// `aud` as a list, whether it was written as one or as a string; empty when absent or neither.
  package var audiences: [String] {
    switch claims["aud"] {
    case .string(let one): return [one]
    case .array(let many):
      let texts = many.compactMap(\.string)
      return texts.count == many.count ? texts : []
    default: return []
    }
  }

  /// `exp`, `nbf` and `iat` in seconds; nil when absent or no number.
  package var expiry: Int64? { time("exp") }
  package var notBefore: Int64? { time("nbf") }
  package var issuedAt: Int64? { time("iat") }

  /// Checks `exp` (which must be present), `nbf` and `iat` against the clock, with an allowance for clocks that differ.
  package func checkTimes(now: Instant, leewaySeconds: Int64) throws(JOSEError) {
    for name in ["exp", "nbf", "iat"] where claims[name] != nil && time(name) == nil { throw .badMember(name) }
    guard let expiry else { throw .missing("exp") }
    // The allowance is applied to the clock: a claim may be any 64-bit number, the clock may not.
    guard now.seconds - leewaySeconds < expiry else { throw .expired }
    for start in [notBefore, issuedAt] {
      if let start, start > now.seconds + leewaySeconds { throw .notYetValid }
    }
  }

  /// NumericDate (RFC 7519 §2): seconds, which may have a fraction.
  private func time(_ name: String) -> Int64? {
    guard let number = claims[name]?.number else { return nil }
    return number.int64 ?? number.double.flatMap { Int64(exactly: $0.rounded(.down)) }
  }
}
