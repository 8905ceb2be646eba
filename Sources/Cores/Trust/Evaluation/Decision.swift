package import Encodings
package import SigstoreFormats

/// Yes, no, or could not see.
package enum Verdict: String, Sendable, Hashable {
  case trusted
  case refused
  case undetermined
}

/// What a caller asks for.
package enum VerificationDemand: Sendable, Hashable {
  /// That the artifact is signed as its rule demands, with the attestations the rule demands.
  case signature
  /// That there is a statement of this type about the artifact by the signers the rule demands for it, or else for signatures.
  case attestation(predicateType: String)
}

/// What was found out about one signature.
package struct SignatureFinding: Sendable, Hashable {
  /// What a good one is good for.
  package enum Role: String, Sendable, Hashable {
    case signature
    case attestation
    /// It makes a dev key usable.
    case endorsement
  }

  package var source: String
  package var form: EvidenceForm
  /// Whether this one is good: signed by a trusted key, about this artifact, at a time that counts.
  package var verdict: Verdict
  package var role: Role?
  /// Name in the trust file of the key or root that stands behind it; nil when none does.
  package var keyName: String?
  /// The key that made it, when one did: also when it was then refused.
  package var key: PublicKey?
  package var scheme: SignatureScheme?
  /// The digest the signature is over, when it verified.
  package var digest: MessageDigest?
  /// Of a statement whose signature verified.
  package var predicateType: String?
  package var channel: TrustPolicy.Channel?
  /// Subject of the signing certificate.
  package var identity: String?
  /// The time that is proven for the signature, seconds since the epoch; nil when nothing proves one.
  package var provenAt: Int64?
  package var reasons: [Reason]
  /// The statement's bytes, when it is good and about this artifact.
  package var statement: [UInt8]?

  package init(source: String, form: EvidenceForm, verdict: Verdict, reasons: [Reason] = []) {
    self.source = source
    self.form = form
    self.verdict = verdict
    self.reasons = reasons
  }
}

/// The answer over all signatures and the rule that applies.
package struct Decision: Sendable, Hashable {
  /// What is to happen with the artifact.
  package enum Outcome: String, Sendable, Hashable {
    case admit
    /// Not trusted, but the rule only warns or audits.
    case admitUnenforced
    case refuse
    case undetermined
  }

  /// What was found, whatever the rule's level.
  package var verdict: Verdict
  /// Name of the rule that applied; nil when none did.
  package var rule: String?
  package var level: TrustPolicy.Level
  /// One for each piece of evidence, in its order.
  package var findings: [SignatureFinding]
  /// About the rule as a whole.
  package var reasons: [Reason]

  package init(verdict: Verdict, rule: String?, level: TrustPolicy.Level, findings: [SignatureFinding], reasons: [Reason]) {
    self.verdict = verdict
    self.rule = rule
    self.level = level
    self.findings = findings
    self.reasons = reasons
  }

  package var outcome: Outcome {
    switch (verdict, level) {
    case (.trusted, _): .admit
    case (_, .warn), (_, .audit): .admitUnenforced
    case (.refused, .enforce): .refuse
    case (.undetermined, .enforce): .undetermined
    }
  }

  package var json: JSONValue {
    [
      "schema": "hallmark.verify/v1", "verdict": .string(verdict.rawValue), "outcome": .string(outcome.rawValue),
      "rule": rule.map { .string($0) } ?? .null, "level": .string(level.rawValue),
      "signatures": .array(findings.map(\.json)), "reasons": .array(reasons.map(\.json)),
    ]
  }
}

extension SignatureFinding {
  package var json: JSONValue {
    var object: JSONObject = [
      "source": .string(source), "form": .string(form.rawValue), "verdict": .string(verdict.rawValue),
      "key": keyName.map { .string($0) } ?? .null, "spkiSha256": key.map { .string($0.fingerprintHex) } ?? .null,
      "algorithm": scheme.map { .string($0.rawValue) } ?? .null, "digest": digest.map { .string($0.text) } ?? .null,
    ]
    object.set("role", ifPresent: role.map { .string($0.rawValue) })
    object.set("channel", ifPresent: channel.map { .string($0.rawValue) })
    object.set("predicateType", ifPresent: predicateType.map { .string($0) })
    object.set("identity", ifPresent: identity.map { .string($0) })
    object.set("provenAt", ifPresent: provenAt.map { .string(ISO8601.format(seconds: $0)) })
    object["reasons"] = .array(reasons.map(\.json))
    return .object(object)
  }
}
