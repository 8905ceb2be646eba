/// Signing: a signing job as a plan, a value.
///
/// What was read beforehand goes in as a `SigningJob` with signers pinned to one key version each; out comes a `JobPlan`: which digests are
/// signed by which algorithm (equal digests once), what that costs in HSM operations, and where each document is placed. A dry run prints the
/// plan; a `JobRun` asks the cache, performs the calls through the `SigningService` port, checks every signature before it is placed, and says
/// what each step took. `Jobs` holds all that; a batch is many jobs with one `SigningDesk`.
///
/// Must never know: HTTP, tokens, files or registries (it names places, a `DocumentPlacer` fills them), or private keys.
/// Allowed imports: Trust, SigstoreFormats, NotaryFormats, OCI, Merkle, Encodings, Clocks, swift-crypto (hashing), swift-certificates.

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
  /// This form cannot say this about such an artifact.
  case formatDoesNotFit(format: String, artifact: String, why: String)
  /// A Notary format was asked for, and the signer has no usable certificate chain.
  case certificateDoesNotFit(key: String, why: String)
  /// What is to be said about the artifact cannot be written down.
  case claimDoesNotFit(artifact: String, why: String)
  /// Two documents of one job would go to the same place.
  case placeTakenTwice(String)
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
    case .formatDoesNotFit(let format, let artifact, let why): "\(format) does not fit \(artifact): \(why)"
    case .certificateDoesNotFit(let key, let why): "key \(key) has no usable certificate chain: \(why)"
    case .claimDoesNotFit(let artifact, let why): "nothing can be signed about \(artifact): \(why)"
    case .placeTakenTwice(let place): "two documents would go to \(place)"
    case .signatureDoesNotVerify(let key, let why):
      "the service returned a signature that does not verify with key \(key) (\(why)); nothing was written"
    case .wrongKeyVersion(let wanted, let got): "the service signed with \(got) although \(wanted) was asked for; nothing was written"
    }
  }
}
