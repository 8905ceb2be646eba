package import Encodings
package import SigstoreFormats

/// Yes, no, or could not see.
package enum Verdict: String, Sendable, Hashable {
  case trusted
  case refused
  case undetermined
}

/// Why a signature was judged as it was: a stable code and what to tell people.
package struct Reason: Sendable, Hashable {
  package enum Code: String, Sendable, Hashable, CaseIterable {
    /// The signature is good and the key is trusted.
    case verified
    /// Nothing was found to judge.
    case noSignature
    /// The key verifies the signature, but it was revoked.
    case keyRevoked
    /// The key's window of trust has not begun or has ended.
    case outsideWindow
    /// The key's window has ended and nothing proves that the signature is older.
    case timeUnproven
    /// No trusted key made this signature over this artifact.
    case noTrustedKeyMatches
    /// The key that the signature names is trusted, but the signature is not one over this artifact.
    case signatureMismatch
    /// The bundle says it signs a different artifact.
    case digestMismatch
    /// The digest this key signs was not computed.
    case digestUnknown
    /// No verifier for this kind of key is at hand.
    case schemeUnsupported
    /// The trust file pins a fingerprint and nobody supplied the key's bytes.
    case keyBytesMissing
    /// The evidence is of a kind that is not judged: certificate, attestation.
    case kindNotJudged
  }

  package var code: Code
  package var text: String

  package init(_ code: Code, _ text: String) {
    self.code = code
    self.text = text
  }
}

/// What was found out about one signature.
package struct SignatureFinding: Sendable, Hashable {
  package var source: String
  package var verdict: Verdict
  /// Name in the trust file of the key that made it; nil when none did.
  package var keyName: String?
  /// The key that made it, when one did: also when it was then refused.
  package var key: PublicKey?
  package var scheme: SignatureScheme?
  /// The digest the signature is over, when it verified.
  package var digest: MessageDigest?
  package var reasons: [Reason]
}

/// The answer over all signatures: trusted when one of them is; refused only when every one is.
package struct Decision: Sendable, Hashable {
  package var verdict: Verdict
  package var findings: [SignatureFinding]
  package var reasons: [Reason]

  package var json: JSONValue {
    [
      "schema": "hallmark.verify/v1", "verdict": .string(verdict.rawValue),
      "signatures": .array(findings.map(\.json)), "reasons": .array(reasons.map(\.json)),
    ]
  }
}

extension Reason {
  package var json: JSONValue { ["code": .string(code.rawValue), "text": .string(text)] }
}

extension SignatureFinding {
  package var json: JSONValue {
    [
      "source": .string(source), "verdict": .string(verdict.rawValue), "key": keyName.map { .string($0) } ?? .null,
      "spkiSha256": key.map { .string($0.fingerprintHex) } ?? .null, "algorithm": scheme.map { .string($0.rawValue) } ?? .null,
      "digest": digest.map { .string($0.text) } ?? .null, "reasons": .array(reasons.map(\.json)),
    ]
  }
}
