import Encodings
import Estate
import SigstoreFormats
import Trust

/// A trace for people.
struct TraceText {
  let trace: Trace

  init(_ trace: Trace) { self.trace = trace }

  var text: String {
    var rows: [[String]] = [["verdict", trace.verdict.rawValue]]
    let digest = trace.question.digests.all.first?.text ?? "-"
    rows.append(["artifact", ([digest] + trace.question.refs).joined(separator: "  ")])
    for chain in trace.chains {
      rows.append(["", ""])
      rows += lines(chain)
    }
    for reason in trace.reasons { rows.append(["not seen", reason]) }
    return Console.table(rows)
  }

  private func lines(_ chain: TraceChain) -> [[String]] {
    var rows: [[String]] = []
    if let signature = chain.signature {
      let by = signature.key.map { "\(signature.scheme?.rawValue ?? "") by \(signature.keyName ?? "?"), spki sha256:\($0.fingerprintHex)" }
      rows.append(["signature", join([chain.format, by, chain.location])])
      for reason in signature.reasons { rows.append(["", "\(reason.code.rawValue): \(reason.text)"]) }
    } else {
      rows.append(["signature", "not presented; known from the audit record"])
    }
    if let key = chain.key {
      rows.append(["key", "\(key.kid) (\(key.publicKey.kindText)\(key.state == "deleted" ? ", deleted" : "")\(key.enabled == false ? ", disabled" : ""))"])
      rows.append(["", "created \(Console.time(key.created)) by \(name(key.createdByName, key.createdBy))"])
      if let old = chain.rotatedFrom { rows.append(["", "rotated from version \(old)"]) }
      if let since = chain.supersededAt { rows.append(["", "replaced by a newer version at \(Console.time(since))"]) }
    } else {
      rows.append(["key", "not known"])
    }
    if let event = chain.event {
      rows.append([
        "event", join(["\(Console.time(event.time)) \(event.operation) \(event.algorithm ?? "")", event.digest, "join \(chain.join.rawValue)"]),
      ])
      rows.append(["", join([event.requestID.map { "request \($0)" }, event.sequence.map { "audit record \($0)" }, event.callerAddress.map { "from \($0)" }])])
    } else {
      rows.append(["event", "join \(chain.join.rawValue)\(chain.candidates.isEmpty ? "" : ", \(chain.candidates.count) candidates")"])
    }
    if let grant = chain.grant {
      rows.append(["grant", "\(grant.roleName ?? grant.roleDefinitionID ?? "role not known") on \(grant.scope) to \(name(grant.principalName, grant.principalID))\(chain.grantReconstructed ? " (reconstructed)" : "")"])
      rows.append(["", "granted \(Console.time(grant.createdAt)) by \(name(grant.createdByName, grant.createdBy))\(grant.deletedAt.map { ", withdrawn \(Console.time($0))" } ?? "")"])
      rows.append(["", "assignment \(AssignmentFact.guid(grant.id))"])
    } else {
      rows.append(["grant", "not known"])
    }
    rows += identity(chain)
    for place in chain.deployments ?? [] {
      rows.append(["runs", join([place.cluster, place.namespace, place.workload, place.since.map { "since \(Console.time($0))" }])])
    }
    for gap in chain.shownGaps { rows.append(["gap", gap]) }
    return rows
  }

  private func identity(_ chain: TraceChain) -> [[String]] {
    guard let event = chain.event else { return [["identity", "not known"]] }
    var rows = [["identity", join([name(chain.identity?.displayName, event.objectID), chain.identity?.kind, event.clientID.map { "client \($0)" }])]]
    if event.issuer != nil || event.subject != nil { rows.append(["", join([event.issuer, event.subject])]) }
    if let workload = chain.workload {
      rows.append([
        "workload",
        join([
          workload.platform, workload.repository, workload.workflow, workload.ref, workload.runID.map { "run \($0)" },
          workload.commit.map { "commit \($0)" },
        ]),
      ])
    }
    for claim in event.claims { rows.append(["", "\(claim.name) = \(claim.value)"]) }
    return rows
  }

  private func join(_ parts: [String?]) -> String { parts.compactMap(\.self).filter { !$0.isEmpty }.joined(separator: ", ") }

  private func name(_ name: String?, _ id: String?) -> String {
    switch (name, id) {
    case (let name?, let id?): "\(name) (\(id))"
    case (let name?, nil): name
    case (nil, let id?): id
    case (nil, nil): "not known"
    }
  }
}
