internal import Encodings
package import NotaryFormats
internal import SigstoreFormats

/// Bytes of any origin as evidence. Reading never fails: what is no signature becomes evidence that says so.
extension SignatureEvidence {
  package static func bundle(_ bytes: [UInt8], source: String) -> SignatureEvidence {
    do throws(BundleError) { return SignatureEvidence(source: source, content: .bundle(try SigstoreBundle.parse(bytes))) } catch {
      return junk(bytes, source, "no usable Sigstore bundle: \(error.description)")
    }
  }

  package static func batch(_ bytes: [UInt8], source: String) -> SignatureEvidence {
    do throws(ExtensionError) { return SignatureEvidence(source: source, content: .batch(try BatchProof.parse(bytes))) } catch {
      return junk(bytes, source, "no usable batch proof: \(error.description)")
    }
  }

  package static func notary(_ bytes: [UInt8], format: NotaryEnvelope.Format, source: String) -> SignatureEvidence {
    do throws(NotaryError) { return SignatureEvidence(source: source, content: .notary(try NotaryEnvelope.parse(bytes, format: format))) } catch {
      return junk(bytes, source, "no usable Notary envelope: \(error.description)")
    }
  }

  /// A DSSE envelope on its own: one value for each of its signatures.
  package static func envelopes(_ bytes: [UInt8], source: String) -> [SignatureEvidence] {
    do throws(DocumentError) {
      return try Envelope.parse(bytes).map { SignatureEvidence(source: source, content: .envelope($0)) }
    } catch {
      return [junk(bytes, source, "no usable DSSE envelope: \(error.description)")]
    }
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

  private static func junk(_ bytes: [UInt8], _ source: String, _ why: String) -> SignatureEvidence {
    var code = Reason.Code.unreadable
    do throws(JSONError) { _ = try JSONValue.parse(bytes, limits: JSONLimits(maxBytes: bytes.count)) } catch {
      if error.reason == .duplicateMember { code = .duplicateMember }
    }
    return SignatureEvidence(source: source, content: .unreadable(Reason(code, why)))
  }
}
