import Access
import Audit
import Clocks
import Encodings
import ManagedHSMWire
import NIOHTTP1

/// The part of Microsoft Graph that `az` needs, and the directory's own changes in the shapes of Graph: applications, service principals and federated
/// identity credentials. An application and its service principal are one directory entry here, with one object id.
struct GraphRoutes: Sendable {
  let identity: ServiceIdentity
  let directory: Directory
  let gate: Gate
  let entropy: Entropy

  static let prefix = "/graph/"

  /// What the record calls an operation, before the handler runs.
  static func operation(_ method: String, _ path: Substring) -> AuditOperation {
    let federated = path.contains("federatedIdentityCredentials")
    return switch method {
    case "POST" where path.hasSuffix("getByIds"): .principalRead
    case "POST": federated ? .federationCreate : .principalCreate
    case "PATCH", "PUT": .principalUpdate
    case "DELETE": federated ? .federationDelete : .principalDelete
    default: .principalList
    }
  }

  func answer(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) -> Answer {
    let request = call.request.request
    // `/graph/v1.0/…` and `/graph/beta/…`.
    let path = request.path.dropFirst(Self.prefix.utf8.count).split(separator: "/").dropFirst().map { Route.percentDecoded($0) ?? "" }
    switch (request.method.rawValue, path.count, path.first ?? "", path.count > 2 ? path[2] : "") {
    case ("POST", 2, "directoryObjects", _) where path[1] == "getByIds" || path[1] == "microsoft.graph.getByIds":
      return try byIDs(call)
    case ("GET", 1, "me", _):
      guard let entry = directory.entry(call.principal.objectID) else { throw Self.notFound }
      return Answer(rendered(entry, type: nil))
    case ("GET", 1, "applications", _), ("GET", 1, "servicePrincipals", _), ("GET", 1, "users", _), ("GET", 1, "groups", _):
      return try list(call, path[0], &notes)
    case ("GET", 2, "applications", _), ("GET", 2, "servicePrincipals", _), ("GET", 2, "users", _), ("GET", 2, "groups", _), ("GET", 2, "directoryObjects", _):
      return Answer(rendered(try entry(path[1]), type: nil))
    case ("POST", 1, "applications", _): return try addApplication(call, &notes)
    case ("POST", 1, "servicePrincipals", _): return try addServicePrincipal(call, &notes)
    case ("POST", 1, "users", _): return try addUser(call, &notes)
    case ("DELETE", 2, "applications", _), ("DELETE", 2, "servicePrincipals", _), ("DELETE", 2, "users", _), ("DELETE", 2, "groups", _):
      let permit = try mayChange(call, &notes)
      let entry = try entry(path[1])
      notes.reason = "\(entry.kind.rawValue) '\(entry.displayName)'"
      notes.kid = entry.objectID.text
      try change { () throws(DirectoryError) in try directory.remove(entry.objectID, permit: permit) }
      return Answer([], status: 204)
    case ("PATCH", 2, "applications", _): return try replaceKeys(call, try entry(path[1]), &notes)
    case ("GET", 3, "applications", "federatedIdentityCredentials"):
      let entry = try entry(path[1])
      return Answer(["value": .array(entry.federated.map { .object(GraphRendering.federation($0)) })])
    case ("POST", 3, "applications", "federatedIdentityCredentials"): return try addFederation(call, try entry(path[1]), &notes)
    case ("DELETE", 4, "applications", "federatedIdentityCredentials"):
      let permit = try mayChange(call, &notes)
      let entry = try entry(path[1])
      guard entry.federated.contains(where: { $0.name == path[3] }) else { throw Self.notFound }
      notes.reason = "federated credential '\(path[3])' of '\(entry.displayName)'"
      let changed = entry.replacing(federated: entry.federated.filter { $0.name != path[3] })
      try change { () throws(DirectoryError) in try directory.put(changed, permit: permit) }
      return Answer([], status: 204)
    default:
      throw .wire(WireError(404, "Request_ResourceNotFound", "This directory answers only the part of Microsoft Graph that managing signing identities needs"))
    }
  }

