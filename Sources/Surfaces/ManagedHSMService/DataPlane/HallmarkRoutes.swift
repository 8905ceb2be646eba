import Access
import Audit
import Clocks
import Custody
import Encodings
package import Ledger
import ManagedHSMWire
import NIOHTTP1

/// What Azure has no API for, under `/hallmark/v1` of the same listener: the audit trail, access questions, the facts of a trace,
/// certificate chains.
struct HallmarkRoutes: Sendable {
  let identity: ServiceIdentity
  let access: AccessControl
  let directory: Directory
  let keyring: Keyring
  let gate: Gate
  let reader: any AuditReader
  let trail: any AuditEvidence
  let issuers: IssuerRoutes
  let devices: DeviceRoutes
  let certificates: CertificateRoutes

  private static let prefix = "/hallmark/v1/"

  func owns(_ path: Substring) -> Bool { path.hasPrefix(Self.prefix) }

  func answer(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) -> Answer {
    let path = call.request.request.path.dropFirst(Self.prefix.utf8.count).split(separator: "/").map(String.init)
    let method = call.request.request.method.rawValue
    switch (method, path) {
    case ("GET", ["audit", "records"]):
      try mayRead(call, &notes)
      return try records(call)
    case ("GET", ["audit", "export"]):
      try mayRead(call, &notes)
      return try export(call)
    case ("GET", ["audit", "checkpoint"]):
      try mayRead(call, &notes)
      return Answer(try evidence { () throws(LedgerError) in try trail.checkpoint() }, contentType: "text/plain; charset=utf-8")
    case ("GET", ["access", "who-can"]):
      _ = try gate.permit(call, .roleAssignmentsRead, .root, &notes)
      return Answer(try whoCan(call))
    case ("GET", ["access", "why"]):
      _ = try gate.permit(call, .roleAssignmentsRead, .root, &notes)
      return Answer(try why(call))
    case ("GET", ["access", "history"]):
      _ = try gate.permit(call, .roleAssignmentsRead, .root, &notes)
      return Answer(try history(call))
    case ("GET", let path) where path.count == 3 && path[0] == "keys" && path[2] == "history":
      try mayRead(call, &notes)
      return Answer(try keyHistory(path[1], &notes))
    case ("GET", ["trace"]):
      try mayRead(call, &notes)
      return Answer(try trace(call))
    case (_, ["issuers"]):
      return try issuers.answer(call, &notes)
    case (_, let path) where path.count == 2 && path[0] == "devices":
      return try devices.answer(call, &notes, code: path[1])
    case (_, let path) where certificates.owns(path):
      return try certificates.answer(call, &notes, path)
    default:
      throw .wire(.pathNotFound)
    }
  }

  private func mayRead(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) {
    switch access.authorizeAuditReading(call) {
    case .success(let authorized): notes.assignment = authorized.permit.assignment.id.text
    case .failure(let refusal): throw .refused(refusal)
    }
  }

  // MARK: - Audit

  private func query(_ call: Authenticated<Call>) throws(RouteFailure) -> AuditQuery {
    let query = try call.request.query()
    var wanted = AuditQuery(
      key: query["key"], version: query["version"], principal: query["principal"], since: try instant(query["since"], "since"),
      until: try instant(query["until"], "until"), requestID: query["requestId"], limit: 1000)
    if let text = query["operation"] {
      guard let operation = AuditOperation(rawValue: text) else { throw .wire(.badParameter("Query parameter 'operation' '\(text.prefix(60))' is not an operation")) }
      wanted.operation = operation
    }
    if let text = query["digest"] { wanted.digest = try digest(text) }
    if let text = query["decision"] {
      guard let decision = AuditDecision(rawValue: text) else { throw .wire(.badParameter("Query parameter 'decision' is 'allow' or 'deny'")) }
      wanted.decision = decision
    }
    if query["order"] == "newest" { wanted.order = .newestFirst }
    if let text = query["after"] {
      guard let after = UInt64(text) else { throw .wire(.badParameter("Query parameter 'after' must be a sequence number")) }
      wanted.after = after
    }
    if let text = query["limit"] {
      guard let limit = Int(text), (1...10_000).contains(limit) else { throw .wire(.badParameter("Query parameter 'limit' must be from 1 to 10000")) }
      wanted.limit = limit
    }
    return wanted
  }

  private func instant(_ text: String?, _ name: String) throws(RouteFailure) -> Instant? {
    guard let text else { return nil }
    do { return Instant(nanoseconds: try ISO8601.parse(text)) } catch {
      throw .wire(.badParameter("Query parameter '\(name)' must be a time such as 2026-03-02T07:41:12Z"))
    }
  }

  /// `sha256:<hex>` and its like.
  private func digest(_ text: String) throws(RouteFailure) -> AuditDigest {
    let parts = text.split(separator: ":", maxSplits: 1)
    if parts.count == 2, let algorithm = AuditDigest.Algorithm(rawValue: String(parts[0])), let bytes = try? Hex.decode(String(parts[1])),
      let digest = AuditDigest(algorithm, bytes)
    {
      return digest
    }
    throw .wire(.badParameter("Query parameter 'digest' must be sha256:<64 hex digits>, or sha384 or sha512 likewise"))
  }

