import Access
import Audit
import Custody
import Encodings
import ManagedHSMWire
import NIOHTTP1

/// Certificate chains of key versions, which Azure has no API for on a Managed HSM:
/// `GET`, `PUT` and `DELETE /hallmark/v1/keys/{name}/{version}/certificates`, and the list `GET /hallmark/v1/certificates`.
///
/// Reading needs the key's read action, changing its write action. The chain's own rules are Custody's port.
struct CertificateRoutes: Sendable {
  let shelf: CertificateShelf
  let keys: KeyRoutes

  private static let schema: JSONValue = "hallmark.certificates/v1"

  /// - Parameter path: below `/hallmark/v1/`.
  func owns(_ path: [String]) -> Bool { path == ["certificates"] || path.count == 4 && path[0] == "keys" && path[3] == "certificates" }

  func answer(_ call: Authenticated<Call>, _ notes: inout AuditNotes, _ path: [String]) throws(RouteFailure) -> Answer {
    let method = call.request.request.method.rawValue
    guard path.count == 4 else {
      notes.operation = .certificatesList
      guard method == "GET" else { throw .wire(.methodNotAllowed(method)) }
      return Answer(try list(call, &notes))
    }
    switch method {
    case "GET":
      notes.operation = .certificatesRead
      let (name, version, permit) = try target(call, .keysRead, path, &notes)
      let chain = try shelved { () throws(ShelfError) in try shelf.chain(of: name, version: version, permit: permit) }
      return Answer(rendered(chain))
    case "PUT":
      notes.operation = .certificatesWrite
      let (name, version, permit) = try target(call, .keysWrite, path, &notes)
      let pem = try pem(call)
      let chain = try shelved { () throws(ShelfError) in try shelf.keep(pem, of: name, version: version, permit: permit) }
      notes.reason = "chain of \(chain.certificates.count), leaf SHA-256 \(CertificateRendering.fingerprint(chain))"
      return Answer(rendered(chain))
    case "DELETE":
      notes.operation = .certificatesDelete
      let (name, version, permit) = try target(call, .keysWrite, path, &notes)
      try shelved { () throws(ShelfError) in try shelf.remove(name, version: version, permit: permit) }
      return Answer([], status: 204)
    default: throw .wire(.methodNotAllowed(method))
    }
  }

  private func target(
    _ call: Authenticated<Call>, _ action: DataAction, _ path: [String], _ notes: inout AuditNotes
  ) throws(RouteFailure) -> (KeyName, KeyVersionID, Permit) {
    let name = try keys.keyName(path[1], &notes)
    if let version = KeyVersionID(path[2]) {
      notes.version = version.text
      notes.kid = keys.rendering.identity.kid("keys/\(name.text)/\(version.text)")
    }
    let permit = try keys.gate.permit(call, action, .key(name), &notes)
    guard let version = try keys.versionID(path[2], of: name) else { throw .wire(.pathNotFound) }
    return (name, version, permit)
  }

  /// `{"pem": "…"}` and nothing else.
  private func pem(_ call: Authenticated<Call>) throws(RouteFailure) -> [UInt8] {
    do throws(WireError) {
      let object = try RequestBody.object(call.request.body)
      if let name = object.firstName(notIn: ["pem"]) { throw WireError.badParameter("Property '\(name.prefix(60))' is unknown; a chain has pem") }
      guard let text = try object.optionalString("pem") else { throw WireError.badParameter("Property 'pem' is required") }
      return Array(text.utf8)
    } catch { throw .wire(error) }
  }

  private func list(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) -> JSONObject {
    let permit = try keys.gate.permit(call, .keysRead, .keys, &notes)
    var place: ChainPlace?
    if let text = try call.request.query()["after"] {
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2, let name = KeyName(String(parts[0])), let version = KeyVersionID(String(parts[1])) else {
        throw .wire(.badParameter("Query parameter 'after' must be <key name>/<version>"))
      }
      place = ChainPlace(name: name.folded, version: version.text)
    }
    let (chains, next) = try shelved { () throws(ShelfError) in try shelf.chains(after: place, permit: permit) }
    var page: JSONObject = ["schema": Self.schema, "value": .array(chains.map { .object(CertificateRendering.object($0, keys.rendering.identity)) })]
    if let next { page["nextLink"] = .string("\(keys.rendering.identity.url)/hallmark/v1/certificates?after=\(next.name)/\(next.version)") }
    return page
  }

  private func rendered(_ chain: KeptChain) -> JSONObject {
    var object = CertificateRendering.object(chain, keys.rendering.identity)
    object["schema"] = Self.schema
    return object
  }

  private func shelved<R>(_ body: () throws(ShelfError) -> R) throws(RouteFailure) -> R {
    do { return try body() } catch { throw .wire(WireError(error, identity: keys.rendering.identity)) }
  }
}

extension WireError {
  /// One row per case.
  init(_ error: ShelfError, identity: ServiceIdentity) {
    switch error {
    case .none(let key):
      self = WireError(
        404, "CertificatesNotFound",
        "Key \(identity.kid(key.path)) has no certificate chain here; store one with PUT, or with: hallmark certs issue or hallmark certs import")
    case .refused(let key, let refusal):
      self = .badParameter("The certificate chain for key \(identity.kid(key.path)) is refused: \(refusal.description)")
    case .tampered(let name, let version):
      self = WireError(
        500, "IntegrityFailure",
        "The stored certificate chain of key \(identity.kid("keys/\(name)/\(version)")) was changed outside this service; it is refused. Store it again")
    case .custody(let error): self.init(error, identity: identity)
    }
  }
}
