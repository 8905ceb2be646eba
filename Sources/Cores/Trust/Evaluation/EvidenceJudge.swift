internal import Encodings
internal import NotaryFormats
internal import SigstoreFormats

/// What is known of one piece of evidence before any rule is asked.
struct JudgedEvidence: Sendable {
  var finding: SignatureFinding
  /// Set when the evidence is good: by whom.
  var contribution: Contribution?
  /// Of a good statement, batch statements included.
  var predicateType: String?
  /// SHA-256 of the signed bytes of a statement's envelope: what a promotion names.
  var envelopeDigest: [UInt8]?
  /// The dev attestation that it says it stands on.
  var tested: [UInt8]?
  /// Set when it names a repository other than the artifact's.
  var otherRepository: String?
  /// Subject of the signing certificate.
  var subject: NotaryDistinguishedName?

  init(_ evidence: SignatureEvidence) {
    finding = SignatureFinding(source: evidence.source, form: evidence.form, verdict: .refused)
  }

  mutating func refuse(_ code: Reason.Code, _ text: String) { refuse(Reason(code, text)) }

  mutating func refuse(_ reason: Reason) {
    finding.verdict = .refused
    finding.reasons.append(reason)
  }

  mutating func leaveOpen(_ code: Reason.Code, _ text: String) {
    finding.verdict = .undetermined
    finding.reasons.append(Reason(code, text))
  }
}

/// One run of `TrustPolicy.decide` over the evidence: authenticity, subject, time. Rules come after.
struct EvidenceJudge {
  let policy: TrustPolicy
  let artifact: JudgedArtifact
  let now: Int64
  let verifier: any SignatureVerifier
  var candidates: [CandidateKey]

  /// Clocks of signer and verifier may differ by so many seconds.
  static let clockSkew: Int64 = 300
  /// Dev keys that are read from the evidence of one artifact.
  static let maxEndorsements = 64

  init(policy: TrustPolicy, artifact: JudgedArtifact, now: Int64, verifier: any SignatureVerifier) {
    self.policy = policy
    self.artifact = artifact
    self.now = now
    self.verifier = verifier
    candidates = policy.keys.map { CandidateKey(listed: $0) }
  }

  /// Endorsements first, because they say which further keys may have signed the rest. The order of the answer is that of the evidence.
  func judge(_ evidence: [SignatureEvidence]) -> [JudgedEvidence] {
    var judge = self
    var results = [JudgedEvidence?](repeating: nil, count: evidence.count)
    for (i, one) in evidence.enumerated() {
      guard let (envelope, bundle) = one.endorsement else { continue }
      let (judged, key) = endorsement(one, envelope, bundle, isOneTooMany: judge.candidates.count - candidates.count >= Self.maxEndorsements)
      results[i] = judged
      if let key { judge.candidates.append(key) }
    }
    return zip(evidence, results).map { $1 ?? judge.judge($0) }
  }

  private func judge(_ evidence: SignatureEvidence) -> JudgedEvidence {
    switch evidence.content {
    case .detached(let signature): return plain(evidence, signature, claim: nil, bundle: nil)
    case .bundle(let bundle):
      switch bundle.content {
      case .message(let message): return plain(evidence, message.signature, claim: message.digest, bundle: bundle)
      case .envelope(let envelope): return statement(evidence, envelope, bundle)
      }
    case .envelope(let envelope): return statement(evidence, envelope, nil)
    case .simpleSigning(let layer): return simpleSigning(evidence, layer)
    case .notary(let envelope): return notary(evidence, envelope)
    case .batch(let proof): return batch(evidence, proof)
    case .unreadable(let reason):
      var judged = JudgedEvidence(evidence)
      judged.refuse(reason)
      return judged
    case .unavailable(let why):
      var judged = JudgedEvidence(evidence)
      judged.leaveOpen(.unavailable, why)
      return judged
    }
  }

  /// A signature over the artifact's own digest.
  private func plain(
    _ evidence: SignatureEvidence, _ signature: [UInt8], claim: MessageDigest?, bundle: SigstoreBundle?
  ) -> JudgedEvidence {
    var judged = JudgedEvidence(evidence)
    guard artifact.image == nil else {
      judged.refuse(.wrongKindForImage, "it signs a file; an image is signed by a statement, a cosign payload or a Notary envelope")
      return judged
    }
    if let claim, let actual = artifact.digests[claim.algorithm], actual != claim {
      judged.refuse(.digestMismatch, "the bundle signs \(claim.text), the artifact is \(actual.text)")
      return judged
    }
    var search = KeySearch(candidates: candidates, verifier: verifier, hint: bundle?.keyFingerprint, claimed: claim?.algorithm)
    search.takesRaw = bundle == nil
    if let match = find(search, signature, &judged, bundle: bundle, isEnvelope: false, digest: { artifact.digests[$0] }) {
      settle(&judged, match, bundle)
    }
    return judged
  }

