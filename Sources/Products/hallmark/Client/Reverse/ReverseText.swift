import Encodings
import Estate
import SQLiteStore

/// A reverse answer for people.
struct ReverseText {
  let reach: EstateReach

  init(_ reach: EstateReach) { self.reach = reach }

  var text: String {
    let counts = reach.counts
    var parts = [
      Console.table([
        ["signatures", String(counts.signatures)], ["artifacts", "\(counts.artifacts), \(counts.runningArtifacts) of them running"],
        ["deployments", String(counts.deployments)], ["signings on record", "\(counts.signings), \(counts.unmatchedSignings) of them of nothing that was seen"],
      ])
    ]
    if !reach.isKnown { parts = ["nothing of that name was seen"] }
    let artifacts = reach.artifacts.map { row in
      [row["digest"]?.string ?? "", row["running"]?.bool == true ? "runs" : "", row["lastSigned"]?.string ?? "-", (row["names"]?.array ?? []).compactMap(\.string).joined(separator: ", ")]
    }
    parts += Self.section([["ARTIFACT", "", "LAST SIGNED", "NAMES"]], artifacts, of: counts.artifacts)
    let places = reach.deployments.map { row in
      [row["cluster"]?.string ?? "", row["namespace"]?.string ?? "-", row["workload"]?.string ?? "", row["since"]?.string ?? "-", row["digest"]?.string ?? ""]
    }
    parts += Self.section([["CLUSTER", "NAMESPACE", "WORKLOAD", "SINCE", "DIGEST"]], places, of: counts.deployments)
    let open = reach.unmatched.map { row in
      [row["time"]?.string ?? "-", [row["store"], row["key"], row["version"]].map { $0?.string ?? "-" }.joined(separator: "/"), row["requestId"]?.string ?? "-", row["digest"]?.string ?? "digest not logged"]
    }
    parts += Self.section([["SIGNED, NEVER SEEN", "KEY", "REQUEST", "DIGEST"]], open, of: counts.unmatchedSignings)
    parts += reach.gaps.map { "not seen: \(Console.plain($0))" }
    return parts.joined(separator: "\n")
  }

  private static func section(_ heading: [[String]], _ rows: [[String]], of count: Int) -> [String] {
    guard !rows.isEmpty else { return [] }
    return ["", Console.table(heading + rows)] + (rows.count < count ? ["… \(count - rows.count) more (--limit)"] : [])
  }
}

/// A trace from the estate database for people.
struct StoredTraceText {
  let trace: JSONValue

  init(_ trace: JSONValue) { self.trace = trace }

  var text: String {
    var rows: [[String]] = [["verdict", trace["verdict"]?.string ?? ""], ["artifact", ([trace["artifact"]?["digest"]?.string] + (trace["artifact"]?["refs"]?.array ?? []).map(\.string)).compactMap(\.self).joined(separator: "  ")]]
    for chain in trace["chains"]?.array ?? [] {
      rows.append(["", ""])
      rows.append(["signature", Self.line(chain["signature"], ["format", "spkiSha256", "timestamp"])])
      rows.append(["key", Self.line(chain["key"], ["store", "name", "version", "type", "state"])])
      rows.append(["record", Self.line(chain["event"], ["join", "correlationId", "time", "callerIp"])])
      rows.append(["assignment", Self.line(chain["grant"], ["assignmentId", "roleName", "scope", "validFrom"]) + (chain["grant"]?["reconstructed"]?.bool == true ? ", reconstructed" : "")])
      rows.append(["identity", Self.line(chain["identity"], ["name", "objectId", "subject"])])
      rows.append(["workload", Self.line(chain["workload"], ["platform", "repo", "workflow", "ref", "runId", "commit"])])
      for place in chain["deployments"]?.array ?? [] { rows.append(["runs", Self.line(place, ["cluster", "namespace", "workload", "since"])]) }
      for gap in chain["gaps"]?.array ?? [] { rows.append(["gap", gap.string ?? ""]) }
    }
    for reason in trace["reasons"]?.array ?? [] { rows.append(["note", reason.string ?? ""]) }
    return Console.table(rows)
  }

  private static func line(_ value: JSONValue?, _ names: [String]) -> String {
    let parts = names.compactMap { value?[$0]?.string }
    return parts.isEmpty ? "not known" : parts.joined(separator: ", ")
  }
}
