/// Trust: evidence and a policy in, a decision with reasons out.
///
/// The one place that says whether signatures over an artifact are to be believed. Everything it needs was gathered before: digests of the
/// artifact, the signatures found, the keys and rules the caller trusts, the time. It answers *trusted*, *refused* or *undetermined*
/// ("could not see"), and gives its reasons for every signature it looked at. Undetermined is never yes.
///
/// Must never know: files, sockets, clocks, private keys, where evidence came from, or any HSM.
/// Allowed imports: SigstoreFormats, NotaryFormats, OCI, JOSE, Merkle, Encodings, swift-crypto, swift-asn1, swift-certificates.
///
/// For most callers: `TrustPolicy(key:)` or `TrustPolicy.parse`, then `policy.decide(on:evidence:demand:at:verifier:)`.

/// Why a key or a trust file cannot be used.
package enum TrustError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The bytes are no SubjectPublicKeyInfo, or one of an algorithm nobody here can check.
  case badKey(String)
  /// The text is no list of certificates that may stand in a trust store.
  case badCertificate(String)
  /// A member of the trust file: where, and what was wanted.
  case badPolicy(path: String, why: String)

  package var description: String {
    switch self {
    case .badKey(let why): "not a usable public key: \(why)"
    case .badCertificate(let why): "not a usable certificate store: \(why)"
    case .badPolicy(let path, let why): "trust file, \(path.isEmpty ? "top level" : path): \(why)"
    }
  }
}