  // MARK: - Reading

  private func byIDs(_ call: Authenticated<Call>) throws(RouteFailure) -> Answer {
    let ids: [String]
    do { ids = try RequestBody.object(call.request.body).optionalStrings("ids") ?? [] } catch { throw .wire(error) }
    guard ids.count <= 1000 else { throw .wire(.badParameter("Property 'ids' holds at most 1000 ids")) }
    let entries = directory.resolve(ids.compactMap { PrincipalID($0) })
    return Answer(["@odata.context": .string("\(identity.authority)/graph/v1.0/$metadata#directoryObjects"), "value": .array(entries.map { .object(rendered($0, type: $0.kind)) })])
  }

  private func list(_ call: Authenticated<Call>, _ collection: String, _ notes: inout AuditNotes) throws(RouteFailure) -> Answer {
    let kind: PrincipalKind = collection == "users" ? .user : collection == "groups" ? .group : .servicePrincipal
    var entries = directory.entries().filter { $0.kind == kind }
    if let filter = try call.request.query()["$filter"] {
      // `appId eq '…'`, `displayName eq '…'`, and the `servicePrincipalNames/any(c:c eq '…')` of az.
      let pieces = filter.split(separator: "'", omittingEmptySubsequences: false)
      guard pieces.count >= 3 else { throw .wire(.badParameter("$filter '\(filter.prefix(100))' is not supported")) }
      let wanted = String(pieces[1])
      let field = pieces[0]
      entries = entries.filter { entry in
        if field.contains("displayName") || field.contains("startswith") { return entry.displayName == wanted || filter.contains("startswith") && entry.displayName.hasPrefix(wanted) }
        if field.contains("userPrincipalName") { return entry.userPrincipalName == wanted }
        return entry.clientID?.text == wanted.lowercased() || entry.objectID.text == wanted.lowercased()
      }
    }
    return Answer(["value": .array(entries.map { .object(rendered($0, type: nil)) })])
  }

  private func entry(_ text: String) throws(RouteFailure) -> DirectoryEntry {
    // `applications(appId='…')` is written as a key in parentheses by some clients; plain ids by the others.
    guard let id = PrincipalID(text), let entry = directory.entry(id) ?? ApplicationID(text).flatMap({ directory.entry(clientID: $0) }) else { throw Self.notFound }
    return entry
  }

  private static let notFound = RouteFailure.wire(WireError(404, "Request_ResourceNotFound", "There is no such object in this directory"))

  // MARK: - Changing

  private func mayChange(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) -> Permit {
    try gate.permit(call, .roleAssignmentsWrite, .root, &notes)
  }

  private func addApplication(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) -> Answer {
    let permit = try mayChange(call, &notes)
    let name = try displayName(call)
    guard let objectID = PrincipalID(entropy.uuid()), let clientID = ApplicationID(entropy.uuid()) else { throw Self.notFound }
    let entry = DirectoryEntry(objectID: objectID, kind: .servicePrincipal, displayName: name, clientID: clientID)
    notes.reason = "application '\(name)' \(clientID)"
    notes.kid = objectID.text
    try change { () throws(DirectoryError) in try directory.put(entry, permit: permit) }
    return Answer(rendered(entry, type: nil), status: 201)
  }

  /// The service principal came with its application; asking for it answers it.
  private func addServicePrincipal(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) -> Answer {
    _ = try mayChange(call, &notes)
    let appID: String
    do throws(WireError) {
      guard let text = try RequestBody.object(call.request.body).optionalString("appId") else { throw WireError.badParameter("Property 'appId' is required") }
      appID = text
    } catch { throw .wire(error) }
    guard let id = ApplicationID(appID), let entry = directory.entry(clientID: id) else { throw Self.notFound }
    notes.kid = entry.objectID.text
    return Answer(rendered(entry, type: nil), status: 201)
  }

