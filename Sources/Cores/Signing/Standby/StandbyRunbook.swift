package import Encodings

/// What is to be done with a pair of keys, by whom proposed and why: the content that approvers sign.
package struct StandbyRunbook: Sendable, Hashable {
  package static let predicateType = "urn:hallmark:standby-runbook:v1"
  static let statementType = "https://in-toto.io/Statement/v1"
  package static let maxSteps = 32

  package enum Action: String, Sendable, Hashable, CaseIterable {
    /// The standby becomes the active key.
    case promote
    /// The primary becomes it again.
    case demote

    package var makes: StandbyRole { self == .promote ? .standby : .primary }
  }

  /// Distinct for every proposal: at least 16 characters.
  package var id: String
  package var action: Action
  /// Name of the configuration.
  package var name: String
  package var proposer: String
  /// SHA-256 of the proposer's SubjectPublicKeyInfo, 32 bytes.
  package var proposerKey: [UInt8]
  package var why: String
  /// Seconds since the epoch.
  package var proposedAt: Int64
  package var expires: Int64
  package var primary: String
  package var standby: String
  /// SHA-256 of the configuration file, hexadecimal, as it is and as it will be.
  package var before: String
  package var after: String
  /// The failed attempts to reach the primary; empty when the change is planned.
  package var outage: [ReachAttempt]
  /// A change while the primary answers: an exercise, a return, a compromised key.
  package var isPlanned: Bool
  package var steps: [String]

  package init(
    id: String, action: Action, name: String, proposer: String, proposerKey: [UInt8], why: String, proposedAt: Int64, expires: Int64,
    primary: String, standby: String, before: String, after: String, outage: [ReachAttempt], isPlanned: Bool, steps: [String]
  ) {
    self.id = id
    self.action = action
    self.name = name
    self.proposer = proposer
    self.proposerKey = proposerKey
    self.why = why
    self.proposedAt = proposedAt
    self.expires = expires
    self.primary = primary
    self.standby = standby
    self.before = before
    self.after = after
    self.outage = outage
    self.isPlanned = isPlanned
    self.steps = steps
  }
}

extension StandbyRunbook {
  private static let members = [
    "id", "action", "name", "proposer", "why", "proposedAt", "expires", "primary", "standby", "after", "outage", "planned", "steps",
  ]

  /// The in-toto statement: its subject is the configuration file as it stands.
  package var statement: JSONValue {
    [
      "_type": .string(Self.statementType),
      "subject": [["name": .string(name), "digest": ["sha256": .string(before)]]],
      "predicateType": .string(Self.predicateType),
      "predicate": [
        "id": .string(id), "action": .string(action.rawValue), "name": .string(name),
        "proposer": ["person": .string(proposer), "spkiSha256": .string(Hex.encode(proposerKey))], "why": .string(why),
        "proposedAt": .string(ISO8601.format(seconds: proposedAt)), "expires": .string(ISO8601.format(seconds: expires)),
        "primary": .string(primary), "standby": .string(standby), "after": ["sha256": .string(after)], "planned": .bool(isPlanned),
        "outage": .array(outage.map(\.json)), "steps": .array(steps.map { .string($0) }),
      ],
    ]
  }

  /// Reads a statement. Unknown members are errors everywhere: approvers must not overlook one.
  package static func parse(_ value: JSONValue) throws(StandbyError) -> StandbyRunbook {
    let top = try StandbyReader(value, path: "", allowed: ["_type", "subject", "predicateType", "predicate"])
    guard try top.text("_type") == statementType else { throw top.bad("_type", "\(statementType) expected") }
    guard try top.text("predicateType") == predicateType else { throw top.bad("predicateType", "\(predicateType) expected") }
    let subjects = try top.list("subject", max: 1)
    guard let first = subjects.first else { throw top.bad("subject", "exactly one expected") }
    let subject = try StandbyReader(first, path: "subject[0]", allowed: ["name", "digest"])
    guard let value = top.object["predicate"] else { throw top.bad("predicate", "a mapping expected") }
    let body = try StandbyReader(value, path: "predicate", allowed: members)
    guard let action = Action(rawValue: try body.text("action")) else { throw body.bad("action", "promote or demote expected") }
    guard let person = body.object["proposer"] else { throw body.bad("proposer", "a mapping expected") }
    let proposer = try StandbyReader(person, path: "predicate.proposer", allowed: ["person", "spkiSha256"])
    guard let isPlanned = body.object["planned"]?.bool else { throw body.bad("planned", "true or false expected") }
    guard let proposedAt = try body.time("proposedAt"), let expires = try body.time("expires"), proposedAt < expires else {
      throw body.bad("expires", "a time after proposedAt expected")
    }
    let name = try body.text("name", maxBytes: 128)
    guard try subject.text("name", maxBytes: 128) == name else { throw subject.bad("name", "it is not predicate.name") }
    var outage: [ReachAttempt] = []
    for (i, entry) in try body.list("outage", max: OutageWatch.maxAttempts).enumerated() {
      outage.append(try ReachAttempt(json: entry, path: "predicate.outage[\(i)]"))
    }
    var steps: [String] = []
    for (i, entry) in try body.list("steps", max: maxSteps).enumerated() {
      guard let step = entry.string, !step.isEmpty, step.utf8.count <= 1024 else { throw body.bad("steps[\(i)]", "a text of 1 to 1024 bytes expected") }
      steps.append(step)
    }
    let id = try body.text("id", maxBytes: 128)
    guard id.utf8.count >= 16 else { throw body.bad("id", "at least 16 characters expected") }
    return StandbyRunbook(
      id: id, action: action, name: name, proposer: try proposer.text("person", maxBytes: 128),
      proposerKey: try proposer.fingerprint("spkiSha256"), why: try body.text("why"), proposedAt: proposedAt, expires: expires,
      primary: try body.text("primary", maxBytes: 512), standby: try body.text("standby", maxBytes: 512),
      before: try sha256(subject.object["digest"], "subject[0].digest"), after: try sha256(body.object["after"], "predicate.after"),
      outage: outage, isPlanned: isPlanned, steps: steps)
  }

  private static func sha256(_ value: JSONValue?, _ path: String) throws(StandbyError) -> String {
    let reader = try StandbyReader(value ?? .null, path: path, allowed: ["sha256"])
    return Hex.encode(try reader.fingerprint("sha256"))
  }
}
