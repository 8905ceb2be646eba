internal import Crypto
internal import Encodings
internal import Merkle
package import SigstoreFormats

extension EvidenceJudge {
  /// A statement in a DSSE envelope: who signed the payload, and whether it is about this artifact.
  func statement(_ evidence: SignatureEvidence, _ envelope: Envelope, _ bundle: SigstoreBundle?) -> JudgedEvidence {
    var judged = JudgedEvidence(evidence)
    guard let match = signer(of: envelope, bundle, &judged) else { return judged }
    let statement: Statement
    do { statement = try Statement.parse(envelope.payload) } catch {
      judged.refuse(Reason.unreadable(error.description))
      return judged
    }
    judged.finding.predicateType = statement.predicateType
    if statement.predicateType == MerkleBatch.predicateType {
      judged.refuse(.notInBatch, "it is a batch's statement alone; the artifact's own batch proof shows that the artifact is in it")
      return judged
    }
    let subject: Statement.Subject
    switch Self.match(statement, artifact.digests) {
    case .subject(let found): subject = found
    case .unknown:
      judged.leaveOpen(.digestUnknown, "its subjects have digests that were not computed of the artifact")
      return judged
    case .other:
      let named = statement.subjects.first?.digests.first.map { "\($0.algorithm):\($0.value.prefix(16))…" } ?? "nothing"
      judged.refuse(.subjectMismatch, "it is a statement about \(statement.subjects.count) other artifact(s), first \(named): replayed or misplaced")
      return judged
    }
    judged.predicateType = statement.predicateType
    judged.envelopeDigest = envelope.digest(.sha256).bytes
    judged.tested = subject.annotations[SigstoreFormats.Promotion.annotation]?.string.flatMap { SigstoreFormats.Promotion(text: $0)?.tested }
    settle(&judged, match, bundle)
    if judged.contribution != nil { judged.finding.statement = envelope.payload }
    return judged
  }

  /// One artifact's place in a signed Merkle batch.
  func batch(_ evidence: SignatureEvidence, _ proof: BatchProof) -> JudgedEvidence {
    var judged = JudgedEvidence(evidence)
    guard case .envelope(let envelope) = proof.bundle.content else {
      judged.refuse(.wrongPayloadType, "the proof's bundle holds no statement")
      return judged
    }
    guard let match = signer(of: envelope, proof.bundle, &judged) else { return judged }
    judged.finding.predicateType = MerkleBatch.predicateType
    guard let actual = artifact.digests[proof.leaf.digest.algorithm] else {
      judged.leaveOpen(.digestUnknown, "it names a \(proof.leaf.digest.algorithm.rawValue) digest, and that of the artifact is not known")
      return judged
    }
    guard actual == proof.leaf.digest else {
      judged.refuse(.subjectMismatch, "it is the proof of another artifact, \(proof.leaf.digest.text)")
      return judged
    }
    let path = proof.path.compactMap { MerkleHash($0) }
    do {
      guard path.count == proof.path.count, let root = MerkleHash(proof.batch.root) else { throw MerkleError.rootMismatch }
      try MerkleProof.verifyInclusion(
        of: MerkleHash(leaf: proof.leaf.encoded), at: proof.index, size: proof.batch.size, root: root, proof: path)
    } catch {
      judged.refuse(.notInBatch, "its path does not lead to the signed root: the artifact is not in that batch")
      return judged
    }
    judged.predicateType = MerkleBatch.predicateType
    judged.tested = proof.batch.promotion?.tested
    settle(&judged, match, proof.bundle)
    return judged
  }

