internal import Encodings
internal import NotaryFormats
internal import SigstoreFormats

extension EvidenceJudge {
  /// A Notary Project signature: envelope, payload, chain, root, identity, times (trust-store-trust-policy, "Signature Verification").
  func notary(_ evidence: SignatureEvidence, _ envelope: NotaryEnvelope) -> JudgedEvidence {
    var judged = JudgedEvidence(evidence)
    guard let chain = signedChain(envelope, &judged), isAboutArtifact(envelope, &judged), isAcceptable(chain, envelope, &judged) else {
      return judged
    }
    guard let roots = roots(of: chain, envelope.signingScheme, &judged), times(chain, envelope, &judged), isNotRevoked(chain, &judged) else {
      return judged
    }
    // A key that the policy keeps for the dev channel stays there, whatever certificate it gets.
    let leaf = chain.certificates[0]
    let isDev = candidates.contains { $0.fingerprint == judged.finding.key?.fingerprint && $0.channel == .dev }
    let channel: TrustPolicy.Channel = isDev || !roots.values.contains(.release) ? .dev : .release
    judged.finding.verdict = .trusted
    judged.finding.channel = channel
    judged.finding.keyName = roots.keys.sorted().joined(separator: ", ")
    judged.subject = leaf.subject
    judged.contribution = Contribution(identity: judged.finding.key?.fingerprint ?? [], keyName: nil, roots: roots, channel: isDev ? .dev : .release)
    let expiry = envelope.expiry.map { ", valid until \(ISO8601.format(seconds: $0))" } ?? ""
    judged.finding.reasons.append(Reason(.verified, "signed by \(leaf.subject.description) under \(judged.finding.keyName ?? "")\(expiry)"))
    return judged
  }

  /// The chain whose leaf's key made the signature.
  private func signedChain(_ envelope: NotaryEnvelope, _ judged: inout JudgedEvidence) -> NotaryCertificateChain? {
    if let unknown = envelope.unknownCritical.first {
      judged.refuse(.unknownCriticalAttribute, "the critical attribute \(unknown.name.description.prefix(120)) is not understood")
      return nil
    }
    if let plugin = envelope.verificationPlugin {
      judged.leaveOpen(.pluginRequired, "the signer demands the verification plugin \(plugin.name.prefix(120)), which is not run here")
      return nil
    }
    let chain: NotaryCertificateChain
    let key: PublicKey
    do throws(NotaryError) { chain = try NotaryCertificateChain(der: envelope.certificateChain) } catch {
      judged.refuse(.badChain, error.description)
      return nil
    }
    do throws(TrustError) { key = try PublicKey(spki: chain.leaf.publicKey) } catch {
      judged.refuse(.badChain, "the signing certificate: \(error.description)")
      return nil
    }
    judged.finding.identity = chain.leaf.subject.description
    guard chain.keySpec == envelope.keySpec, let scheme = SignatureScheme(rawValue: envelope.keySpec.jwsAlgorithm) else {
      judged.refuse(.badChain, "the signature's algorithm is for a key \(envelope.keySpec.rawValue), the signing certificate has \(key.kindText)")
      return nil
    }
    let digest = MessageDigest(of: envelope.signedBytes, algorithm: scheme.hash)
    var signature = envelope.signature
    if case .ec(let curve) = key.kind {
      guard let der = ECDSASignatureForm.der(raw: signature, fieldBytes: curve.fieldBytes) else {
        judged.refuse(.wrongEncoding, "the signature is not r‖s of \(2 * curve.fieldBytes) bytes")
        return nil
      }
      signature = der
    }
    switch verifier.check(signature, over: digest, scheme: scheme, key: key) {
    case .valid: break
    case .invalid:
      judged.refuse(.payloadMismatch, "the key of its own signing certificate did not sign this envelope: payload, attributes or signature were swapped")
      return nil
    case .unsupported:
      judged.leaveOpen(.schemeUnsupported, "no verifier for \(key.kindText) is at hand")
      return nil
    }
    (judged.finding.key, judged.finding.scheme, judged.finding.digest) = (key, scheme, digest)
    return chain
  }

  private func isAboutArtifact(_ envelope: NotaryEnvelope, _ judged: inout JudgedEvidence) -> Bool {
    guard envelope.contentType == NotaryPayload.mediaType else {
      judged.refuse(.wrongPayloadType, "the payload is of type \"\(envelope.contentType.prefix(120))\", not \(NotaryPayload.mediaType)")
      return false
    }
    let payload: NotaryPayload
    do throws(NotaryError) { payload = try envelope.artifact() } catch {
      judged.refuse(.unreadable(error.description))
      return false
    }
    guard let named = MessageDigest(text: payload.digest), let actual = artifact.digests[named.algorithm] else {
      judged.leaveOpen(.digestUnknown, "it names \(payload.digest.prefix(80)), and that digest of the artifact is not known")
      return false
    }
    guard named == actual else {
      judged.refuse(.digestMismatch, "it signs \(named.text), the artifact is \(actual.text)")
      return false
    }
    if let image = artifact.image, payload.artifactMediaType != image.mediaType {
      judged.refuse(.mediaTypeMismatch, "it signs an artifact of type \"\(payload.artifactMediaType.prefix(120))\", this one is \(image.mediaType)")
      return false
    }
    if let size = artifact.image?.size ?? artifact.digests.byteCount, payload.size != size {
      judged.refuse(.sizeMismatch, "it signs an artifact of \(payload.size) bytes, this one has \(size)")
      return false
    }
    judged.tested = payload.annotations.first { $0.name == SigstoreFormats.Promotion.annotation }
      .flatMap { SigstoreFormats.Promotion(text: $0.value)?.tested }
    return true
  }

