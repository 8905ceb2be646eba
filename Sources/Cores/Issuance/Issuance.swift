/// Issuance: certificates for keys that stay in an HSM: requests, self-signed and CA-issued leaves, renewal, and the profile they must keep.
///
/// Nothing here signs. An unsigned value gives the bytes to be signed and the scheme, the caller has the HSM sign their hash, and
/// `sealed(signature:)` puts the document together after checking that the signature is right. `CertificateChain` is what the other
/// parts pass around: leaf first, root last, every signature checked.
///
/// Must never know: HTTP, files, private keys.
/// Allowed imports: Encodings, Clocks, Trust (public keys), NotaryFormats (the profile), swift-crypto, swift-certificates, swift-asn1.

/// Why a certificate, request or chain cannot be made or used.
package enum IssuanceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The bytes hold no certificate at all, or text that is no PEM.
  case notCertificates(why: String)
  case tooManyCertificates(limit: Int)
  /// `position` counts from 1, the leaf.
  case certificateTooLong(position: Int, bytes: Int, limit: Int)
  case badCertificate(position: Int, why: String)
  /// The certificate at `position` was not issued by the next one.
  case wrongOrder(position: Int, issuer: String, next: String)
  /// The names fit, the signature does not.
  case badSignature(position: Int, issuer: String)
  /// The last certificate was issued by another one that is not there.
  case rootMissing(issuer: String)
  /// The chain is for another key.
  case otherKey(chainKey: String, wanted: String)
  /// A rule of the Notary Project certificate profile is broken.
  case profile(subject: String, why: String)
  case notYetValid(position: Int, subject: String, from: String)
  case expired(position: Int, subject: String, at: String)
  /// The chain's first certificate is not one that may issue others.
  case noAuthority(subject: String, why: String)
  case badSubject(String, why: String)
  case badValidity(why: String)
  /// The certificate would be valid longer than its issuer's.
  case outlivesIssuer(issuer: String, until: String)
  /// Keys of this kind cannot have certificates here.
  case keyNotSupported(kind: String)
  /// What came back is no signature by the key over the bytes that were to be signed.
  case signatureRefused(key: String)

  package var description: String {
    switch self {
    case .notCertificates(let why): "no certificate chain: \(why); wanted are PEM blocks CERTIFICATE, the leaf first and the root last"
    case .tooManyCertificates(let limit): "the chain has more than \(limit) certificates; leave out what is not on the path from leaf to root"
    case .certificateTooLong(let position, let bytes, let limit):
      "certificate \(position) of the chain has \(bytes) bytes, more than the \(limit) allowed"
    case .badCertificate(let position, let why): "certificate \(position) of the chain cannot be read: \(why)"
    case .wrongOrder(let position, let issuer, let next):
      "certificate \(position) of the chain was issued by \"\(issuer)\", but the next one is \"\(next)\"; put the leaf first, then each issuer, the root last, and nothing else"
    case .badSignature(let position, let issuer):
      "the signature of certificate \(position) of the chain was not made by the key of \"\(issuer)\"; take that issuer's own certificate, not one that shares its name"
    case .rootMissing(let issuer):
      "the chain ends before its root: add the certificate of \"\(issuer)\" at the end, and so on up to the self-signed one"
    case .otherKey(let chainKey, let wanted):
      "the leaf certificate belongs to another key (SHA-256 \(chainKey)), not to this one (\(wanted)); a certificate fits one key version: issue or import one for this version"
    case .profile(let subject, let why):
      "the certificate \"\(subject)\" cannot be used: \(why); have it issued again for code signing (critical keyUsage digitalSignature, extendedKeyUsage codeSigning, no CA)"
    case .notYetValid(let position, let subject, let from): "certificate \(position) (\"\(subject)\") is valid only from \(from)"
    case .expired(let position, let subject, let at):
      "certificate \(position) (\"\(subject)\") expired at \(at); renew it with: hallmark certs renew"
    case .noAuthority(let subject, let why): "\"\(subject)\" may not issue certificates: \(why)"
    case .badSubject(let text, let why):
      "subject \"\(text.prefix(200))\": \(why); write it like \"C=DE, ST=Berlin, O=Example, CN=release signer\""
    case .badValidity(let why): "validity: \(why)"
    case .outlivesIssuer(let issuer, let until): "the certificate would outlive its issuer \"\(issuer)\", which ends at \(until); take fewer days, or renew the issuer first"
    case .keyNotSupported(let kind): "keys of kind \(kind) cannot have certificates here; take RSA 2048, 3072 or 4096, P-256, P-384 or P-521"
    case .signatureRefused(let key): "the signature that came back is not one by key \(key) over what was to be signed; nothing was stored"
    }
  }
}
