package import Trust

/// The forms a signature can be given: each is one document over one to-be-signed digest.
package enum SignatureFormat: String, Sendable, Hashable, CaseIterable {
  /// Sigstore bundle v0.3: over a blob a message signature, over an image or a predicate a DSSE envelope.
  case bundle
  /// The signature octets on their own: DER for EC keys. Blobs only.
  case signature
  /// What cosign wrote before bundles: a layer under the tag `sha256-….sig`, an attestation under `….att`. Images only.
  case legacy
  /// Notary Project, JWS envelope. Images only, needs a certificate chain.
  case notaryJWS = "notary-jws"
  /// Notary Project, COSE envelope. Images only, needs a certificate chain.
  case notaryCOSE = "notary-cose"

  package var isNotary: Bool { self == .notaryJWS || self == .notaryCOSE }

  /// The algorithm this format uses with a key of this kind: the key decides, because verifiers do not ask.
  ///
  /// Sigstore: ECDSA with the curve's hash; RSA PKCS#1 v1.5 with SHA-256 whatever the length. Notary: ECDSA on P-256, P-384, P-521; RSA-PSS
  /// with SHA-256, SHA-384, SHA-512 for 2048, 3072, 4096 bits; nothing else.
  /// - Parameter wanted: the user's choice for Sigstore formats; Notary leaves none.
  package func scheme(for key: PinnedKey, wanted: SignatureScheme? = nil) throws(SigningError) -> SignatureScheme {
    let label = "\(key.name) (\(key.publicKey.kindText))"
    if isNotary {
      switch key.publicKey.kind {
      case .ec(.p256): return .es256
      case .ec(.p384): return .es384
      case .ec(.p521): return .es512
      case .rsa(bits: 2048): return .ps256
      case .rsa(bits: 3072): return .ps384
      case .rsa(bits: 4096): return .ps512
      case .ec(.p256K), .rsa: throw .algorithmDoesNotFit("Notary Project", key: label)
      }
    }
    let scheme = wanted ?? .preferred(for: key.publicKey.kind)
    guard scheme.fits(key.publicKey.kind) else { throw .algorithmDoesNotFit(scheme.rawValue, key: label) }
    return scheme
  }
}
