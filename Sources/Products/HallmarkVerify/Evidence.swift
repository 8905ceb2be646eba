internal import Trust

/// A signature as it was found, not yet believed.
///
/// Reading never fails: bytes that are no signature become evidence that is listed as unreadable, with the reason.
public struct Evidence: Sendable, Hashable {
  let items: [SignatureEvidence]

  /// A file: a Sigstore bundle, a DSSE envelope on its own, or a batch proof.
  ///
  /// - Parameters:
  ///   - bytes: the whole file.
  ///   - source: where it was found, for people.
  public static func file(_ bytes: [UInt8], source: String) -> Evidence { Evidence(items: SignatureEvidence.file(bytes, source: source)) }

  /// Signature octets alone: DER or fixed-width `r‖s` for EC keys, PKCS#1 or PSS octets for RSA.
  public static func detached(_ signature: [UInt8], source: String) -> Evidence {
    Evidence(items: [SignatureEvidence(source: source, content: .detached(signature))])
  }

  /// A layer of a signature manifest beside an image: Sigstore bundles, cosign's older layers, Notary JWS and COSE, batch proofs.
  ///
  /// - Parameters:
  ///   - bytes: the whole layer.
  ///   - mediaType: of the layer.
  ///   - annotations: of the layer: cosign's older format keeps the signature there.
  ///   - source: where it was found, for people.
  public static func layer(_ bytes: [UInt8], mediaType: String, annotations: [String: String] = [:], source: String) -> Evidence {
    Evidence(items: SignatureEvidence.layer(bytes, mediaType: mediaType, annotations: annotations, source: source))
  }

  /// Something that is there but could not be fetched. It keeps the answer open: nobody knows what it would have said.
  public static func unavailable(_ why: String, source: String) -> Evidence {
    Evidence(items: [SignatureEvidence(source: source, content: .unavailable(why))])
  }
}
