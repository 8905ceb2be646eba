internal import SigstoreFormats
internal import Trust

extension SignedDigest {
  /// The signature as Sigstore documents carry it (DER for EC keys), after checking that the pinned key version made it over this digest.
  ///
  /// - Throws: `wrongKeyVersion`, `signatureDoesNotVerify`; also when `verifier` cannot say: what is endorsed or batched must be sure.
  func verified(
    over digest: MessageDigest, scheme: SignatureScheme, key: PinnedKey, verifier: any SignatureVerifier
  ) throws(SigningError) -> [UInt8] {
    guard kid.hasSuffix("/keys/\(key.name)/\(key.version)") else { throw .wrongKeyVersion(wanted: key.kid, got: kid) }
    var result = signature
    if case .ec(let curve) = key.publicKey.kind {
      guard let der = ECDSASignatureForm.der(raw: signature, fieldBytes: curve.fieldBytes) else {
        throw .signatureDoesNotVerify(key: key.kid, why: "wrong length \(signature.count)")
      }
      result = der
    }
    switch verifier.check(result, over: digest, scheme: scheme, key: key.publicKey) {
    case .valid: return result
    case .invalid: throw .signatureDoesNotVerify(key: key.kid, why: "\(scheme.rawValue) check failed")
    case .unsupported: throw .signatureDoesNotVerify(key: key.kid, why: "no verifier for \(key.publicKey.kindText) is at hand")
    }
  }
}