  private func addUser(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) -> Answer {
    let permit = try mayChange(call, &notes)
    let name = try displayName(call)
    let upn: String?
    do { upn = try RequestBody.object(call.request.body).optionalString("userPrincipalName") } catch { throw .wire(error) }
    guard let objectID = PrincipalID(entropy.uuid()) else { throw Self.notFound }
    let entry = DirectoryEntry(objectID: objectID, kind: .user, displayName: name, userPrincipalName: upn)
    notes.reason = "user '\(name)'"
    notes.kid = objectID.text
    try change { () throws(DirectoryError) in try directory.put(entry, permit: permit) }
    return Answer(rendered(entry, type: nil), status: 201)
  }

  private func addFederation(_ call: Authenticated<Call>, _ entry: DirectoryEntry, _ notes: inout AuditNotes) throws(RouteFailure) -> Answer {
    let permit = try mayChange(call, &notes)
    let credential: FederatedCredential
    do { credential = try FederatedCredential(body: call.request.body) } catch { throw .wire(error) }
    guard !entry.federated.contains(where: { $0.name == credential.name }) else {
      throw .wire(WireError(409, "Request_MultipleObjectsWithSameKeyValue", "Federated credential '\(credential.name)' exists already; delete it first"))
    }
    notes.reason = "federated credential '\(credential.name)' of '\(entry.displayName)': issuer \(credential.issuer)"
    notes.kid = entry.objectID.text
    try change { () throws(DirectoryError) in try directory.put(entry.replacing(federated: entry.federated + [credential]), permit: permit) }
    return Answer(GraphRendering.federation(credential), status: 201)
  }

  /// `PATCH applications/{id}` with `keyCredentials`, as `az ad app credential reset --cert` sends it: the certificates by which the application may
  /// prove itself. Secrets (`passwordCredentials`) do not exist here.
  private func replaceKeys(_ call: Authenticated<Call>, _ entry: DirectoryEntry, _ notes: inout AuditNotes) throws(RouteFailure) -> Answer {
    let permit = try mayChange(call, &notes)
    let keys: [RegisteredKey]
    do { keys = try RegisteredKey.list(body: call.request.body) } catch { throw .wire(error) }
    notes.reason = "certificates of '\(entry.displayName)': \(keys.map(\.name).joined(separator: ", "))"
    notes.kid = entry.objectID.text
    try change { () throws(DirectoryError) in try directory.put(entry.replacing(keys: keys), permit: permit) }
    return Answer([], status: 204)
  }

  private func displayName(_ call: Authenticated<Call>) throws(RouteFailure) -> String {
    do throws(WireError) {
      guard let name = try RequestBody.object(call.request.body).optionalString("displayName"), !name.isEmpty else {
        throw WireError.badParameter("Property 'displayName' is required")
      }
      return name
    } catch { throw .wire(error) }
  }

  private func change(_ body: () throws(DirectoryError) -> Void) throws(RouteFailure) {
    do { try body() } catch { throw RouteFailure(error) }
  }

  // MARK: - Shapes

  private func rendered(_ entry: DirectoryEntry, type: PrincipalKind?) -> JSONObject {
    var object: JSONObject = [:]
    switch type {
    case .user: object["@odata.type"] = "#microsoft.graph.user"
    case .servicePrincipal: object["@odata.type"] = "#microsoft.graph.servicePrincipal"
    case .group: object["@odata.type"] = "#microsoft.graph.group"
    case nil: break
    }
    object["id"] = .string(entry.objectID.text)
    object["displayName"] = .string(entry.displayName)
    if let client = entry.clientID {
      object["appId"] = .string(client.text)
      object["servicePrincipalNames"] = [.string(client.text)]
      object["appDisplayName"] = .string(entry.displayName)
      object["servicePrincipalType"] = "Application"
    }
    if let upn = entry.userPrincipalName { object["userPrincipalName"] = .string(upn) }
    return object
  }
}

