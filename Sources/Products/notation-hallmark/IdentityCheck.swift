import Encodings
import NotaryFormats
import Signing

/// The answer to `verify-signature`. Opens no connection: everything needed is in the question.
///
/// What is checked: the leaf's subject against the trust policy's identities, as notation itself does it; the signed attribute
/// `hallmark.key` against `--plugin-config key=ID`; `hallmark.channel` against `--plugin-config channel=WORD`. An attribute this
/// plugin does not know is answered too: with a refusal that names it.
struct IdentityCheck {
  private let question: NotaryPlugin.VerifySignature
  private let settings: PluginSettings

  init(_ question: NotaryPlugin.VerifySignature, settings: PluginSettings) {
    self.question = question
    self.settings = settings
  }

  func verification() -> NotaryPlugin.Verification {
    let refusal = reason()
    let outcomes = question.checks.map { check in
      check == .trustedIdentityVerifier
        ? NotaryPlugin.Verification.Outcome(check: check, success: refusal == nil, reason: refusal ?? "")
        : NotaryPlugin.Verification.Outcome(check: check, success: false, reason: "\(check.rawValue) is not offered by this plugin")
    }
    // With no check to answer, only the attributes are left: one that does not hold is then not called processed, which fails the signature.
    let isAnswered = refusal == nil || !outcomes.isEmpty
    return NotaryPlugin.Verification(outcomes: outcomes, processedAttributes: isAnswered ? question.unprocessedAttributes : [])
  }

  /// Why the signature is not by whom the policy trusts; nil when it is.
  private func reason() -> String? {
    for name in question.unprocessedAttributes {
      guard [AuthorityEnvelope.Attribute.key, AuthorityEnvelope.Attribute.channel].contains(name) else {
        return "critical attribute \(name.prefix(120)) is not known to this plugin"
      }
    }
    return identityReason() ?? keyReason() ?? channelReason()
  }

  private func identityReason() -> String? {
    let leaf: NotaryCertificateChain.Certificate
    do { leaf = try NotaryCertificateChain(der: question.certificateChain).leaf } catch { return error.description }
    var identities: [NotationTrustPolicy.Identity] = []
    for text in question.trustedIdentities {
      do { identities.append(try NotationTrustPolicy.Identity(parsing: text)) } catch { return "trusted identity \(text.prefix(200)): \(error.description)" }
    }
    guard !identities.isEmpty else { return "the trust policy names no trusted identity" }
    guard identities.contains(where: { $0.matches(leaf.subject) }) else {
      return "the signer \"\(leaf.subject)\" is none of the trusted identities"
    }
    return nil
  }

  private func keyReason() -> String? {
    let attribute = question.extendedAttributes[AuthorityEnvelope.Attribute.key]
    let signed = attribute?.string.flatMap { try? KeyReference(parsing: $0) }
    if attribute != nil, signed?.version == nil { return "\(AuthorityEnvelope.Attribute.key) is not the identifier of a key version" }
    guard let wanted = settings.key else { return nil }
    guard let reference = try? KeyReference(parsing: wanted) else { return "--plugin-config key: \(wanted.prefix(200)) is no key id" }
    guard let signed else { return "the signature does not say which key version made it, and \(wanted) is demanded" }
    let isSame =
      signed.name.lowercased() == reference.name.lowercased() && (reference.store == nil || reference.store == signed.store)
      && (reference.version == nil || reference.version == signed.version)
    return isSame ? nil : "the signature was made by \(signed.store ?? "")/keys/\(signed.name)/\(signed.version ?? ""), not by \(wanted)"
  }

  private func channelReason() -> String? {
    let attribute = question.extendedAttributes[AuthorityEnvelope.Attribute.channel]
    if let attribute, !["release", "dev"].contains(attribute.string) { return "\(AuthorityEnvelope.Attribute.channel) is neither release nor dev" }
    guard let wanted = settings.channel else { return nil }
    return attribute?.string == wanted ? nil : "channel \(wanted) is demanded, the signature says \(attribute?.string ?? "none")"
  }
}
