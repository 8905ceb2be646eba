internal import Clocks
internal import Encodings
internal import NotaryFormats
package import SigstoreFormats
package import Trust

/// Where an artifact runs (estate-and-gates §4.3).
package struct TraceDeployment: Sendable, Hashable {
  package var cluster: String
  package var namespace: String?
  package var workload: String
  /// Seconds since the epoch.
  package var since: Int64?

  package init(cluster: String, namespace: String?, workload: String, since: Int64?) {
    self.cluster = cluster
    self.namespace = namespace
    self.workload = workload
    self.since = since
  }

  var json: JSONValue {
    [
      "cluster": .string(cluster), "namespace": namespace.map { .string($0) } ?? .null, "workload": .string(workload),
      "since": Moment.json(since),
    ]
  }
}

extension TraceQuestion {
  /// Finds where the artifact runs, by its digests and everything in its closure.
  ///
  /// The answer stays nil when the snapshot knows none of the digests, or knows them without having asked a cluster: that is not the same as
  /// running nowhere.
  /// - Complexity: one pass over the snapshot's artifacts.
  package mutating func locate(in snapshot: InventorySnapshot) {
    let wanted = Set(digests.all.map(\.text) + closure)
    var found: [TraceDeployment]?
    for artifact in snapshot.artifacts where wanted.contains(artifact.digest) || artifact.closure.contains(where: wanted.contains) {
      guard let running = artifact.running else { continue }
      let places = running.map { TraceDeployment(cluster: $0.cluster, namespace: $0.namespace, workload: $0.workload, since: $0.since?.seconds) }
      let known = found ?? []
      found = known + places.filter { !known.contains($0) }
    }
    deployments = found
  }
}

extension InventorySnapshot.SignatureFormat {
  /// How an inventory calls this form; nil for what it does not list.
  package init?(_ form: EvidenceForm) {
    switch form {
    case .bundleMessage, .bundleEnvelope, .batchProof: self = .sigstore
    case .cosignLegacySignature: self = .cosignLegacy
    case .notaryJWS, .notaryCOSE: self = .notary
    case .cosignLegacyAttestation, .detached, .unreadable, .unavailable: return nil
    }
  }
}

extension SignatureEvidence {
  /// What the key may have signed: the digest of the statement's encoding, of cosign's payload or of Notary's signed bytes. One value for each
  /// hash where the form does not say which one it was; empty for signatures over the artifact's own digest.
  package var signedDigests: [MessageDigest] {
    switch content {
    case .bundle(let bundle):
      guard case .envelope(let envelope) = bundle.content else { return [] }
      return HashAlgorithm.allCases.map { MessageDigest(of: envelope.signedBytes, algorithm: $0) }
    case .envelope(let envelope): return HashAlgorithm.allCases.map { MessageDigest(of: envelope.signedBytes, algorithm: $0) }
    case .simpleSigning(let layer): return HashAlgorithm.allCases.map { MessageDigest(of: layer.payload, algorithm: $0) }
    case .notary(let envelope):
      guard let scheme = SignatureScheme(rawValue: envelope.keySpec.jwsAlgorithm) else { return [] }
      return [MessageDigest(of: envelope.signedBytes, algorithm: scheme.hash)]
    case .detached, .batch, .unreadable, .unavailable: return []
    }
  }

  /// Fingerprint of the key that it names itself: a bundle's hint, or the leaf of a Notary chain.
  package var namedKey: [UInt8]? {
    switch content {
    case .bundle(let bundle): return bundle.keyFingerprint
    case .notary(let envelope):
      guard let chain = try? NotaryCertificateChain(der: envelope.certificateChain) else { return nil }
      return (try? PublicKey(spki: chain.leaf.publicKey))?.fingerprint
    case .detached, .simpleSigning, .envelope, .batch, .unreadable, .unavailable: return nil
    }
  }
}

extension TraceComposer {
  /// How a signature by one of our keys stands.
  struct Standing {
    var finding: SignatureFinding
    /// The certificate chain was not judged: the key itself is known from the service.
    var isByKey: Bool
    /// Set when the signature is good and yet does not count here.
    var refusal: [Reason]?
  }

  /// Ours is what a key of the facts made over this artifact. A Notary signature whose chain ends in no root is such a one too: without a policy
  /// there are no roots, and the key is known better than any certificate could tell. One that names another repository is good, and refused.
  /// - Returns: nil for everything that is no good signature over this artifact.
  func standing(of finding: SignatureFinding) -> Standing? {
    if finding.verdict == .trusted {
      // Whether another repository's name counts is for the policy to say; without one it does.
      let elsewhere = policy == nil ? finding.reasons.filter { $0.code == .repositoryMismatch } : []
      return Standing(finding: finding, isByKey: false, refusal: elsewhere.isEmpty ? nil : elsewhere)
    }
    guard question.image != nil, finding.verdict == .refused, finding.digest != nil else { return nil }
    let codes = Set(finding.reasons.map(\.code)).subtracting([.verified])
    guard codes == [.untrustedRoot] else { return nil }
    var judged = finding
    judged.verdict = .trusted
    judged.role = .signature
    judged.reasons = [Reason(.verified, "signed by a key of the service; its certificate chain was not judged against any root")]
    return Standing(finding: judged, isByKey: true)
  }
}
