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

  package init(
    sequence: Int64? = nil, time: Int64, requestID: String? = nil, clientRequestID: String? = nil, objectID: String? = nil,
    clientID: String? = nil, issuer: String? = nil, subject: String? = nil, claims: [Claim] = [], operation: String,
    store: String? = nil, key: String? = nil, version: String? = nil, kid: String? = nil, algorithm: String? = nil,
    digest: String? = nil, allowed: Bool, assignment: String? = nil, engine: String? = nil, status: Int? = nil,
    callerAddress: String? = nil
  ) {
    self.sequence = sequence
    self.time = time
    self.requestID = requestID
    self.clientRequestID = clientRequestID
    self.objectID = objectID
    self.clientID = clientID
    self.issuer = issuer
    self.subject = subject
    self.claims = claims
    self.operation = operation
    self.store = store
    self.key = key
    self.version = version
    self.kid = kid
    self.algorithm = algorithm
    self.digest = digest
    self.allowed = allowed
    self.assignment = assignment
    self.engine = engine
    self.status = status
    self.callerAddress = callerAddress
  }

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

  package init(
    name: String, version: String, kid: String, created: Int64? = nil, createdBy: String? = nil,
    createdByName: String? = nil, enabled: Bool? = nil, state: String? = nil, publicKey: PublicKey
  ) {
    self.name = name
    self.version = version
    self.kid = kid
    self.created = created
    self.createdBy = createdBy
    self.createdByName = createdByName
    self.enabled = enabled
    self.state = state
    self.publicKey = publicKey
  }
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

  package init(
    id: String, scope: String, roleDefinitionID: String? = nil, roleName: String? = nil, principalID: String,
    principalName: String? = nil, createdBy: String? = nil, createdByName: String? = nil, createdAt: Int64? = nil,
    deletedBy: String? = nil, deletedAt: Int64? = nil
  ) {
    self.id = id
    self.scope = scope
    self.roleDefinitionID = roleDefinitionID
    self.roleName = roleName
    self.principalID = principalID
    self.principalName = principalName
    self.createdBy = createdBy
    self.createdByName = createdByName
    self.createdAt = createdAt
    self.deletedBy = deletedBy
    self.deletedAt = deletedAt
  }

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

    package init(issuer: String, subject: String? = nil, audiences: [String] = []) {
      self.issuer = issuer
      self.subject = subject
      self.audiences = audiences
    }
  }

  package var objectID: String
  package var displayName: String?
  package var kind: String?
  package var clientID: String?
  package var federation: [Federation]

  package init(
    objectID: String, displayName: String? = nil, kind: String? = nil, clientID: String? = nil, federation: [Federation] = []
  ) {
    self.objectID = objectID
    self.displayName = displayName
    self.kind = kind
    self.clientID = clientID
    self.federation = federation
  }
}
