internal import Encodings
internal import NotaryFormats
internal import SigstoreFormats
internal import Trust

/// Whether a finished document is what a job would sign now, signed by the key that would sign it.
///
/// The job's own document is composed again, unsigned, and compared byte for byte with the found one; then the signature is checked over those bytes.
/// So a found document can at best be what would have been made anyway.
struct ReuseCheck {
  let signer: Signer
  let job: SigningJob
  /// Seconds since the epoch.
  let now: Int64
  let verifier: any SignatureVerifier

  /// Nil when the document may be used; else the reason why not.
  func objection(to document: SealedDocument) -> String? {
    let form: UnsignedForm
    let scheme: SignatureScheme
    do throws(SigningError) {
      try JobPlan.checkUsable(signer.key, now: now)
      scheme = try document.format.scheme(for: signer.key, wanted: signer.scheme)
      form = try UnsignedForm.make(job, format: document.format, scheme: scheme, signer: signer, now: now)
    } catch { return error.description }
    let signature: [UInt8]
    let digest: MessageDigest
    do throws(ReuseObjection) { (signature, digest) = try signed(document, form, scheme) } catch { return error.why }
    switch verifier.check(signature, over: digest, scheme: scheme, key: signer.key.publicKey) {
    case .valid: return nil
    case .invalid: return "its signature is not one of \(signer.key.kid) over this artifact"
    case .unsupported: return "no verifier for \(signer.key.publicKey.kindText) is at hand"
    }
  }

  private struct ReuseObjection: Error {
    let why: String
    init(_ why: String) { self.why = why }
  }

  /// The signature in the document, and what it must be over.
  private func signed(
    _ document: SealedDocument, _ form: UnsignedForm, _ scheme: SignatureScheme
  ) throws(ReuseObjection) -> ([UInt8], MessageDigest) {
    switch form {
    case .detached(let digest): return (document.bytes, digest)
    case .message(let digest):
      guard case .message(let message) = try bundle(document).content else { throw ReuseObjection("it is a statement, not a plain signature") }
      guard message.digest == nil || message.digest == digest else { throw ReuseObjection("it is about another artifact") }
      return (message.signature, digest)
    case .envelope(let wanted, _):
      guard case .envelope(let envelope) = try bundle(document).content else { throw ReuseObjection("it carries no statement") }
      guard envelope.unsigned == wanted else { throw ReuseObjection("its statement says something else") }
      return (envelope.signature, wanted.digest(scheme.hash))
    case .legacyPayload(let bytes):
      guard document.bytes == bytes else { throw ReuseObjection("its payload says something else") }
      guard let text = document.annotations.first(where: { $0.name == CosignImage.Legacy.signature })?.value,
        text.utf8.count <= 4096, let signature = try? Base64.decode(text)
      else { throw ReuseObjection("it carries no signature") }
      return (signature, form.digest(scheme.hash))
    case .legacyEnvelope(let wanted, _):
      guard let envelopes = try? Envelope.parse(document.bytes), envelopes.count == 1 else { throw ReuseObjection("it is no envelope") }
      guard envelopes[0].unsigned == wanted else { throw ReuseObjection("its statement says something else") }
      return (envelopes[0].signature, wanted.digest(scheme.hash))
    case .notary: return try notary(document, scheme)
    }
  }

  private func bundle(_ document: SealedDocument) throws(ReuseObjection) -> SigstoreBundle {
    guard let bundle = try? SigstoreBundle.parse(document.bytes) else { throw ReuseObjection("it is no Sigstore bundle") }
    guard bundle.keyFingerprint == signer.key.publicKey.fingerprint else { throw ReuseObjection("it names another key") }
    return bundle
  }

  /// A Notary envelope states its signing time, so the bytes differ: what it is about, by which chain, and until when is compared.
  private func notary(_ document: SealedDocument, _ scheme: SignatureScheme) throws(ReuseObjection) -> ([UInt8], MessageDigest) {
    guard case .image(let image) = job.artifact, case .signature(let annotations) = job.claim,
      let envelope = try? NotaryEnvelope.parse(document.bytes, format: document.format == .notaryJWS ? .jws : .cose)
    else { throw ReuseObjection("it is no Notary envelope") }
    let wanted = NotaryPayload(
      artifactMediaType: image.mediaType, digest: image.digest.text, size: image.size,
      annotations: annotations.map { .init(name: $0.name, value: $0.value) })
    guard (try? envelope.artifact()) == wanted else { throw ReuseObjection("it is about something else") }
    guard envelope.signingScheme == .x509, envelope.certificateChain == signer.chain else { throw ReuseObjection("it carries another certificate chain") }
    guard envelope.extendedAttributes.isEmpty, envelope.verificationPlugin == nil else { throw ReuseObjection("it carries attributes that are not ours") }
    guard envelope.signingTime <= now, envelope.expiry.map({ $0 > now }) ?? true else { throw ReuseObjection("it has expired, or lies in the future") }
    guard envelope.keySpec.jwsAlgorithm == scheme.rawValue else { throw ReuseObjection("it was made with another algorithm") }
    var signature = envelope.signature
    if case .ec(let curve) = signer.key.publicKey.kind {
      guard let der = ECDSASignatureForm.der(raw: signature, fieldBytes: curve.fieldBytes) else { throw ReuseObjection("its signature is malformed") }
      signature = der
    }
    return (signature, UnsignedForm.digest(of: envelope.signedBytes, scheme.hash))
  }
}