  /// A layer of cosign's older format.
  private func simpleSigning(_ evidence: SignatureEvidence, _ layer: SignatureEvidence.SimpleSigningLayer) -> JudgedEvidence {
    var judged = JudgedEvidence(evidence)
    let search = KeySearch(candidates: candidates, verifier: verifier)
    guard
      let match = find(
        search, layer.signature, &judged, bundle: nil, hasCertificate: layer.hasCertificate, isEnvelope: true,
        digest: { MessageDigest(of: layer.payload, algorithm: $0) })
    else { return judged }
    let payload: SimpleSigning
    do { payload = try SimpleSigning.parse(layer.payload) } catch {
      judged.refuse(Reason.unreadable(error.description))
      return judged
    }
    guard let actual = artifact.digests.sha256 else {
      judged.leaveOpen(.digestUnknown, "it names a sha256 digest, and that of the artifact is not known")
      return judged
    }
    guard payload.manifestDigest.bytes == actual else {
      judged.refuse(.digestMismatch, "it signs the image \(payload.manifestDigest.text)")
      return judged
    }
    if let image = artifact.image, !image.isNamed(payload.repository) { judged.otherRepository = payload.repository }
    judged.tested = payload.optional[SigstoreFormats.Promotion.annotation]?.string.flatMap { SigstoreFormats.Promotion(text: $0)?.tested }
    settle(&judged, match, nil)
    return judged
  }

  /// Runs the search and writes down what it found; nil when the evidence is not to be followed further.
  func find(
    _ search: KeySearch, _ signature: [UInt8], _ judged: inout JudgedEvidence, bundle: SigstoreBundle?, hasCertificate: Bool = false,
    isEnvelope: Bool, digest: (HashAlgorithm) -> MessageDigest?
  ) -> KeySearch.Match? {
    let (match, obstacles) = search.run(signature, digest: digest)
    guard let match else {
      judged.finding.reasons = obstacles
      var namesCertificate = hasCertificate
      if case .certificates? = bundle?.material { namesCertificate = true }
      if namesCertificate {
        judged.finding.reasons.append(
          Reason(.kindNotJudged, "it names its key by a certificate of an identity; only keys and Notary chains are judged, and no trusted key made it"))
      }
      if judged.finding.reasons.isEmpty {
        judged.finding.reasons = [search.mismatch(of: signature, isEnvelope: isEnvelope)]
      } else {
        judged.finding.verdict = .undetermined
      }
      return nil
    }
    judged.finding.keyName = match.candidate.listed.name
    judged.finding.key = match.publicKey
    judged.finding.scheme = match.scheme
    judged.finding.digest = match.digest
    judged.finding.channel = match.candidate.channel
    judged.finding.identity = match.candidate.endorsed?.identity
    if match.isMisencoded {
      judged.refuse(.wrongEncoding, "\(match.candidate.label) made it, but as r‖s where this format demands ASN.1 DER: other verifiers refuse it")
      return nil
    }
    return match
  }

  /// Judges the key that made it, and makes the evidence good when the key is.
  func settle(_ judged: inout JudgedEvidence, _ match: KeySearch.Match, _ bundle: SigstoreBundle?) {
    let hasTime = bundle.map { !$0.timestamps.isEmpty || !$0.logEntries.isEmpty } ?? false
    let (verdict, reasons) = standing(of: match.candidate, hasUnjudgedTime: hasTime)
    judged.finding.verdict = verdict
    judged.finding.reasons += reasons
    guard verdict == .trusted else { return }
    judged.contribution = Contribution(
      identity: match.candidate.listed.fingerprint, keyName: match.candidate.listed.name, channel: match.candidate.channel)
  }

  /// Whether signatures of this key are good now. Nothing proves their time: bundles with timestamps or log entries, which are not judged yet,
  /// leave the answer open.
  func standing(of candidate: CandidateKey, hasUnjudgedTime: Bool) -> (Verdict, [Reason]) {
    let key = candidate.listed
    var refused: [Reason] = []
    var open: [Reason] = []
    for revocation in policy.revocations where revocation.covers(key) || revocation.fingerprint == candidate.fingerprint {
      let reason = Reason(.keyRevoked, "key \(candidate.label) is revoked (\(revocation.reason)), and nothing proves that the signature is older")
      if hasUnjudgedTime, !revocation.compromised { open.append(reason) } else { refused.append(reason) }
    }
    if let from = key.from, now < from { refused.append(Reason(.outsideWindow, "key \(key.name) is not trusted yet")) }
    if let until = key.until, now > until {
      open.append(Reason(.timeUnproven, "trust in key \(key.name) has ended, and nothing proves that the signature is older"))
    }
    if let endorsed = candidate.endorsed {
      if now < endorsed.notBefore - Self.clockSkew { refused.append(Reason(.outsideWindow, "the \(endorsed.label) is not valid yet")) }
      if now >= endorsed.notAfter {
        open.append(Reason(.timeUnproven, "the \(endorsed.label) is no longer valid, and nothing proves that the signature is older"))
      }
    }
    guard refused.isEmpty else { return (.refused, refused + open) }
    guard open.isEmpty else {
      if hasUnjudgedTime { open.append(Reason(.kindNotJudged, "the bundle holds timestamps or log entries, which are not judged yet")) }
      return (.undetermined, open)
    }
    let version = candidate.endorsed == nil ? key.version.map { " version \($0)" } ?? "" : ""
    return (.trusted, [Reason(.verified, "signed by \(candidate.label)\(version)")])
  }
}

extension JudgedArtifact.Image {
  /// Whether a signature's reference means this repository: with or without the older name of Docker's registry, with or without a tag.
  func isNamed(_ reference: String) -> Bool {
    func plain(_ text: String) -> String {
      var text = text.hasPrefix("index.docker.io/") ? "docker.io/" + text.dropFirst(16) : text
      if let at = text.firstIndex(of: "@") { text = String(text[..<at]) }
      if let colon = text.lastIndex(of: ":"), !text[colon...].contains("/") { text = String(text[..<colon]) }
      return text
    }
    return plain(reference) == plain(repository)
  }
}
