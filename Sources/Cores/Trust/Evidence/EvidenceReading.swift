internal import Encodings
package import NotaryFormats
internal import SigstoreFormats

/// Bytes of any origin as evidence. Reading never fails: what is no signature becomes evidence that says so, so that one bad referrer hides no
/// good one.
extension SignatureEvidence {
  package static func bundle(_ bytes: [UInt8], source: String) -> SignatureEvidence {
    do throws(BundleError) { return SignatureEvidence(source: source, content: .bundle(try SigstoreBundle.parse(bytes))) } catch {
      return junk(source, "no usable Sigstore bundle: \(error.description)")
    }
  }

  package static func batch(_ bytes: [UInt8], source: String) -> SignatureEvidence {
    do throws(ExtensionError) { return SignatureEvidence(source: source, content: .batch(try BatchProof.parse(bytes))) } catch {
      return junk(source, "no usable batch proof: \(error.description)")
    }
  }

  package static func notary(_ bytes: [UInt8], format: NotaryEnvelope.Format, source: String) -> SignatureEvidence {
    do throws(NotaryError) { return SignatureEvidence(source: source, content: .notary(try NotaryEnvelope.parse(bytes, format: format))) } catch {
      if case .badSignatureLength(let algorithm, _, _) = error, algorithm.hasPrefix("ES") {
        return SignatureEvidence(source: source, content: .unreadable(Reason(.wrongEncoding, error.description)))
      }
      return junk(source, "no usable Notary envelope: \(error.description)")
    }
  }

  /// A DSSE envelope on its own: one value for each of its signatures.
  package static func envelopes(_ bytes: [UInt8], source: String) -> [SignatureEvidence] {
    do throws(DocumentError) {
      return try Envelope.parse(bytes).map { SignatureEvidence(source: source, content: .envelope($0)) }
    } catch {
      return [junk(source, "no usable DSSE envelope: \(error.description)")]
    }
  }

  /// A layer of cosign's older format.
  ///
  /// - Parameter annotations: of the layer: the signature is one of them.
  package static func simpleSigning(_ payload: [UInt8], annotations: [String: String], source: String) -> SignatureEvidence {
    guard payload.count <= SimpleSigning.limits.maxBytes else { return junk(source, "the payload is longer than \(SimpleSigning.limits.maxBytes) bytes") }
    guard let text = annotations[CosignImage.Legacy.signature], text.utf8.count <= 2 * SigstoreBundle.maxSignatureBytes,
      let signature = try? Base64.decode(text), !signature.isEmpty
    else { return junk(source, "the annotation \(CosignImage.Legacy.signature) is missing or not base64") }
    let unjudged = [CosignImage.Legacy.certificate, CosignImage.Legacy.logBundle, CosignImage.Legacy.timestamp]
    let hasCertificate = unjudged.contains { !(annotations[$0] ?? "").isEmpty }
    return SignatureEvidence(
      source: source, content: .simpleSigning(SimpleSigningLayer(payload: payload, signature: signature, hasCertificate: hasCertificate)))
  }

  /// A JSON file beside an artifact: a batch proof, a DSSE envelope on its own, else a Sigstore bundle.
  package static func file(_ bytes: [UInt8], source: String) -> [SignatureEvidence] {
    // Only small files can be batch proofs, so a large bundle is not read twice.
    if bytes.count <= BatchProof.limits.maxBytes, let head = try? JSONValue.parse(bytes, limits: BatchProof.limits) {
      if head["mediaType"]?.string == BatchProof.mediaType { return [batch(bytes, source: source)] }
      if head["payloadType"] != nil { return envelopes(bytes, source: source) }
    }
    return [bundle(bytes, source: source)]
  }

  /// One layer of a signature manifest by its media type: bundles, cosign's older layers, Notary envelopes, batch proofs. Fuzz entry point.
  package static func layer(
    _ bytes: [UInt8], mediaType: String, annotations: [String: String] = [:], source: String
  ) -> [SignatureEvidence] {
    if mediaType.hasPrefix(CosignImage.bundleTypePrefix) { return [bundle(bytes, source: source)] }
    if let format = NotaryEnvelope.Format(mediaType: mediaType) { return [notary(bytes, format: format, source: source)] }
    switch mediaType {
    case CosignImage.Legacy.payloadType: return [simpleSigning(bytes, annotations: annotations, source: source)]
    case CosignImage.Legacy.envelopeType: return envelopes(bytes, source: source)
    case BatchProof.mediaType: return [batch(bytes, source: source)]
    default: return [junk(source, "media type \"\(mediaType.prefix(120))\" is none of a signature's")]
    }
  }

  private static func junk(_ source: String, _ why: String) -> SignatureEvidence {
    SignatureEvidence(source: source, content: .unreadable(.unreadable(why)))
  }
}

extension Reason {
  /// What a parser said, with a code of its own for a doubled member: two readers of such a document may see two documents.
  static func unreadable(_ description: String) -> Reason {
    let doubled = JSONError(.duplicateMember, at: 0).description.prefix { $0 != "(" }
    return Reason(description.contains(doubled) ? .duplicateMember : .unreadable, description)
  }
}
