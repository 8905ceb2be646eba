internal import Trust

extension TraceComposer {
  func isSigning(_ record: OperationRecord) -> Bool {
    record.operation.lowercased() == "sign" && record.allowed && (record.status.map { (200..<300).contains($0) } ?? true)
  }

  /// Ties a chain to the audit record of its signing.
  ///
  /// Exact: the digest and the key version agree with exactly one record, or with several that tell the same story (same principal,
  /// claims and assignment), or one of them has a request id that the signing side kept. Probable: the source logs no digests, so
  /// every signing by that version is a candidate; or several records tell different stories.
  func join(_ chain: inout TraceChain, digest: String?, version: String? = nil, key: String? = nil) {
    let version = version ?? chain.key?.version
    let key = key ?? chain.key?.name
    let ofKey = facts.records.filter { isSigning($0) && $0.version == version && $0.key == key }
    let exact = ofKey.filter { $0.digest != nil && $0.digest?.lowercased() == digest }
    if let kept = exact.first(where: { $0.requestID.map(question.knownRequestIDs.contains) ?? false }) {
      chain.join = .exact
      chain.event = kept
      chain.candidates = [kept]
    } else if !exact.isEmpty {
      let stories = Set(exact.map(Story.init))
      chain.join = stories.count == 1 ? .exact : .probable
      chain.event = exact.min { $0.time < $1.time }
      chain.candidates = exact
      if exact.count > 1 {
        chain.gaps.append(
          "event: this digest was signed \(exact.count) times with this key version"
            + (stories.count == 1 ? ", each time by the same identity under the same assignment" : " by different identities or runs"))
      }
    } else {
      chain.candidates = ofKey.filter { $0.digest == nil }
      chain.join = chain.candidates.isEmpty ? .none : .probable
      chain.event = chain.candidates.count == 1 ? chain.candidates[0] : nil
      chain.gaps.append(
        chain.candidates.isEmpty
          ? "event: no audit record of this signing was found"
          : "event: the log does not name digests; \(chain.candidates.count) signings by this key version are possible")
    }
  }

  /// What matters of a record for everything after it.
  private struct Story: Hashable {
    let objectID: String?
    let issuer: String?
    let subject: String?
    let claims: [OperationRecord.Claim]
    let assignment: String?

    init(_ record: OperationRecord) {
      objectID = record.objectID
      issuer = record.issuer
      subject = record.subject
      claims = record.claims
      assignment = record.assignment.map(AssignmentFact.guid)
    }
  }

  /// Fills in who was allowed, by what, and who that is.
  func grantAndIdentity(_ chain: inout TraceChain) {
    guard let event = chain.event else {
      chain.gaps.append("grant: without an audit record it is not known which assignment permitted the signing")
      chain.gaps.append("identity: without an audit record it is not known who asked")
      return
    }
    if let id = event.assignment {
      chain.grant = facts.assignments.first { AssignmentFact.guid($0.id) == AssignmentFact.guid(id) }
      if chain.grant == nil { chain.gaps.append("grant: assignment \(id) was not seen") }
    } else if let principal = event.objectID, let key = event.key {
      let possible = facts.assignments.filter { $0.principalID == principal && $0.covers(key: key) && $0.holds(at: event.time) }
      chain.grantReconstructed = !possible.isEmpty
      chain.grant = possible.first
      chain.gaps.append(
        possible.isEmpty
          ? "grant: the record names no assignment and none that would permit it was seen"
          : "grant: the record names no assignment; reconstructed from \(possible.count) that reach the key")
    } else {
      chain.gaps.append("grant: the record names neither assignment nor principal")
    }
    if chain.grant != nil, !grantFits(chain) {
      chain.gaps.append("grant: the assignment the record names does not fit it (principal, scope or time differ)")
    }
    if let grant = chain.grant, grant.createdBy == nil { chain.gaps.append("grant: who granted it is not known") }

    if let objectID = event.objectID {
      chain.identity = facts.principals.first { $0.objectID == objectID }
      if chain.identity == nil { chain.gaps.append("identity: \(objectID) is not in the directory (any more)") }
    } else {
      chain.gaps.append("identity: the record names no principal")
    }
  }

  /// Whether the assignment could have permitted the event: a record and an assignment that contradict each other are no exact chain.
  /// The principal may differ only when the assignment is not the caller's own but a group's, which the directory facts cannot show: then it
  /// does not fit, and the chain says so.
  func grantFits(_ chain: TraceChain) -> Bool {
    guard let grant = chain.grant, let event = chain.event else { return false }
    return grant.principalID == event.objectID && event.key.map(grant.covers) == true && grant.holds(at: event.time)
  }
}
