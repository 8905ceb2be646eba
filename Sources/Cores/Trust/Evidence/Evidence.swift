package import NotaryFormats
package import SigstoreFormats

/// One signature that was found, as it was found.
package struct SignatureEvidence: Sendable, Hashable {
  package enum Content: Sendable, Hashable {
    /// A Sigstore bundle: over a file's digest, or a statement in a DSSE envelope. Also a key endorsement, which is a statement.
    case bundle(SigstoreBundle)
    /// Signature octets on their own: DER or fixed-width `r‖s` for EC, PKCS#1 or PSS octets for RSA.
    case detached([UInt8])
    /// A layer under cosign's `.sig` tag.
    case simpleSigning(SimpleSigningLayer)
    /// A layer under cosign's `.att` tag: one value for each signature of the envelope.
    case envelope(Envelope)
    /// A Notary Project signature.
    case notary(NotaryEnvelope)
    /// A place in a signed Merkle batch.
    case batch(BatchProof)
    /// Something that is no signature we can read, and why: it is listed, and never stops the others.
    case unreadable(Reason)
    /// Something that is there but could not be fetched, and why: not known to be junk, so it leaves the answer open.
    case unavailable(String)
  }

  /// The layer and annotations of cosign's older format.
  package struct SimpleSigningLayer: Sendable, Hashable {
    /// The layer's bytes, which are what is signed.
    package var payload: [UInt8]
    package var signature: [UInt8]
    /// Whether certificate, log bundle or timestamp annotations stand beside it, which are not judged yet.
    package var hasCertificate: Bool

    package init(payload: [UInt8], signature: [UInt8], hasCertificate: Bool = false) {
      self.payload = payload
      self.signature = signature
      self.hasCertificate = hasCertificate
    }
  }

  /// Where it was found: a path, a reference; for people.
  package var source: String
  package var content: Content

  package init(source: String, content: Content) {
    self.source = source
    self.content = content
  }

  /// Evidence that cannot be read.
  package static func unreadable(_ source: String, why: String) -> SignatureEvidence {
    SignatureEvidence(source: source, content: .unreadable(Reason(.unreadable, why)))
  }

  /// What it is, for people and JSON.
  package var form: EvidenceForm {
    switch content {
    case .bundle(let bundle):
      switch bundle.content {
      case .message: .bundleMessage
      case .envelope: .bundleEnvelope
      }
    case .detached: .detached
    case .simpleSigning: .cosignLegacySignature
    case .envelope: .cosignLegacyAttestation
    case .notary(let envelope): envelope.format == .jws ? .notaryJWS : .notaryCOSE
    case .batch: .batchProof
    case .unreadable: .unreadable
    case .unavailable: .unavailable
    }
  }
}

/// The forms evidence comes in.
package enum EvidenceForm: String, Sendable, Hashable, CaseIterable {
  case bundleMessage = "sigstore-bundle"
  case bundleEnvelope = "sigstore-bundle-dsse"
  case detached
  case cosignLegacySignature = "cosign-legacy"
  case cosignLegacyAttestation = "cosign-legacy-attestation"
  case notaryJWS = "notary-jws"
  case notaryCOSE = "notary-cose"
  case batchProof = "batch-proof"
  case unreadable
  case unavailable
}
