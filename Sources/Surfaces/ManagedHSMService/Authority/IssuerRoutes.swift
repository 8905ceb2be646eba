import Access
import Audit
import Encodings
import JOSE
import ManagedHSMWire
import NIOHTTP1
import SwiftASN1
import X509

/// Trusted issuers as data: `GET`, `POST` and `DELETE /hallmark/v1/issuers`.
struct IssuerRoutes: Sendable {
  let directory: Directory
  let gate: Gate

  func answer(_ call: Authenticated<Call>, _ notes: inout AuditNotes) throws(RouteFailure) -> Answer {
    switch call.request.request.method {
    case .GET:
      _ = try gate.permit(call, .roleAssignmentsRead, .root, &notes)
      return Answer(["issuers": .array(directory.issuers().map { .object(rendered($0)) })])
    case .POST:
      notes.operation = .issuerCreate
      let permit = try gate.permit(call, .roleAssignmentsWrite, .root, &notes)
      let issuer: TrustedIssuer
      do { issuer = try TrustedIssuer(body: call.request.body) } catch { throw .wire(error) }
      notes.reason = "issuer \(issuer.issuer)\(issuer.accessTokens == nil ? "" : ", may issue access tokens")"
      do { try directory.trust(issuer, permit: permit) } catch { throw RouteFailure(error) }
      return Answer(rendered(issuer), status: 201)
    case .DELETE:
      notes.operation = .issuerDelete
      let permit = try gate.permit(call, .roleAssignmentsWrite, .root, &notes)
      guard let issuer = try call.request.query()["issuer"] else { throw .wire(.badParameter("Query parameter 'issuer' is required")) }
      notes.reason = "issuer \(issuer)"
      do { try directory.distrust(issuer: issuer, permit: permit) } catch { throw RouteFailure(error) }
      return Answer([], status: 204)
    default:
      throw .wire(.methodNotAllowed(call.request.request.method.rawValue))
    }
  }

  private func rendered(_ issuer: TrustedIssuer) -> JSONObject {
    var object: JSONObject = ["issuer": .string(issuer.issuer)]
    switch issuer.keys {
    case .discovery: object["discovery"] = true
    case .inline(let keys, _):
      object["discovery"] = false
      object["keys"] = .integer(keys.count)
    }
    object["algorithms"] = .array(issuer.algorithms.map(\.rawValue).sorted().map { .string($0) })
    object["accessTokens"] = .bool(issuer.accessTokens != nil)
    if let external = issuer.accessTokens {
      object["tenant"] = .string(external.tenantID.text)
      object["audiences"] = .array(external.audiences.map { .string($0) })
    }
    return object
  }
}

extension TrustedIssuer {
  /// `{issuer, jwks?, discovery?, caPem?, accessTokens?, tenant?, audiences?, tenantClaim?}`. Without `jwks`, keys are discovered. Unknown members are errors:
  /// a misspelt restriction must not widen trust.
  fileprivate init(body: [UInt8]) throws(WireError) {
    let object = try RequestBody.object(body)
    let known = ["issuer", "jwks", "discovery", "caPem", "accessTokens", "tenant", "audiences"]
    if let name = object.firstName(notIn: known) { throw .badParameter("Property '\(name.prefix(60))' is unknown; an issuer has \(known.joined(separator: ", "))") }
    guard let issuer = try object.optionalString("issuer") else { throw .badParameter("Property 'issuer' is required") }
    var keys = IssuerKeySource.discovery
    if let set = object.present("jwks") {
      guard let list = set["keys"]?.array else { throw .badParameter("Property 'jwks' must be a JSON Web Key Set: {\"keys\":[…]}") }
      var parts: [JWK.PublicPart] = []
      var ids: [String?] = []
      for (index, value) in list.enumerated() {
        do {
          guard let member = value.object else { throw JOSEError.notAnObject("key") }
          let key = try JWK.parse(member, accepting: .publicOnly)
          parts.append(key.publicPart)
          ids.append(key.kid)
        } catch {
          throw .badParameter("Property 'jwks.keys[\(index)]' is not a usable key: \(error)")
        }
      }
      keys = .inline(parts, keyIDs: ids)
    }
    var external: ExternalTenant?
    if try object.optionalBool("accessTokens") == true {
      guard let text = try object.optionalString("tenant"), let tenant = TenantID(text) else {
        throw .badParameter("Property 'tenant' (a GUID) is required for an issuer of access tokens")
      }
      external = ExternalTenant(tenantID: tenant, audiences: try object.optionalStrings("audiences") ?? [])
    }
    let authorities = try object.optionalString("caPem")
    if let authorities {
      let blocks = (try? PEM.parse(authorities)) ?? []
      guard !blocks.isEmpty, blocks.allSatisfy({ $0.label == "CERTIFICATE" && (try? Certificate(derEncoded: $0.bytes)) != nil }) else {
        throw .badParameter("Property 'caPem' must hold X.509 certificates in PEM, and nothing else")
      }
    }
    self.init(issuer: issuer, keys: keys, caPEM: authorities, accessTokens: external)
  }
}
