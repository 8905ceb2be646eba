package import Clocks
package import Encodings
import Estate
import GRDB

/// What is asked backwards: which artifacts depend on it, and where they run.
package enum EstateQuestion: Sendable, Hashable {
  /// `version` nil: every version.
  case key(store: String, name: String, version: String?)
  /// Object id, client id, name, ARM id or federated subject.
  case identity(String)
  /// GUID of an assignment, or an identifier that ends in one.
  case assignment(String)

  package var json: JSONValue {
    switch self {
    case .key(let store, let name, let version):
      ["key": ["store": .string(store), "name": .string(name), "version": version.map { .string($0) } ?? .null]]
    case .identity(let id): ["identity": .string(id)]
    case .assignment(let id): ["assignment": .string(id)]
    }
  }
}

/// The answer: rows up to a limit, exact counts, and what could not be seen.
package struct EstateReach: Sendable, Hashable {
  package struct Counts: Sendable, Hashable {
    package var signatures = 0
    package var artifacts = 0
    package var runningArtifacts = 0
    package var deployments = 0
    /// Signings on record, whether their signature was seen or not.
    package var signings = 0
    /// Signings on record whose signature was not seen.
    package var unmatchedSignings = 0
  }

  package var question: EstateQuestion
  /// Whether anything of that name was ever seen.
  package var isKnown: Bool
  package var subject: JSONValue
  package var counts: Counts
  package var artifacts: [JSONValue]
  package var deployments: [JSONValue]
  package var unmatched: [JSONValue]
  package var gaps: [String]

  /// 0 answered in full · 1 nothing of that name, and everything was seen · 3 not everything was seen.
  package func exitCode(acceptGaps: Bool) -> Int32 {
    if !isKnown { return gaps.isEmpty ? 1 : 3 }
    return gaps.isEmpty || acceptGaps ? 0 : 3
  }

  package var json: JSONValue {
    let truncated: JSONValue = [
      "artifacts": .bool(artifacts.count < counts.artifacts), "deployments": .bool(deployments.count < counts.deployments),
      "unmatchedSignings": .bool(unmatched.count < counts.unmatchedSignings),
    ]
    return [
      "schema": "hallmark.trace-reverse/v1", "question": question.json, "known": .bool(isKnown), "subject": subject,
      "counts": [
        "signatures": .integer(counts.signatures), "artifacts": .integer(counts.artifacts), "runningArtifacts": .integer(counts.runningArtifacts),
        "deployments": .integer(counts.deployments), "signings": .integer(counts.signings), "unmatchedSignings": .integer(counts.unmatchedSignings),
      ],
      "artifacts": .array(artifacts), "deployments": .array(deployments), "unmatchedSignings": .array(unmatched), "truncated": truncated,
      "gaps": .array(gaps.map { .string($0) }),
    ]
  }
}

extension EstateStore {
  /// What depends on a key, identity or assignment.
  ///
  /// - Parameters:
  ///   - time: what was true then; nil is now. Signatures and records after it do not count.
  ///   - limit: rows of each list; counts are exact whatever it is.
  /// - Complexity: linear in what depends on the subject, by index.
  package func reach(_ question: EstateQuestion, at time: Instant? = nil, limit: Int = 100) throws(EstateStoreError) -> EstateReach {
    try read { database in
      var asking = EstateReaching(database, question, time: time, limit: limit)
      return try asking.run()
    }
  }
}
