package import SigstoreFormats
package import Trust

/// A key of a service, pinned to one version: what a plan refers to.
package struct PinnedKey: Sendable, Hashable {
  /// The full identifier, version included.
  package var kid: String
  package var name: String
  package var version: String
  package var publicKey: PublicKey
  package var enabled: Bool
  /// The operations the key allows; nil when the service did not say.
  package var operations: [String]?
  /// Seconds since the epoch.
  package var notBefore: Int64?
  package var expires: Int64?

  package init(
    kid: String, name: String, version: String, publicKey: PublicKey, enabled: Bool = true, operations: [String]? = nil,
    notBefore: Int64? = nil, expires: Int64? = nil
  ) {
    self.kid = kid
    self.name = name
    self.version = version
    self.publicKey = publicKey
    self.enabled = enabled
    self.operations = operations
    self.notBefore = notBefore
    self.expires = expires
  }
}

/// What the service answered to one sign call.
package struct SignedDigest: Sendable, Hashable {
  /// Fixed-width `r‖s` for EC, octets for RSA: as the REST API gives it.
  package var signature: [UInt8]
  /// The identifier of the key version that signed.
  package var kid: String
  /// The service's `x-ms-request-id`, by which the audit record is found again.
  package var requestID: String?
  /// How many requests were sent; more than 1 means that the service may have signed more than once.
  package var attempts: Int

  package init(signature: [UInt8], kid: String, requestID: String?, attempts: Int) {
    self.signature = signature
    self.kid = kid
    self.requestID = requestID
    self.attempts = attempts
  }
}

/// Signs digests with keys held elsewhere. Trusted for nothing but availability: every signature it returns is checked.
///
/// `sign` may be called again after a failure: a second signature over the same digest by the same key does no harm, but each call
/// is an operation of its own in the service's audit log. Implementers record each attempt.
package protocol SigningService: Sendable {
  /// Finds the key and its newest version, when none is named.
  func pin(_ reference: KeyReference) async throws -> PinnedKey
  /// - Parameter digest: of `scheme.hash`; it is not hashed again.
  func sign(_ digest: MessageDigest, scheme: SignatureScheme, key: PinnedKey) async throws -> SignedDigest
}
