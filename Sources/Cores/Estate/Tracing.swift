internal import Encodings
internal import SigstoreFormats
package import Trust

extension Trace {
  /// Composes the chains for every signature of the question, and for records of signings whose signature nobody presented.
  ///
  /// - Parameters:
  ///   - policy: refuses keys (revoked, outside their window); nil when the caller has none. It can make a good signature `untrusted`,
  ///     never a foreign one ours: ours is what a key of the facts made.
  ///   - now: seconds since the epoch.
  /// - Complexity: signatures × (keys + records).
  package static func compose(
    _ question: TraceQuestion, facts: TraceFacts, policy: TrustPolicy? = nil, at now: Int64, verifier: any SignatureVerifier
  ) -> Trace {
    let composer = TraceComposer(question: question, facts: facts, policy: policy, now: now, verifier: verifier)
    var chains = question.signatures.map(composer.chain)
    if question.signatures.isEmpty, question.image == nil { chains = composer.chainsFromRecords() }
    for i in chains.indices { chains[i].deployments = question.deployments }
    var reasons = facts.unseen
    let verdict = composer.verdict(of: chains, &reasons)
    return Trace(verdict: verdict, question: question, chains: chains, reasons: reasons)
  }
}

/// One run of `Trace.compose`.
struct TraceComposer {
  let question: TraceQuestion
  let facts: TraceFacts
  let policy: TrustPolicy?
  let now: Int64
  let verifier: any SignatureVerifier

  /// The chain of one signature.
  func chain(_ evidence: SignatureEvidence) -> TraceChain {
    let ours = TrustPolicy(keys: facts.keys.map { .init(name: $0.name, key: $0.publicKey, version: $0.version) })
    let decision = ours.decide(on: question.artifact, evidence: [evidence], at: now, verifier: verifier)
    let finding = decision.findings[0]
    var chain = TraceChain(verdict: .unknown)
    chain.signature = finding
    chain.location = evidence.source
    chain.format = format(evidence)
    guard let made = finding.key, let key = facts.keys.first(where: { $0.publicKey.fingerprint == made.fingerprint }),
      let standing = standing(of: finding)
    else {
      chain.verdict = notOurs(finding)
      return chain
    }
    setKey(key, in: &chain)
    if standing.isByKey { chain.signature = standing.finding }
    let refusal = standing.refusal ?? policy.flatMap { judge(evidence, key, $0) }
    join(&chain, digest: finding.digest?.text)
    grantAndIdentity(&chain)
    if let refusal {
      chain.verdict = .untrusted
      for reason in refusal where chain.signature?.reasons.contains(reason) == false { chain.signature?.reasons.append(reason) }
    } else {
      chain.verdict = verdict(of: chain)
    }
    return chain
  }

  /// Chains for records that signed this very digest, when no signature was presented.
  ///
  /// That a key of ours signed this digest is exactly what such a record proves, so the chain can be exact; the signature itself was not
  /// seen, and the chain says so.
  func chainsFromRecords() -> [TraceChain] {
    let texts = Set(question.digests.all.map(\.text))
    let signings = facts.records.filter { record in
      isSigning(record) && record.digest.map { texts.contains($0.lowercased()) } == true
    }
    var seen: Set<String> = []
    return signings.compactMap { record in
      guard let version = record.version, seen.insert("\(record.key ?? "")/\(version)").inserted else { return nil }
      var chain = TraceChain(verdict: .oursProbable)
      chain.gaps.append("signature: none was presented; the audit record says that one was made over this digest")
      if let key = facts.keys.first(where: { $0.version == version && $0.name == record.key }) {
        setKey(key, in: &chain)
      } else {
        chain.gaps.append("key: \(record.kid ?? version) was not seen")
      }
      join(&chain, digest: record.digest, version: version, key: record.key)
      grantAndIdentity(&chain)
      if chain.key != nil { chain.verdict = self.verdict(of: chain) }
      return chain
    }
  }

