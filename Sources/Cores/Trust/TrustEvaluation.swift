internal import SigstoreFormats

extension TrustPolicy {
  /// Judges every signature over one artifact.
  ///
  /// Message digests and key hints inside bundles are claims: a hint only improves the reason given, a wrong digest refuses.
  /// A blob signature carries no proof of its time, so a key whose window has ended gives *undetermined*, never *trusted*.
  ///
  /// - Parameter now: seconds since the epoch.
  /// - Complexity: at most one public-key operation per signature, trusted key and algorithm that fits it.
  package func decide(
    on artifact: ArtifactDigests, signatures: [SignatureEvidence], at now: Int64, verifier: any SignatureVerifier
  ) -> Decision {
    let findings = signatures.map { judge($0, artifact, now, verifier) }
    let verdict: Verdict =
      if findings.contains(where: { $0.verdict == .trusted }) {
        .trusted
      } else if findings.contains(where: { $0.verdict == .undetermined }) {
        .undetermined
      } else {
        .refused
      }
    let reasons = findings.isEmpty ? [Reason(.noSignature, "there is no signature to judge")] : []
    return Decision(verdict: verdict, findings: findings, reasons: reasons)
  }

  private func judge(
    _ evidence: SignatureEvidence, _ artifact: ArtifactDigests, _ now: Int64, _ verifier: any SignatureVerifier
  ) -> SignatureFinding {
    var finding = SignatureFinding(source: evidence.source, verdict: .refused, reasons: [])
    let signature: [UInt8]
    var hint: [UInt8]?
    var claim: MessageDigest?
    var hasCertificate = false
    switch evidence.content {
    case .detached(let bytes): signature = bytes
    case .bundle(let bundle):
      guard case .message(let message) = bundle.content else {
        finding.verdict = .undetermined
        finding.reasons.append(Reason(.kindNotJudged, "the bundle holds an attestation (DSSE envelope), which this command does not judge"))
        return finding
      }
      signature = message.signature
      claim = message.digest
      hint = bundle.keyFingerprint
      if case .certificates = bundle.material { hasCertificate = true }
    }
    if let claim, let actual = artifact[claim.algorithm], actual != claim {
      finding.reasons.append(Reason(.digestMismatch, "the bundle signs \(claim.text), the artifact is \(actual.text)"))
      return finding
    }

    let attempt = search(signature, artifact, hint: hint, claim: claim, verifier)
    if let match = attempt.match {
      finding.keyName = match.key.name
      finding.key = match.publicKey
      finding.scheme = match.scheme
      finding.digest = match.digest
      (finding.verdict, finding.reasons) = judge(match.key, at: now)
      return finding
    }
    finding.reasons = attempt.obstacles
    if hasCertificate {
      finding.reasons.append(Reason(.kindNotJudged, "the bundle names its key by certificate; only public keys are judged, and none of them made it"))
    }
    if finding.reasons.isEmpty {
      finding.reasons = [mismatch(hint)]
    } else {
      finding.verdict = .undetermined
    }
    return finding
  }

  private func mismatch(_ hint: [UInt8]?) -> Reason {
    if let hint, let named = keys.first(where: { $0.fingerprint == hint }) {
      return Reason(.signatureMismatch, "it names the trusted key \(named.name), whose signature over this artifact it is not")
    }
    if keys.count == 1, hint == nil {
      return Reason(.signatureMismatch, "it is not a signature by \(keys[0].name) over this artifact")
    }
    return Reason(.noTrustedKeyMatches, "none of the \(keys.count) trusted keys made it over this artifact")
  }

  private func judge(_ key: Key, at now: Int64) -> (Verdict, [Reason]) {
    var refused: [Reason] = []
    for revocation in revocations where revocation.covers(key) {
      refused.append(
        Reason(.keyRevoked, "key \(key.name) is revoked (\(revocation.reason)), and nothing proves that the signature is older"))
    }
    if let from = key.from, now < from {
      refused.append(Reason(.outsideWindow, "key \(key.name) is not trusted yet"))
    }
    guard refused.isEmpty else { return (.refused, refused) }
    if let until = key.until, now > until {
      return (.undetermined, [Reason(.timeUnproven, "trust in key \(key.name) has ended, and nothing proves that the signature is older")])
    }
    return (.trusted, [Reason(.verified, "signed by \(key.name)\(key.version.map { " version \($0)" } ?? "")")])
  }

  private struct Match {
    var key: Key
    var publicKey: PublicKey
    var scheme: SignatureScheme
    var digest: MessageDigest
  }

  /// Finds the trusted key that made the signature, or what stood in the way of saying that none did.
  private func search(
    _ signature: [UInt8], _ artifact: ArtifactDigests, hint: [UInt8]?, claim: MessageDigest?, _ verifier: any SignatureVerifier
  ) -> (match: Match?, obstacles: [Reason]) {
    var obstacles: [Reason] = []
    for key in keys.filter({ $0.fingerprint == hint }) + keys.filter({ $0.fingerprint != hint }) {
      guard let publicKey = key.key else {
        // Only a hint or its absence lets a key without bytes matter: a signature that names another key is not this one's.
        if hint == nil || hint == key.fingerprint {
          obstacles.append(Reason(.keyBytesMissing, "key \(key.name) is pinned by fingerprint alone and its bytes were not supplied"))
        }
        continue
      }
      for scheme in SignatureScheme.all(for: publicKey.kind) {
        guard let digest = artifact[scheme.hash] else {
          if claim == nil || claim?.algorithm == scheme.hash, hint == nil || hint == key.fingerprint {
            obstacles.append(Reason(.digestUnknown, "key \(key.name) signs \(scheme.hash.rawValue) digests, and that of the artifact is not known"))
          }
          continue
        }
        guard let encoded = encoded(signature, scheme, publicKey) else { continue }
        switch verifier.check(encoded, over: digest, scheme: scheme, key: publicKey) {
        case .valid: return (Match(key: key, publicKey: publicKey, scheme: scheme, digest: digest), [])
        case .invalid: break
        case .unsupported:
          obstacles.append(Reason(.schemeUnsupported, "no verifier for \(publicKey.kindText) (key \(key.name)) is at hand"))
        }
      }
    }
    var unique: [Reason] = []
    for obstacle in obstacles where !unique.contains(obstacle) { unique.append(obstacle) }
    return (nil, unique)
  }

  /// EC signatures as DER: a detached one may also be `r‖s`.
  private func encoded(_ signature: [UInt8], _ scheme: SignatureScheme, _ key: PublicKey) -> [UInt8]? {
    guard scheme.isECDSA, case .ec(let curve) = key.kind else { return signature }
    if ECDSASignatureForm.raw(der: signature, fieldBytes: curve.fieldBytes) != nil { return signature }
    return ECDSASignatureForm.der(raw: signature, fieldBytes: curve.fieldBytes)
  }
}
