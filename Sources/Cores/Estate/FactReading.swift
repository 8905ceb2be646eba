package import Encodings
internal import Trust

/// A fact that arrived over the wire in a form that cannot be used.
package struct FactError: Error, Equatable, Sendable, CustomStringConvertible {
  package var path: String
  package var wanted: String

  package init(path: String, wanted: String) {
    self.path = path
    self.wanted = wanted
  }

  package var description: String { "\(path): \(wanted) expected" }
}

extension TraceFacts {
  package static let maxFacts = 10_000

  /// Reads the answer of `/hallmark/v1/trace`. Members it does not know are ignored: a newer service may say more.
  /// A key whose public part cannot be read is an error, because leaving it out could make an artifact look foreign.
  package init(trace value: JSONValue) throws(FactError) {
    self.init()
    records = try Self.list(value, "records") { (value, path) throws(FactError) in try OperationRecord(value, path: path) }
    keys = try Self.list(value, "keys") { (value, path) throws(FactError) in try KeyVersionFact(value, path: path) }
    assignments = try Self.list(value, "assignments") { (value, path) throws(FactError) in try AssignmentFact(value, path: path) }
    principals = try Self.list(value, "principals") { (value, path) throws(FactError) in try PrincipalFact(value, path: path) }
  }

  static func list<Fact>(
    _ value: JSONValue, _ name: String, _ read: (JSONValue, String) throws(FactError) -> Fact
  ) throws(FactError) -> [Fact] {
    guard value.object != nil else { throw FactError(path: "answer", wanted: "an object") }
    guard let member = value[name], !member.isNull else { return [] }
    guard let array = member.array, array.count <= maxFacts else {
      throw FactError(path: name, wanted: "an array of at most \(maxFacts)")
    }
    var result: [Fact] = []
    for (i, element) in array.enumerated() { result.append(try read(element, "\(name)[\(i)]")) }
    return result
  }
}

extension OperationRecord {
  /// Reads one audit record of `hallmark.audit/v1`. Fuzz entry point together with `TraceFacts.init(trace:)`.
  package init(_ value: JSONValue, path: String = "record") throws(FactError) {
    guard let time = Moment.seconds(value["time"]) else { throw FactError(path: "\(path).time", wanted: "a time") }
    guard let operation = value["operation"]?.string else { throw FactError(path: "\(path).operation", wanted: "a text") }
    guard let decision = value["decision"]?.string, decision == "allow" || decision == "deny" else {
      throw FactError(path: "\(path).decision", wanted: "allow or deny")
    }
    let principal = value["principal"]
    self.init(
      sequence: value["sequence"]?.int64, time: time, requestID: value["requestId"]?.string,
      clientRequestID: value["clientRequestId"]?.string, objectID: principal?["objectId"]?.string,
      clientID: principal?["clientId"]?.string, issuer: principal?["issuer"]?.string, subject: principal?["subject"]?.string,
      claims: (principal?["claims"]?.object?.members ?? []).prefix(64).compactMap { member in
        member.value.string.map { Claim(name: member.name, value: $0) }
      },
      operation: operation, store: value["store"]?.string, key: value["key"]?.string, version: value["version"]?.string,
      kid: value["kid"]?.string, algorithm: value["algorithm"]?.string, digest: value["digest"]?.string,
      allowed: decision == "allow", assignment: value["assignment"]?.string, engine: value["engine"]?.string,
      status: value["status"]?.int, callerAddress: value["callerAddress"]?.string)
  }
}

extension KeyVersionFact {
  /// Reads one version of a key's history. `name` may be given by the caller or is taken from the identifier.
  package init(_ value: JSONValue, path: String = "key") throws(FactError) {
    guard let kid = value["kid"]?.string, let name = Self.name(inKid: kid) else {
      throw FactError(path: "\(path).kid", wanted: "a key identifier")
    }
    guard let version = value["version"]?.string ?? kid.split(separator: "/").last.map(String.init) else {
      throw FactError(path: "\(path).version", wanted: "a text")
    }
    let key: PublicKey
    do { key = try PublicKey(jwk: value["publicKey"] ?? .null) } catch {
      throw FactError(path: "\(path).publicKey", wanted: "a public key (\(error.description))")
    }
    self.init(
      name: name, version: version, kid: kid, created: Moment.seconds(value["created"]),
      createdBy: value["createdBy"]?.string, createdByName: value["createdByName"]?.string, enabled: value["enabled"]?.bool,
      state: value["state"]?.string, publicKey: key)
  }

  /// The name in `https://host/keys/NAME/VERSION`.
  static func name(inKid kid: String) -> String? {
    let parts = kid.split(separator: "/", omittingEmptySubsequences: true)
    guard let keys = parts.lastIndex(of: "keys"), parts.indices.contains(keys + 1) else { return nil }
    return String(parts[keys + 1])
  }
}

extension AssignmentFact {
  package init(_ value: JSONValue, path: String = "assignment") throws(FactError) {
    guard let id = value["id"]?.string, let scope = value["scope"]?.string, let principal = value["principalId"]?.string else {
      throw FactError(path: path, wanted: "id, scope and principalId")
    }
    self.init(
      id: id, scope: scope, roleDefinitionID: value["roleDefinitionId"]?.string, roleName: value["roleName"]?.string,
      principalID: principal, principalName: value["principalName"]?.string, createdBy: value["createdBy"]?.string,
      createdByName: value["createdByName"]?.string, createdAt: Moment.seconds(value["createdAt"]),
      deletedBy: value["deletedBy"]?.string, deletedAt: Moment.seconds(value["deletedAt"]))
  }

  /// The last segment of an identifier: assignments are named by GUID in records and by path elsewhere.
  package static func guid(_ id: String) -> String {
    (id.split(separator: "/").last.map(String.init) ?? id).lowercased()
  }
}

extension PrincipalFact {
  package init(_ value: JSONValue, path: String = "principal") throws(FactError) {
    guard let objectID = value["objectId"]?.string else { throw FactError(path: "\(path).objectId", wanted: "a text") }
    self.init(
      objectID: objectID, displayName: value["displayName"]?.string, kind: value["kind"]?.string,
      clientID: value["clientId"]?.string,
      federation: (value["federation"]?.array ?? []).prefix(100).compactMap { entry in
        guard let issuer = entry["issuer"]?.string else { return nil }
        return Federation(
          issuer: issuer, subject: entry["subject"]?.string, audiences: (entry["audiences"]?.array ?? []).compactMap(\.string))
      })
  }
}

/// A time as services write it: RFC 3339 or whole seconds since the epoch.
enum Moment {
  static func seconds(_ value: JSONValue?) -> Int64? {
    if let seconds = value?.int64 { return seconds }
    guard let text = value?.string, let nanoseconds = try? ISO8601.parse(text) else { return nil }
    return nanoseconds / 1_000_000_000
  }

  static func json(_ seconds: Int64?) -> JSONValue { seconds.map { .string(ISO8601.format(seconds: $0)) } ?? .null }
}