  func verdict(of chains: [TraceChain], _ reasons: inout [String]) -> TraceVerdict {
    // A statement about an image, an SBOM say, does not sign the image.
    let signing = chains.filter { question.image == nil || $0.signature?.role != .attestation }
    if !chains.isEmpty, signing.isEmpty {
      reasons.append("only attestations were found, and none of them signs the image")
      return facts.unseen.isEmpty ? .unsigned : .unknown
    }
    let present = Set(signing.map(\.verdict))
    if chains.isEmpty {
      guard facts.unseen.isEmpty, question.lookedForSignatures else {
        reasons.append("no signature was presented, and no signing of this digest is on record as far as could be seen")
        return .unknown
      }
      reasons.append(
        question.image == nil ? "no signature was found, and the audit log has no signing of this digest" : "no signature of the image was found")
      return .unsigned
    }
    // One signature by an untrusted key version does not spoil a good one beside it; the order says what is worth telling.
    for verdict in [TraceVerdict.ours, .oursProbable, .oursKeyUnlogged, .untrusted] where present.contains(verdict) { return verdict }
    if present.contains(.unknown) || !facts.unseen.isEmpty { return .unknown }
    for verdict in [TraceVerdict.invalid, .foreign] where present.contains(verdict) { return verdict }
    return .unknown
  }

  private func verdict(of chain: TraceChain) -> TraceVerdict {
    guard chain.join != .none else { return facts.unseen.isEmpty ? .oursKeyUnlogged : .oursProbable }
    let exact = chain.join == .exact && chain.grant != nil && !chain.grantReconstructed && chain.event?.objectID != nil
    return exact && grantFits(chain) ? .ours : .oursProbable
  }

  private func notOurs(_ finding: SignatureFinding) -> TraceVerdict {
    let codes = Set(finding.reasons.map(\.code))
    if codes.contains(.digestMismatch) || codes.contains(.signatureMismatch) { return .invalid }
    if !codes.isDisjoint(with: [.payloadMismatch, .mediaTypeMismatch, .sizeMismatch]) { return .invalid }
    if finding.verdict == .undetermined || !facts.unseen.isEmpty { return .unknown }
    return .foreign
  }

  private func judge(_ evidence: SignatureEvidence, _ key: KeyVersionFact, _ policy: TrustPolicy) -> [Reason]? {
    // An image is judged by the rule of its repository, of which only what it has against this signature counts.
    let supplied = (question.image == nil ? policy.standing : policy).supplying([key.publicKey])
    let decision = supplied.decide(on: question.artifact, evidence: [evidence], at: now, verifier: verifier)
    if question.image == nil { return decision.verdict == .trusted ? nil : decision.findings.flatMap(\.reasons) }
    guard decision.findings[0].verdict == .trusted, decision.rule != nil else { return decision.findings[0].reasons + decision.reasons }
    return nil
  }

  private func format(_ evidence: SignatureEvidence) -> String {
    switch evidence.content {
    case .bundle(let bundle): "sigstore-bundle-\(bundle.version.rawValue)"
    case .detached, .simpleSigning, .envelope, .notary, .batch, .unreadable, .unavailable: evidence.form.rawValue
    }
  }

  private func setKey(_ key: KeyVersionFact, in chain: inout TraceChain) {
    chain.key = key
    let versions = facts.keys.filter { $0.name == key.name && $0.version != key.version }
    guard let created = key.created else {
      chain.gaps.append("key: when this version was created is not known")
      return
    }
    chain.rotatedFrom = versions.filter { ($0.created ?? .max) < created }.max { ($0.created ?? 0) < ($1.created ?? 0) }?.version
    chain.supersededAt = versions.compactMap(\.created).filter { $0 > created }.min()
    if key.createdBy == nil { chain.gaps.append("key: who created it is not known") }
  }
}
