package import Clocks
package import SigstoreFormats
package import Trust

/// Signing one digest, for those who make their own documents: plugins and `keys sign-digest`.
package struct DigestSigning: Sendable {
  package let signer: SeatedSigner
  package let call: SigningCall

  /// - Parameters:
  ///   - scheme: nil leaves the choice to the key.
  ///   - now: seconds since the epoch; compared with the key's own nbf…exp.
  /// - Throws: before any HSM operation is spent, when the key cannot or may not do it, or the digest is of another hash.
  package init(
    _ digest: MessageDigest, key: PinnedKey, scheme: SignatureScheme? = nil, service: some SigningService, now: Int64
  ) throws(SigningError) {
    let scheme = try SignatureFormat.signature.scheme(for: key, wanted: scheme)
    guard digest.algorithm == scheme.hash else { throw .digestMissing(artifact: digest.text, hash: scheme.hash.rawValue) }
    try JobPlan.checkUsable(key, now: now)
    signer = SeatedSigner(Signer(key: key), service: service)
    call = SigningCall(kid: key.kid, scheme: scheme, digest: digest)
  }

  /// One sign call, checked.
  package func run(verifier: any SignatureVerifier, clock: TimeSource = .system) async throws -> CompletedSignature {
    try await SigningDesk(verifier: verifier, meter: StepMeter(clock: clock), clock: clock).signature(call, by: signer)
  }
}
