package import Trust

/// What is asked: an artifact by its digests and the signatures that were found for it.
package struct TraceQuestion: Sendable, Hashable {
  package var digests: ArtifactDigests
  /// Repository, media type and size, when the artifact is an image; nil for files.
  package var image: JudgedArtifact.Image?
  /// Digests that mean the same artifact or a part of it: the children and configs of an image.
  package var closure: [String]
  /// Where it runs; nil when no source of running workloads was asked.
  package var deployments: [TraceDeployment]?
  /// File names or references, for people.
  package var refs: [String]
  package var signatures: [SignatureEvidence]
  /// Whether somebody looked for signatures. A question by bare digest has none to offer, which is not the same as unsigned.
  package var lookedForSignatures: Bool
  /// Request ids that the signing side kept for this digest (its ledger): they make a join exact.
  package var knownRequestIDs: Set<String>

  package init(
    digests: ArtifactDigests, refs: [String] = [], signatures: [SignatureEvidence] = [], lookedForSignatures: Bool = true,
    knownRequestIDs: Set<String> = [], image: JudgedArtifact.Image? = nil, closure: [String] = [], deployments: [TraceDeployment]? = nil
  ) {
    self.digests = digests
    self.image = image
    self.closure = closure
    self.deployments = deployments
    self.refs = refs
    self.signatures = signatures
    self.lookedForSignatures = lookedForSignatures
    self.knownRequestIDs = knownRequestIDs
  }

  /// The artifact as Trust judges it.
  var artifact: JudgedArtifact { JudgedArtifact(digests: digests, image: image) }
}

/// The words of guard format §4.
package enum TraceVerdict: String, Sendable, Hashable, CaseIterable {
  case ours
  case oursProbable = "ours-probable"
  case oursKeyUnlogged = "ours-key-unlogged"
  case foreign
  case untrusted
  case unsigned
  case invalid
  case unknown

  /// 0 ours · 1 foreign, untrusted, unsigned or invalid · 3 unknown, or ours with a gap.
  package func exitCode(acceptGaps: Bool) -> Int32 {
    switch self {
    case .ours: 0
    case .oursProbable, .oursKeyUnlogged: acceptGaps ? 0 : 3
    case .foreign, .untrusted, .unsigned, .invalid: 1
    case .unknown: 3
    }
  }
}

/// How firmly a signature is tied to an audit record.
package enum JoinStrength: String, Sendable, Hashable { case exact, probable, none }

/// One chain from artifact to identity.
package struct TraceChain: Sendable, Hashable {
  package var signature: SignatureFinding?
  package var location: String?
  package var format: String?
  package var key: KeyVersionFact?
  /// Creation time of the version that replaced this one; nil when it is the newest.
  package var supersededAt: Int64?
  /// The version this one replaced; nil when it is the first, or earlier ones were not seen.
  package var rotatedFrom: String?
  package var join: JoinStrength
  package var event: OperationRecord?
  package var candidates: [OperationRecord]
  package var grant: AssignmentFact?
  /// The assignment was not named by the record but found by principal, scope and time.
  package var grantReconstructed: Bool
  package var identity: PrincipalFact?
  /// Of the question: nil when nobody looked for running workloads.
  package var deployments: [TraceDeployment]?
  package var gaps: [String]
  package var verdict: TraceVerdict

  package init(verdict: TraceVerdict) {
    self.verdict = verdict
    join = .none
    candidates = []
    grantReconstructed = false
    gaps = []
  }
}

/// The whole answer.
package struct Trace: Sendable, Hashable {
  package var verdict: TraceVerdict
  package var question: TraceQuestion
  package var chains: [TraceChain]
  package var reasons: [String]
}