/// Shapes shared by Graph's answers and the facts of a trace.
enum GraphRendering {
  static func federation(_ credential: FederatedCredential) -> JSONObject {
    var object: JSONObject = ["id": .string(credential.name), "name": .string(credential.name), "issuer": .string(credential.issuer)]
    switch credential.subject {
    case .exact(let subject): object["subject"] = .string(subject)
    case .pattern(let pattern): object["subject"] = .string(pattern.text)
    case .expression(let expression): object["claimsMatchingExpression"] = ["value": .string(expression.text), "languageVersion": 1]
    }
    object["audiences"] = .array(credential.audiences.map { .string($0) })
    return object
  }

  static func fact(_ id: PrincipalID, _ directory: Directory) -> JSONValue {
    guard let entry = directory.entry(id) else {
      return ["objectId": .string(id.text), "displayName": nil, "kind": nil, "clientId": nil, "federation": []]
    }
    return [
      "objectId": .string(id.text), "displayName": .string(entry.displayName), "kind": .string(entry.kind.rawValue),
      "clientId": entry.clientID.map { .string($0.text) } ?? .null, "federation": .array(entry.federated.map { .object(federation($0)) }),
    ]
  }
}

extension DirectoryEntry {
  fileprivate func replacing(federated: [FederatedCredential]? = nil, keys: [RegisteredKey]? = nil) -> DirectoryEntry {
    DirectoryEntry(
      objectID: objectID, kind: kind, displayName: displayName, clientID: clientID, userPrincipalName: userPrincipalName, enabled: enabled,
      memberOf: memberOf, keys: keys ?? self.keys, federated: federated ?? self.federated)
  }
}

extension FederatedCredential {
  /// Graph's shape: `{name, issuer, subject | claimsMatchingExpression{value, languageVersion}, audiences}`. A `*` in `subject` makes it a pattern.
  fileprivate init(body: [UInt8]) throws(WireError) {
    let object = try RequestBody.object(body)
    guard let name = try object.optionalString("name"), !name.isEmpty else { throw .badParameter("Property 'name' is required") }
    guard let issuer = try object.optionalString("issuer"), !issuer.isEmpty else { throw .badParameter("Property 'issuer' is required") }
    let subject: SubjectRule
    if let expression = object.present("claimsMatchingExpression")?.object {
      guard let value = try expression.optionalString("value") else { throw .badParameter("Property 'claimsMatchingExpression.value' is required") }
      do { subject = .expression(try ClaimsExpression(value)) } catch { throw .badParameter("Property 'claimsMatchingExpression.value': \(error)") }
    } else if let text = try object.optionalString("subject"), !text.isEmpty {
      if text.contains("*") {
        guard let pattern = ClaimPattern(text, style: .glob) else { throw .badParameter("Property 'subject' is not a usable pattern") }
        subject = .pattern(pattern)
      } else {
        subject = .exact(text)
      }
    } else {
      throw .badParameter("Property 'subject' or 'claimsMatchingExpression' is required")
    }
    let audiences = try object.optionalStrings("audiences") ?? [FederatedCredential.usualAudience]
    self.init(name: name, issuer: issuer, subject: subject, audiences: audiences.isEmpty ? [FederatedCredential.usualAudience] : audiences)
  }
}

extension RouteFailure {
  init(_ error: DirectoryError) {
    switch error {
    case .notFound: self = .wire(WireError(404, "Request_ResourceNotFound", error.description))
    case .badEntry: self = .wire(.badParameter(error.description))
    case .clientIDTaken, .alreadyInitialised: self = .wire(WireError(409, "Conflict", error.description))
    case .access(let error): self = RouteFailure(error)
    }
  }
}