  /// The profile, at the signing time that the signature states.
  private func isAcceptable(_ chain: NotaryCertificateChain, _ envelope: NotaryEnvelope, _ judged: inout JudgedEvidence) -> Bool {
    let violations = NotaryCertificateProfile.violations(of: chain, at: envelope.signingTime)
    for violation in violations { judged.refuse(violation.code, violation.description) }
    return violations.isEmpty
  }

  /// The roots of the right kind that have a certificate of the chain byte for byte, and believe its subject.
  private func roots(
    of chain: NotaryCertificateChain, _ scheme: NotaryEnvelope.SigningScheme, _ judged: inout JudgedEvidence
  ) -> [String: TrustPolicy.Channel]? {
    let certificates = Set(chain.der)
    let holding = policy.roots.filter { !certificates.isDisjoint(with: $0.certificates) }
    guard !holding.isEmpty else {
      judged.refuse(.untrustedRoot, "no certificate of the chain of \(chain.leaf.subject.description) is in any of the \(policy.roots.count) roots")
      return nil
    }
    let kind: CertificateRoot.Kind = scheme == .signingAuthority ? .signingAuthority : .ca
    let serving = holding.filter { $0.kind == kind }
    guard !serving.isEmpty else {
      judged.refuse(.wrongRootKind, "the chain ends in \(holding[0].name), which is no root of type \(kind.rawValue) as the scheme \(scheme.rawValue) needs")
      return nil
    }
    let allowing = serving.filter { root in root.identities.isEmpty || root.identities.contains { $0.isSubset(of: chain.leaf.subject) } }
    guard !allowing.isEmpty else {
      let names = serving.map(\.name).joined(separator: ", ")
      judged.refuse(.identityNotAllowed, "\(chain.leaf.subject.description) is none of the identities of \(names)")
      return nil
    }
    // Names are unique in a checked policy; should they not be, the lesser channel holds.
    return Dictionary(allowing.map { ($0.name, $0.channel) }) { $0 == .dev ? $0 : $1 }
  }

  /// A stated time counts only from a signing authority; for the rest the time is now, because nothing proves another.
  private func times(_ chain: NotaryCertificateChain, _ envelope: NotaryEnvelope, _ judged: inout JudgedEvidence) -> Bool {
    if let stated = envelope.authenticSigningTime {
      guard stated <= now + Self.clockSkew else {
        judged.refuse(.timeInFuture, "the authority states \(ISO8601.format(seconds: stated)), which has not come yet")
        return false
      }
      judged.finding.provenAt = stated
    } else if let expired = chain.certificates.first(where: { now < $0.notBefore || now > $0.notAfter }) {
      let text = "the certificate of \(expired.subject.description) is not valid now, and nothing proves that the signature is older"
      if envelope.timestampToken != nil {
        judged.leaveOpen(.timeUnproven, "\(text): its timestamp is not judged yet")
      } else {
        judged.refuse(.certificateExpired, text)
      }
      return false
    }
    if let expiry = envelope.expiry, now >= expiry {
      judged.refuse(.signatureExpired, "its signer made it void from \(ISO8601.format(seconds: expiry))")
      return false
    }
    return true
  }

  private func isNotRevoked(_ chain: NotaryCertificateChain, _ judged: inout JudgedEvidence) -> Bool {
    let key = judged.finding.key?.fingerprint
    var listed: [TrustPolicy.Key] = []
    if let key { listed = policy.keys.filter { $0.fingerprint == key } }
    for revocation in policy.revocations {
      let ofCertificate = revocation.certificate.map { revoked in chain.certificates.contains { $0.thumbprint == revoked } } ?? false
      let ofKey = (revocation.fingerprint.map { holds($0, chain) } ?? false) || listed.contains(where: revocation.covers)
      guard ofCertificate || ofKey else { continue }
      let isOlder = !revocation.compromised && (judged.finding.provenAt.map { $0 < revocation.at } ?? false)
      if isOlder { continue }
      let code: Reason.Code = ofCertificate ? .certificateRevoked : .keyRevoked
      let text = "revoked from \(ISO8601.format(seconds: revocation.at)) (\(revocation.reason)), and nothing proves that the signature is older"
      judged.refuse(code, text)
      return false
    }
    return true
  }

  /// Whether a certificate of the chain has this key.
  private func holds(_ fingerprint: [UInt8], _ chain: NotaryCertificateChain) -> Bool {
    chain.certificates.contains { CertificateRoot.thumbprint($0.publicKey) == fingerprint }
  }
}

extension NotaryCertificateProfile.Violation {
  /// Wrong purpose, wrong time, or no chain at all.
  var code: Reason.Code {
    switch self {
    case .leafIsAuthority, .keyUsageMissing, .keyUsageNotCritical, .leafCannotSign, .leafUsageForbidden, .purposeForbidden,
      .notAnAuthority, .pathTooLong, .cannotSignCertificates:
      .certificatePurpose
    case .notYetValid, .expired: .certificateExpired
    case .keyNotSupported, .weakSignature, .notIssuedByNext, .rootNotSelfSigned, .selfSignedInside, .unreadableExtension: .badChain
    }
  }
}
