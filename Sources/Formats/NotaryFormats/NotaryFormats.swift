/// NotaryFormats: the documents of the Notary Project, as values.
///
/// Signature envelopes in both forms (JWS flattened JSON and COSE_Sign1) read into one `NotaryEnvelope` and written through one
/// `UnsignedNotaryEnvelope`; the payload that names the artifact; the certificate profile; the trust policy document of notation; and the
/// messages of its plugin protocol. Signatures are made and checked elsewhere: a parsed envelope carries the bytes that were signed.
///
/// Must never know: HTTP, files, which certificates are trusted, what time it is.
/// Allowed imports: Encodings, JOSE, swift-crypto, swift-certificates, swift-asn1.

/// Why bytes are not a Notary Project document. It names members, never their contents.
package enum NotaryError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Longer than `limit` bytes; nothing was read.
  case tooLong(what: String, limit: Int)
  /// Not JSON, or JSON beyond the limits.
  case notJSON(what: String, String)
  /// Not CBOR, or CBOR beyond the limits or outside the deterministic subset.
  case notCBOR(what: String, String)
  /// The media type is neither of the two envelope formats.
  case unknownEnvelopeType(String)
  /// A member is absent or has the wrong form. The path is written `protected.crit[0]`.
  case badMember(path: String, wanted: String)
  /// A member this document does not have.
  case unknownMember(path: String)
  /// The algorithm is none of the six that exist.
  case unknownAlgorithm(String)
  /// The signature has a length that no signature of this algorithm has.
  case badSignatureLength(algorithm: String, wanted: Int, got: Int)
  /// A header that must be marked critical is not, or `crit` names something that is not there.
  case criticalHeader(String, why: String)
  /// The times contradict each other or the signing scheme.
  case badTime(String)
  /// The certificate chain cannot be used with this envelope.
  case badChain(String)

  package var description: String {
    switch self {
    case .tooLong(let what, let limit): "\(what) is longer than \(limit) bytes"
    case .notJSON(let what, let why): "\(what) is not an acceptable JSON document: \(why)"
    case .notCBOR(let what, let why): "\(what) is not an acceptable CBOR document: \(why)"
    case .unknownEnvelopeType(let type): "media type \"\(type.prefix(120))\" is neither application/jose+json nor application/cose"
    case .badMember(let path, let wanted): "member \(path): \(wanted) expected"
    case .unknownMember(let path): "member \(path) is not part of the format"
    case .unknownAlgorithm(let name): "signature algorithm \(name.prefix(60)) is none of PS256, PS384, PS512, ES256, ES384, ES512"
    case .badSignatureLength(let algorithm, let wanted, let got):
      "a signature of \(algorithm) is \(wanted) bytes (r‖s for ECDSA, never DER), this one is \(got)"
    case .criticalHeader(let name, let why): "critical header \(name.prefix(120)): \(why)"
    case .badTime(let why): "times of the signature: \(why)"
    case .badChain(let why): "certificate chain: \(why)"
    }
  }
}
