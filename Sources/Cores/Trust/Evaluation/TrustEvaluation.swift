extension TrustPolicy {
  /// Judges every signature over one artifact, and then the rule that covers the artifact.
  ///
  /// Message digests, key hints and times inside evidence are claims: a hint only improves the reason given, a wrong digest refuses, a time
  /// counts only when it is proven. Unreadable evidence is listed and changes nothing else.
  ///
  /// - Parameters:
  ///   - demand: the artifact's signature, or one attestation.
  ///   - now: seconds since the epoch.
  /// - Complexity: at most one public-key operation for each signature, trusted key and algorithm that fits it.
  package func decide(
    on artifact: JudgedArtifact, evidence: [SignatureEvidence], demand: VerificationDemand = .signature, at now: Int64,
    verifier: any SignatureVerifier
  ) -> Decision {
    let judge = EvidenceJudge(policy: self, artifact: artifact, now: now, verifier: verifier)
    return RuleJudge(policy: self, artifact: artifact, rule: rule(for: artifact)).decide(judge.judge(evidence), demand)
  }

  /// Judges signatures over a file.
  package func decide(
    on digests: ArtifactDigests, signatures: [SignatureEvidence], at now: Int64, verifier: any SignatureVerifier
  ) -> Decision {
    decide(on: .blob(digests), evidence: signatures, at: now, verifier: verifier)
  }

  /// The rule that covers the artifact: of several, the one whose pattern is narrowest.
  package func rule(for artifact: JudgedArtifact) -> Rule? {
    guard let image = artifact.image else { return effectiveRules.first(where: \.blobs) }
    let matching = effectiveRules.flatMap { rule in
      rule.repositories.filter { $0.matches(image.repository) }.map { (rule: rule, specificity: $0.specificity) }
    }
    return matching.max { $0.specificity < $1.specificity }?.rule
  }

  /// The same keys, roots and revocations with no demand on scopes and channels: for the question whether a signer is in good standing.
  package var standing: TrustPolicy {
    var result = self
    result.rules = []
    result.rules = result.effectiveRules
    result.rules[0].channel = .dev
    return result
  }
}
