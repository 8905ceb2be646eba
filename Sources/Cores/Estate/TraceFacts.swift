package import Trust

/// Everything a trace may use. What is absent was not seen; `unseen` says why.
package struct TraceFacts: Sendable, Hashable {
  package var records: [OperationRecord]
  package var keys: [KeyVersionFact]
  package var assignments: [AssignmentFact]
  package var principals: [PrincipalFact]
  /// Sources that could not be read, one sentence each. With any of them, an absence proves nothing.
  package var unseen: [String]

  package init(
    records: [OperationRecord] = [], keys: [KeyVersionFact] = [], assignments: [AssignmentFact] = [],
    principals: [PrincipalFact] = [], unseen: [String] = []
  ) {
    self.records = records
    self.keys = keys
    self.assignments = assignments
    self.principals = principals
    self.unseen = unseen
  }

  /// Adds facts of another source; equal ones are kept once.
  package mutating func merge(_ other: TraceFacts) {
    func add<Fact: Hashable>(_ new: [Fact], to old: inout [Fact]) {
      var seen = Set(old)
      for fact in new where seen.insert(fact).inserted { old.append(fact) }
    }
    add(other.records, to: &records)
    add(other.keys, to: &keys)
    add(other.assignments, to: &assignments)
    add(other.principals, to: &principals)
    add(other.unseen, to: &unseen)
  }
}

/// A line of a ledger or audit trail (`hallmark.audit/v1`), as far as a trace needs it.
package struct OperationRecord: Sendable, Hashable {
  package var sequence: Int64?
  /// Seconds since the epoch.
  package var time: Int64
  package var requestID: String?
  package var clientRequestID: String?
  package var objectID: String?
  package var clientID: String?
  package var issuer: String?
  package var subject: String?
  /// Claims in the order of the record.
  package var claims: [Claim]
  package var operation: String
  package var store: String?
  package var key: String?
  package var version: String?
  package var kid: String?
  package var algorithm: String?
  /// `sha256:hex`; nil when the source does not log digests (Azure).
  package var digest: String?
  package var allowed: Bool
  package var assignment: String?
  package var engine: String?
  package var status: Int?
  package var callerAddress: String?

  package struct Claim: Sendable, Hashable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  package func claim(_ name: String) -> String? { claims.first { $0.name == name }?.value }
}

/// One version of a key in one store.
package struct KeyVersionFact: Sendable, Hashable {
  package var name: String
  package var version: String
  package var kid: String
  package var created: Int64?
  package var createdBy: String?
  package var createdByName: String?
  package var enabled: Bool?
  /// `active` or `deleted`.
  package var state: String?
  package var publicKey: PublicKey
}

/// A role assignment, present or past.
package struct AssignmentFact: Sendable, Hashable {
  package var id: String
  package var scope: String
  package var roleDefinitionID: String?
  package var roleName: String?
  package var principalID: String
  package var principalName: String?
  package var createdBy: String?
  package var createdByName: String?
  package var createdAt: Int64?
  package var deletedBy: String?
  package var deletedAt: Int64?

  /// Whether the assignment reaches this key (Managed HSM scopes: `/`, `/keys`, `/keys/NAME`).
  package func covers(key: String) -> Bool { scope == "/" || scope == "/keys" || scope == "/keys/\(key)" }

  /// Whether it was in force at that time, as far as its dates are known. Dates are whole seconds, so both ends are inclusive.
  package func holds(at time: Int64) -> Bool {
    if let createdAt, time < createdAt { return false }
    if let deletedAt, time > deletedAt { return false }
    return true
  }
}

/// A principal of the directory.
package struct PrincipalFact: Sendable, Hashable {
  package struct Federation: Sendable, Hashable {
    package var issuer: String
    package var subject: String?
    package var audiences: [String]
  }

  package var objectID: String
  package var displayName: String?
  package var kind: String?
  package var clientID: String?
  package var federation: [Federation]
}
