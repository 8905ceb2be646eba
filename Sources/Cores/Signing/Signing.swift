/// Signing: a signing job as a plan, a value.
///
/// Digests go in with a key pinned to one version; out comes a `SigningPlan`: which digests are signed by which algorithm (equal digests
/// once), what that costs in HSM operations, and where each signature is placed. A dry run prints the plan; a run performs its
/// calls through the `SigningService` port, checks every signature before it is placed, and says what each step took.
///
/// Must never know: HTTP, tokens, files (it names places, it does not write them), or private keys.
/// Allowed imports: Trust, SigstoreFormats, Encodings, Clocks, swift-crypto (hashing).

/// Why a job cannot be planned or did not end well.
package enum SigningError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The text is neither a key URL nor a key name.
  case badKeyReference(String)
  /// The key cannot sign with this algorithm.
  case algorithmDoesNotFit(String, key: String)
  /// The pinned version is disabled, or outside its own nbf…exp.
  case keyNotUsable(key: String, why: String)
  /// The plan needs a digest that was not computed.
  case digestMissing(artifact: String, hash: String)
  /// The service answered with something that is no signature of this key over this digest. Nothing was placed.
  case signatureDoesNotVerify(key: String, why: String)
  /// The service signed with another key version than the pinned one.
  case wrongKeyVersion(wanted: String, got: String)

  package var description: String {
    switch self {
    case .badKeyReference(let text):
      "\"\(text.prefix(200))\" is neither a key name nor a key URL (https://HOST/keys/NAME[/VERSION])"
    case .algorithmDoesNotFit(let scheme, let key): "key \(key) cannot make \(scheme) signatures"
    case .keyNotUsable(let key, let why): "key \(key) cannot sign: \(why)"
    case .digestMissing(let artifact, let hash): "the \(hash) digest of \(artifact) was not computed"
    case .signatureDoesNotVerify(let key, let why):
      "the service returned a signature that does not verify with key \(key) (\(why)); nothing was written"
    case .wrongKeyVersion(let wanted, let got): "the service signed with \(got) although \(wanted) was asked for; nothing was written"
    }
  }
}
