internal import SigstoreFormats

/// A key that may have made a signature: one of the policy's, or a dev key that one of them endorsed.
struct CandidateKey: Sendable {
  var listed: TrustPolicy.Key
  /// The dev key; nil when `listed` itself is meant.
  var endorsed: EndorsedKey?

  var fingerprint: [UInt8] { endorsed?.key.fingerprint ?? listed.fingerprint }
  var publicKey: PublicKey? { endorsed?.key ?? listed.key }
  var label: String { endorsed.map { "\($0.label), endorsed by \(listed.name)" } ?? listed.name }
  var channel: TrustPolicy.Channel { endorsed == nil ? listed.channel : .dev }
}

/// A short-lived key of the dev channel whose endorsement is good.
struct EndorsedKey: Sendable {
  var key: PublicKey
  var notBefore: Int64
  /// Exclusive.
  var notAfter: Int64
  var identity: String

  var label: String { "dev key of \(identity)" }
}

/// Finds the key that made one signature.
struct KeySearch {
  struct Match {
    var candidate: CandidateKey
    var publicKey: PublicKey
    var scheme: SignatureScheme
    var digest: MessageDigest
    /// The signature is good, but not in the encoding that its format demands.
    var isMisencoded: Bool
  }

  let candidates: [CandidateKey]
  let verifier: any SignatureVerifier
  /// What the evidence says about its key.
  var hint: [UInt8]?
  /// Which hash the evidence says it used, when it says.
  var claimed: HashAlgorithm?
  /// Whether EC signatures may also be `r‖s`: only detached ones.
  var takesRaw = false

  /// The key that made the signature, or what stood in the way of saying that none did.
  func run(_ signature: [UInt8], digest: (HashAlgorithm) -> MessageDigest?) -> (match: Match?, obstacles: [Reason]) {
    var obstacles: [Reason] = []
    func note(_ code: Reason.Code, _ text: String) {
      let reason = Reason(code, text)
      if !obstacles.contains(reason) { obstacles.append(reason) }
    }
    var misencoded: Match?
    for candidate in candidates.filter({ $0.fingerprint == hint }) + candidates.filter({ $0.fingerprint != hint }) {
      guard let publicKey = candidate.publicKey else {
        // Only a hint or its absence lets a key without bytes matter: a signature that names another key is not this one's.
        if hint == nil || hint == candidate.fingerprint {
          note(.keyBytesMissing, "key \(candidate.label) is pinned by fingerprint alone and its bytes were not supplied")
        }
        continue
      }
      for scheme in SignatureScheme.all(for: publicKey.kind) {
        guard let digest = digest(scheme.hash) else {
          if claimed == nil || claimed == scheme.hash, hint == nil || hint == candidate.fingerprint {
            note(.digestUnknown, "key \(candidate.label) signs \(scheme.hash.rawValue) digests, and that of the artifact is not known")
          }
          continue
        }
        guard let (encoded, isRaw) = encoded(signature, scheme, publicKey) else { continue }
        switch verifier.check(encoded, over: digest, scheme: scheme, key: publicKey) {
        case .valid:
          let match = Match(candidate: candidate, publicKey: publicKey, scheme: scheme, digest: digest, isMisencoded: isRaw && !takesRaw)
          if !match.isMisencoded { return (match, []) }
          misencoded = misencoded ?? match
        case .invalid: break
        case .unsupported: note(.schemeUnsupported, "no verifier for \(publicKey.kindText) (key \(candidate.label)) is at hand")
        }
      }
    }
    return (misencoded, misencoded == nil ? obstacles : [])
  }

  /// What to say when no key made it.
  func mismatch(of signature: [UInt8], isEnvelope: Bool) -> Reason {
    if looksLikeBadDER(signature) {
      return Reason(.wrongEncoding, "it is no signature in strict DER (minimal, positive, nothing after it), and no trusted key made it as it stands")
    }
    if let hint, let named = candidates.first(where: { $0.fingerprint == hint }) {
      return isEnvelope
        ? Reason(.payloadMismatch, "it names the trusted key \(named.label), which did not sign this payload: payload or signature was swapped")
        : Reason(.signatureMismatch, "it names the trusted key \(named.label), whose signature over this artifact it is not")
    }
    if candidates.count == 1, hint == nil, !isEnvelope {
      return Reason(.signatureMismatch, "it is not a signature by \(candidates[0].label) over this artifact")
    }
    return Reason(.noTrustedKeyMatches, "none of the \(candidates.count) trusted keys made it\(isEnvelope ? "" : " over this artifact")")
  }

  private func looksLikeBadDER(_ signature: [UInt8]) -> Bool {
    guard signature.first == 0x30, signature.count < 150 else { return false }
    let fields = candidates.compactMap { candidate -> Int? in
      guard case .ec(let curve)? = candidate.publicKey?.kind else { return nil }
      return curve.fieldBytes
    }
    return !fields.isEmpty && fields.allSatisfy { ECDSASignatureForm.raw(der: signature, fieldBytes: $0) == nil && signature.count != 2 * $0 }
  }

  /// The signature as the verifier wants it, and whether it came as `r‖s`; nil when it cannot be one of this key's.
  private func encoded(_ signature: [UInt8], _ scheme: SignatureScheme, _ key: PublicKey) -> (bytes: [UInt8], isRaw: Bool)? {
    guard scheme.isECDSA, case .ec(let curve) = key.kind else { return (signature, false) }
    if ECDSASignatureForm.raw(der: signature, fieldBytes: curve.fieldBytes) != nil { return (signature, false) }
    return ECDSASignatureForm.der(raw: signature, fieldBytes: curve.fieldBytes).map { ($0, true) }
  }
}

/// The digests of one text, each computed once, when it is asked for.
final class EnvelopeDigests {
  private let envelope: Envelope
  private var known: [HashAlgorithm: MessageDigest] = [:]

  init(_ envelope: Envelope) { self.envelope = envelope }

  func digest(_ algorithm: HashAlgorithm) -> MessageDigest {
    if let digest = known[algorithm] { return digest }
    let digest = envelope.digest(algorithm)
    known[algorithm] = digest
    return digest
  }
}
