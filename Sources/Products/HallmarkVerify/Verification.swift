internal import Encodings
internal import Trust

extension VerificationPolicy {
  /// Judges every signature, and then the rule that covers the artifact.
  ///
  /// - Parameters:
  ///   - artifact: what is to be verified.
  ///   - evidence: all signatures that were found, junk included.
  ///   - attestation: ask for a statement of this predicate type instead of for the artifact's signature.
  ///   - time: seconds since 1970-01-01T00:00:00Z.
  /// - Complexity: at most one public-key operation for each signature, trusted key and algorithm that fits it.
  public func verify(_ artifact: Artifact, evidence: [Evidence], attestation: String? = nil, at time: Int64) -> Verification {
    Verification(
      policy.decide(
        on: artifact.judged, evidence: evidence.flatMap(\.items), demand: attestation.map { .attestation(predicateType: $0) } ?? .signature,
        at: time, verifier: CryptoSignatureVerifier()))
  }
}

/// The answer, with a reason for every signature that was looked at.
public struct Verification: Sendable, Hashable {
  public enum Verdict: String, Sendable, Hashable {
    case trusted
    case refused
    /// Could not be seen: never a yes.
    case undetermined
  }

  public enum Outcome: String, Sendable, Hashable {
    case admit
    /// Not trusted, but the rule only warns or audits.
    case admitUnenforced
    case refuse
    case undetermined
  }

  /// Why something was judged as it was.
  public struct Reason: Sendable, Hashable {
    /// Stable, for programs: `keyRevoked`, `subjectMismatch`, `wrongEncoding`, …
    public let code: String
    /// For people; may change.
    public let text: String
  }

  /// What was found out about one signature.
  public struct Signature: Sendable, Hashable {
    public let source: String
    /// `sigstore-bundle`, `cosign-legacy`, `notary-jws`, …
    public let form: String
    public let verdict: Verdict
    /// Name in the policy of the key or root behind it.
    public let signer: String?
    /// SHA-256 of the key's SubjectPublicKeyInfo, 32 bytes.
    public let keyFingerprint: [UInt8]?
    /// Subject of the signing certificate.
    public let identity: String?
    /// Of an attestation.
    public let predicateType: String?
    /// The statement's bytes, when the attestation is good and about this artifact.
    public let statement: [UInt8]?
    public let reasons: [Reason]
  }

  /// What is to happen with the artifact: the one to act on.
  public let outcome: Outcome
  /// What was found, whatever the rule's level.
  public let verdict: Verdict
  /// Name of the rule that covers the artifact; nil when none does.
  public let rule: String?
  /// One for each piece of evidence, in its order.
  public let signatures: [Signature]
  /// About the rule as a whole.
  public let reasons: [Reason]
  /// The whole answer as JSON of the schema `hallmark.verify/v1`.
  public let json: String

  /// Whether the artifact may be used: trusted, or let through by a rule that is not enforced.
  public var isAdmitted: Bool { outcome == .admit || outcome == .admitUnenforced }

  init(_ decision: Decision) {
    outcome =
      switch decision.outcome {
      case .admit: .admit
      case .admitUnenforced: .admitUnenforced
      case .refuse: .refuse
      case .undetermined: .undetermined
      }
    verdict = Verdict(decision.verdict)
    rule = decision.rule
    signatures = decision.findings.map(Signature.init)
    reasons = decision.reasons.map(Reason.init)
    json = decision.json.text(pretty: true)
  }
}

extension Verification.Verdict {
  init(_ verdict: Trust.Verdict) {
    switch verdict {
    case .trusted: self = .trusted
    case .refused: self = .refused
    case .undetermined: self = .undetermined
    }
  }
}

extension Verification.Reason {
  init(_ reason: Trust.Reason) {
    code = reason.code.rawValue
    text = reason.text
  }
}

extension Verification.Signature {
  init(_ finding: SignatureFinding) {
    source = finding.source
    form = finding.form.rawValue
    verdict = Verification.Verdict(finding.verdict)
    signer = finding.keyName
    keyFingerprint = finding.key?.fingerprint
    identity = finding.identity
    predicateType = finding.predicateType
    statement = finding.statement
    reasons = finding.reasons.map(Verification.Reason.init)
  }
}