  private func found(_ query: AuditQuery) throws(RouteFailure) -> [AuditRecord] {
    try evidence { () throws(LedgerError) in try reader.records(matching: query) }
  }

  private func records(_ call: Authenticated<Call>) throws(RouteFailure) -> Answer {
    let query = try query(call)
    let records = try found(query)
    var out: [UInt8] = Array(#"{"records":["#.utf8)
    for (index, record) in records.enumerated() {
      if index > 0 { out.append(UInt8(ascii: ",")) }
      out.append(contentsOf: record.line())
    }
    let next = records.count == query.limit ? records.last.map { String($0.sequence) } ?? "null" : "null"
    out.append(contentsOf: #"],"next":\#(next)}"#.utf8)
    return Answer(out)
  }

  private func export(_ call: Authenticated<Call>) throws(RouteFailure) -> Answer {
    var query = try query(call)
    query.limit = 10_000
    let format = try call.request.query()["format"] ?? "hallmark"
    guard format == "hallmark" || format == "azure" else { throw .wire(.badParameter("Query parameter 'format' is 'hallmark' or 'azure'")) }
    let azure = AzureAuditEvent(
      tenant: identity.tenant.text, subscription: "00000000-0000-0000-0000-000000000000", resourceGroup: "hallmark", pool: identity.name,
      baseURL: identity.url)
    var out: [UInt8] = []
    for record in try found(query) {
      out.append(contentsOf: format == "azure" ? azure.line(record) : record.line())
      out.append(UInt8(ascii: "\n"))
    }
    return Answer(out, contentType: "application/jsonl; charset=utf-8")
  }

  func evidence<R>(_ body: () throws(LedgerError) -> R) throws(RouteFailure) -> R {
    do { return try body() } catch {
      throw .wire(WireError(500, "AuditUnreadable", "The audit trail could not be read: \(error)"))
    }
  }

  // MARK: - Access

  private func scope(_ text: String?) throws(RouteFailure) -> Scope {
    guard let scope = Scope(text ?? "/") else { throw .wire(.badParameter("Query parameter 'scope' must be /, /keys or /keys/<name>")) }
    return scope
  }

  private func action(_ text: String?) throws(RouteFailure) -> DataAction {
    guard let text else { throw .wire(.badParameter("Query parameter 'action' is required")) }
    guard let action = DataAction(text) ?? DataAction("\(DataAction.prefix)/\(text)") ?? DataAction("\(DataAction.prefix)/keys/\(text)/action") else {
      throw .wire(.badParameter("Query parameter 'action' '\(text.prefix(100))' is not a data action; sign, say, or keys/sign/action"))
    }
    return action
  }

  private func whoCan(_ call: Authenticated<Call>) throws(RouteFailure) -> JSONObject {
    let query = try call.request.query()
    let action = try action(query["action"])
    let scope = try scope(query["scope"])
    let holders = access.whoCan(action, at: scope, at: try instant(query["at"], "at"))
    return [
      "action": .string(action.text),
      "holders": .array(
        holders.map { holder in
          var entry = assignment(RoleAssignmentHistory(assignment: holder.assignment))
          entry["roleName"] = .string(holder.roleName)
          return .object(entry)
        }), "scope": .string(scope.text),
    ]
  }

  private func why(_ call: Authenticated<Call>) throws(RouteFailure) -> JSONObject {
    let query = try call.request.query()
    guard let principal = query["principal"].flatMap({ PrincipalID($0) }) else { throw .wire(.badParameter("Query parameter 'principal' must be an object id")) }
    let action = try action(query["action"])
    let scope = try scope(query["scope"])
    let explanation = access.why(principal, groups: directory.groups(of: principal), action, at: scope, at: try instant(query["at"], "at"))
    let (allowed, reasons): (Bool, [String]) =
      switch explanation.decision {
      case .allowed: (true, [])
      case .denied(let refusal): (false, refusal.reasons.map(\.description))
      }
    return [
      "action": .string(action.text), "allowed": .bool(allowed),
      "findings": .array(
        explanation.findings.map { finding in
          var entry = assignment(RoleAssignmentHistory(assignment: finding.assignment))
          entry["against"] = finding.against.map { .string($0.description) } ?? .null
          entry["viaGroup"] = finding.viaGroup.map { .string($0.text) } ?? .null
          return .object(entry)
        }), "principal": .string(principal.text), "principalName": name(principal), "reasons": .array(reasons.map { .string($0) }),
      "scope": .string(scope.text),
    ]
  }

  private func history(_ call: Authenticated<Call>) throws(RouteFailure) -> JSONObject {
    let query = try call.request.query()
    let entries: [RoleAssignmentHistory]
    if let text = query["assignment"] {
      guard let id = RoleAssignmentID(text) else { throw .wire(.badParameter("Query parameter 'assignment' must be a GUID")) }
      entries = access.assignmentHistory(id)
    } else {
      entries = access.assignmentHistory(
        principal: query["principal"].flatMap { PrincipalID($0) }, scope: query["scope"] == nil ? nil : try scope(query["scope"]))
    }
    return ["assignments": .array(entries.map { .object(assignment($0)) })]
  }

  private func assignment(_ entry: RoleAssignmentHistory) -> JSONObject {
    let assignment = entry.assignment
    let roleName = access.definitions().first { $0.id == assignment.role }?.name
    return [
      "createdAt": .string(ISO8601.format(nanoseconds: assignment.createdAt.nanoseconds)), "createdBy": assignment.createdBy.map { .string($0.text) } ?? .null,
      "createdByName": assignment.createdBy.map(name) ?? .null,
      "deletedAt": entry.deletedAt.map { .string(ISO8601.format(nanoseconds: $0.nanoseconds)) } ?? .null,
      "deletedBy": entry.deletedBy.map { .string($0.text) } ?? .null, "id": .string(assignment.id.text), "principalId": .string(assignment.principal.text),
      "principalName": name(assignment.principal), "roleDefinitionId": .string(RoleRoutes.definitionID(assignment.role)),
      "roleName": roleName.map { .string($0) } ?? .null, "scope": .string(assignment.scope.text),
    ]
  }

  private func name(_ principal: PrincipalID) -> JSONValue { directory.entry(principal).map { .string($0.displayName) } ?? .null }

  // MARK: - Keys and traces

  private func keyHistory(_ text: String, _ notes: inout AuditNotes) throws(RouteFailure) -> JSONObject {
    notes.key = text
    guard let name = KeyName(text) else { throw .wire(.badParameter("'\(text.prefix(160))' is not a key name")) }
    let (versions, deleted): ([KeyVersion], Bool)
    do { (versions, deleted) = try keyring.history(of: name) } catch { throw .wire(WireError(error, identity: identity)) }
    return ["versions": .array(versions.map { .object(version($0, deleted: deleted)) })]
  }

  private func version(_ version: KeyVersion, deleted: Bool) -> JSONObject {
    let rendering = KeyRendering(identity: identity)
    return [
      "assignment": .string(version.createdUnder), "created": .string(ISO8601.format(nanoseconds: version.attributes.created.seconds * 1_000_000_000)),
      "createdBy": .string(version.createdBy), "createdByName": PrincipalID(version.createdBy).map(name) ?? .null,
      "enabled": .bool(version.attributes.enabled), "key": .string(version.identity.name.text), "kid": .string(identity.kid(version.identity.path)),
      "origin": .string(version.origin.rawValue), "publicKey": .object(rendering.webKey(version)), "state": deleted ? "deleted" : "active",
      "version": .string(version.identity.version.text),
    ]
  }

  /// All the facts about one digest in one answer; what they prove is for the caller to judge.
  private func trace(_ call: Authenticated<Call>) throws(RouteFailure) -> JSONObject {
    guard let text = try call.request.query()["digest"] else { throw .wire(.badParameter("Query parameter 'digest' is required")) }
    let records = try found(AuditQuery(operation: .sign, digest: try digest(text), limit: 1000))
    var keys: [JSONValue] = []
    var assignments: [JSONValue] = []
    var principals: Set<PrincipalID> = []
    for name in Set(records.compactMap { $0.entry.key.flatMap { KeyName($0) } }).sorted(by: { $0.text < $1.text }) {
      do {
        let (versions, deleted) = try keyring.history(of: name)
        for version in versions {
          keys.append(.object(self.version(version, deleted: deleted)))
          if let creator = PrincipalID(version.createdBy) { principals.insert(creator) }
        }
      } catch {
        throw .wire(WireError(error, identity: identity))
      }
    }
    for id in Set(records.compactMap { $0.entry.assignment.flatMap { RoleAssignmentID($0) } }).sorted() {
      for entry in access.assignmentHistory(id) {
        assignments.append(.object(assignment(entry)))
        principals.insert(entry.assignment.principal)
        if let granter = entry.assignment.createdBy { principals.insert(granter) }
      }
    }
    for record in records { if let id = record.entry.principal.flatMap({ PrincipalID($0.objectID) }) { principals.insert(id) } }
    let parsed: [JSONValue] = try records.map { record throws(RouteFailure) in
      do { return try JSONValue.parse(record.line()) } catch { throw .wire(WireError(500, "AuditUnreadable", "Record \(record.sequence) is not valid JSON")) }
    }
    return [
      "assignments": .array(assignments), "keys": .array(keys), "principals": .array(principals.sorted().map { GraphRendering.fact($0, directory) }),
      "records": .array(parsed),
    ]
  }
}

/// What proves the trail besides its records. Implemented by the adapter that stores it.
package protocol AuditEvidence: Sendable {
  /// The newest signed checkpoint: a C2SP signed note.
  func checkpoint() throws(LedgerError) -> [UInt8]
}
