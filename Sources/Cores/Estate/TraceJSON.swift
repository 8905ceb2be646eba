package import Encodings
internal import SigstoreFormats
internal import Trust

extension Trace {
  /// `hallmark.trace/v1`, guard format §4. Members that could not be seen are null; `gaps` says why.
  package var json: JSONValue {
    [
      "schema": "hallmark.trace/v1", "verdict": .string(verdict.rawValue),
      "artifact": [
        "digest": question.digests.all.first.map { .string($0.text) } ?? .null,
        "refs": .array(question.refs.map { .string($0) }), "closure": .array(question.closure.map { .string($0) }),
      ],
      "chains": .array(chains.map(\.json)), "reasons": .array(reasons.map { .string($0) }),
    ]
  }
}

extension TraceChain {
  package var json: JSONValue {
    [
      "signature": signatureJSON, "key": keyJSON, "event": eventJSON, "grant": grantJSON, "identity": identityJSON,
      "workload": workloadJSON, "deployments": .array((deployments ?? []).map(\.json)),
      "gaps": .array(shownGaps.map { .string($0) }),
      "verdict": .string(verdict.rawValue),
    ]
  }

  /// The gaps of the chain, and that nobody looked for deployments when nobody did.
  package var shownGaps: [String] { gaps + (deployments == nil ? ["deployments: no source of running workloads was asked"] : []) }

  private func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }

  private var signatureJSON: JSONValue {
    guard let signature else { return .null }
    return [
      "format": text(format), "location": text(location), "algorithm": text(signature.scheme?.rawValue),
      "digest": text(signature.digest?.text), "verifiedBy": text(signature.keyName),
      "spkiSha256": text(signature.key?.fingerprintHex), "timestamp": Moment.json(signature.provenAt), "reasons": .array(signature.reasons.map(\.json)),
    ]
  }

  private var keyJSON: JSONValue {
    guard let key else { return .null }
    return [
      "kid": .string(key.kid), "name": .string(key.name), "version": .string(key.version), "type": .string(key.publicKey.kindText),
      "created": Moment.json(key.created), "createdBy": text(key.createdBy), "createdByName": text(key.createdByName),
      "rotatedFrom": text(rotatedFrom), "supersededAt": Moment.json(supersededAt), "enabled": key.enabled.map { .bool($0) } ?? .null,
      "state": text(key.state), "spkiSha256": .string(key.publicKey.fingerprintHex),
    ]
  }

  private var eventJSON: JSONValue {
    var object: JSONObject = [
      "join": .string(join.rawValue),
      "candidates": .array(
        candidates.map { ["sequence": $0.sequence.map { .integer($0) } ?? .null, "correlationId": text($0.requestID), "time": Moment.json($0.time)] }),
    ]
    guard let event else { return .object(object) }
    object["time"] = Moment.json(event.time)
    object["sequence"] = event.sequence.map { .integer($0) } ?? .null
    object["correlationId"] = text(event.requestID)
    object["clientRequestId"] = text(event.clientRequestID)
    object["operation"] = .string(event.operation)
    object["store"] = text(event.store)
    object["digest"] = text(event.digest)
    object["algorithm"] = text(event.algorithm)
    object["httpStatus"] = event.status.map { .integer($0) } ?? .null
    object["callerIp"] = text(event.callerAddress)
    object["engine"] = text(event.engine)
    return .object(object)
  }

  private var grantJSON: JSONValue {
    guard let grant else { return ["assignmentId": text(event?.assignment), "reconstructed": false] }
    return [
      "assignmentId": .string(AssignmentFact.guid(grant.id)), "roleId": text(grant.roleDefinitionID), "roleName": text(grant.roleName),
      "scope": .string(grant.scope), "principal": .string(grant.principalID), "principalName": text(grant.principalName),
      "grantedBy": text(grant.createdBy), "grantedByName": text(grant.createdByName), "validFrom": Moment.json(grant.createdAt),
      "validTo": Moment.json(grant.deletedAt), "revokedBy": text(grant.deletedBy), "reconstructed": .bool(grantReconstructed),
    ]
  }

  private var identityJSON: JSONValue {
    guard let event, event.objectID != nil || event.subject != nil else { return .null }
    let federation = identity?.federation.first { $0.issuer == claimedIssuer || $0.subject == claimedSubject }
    return [
      "objectId": text(event.objectID), "clientId": text(event.clientID ?? identity?.clientID), "name": text(identity?.displayName),
      "type": text(identity?.kind), "issuer": text(event.issuer), "subject": text(event.subject),
      "fic": federation.map { ["issuer": .string($0.issuer), "subject": text($0.subject)] } ?? .null,
      "claims": .object(claimsJSON(event)),
    ]
  }

  private func claimsJSON(_ event: OperationRecord) -> JSONObject {
    var object: JSONObject = [:]
    for claim in event.claims { object[claim.name] = .string(claim.value) }
    return object
  }

  /// The workload that asked, from the claims its own identity provider made.
  private var workloadJSON: JSONValue {
    guard let workload else { return .null }
    return [
      "platform": .string(workload.platform), "repo": text(workload.repository), "workflow": text(workload.workflow),
      "ref": text(workload.ref), "runId": text(workload.runID), "commit": text(workload.commit),
      "joinStrength": .string(join.rawValue),
    ]
  }

  var claimedIssuer: String? { event?.claim("iss") ?? event?.claim("issuer") ?? event?.issuer }
  var claimedSubject: String? { event?.claim("sub") ?? event?.claim("subject") ?? event?.subject }

  /// Read from the record's claims: GitHub and GitLab name repository and run, Kubernetes the service account.
  package var workload: TraceWorkload? {
    guard let event else { return nil }
    let repository = event.claim("repository") ?? event.claim("project_path")
    let issuer = claimedIssuer ?? ""
    let platform: String
    if issuer.contains("token.actions.githubusercontent.com") || event.claim("repository") != nil {
      platform = "github"
    } else if event.claim("project_path") != nil {
      platform = "gitlab"
    } else if claimedSubject?.hasPrefix("system:serviceaccount:") == true {
      platform = "kubernetes"
    } else {
      return nil
    }
    return TraceWorkload(
      platform: platform, repository: repository,
      workflow: event.claim("job_workflow_ref") ?? event.claim("workflow_ref") ?? event.claim("workflow") ?? event.claim("ci_config_ref_uri"),
      ref: event.claim("ref"), runID: event.claim("run_id") ?? event.claim("pipeline_id") ?? event.claim("job_id"),
      commit: event.claim("sha"))
  }
}

/// The run of a platform that asked for a signature.
package struct TraceWorkload: Sendable, Hashable {
  package var platform: String
  package var repository: String?
  package var workflow: String?
  package var ref: String?
  package var runID: String?
  package var commit: String?

  package init(platform: String, repository: String?, workflow: String?, ref: String?, runID: String?, commit: String?) {
    self.platform = platform
    self.repository = repository
    self.workflow = workflow
    self.ref = ref
    self.runID = runID
    self.commit = commit
  }
}
