internal import NotaryFormats
internal import SigstoreFormats

/// Holds good and bad evidence against the rule that covers the artifact.
struct RuleJudge {
  let policy: TrustPolicy
  let artifact: JudgedArtifact
  /// Nil when no rule covers the artifact.
  let rule: TrustPolicy.Rule?

  func decide(_ evidence: [JudgedEvidence], _ demand: VerificationDemand) -> Decision {
    guard let rule else {
      let what = artifact.image.map { "the repository \($0.repository)" } ?? "files"
      return Decision(
        verdict: .refused, rule: nil, level: .enforce, findings: evidence.map(\.finding), reasons: [Reason(.noRule, "no rule covers \(what)")])
    }
    let judged = evidence.map { held($0, against: rule) }
    var decision = Decision(verdict: .trusted, rule: rule.name, level: rule.level, findings: judged.map(\.finding), reasons: [])
    decision.reasons = unmet(rule, judged, demand)
    if !decision.reasons.isEmpty {
      let isOpen = judged.contains { $0.finding.verdict == .undetermined }
      decision.verdict = isOpen ? .undetermined : .refused
      if judged.isEmpty { decision.reasons = [Reason(.noSignature, "there is no signature to judge; rule \"\(rule.name)\" demands \(rule.requirement.text)")] }
      if rule.level != .enforce {
        decision.reasons.append(Reason(.notEnforced, "rule \"\(rule.name)\" is at level \(rule.level.rawValue): the artifact is let through"))
      }
    } else {
      decision.reasons = [Reason(.requirementMet, "rule \"\(rule.name)\": \(rule.requirement.text) is met")]
    }
    return decision
  }

  /// Evidence as this rule sees it: what it counts as, and what the rule has against it.
  private func held(_ evidence: JudgedEvidence, against rule: TrustPolicy.Rule) -> JudgedEvidence {
    var judged = evidence
    guard let contribution = judged.contribution else { return judged }
    let isSignature = judged.predicateType.map { rule.predicateTypes.contains($0) } ?? true
    judged.finding.role = isSignature ? .signature : .attestation
    if !isSignature, let type = judged.predicateType {
      judged.finding.reasons.append(Reason(.notASignature, "it is an attestation of type \(type), which does not sign the artifact as such"))
    }
    if let subject = judged.subject, !rule.identities.isEmpty, !rule.identities.contains(where: { $0.isSubset(of: subject) }) {
      judged.refuse(.identityNotAllowed, "\(subject.description) is none of the identities of rule \"\(rule.name)\"")
      judged.contribution = nil
    }
    if let other = judged.otherRepository {
      let reason = Reason(.repositoryMismatch, "it names the repository \(other)")
      if rule.repositoryIdentity == .enforce {
        judged.refuse(reason)
        judged.contribution = nil
      } else {
        judged.finding.reasons.append(reason)
      }
    }
    // Statements keep their contribution: a dev attestation may be what a promotion stands on. Requirements look at the channel themselves.
    let channel = contribution.bestChannel
    if isSignature, !channel.serves(rule.channel), judged.finding.verdict == .trusted {
      judged.refuse(.channelForbids, "it is a signature of the channel \(channel.rawValue), and rule \"\(rule.name)\" demands \(rule.channel.rawValue)")
    }
    return judged
  }

  /// What is missing; empty when nothing is.
  private func unmet(_ rule: TrustPolicy.Rule, _ evidence: [JudgedEvidence], _ demand: VerificationDemand) -> [Reason] {
    switch demand {
    case .signature:
      let signatures = evidence.filter { $0.finding.role == .signature }
      var reasons: [Reason] = []
      if !isMet(rule.requirement, signatures, rule.channel) {
        reasons.append(notMet(rule.requirement, signatures, rule))
      } else if let promotion = rule.promotion, !isMet(rule.requirement, promoted(signatures, evidence, promotion), rule.channel) {
        let what = promotion.predicateType.map { " of type \($0)" } ?? ""
        reasons.append(
          Reason(.promotionMissing, "no such signature names a dev attestation\(what) of the same bytes that lies here and is good: \(promotion.signers.text) was to sign it"))
      }
      return reasons + rule.attestations.compactMap { missing($0, rule, evidence) }
    case .attestation(let type):
      let demands = rule.attestations.filter { $0.predicateType == type }
      return (demands.isEmpty ? [TrustPolicy.AttestationRequirement(predicateType: type)] : demands).compactMap { missing($0, rule, evidence) }
    }
  }

  private func missing(
    _ demand: TrustPolicy.AttestationRequirement, _ rule: TrustPolicy.Rule, _ evidence: [JudgedEvidence]
  ) -> Reason? {
    let requirement = demand.signers ?? rule.requirement
    let statements = evidence.filter { $0.predicateType == demand.predicateType }
    guard !isMet(requirement, statements, demand.channel ?? rule.channel) else { return nil }
    return Reason(
      .attestationMissing,
      "no attestation of type \(demand.predicateType) by \(requirement.text) (\(statements.count { $0.contribution != nil }) of that type by other trusted signers)")
  }

  /// Signatures that name an attestation which is here, good, of the right type and by the right signers.
  private func promoted(
    _ signatures: [JudgedEvidence], _ evidence: [JudgedEvidence], _ promotion: TrustPolicy.PromotionDemand
  ) -> [JudgedEvidence] {
    let attestations = evidence.filter { one in
      one.envelopeDigest != nil && one.predicateType != nil
        && (promotion.predicateType == nil || promotion.predicateType == one.predicateType)
    }
    return signatures.filter { signature in
      guard let tested = signature.tested else { return false }
      return isMet(promotion.signers, attestations.filter { $0.envelopeDigest == tested }, .dev)
    }
  }

  private func isMet(_ requirement: TrustPolicy.Requirement, _ evidence: [JudgedEvidence], _ channel: TrustPolicy.Channel) -> Bool {
    requirement.support(among: evidence.compactMap(\.contribution), in: policy, channel: channel) != nil
  }

  private func notMet(_ requirement: TrustPolicy.Requirement, _ signatures: [JudgedEvidence], _ rule: TrustPolicy.Rule) -> Reason {
    let serving = signatures.filter { $0.contribution?.bestChannel.serves(rule.channel) == true }
    let names = Set(serving.compactMap(\.finding.keyName)).sorted()
    let keys = Set(serving.compactMap { $0.contribution?.identity }).count
    let have = names.isEmpty ? "no good signature is there" : "good signatures are there by \(names.joined(separator: ", ")) (\(keys) different keys)"
    return Reason(.requirementNotMet, "rule \"\(rule.name)\" demands \(requirement.text); \(have)")
  }
}

extension Contribution {
  /// The best channel that the key, or one of its roots, stands for.
  var bestChannel: TrustPolicy.Channel {
    guard channel == .release, !roots.isEmpty else { return channel }
    return roots.values.contains(.release) ? .release : .dev
  }
}

extension TrustPolicy.Requirement {
  /// For people.
  package var text: String {
    switch self {
    case .key(let name): "key \(name)"
    case .keySet(let name): "a key of \(name)"
    case .root(let name): "a certificate under \(name)"
    case .any(let parts): parts.count == 1 ? parts[0].text : "any of (\(parts.map(\.text).joined(separator: ", ")))"
    case .all(let parts): parts.count == 1 ? parts[0].text : "all of (\(parts.map(\.text).joined(separator: ", ")))"
    case .atLeast(let count, let parts): "\(count) different keys of (\(parts.map(\.text).joined(separator: ", ")))"
    }
  }
}