  /// An endorsement of a dev key: signed by a key of the policy itself, never by an endorsed one.
  func endorsement(
    _ evidence: SignatureEvidence, _ envelope: Envelope, _ bundle: SigstoreBundle?, isOneTooMany: Bool
  ) -> (JudgedEvidence, CandidateKey?) {
    var judged = JudgedEvidence(evidence)
    guard !isOneTooMany else {
      judged.refuse(.endorsementRefused, "more than \(Self.maxEndorsements) endorsements lie beside one artifact")
      return (judged, nil)
    }
    guard let match = signer(of: envelope, bundle, &judged) else { return (judged, nil) }
    judged.finding.predicateType = KeyEndorsement.predicateType
    let endorsement: KeyEndorsement
    let key: PublicKey
    do {
      endorsement = try KeyEndorsement.parse(statement: envelope.payload)
      key = try PublicKey(spki: endorsement.spki)
    } catch {
      judged.refuse(.endorsementRefused, "the endorsement cannot be used: \(error)")
      return (judged, nil)
    }
    guard !policy.keys.contains(where: { $0.fingerprint == key.fingerprint }) else {
      judged.refuse(.endorsementRefused, "the policy lists the endorsed key itself; what it says there holds")
      return (judged, nil)
    }
    let (verdict, reasons) = standing(of: match.candidate, hasUnjudgedTime: false)
    guard verdict == .trusted else {
      judged.finding.verdict = verdict
      judged.finding.reasons += reasons
      return (judged, nil)
    }
    judged.finding.verdict = .trusted
    judged.finding.role = .endorsement
    judged.finding.identity = endorsement.identity
    judged.finding.reasons.append(
      Reason(.endorsed, "\(match.candidate.label) endorses a dev key of \(endorsement.identity) until \(ISO8601.format(seconds: endorsement.notAfter))"))
    let endorsed = EndorsedKey(key: key, notBefore: endorsement.notBefore, notAfter: endorsement.notAfter, identity: endorsement.identity)
    return (judged, CandidateKey(listed: match.candidate.listed, endorsed: endorsed))
  }

  private func signer(of envelope: Envelope, _ bundle: SigstoreBundle?, _ judged: inout JudgedEvidence) -> KeySearch.Match? {
    guard envelope.payloadType == UnsignedEnvelope.statementType else {
      judged.refuse(.wrongPayloadType, "the envelope's payload is of type \"\(envelope.payloadType.prefix(120))\", not an in-toto statement")
      return nil
    }
    let digests = EnvelopeDigests(envelope)
    let search = KeySearch(candidates: candidates, verifier: verifier, hint: bundle?.keyFingerprint)
    return find(search, envelope.signature, &judged, bundle: bundle, isEnvelope: true) { digests.digest($0) }
  }

  private enum SubjectMatch {
    case subject(Statement.Subject)
    case other
    /// The digests are of hashes that nobody computed.
    case unknown
  }

  /// A subject is the artifact when they share a digest and contradict each other in none.
  private static func match(_ statement: Statement, _ digests: ArtifactDigests) -> SubjectMatch {
    var couldBe = false
    for subject in statement.subjects {
      let shared = digests.all.filter { known in subject.digests.contains { $0.algorithm == known.algorithm.rawValue } }
      if shared.isEmpty {
        couldBe = couldBe || HashAlgorithm.allCases.contains { subject.digest($0) != nil }
      } else if shared.allSatisfy({ subject.digest($0.algorithm) == $0 }) {
        return .subject(subject)
      }
    }
    return couldBe ? .unknown : .other
  }
}

extension SignatureEvidence {
  /// The envelope and the bundle around it, when its payload says that it endorses a dev key.
  var endorsement: (envelope: Envelope, bundle: SigstoreBundle?)? {
    let found: (Envelope, SigstoreBundle?)
    switch content {
    case .bundle(let bundle):
      guard case .envelope(let envelope) = bundle.content else { return nil }
      found = (envelope, bundle)
    case .envelope(let envelope): found = (envelope, nil)
    case .detached, .simpleSigning, .notary, .batch, .unreadable, .unavailable: return nil
    }
    // An endorsement is small; nothing large is read twice for this question.
    guard found.0.payload.count <= 64 << 10, let statement = try? Statement.parse(found.0.payload) else { return nil }
    return statement.predicateType == KeyEndorsement.predicateType ? found : nil
  }
}

extension MessageDigest {
  package init(of bytes: [UInt8], algorithm: HashAlgorithm) {
    let digest: [UInt8] =
      switch algorithm {
      case .sha256: Array(SHA256.hash(data: bytes))
      case .sha384: Array(SHA384.hash(data: bytes))
      case .sha512: Array(SHA512.hash(data: bytes))
      }
    self.init(algorithm: algorithm, bytes: digest)
  }
}
