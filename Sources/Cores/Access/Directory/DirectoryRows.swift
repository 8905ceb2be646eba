import Clocks
import Encodings
import JOSE

/// How directory entries and issuers stand in rows.
enum DirectoryRows {
  static func json(_ entry: DirectoryEntry) -> JSONValue {
    var object: JSONObject = [
      "objectId": .string(entry.objectID.text), "kind": .string(entry.kind.rawValue), "displayName": .string(entry.displayName),
      "enabled": .bool(entry.enabled), "memberOf": .array(entry.memberOf.map { .string($0.text) }),
      "keys": .array(entry.keys.map(json)), "federated": .array(entry.federated.map(json)),
    ]
    object.set("clientId", ifPresent: entry.clientID.map { .string($0.text) })
    object.set("userPrincipalName", ifPresent: entry.userPrincipalName.map { .string($0) })
    return .object(object)
  }

  static func entry(_ row: AccessRow) throws(AccessError) -> DirectoryEntry {
    guard let object = (try? JSONValue.parse(row.body))?.object,
      object.firstName(notIn: [
        "objectId", "kind", "displayName", "enabled", "memberOf", "keys", "federated", "clientId", "userPrincipalName",
      ]) == nil,
      let id = object["objectId"]?.string.flatMap({ PrincipalID($0) }),
      let kind = object["kind"]?.string.flatMap({ PrincipalKind(rawValue: $0) }), let name = object["displayName"]?.string,
      let enabled = object["enabled"]?.bool,
      let memberOf = all(object["memberOf"], { $0.string.flatMap { PrincipalID($0) } }), let keys = all(object["keys"], key),
      let federated = all(object["federated"], credential)
    else { throw .rowUnreadable(row.table, id: row.id) }
    return DirectoryEntry(
      objectID: id, kind: kind, displayName: name, clientID: object["clientId"]?.string.flatMap { ApplicationID($0) },
      userPrincipalName: object["userPrincipalName"]?.string, enabled: enabled, memberOf: memberOf, keys: keys,
      federated: federated)
  }

  static func json(_ issuer: TrustedIssuer) -> JSONValue {
    var object: JSONObject = [
      "issuer": .string(issuer.issuer), "algorithms": .array(issuer.algorithms.map(\.rawValue).sorted().map { .string($0) }),
    ]
    if case .inline(let keys, let ids) = issuer.keys {
      object["keys"] = .array(zip(keys, ids).map { .object(JWK($0, kid: $1).publicJSON()) })
    }
    object.set("ca", ifPresent: issuer.caPEM.map { .string($0) })
    if let external = issuer.accessTokens {
      var tenant: JSONObject = [
        "tenant": .string(external.tenantID.text), "audiences": .array(external.audiences.map { .string($0) }),
        "objectIdClaim": .string(external.objectIDClaim), "applicationClaims": .array(external.applicationClaims.map { .string($0) }),
      ]
      tenant.set("tenantClaim", ifPresent: external.tenantClaim.map { .string($0) })
      object["accessTokens"] = .object(tenant)
    }
    return .object(object)
  }

  static func issuer(_ row: AccessRow) throws(AccessError) -> TrustedIssuer {
    guard let object = (try? JSONValue.parse(row.body))?.object,
      object.firstName(notIn: ["issuer", "algorithms", "keys", "ca", "accessTokens"]) == nil, let issuer = object["issuer"]?.string,
      let algorithms = all(object["algorithms"], { $0.string.flatMap { JWSAlgorithm(rawValue: $0) } })
    else { throw .rowUnreadable(row.table, id: row.id) }
    var source = IssuerKeySource.discovery
    if let value = object["keys"] {
      guard let keys = all(value, { $0.object.flatMap { try? JWK.parse($0, accepting: .publicOnly) } }) else {
        throw .rowUnreadable(row.table, id: row.id)
      }
      source = .inline(keys.map(\.publicPart), keyIDs: keys.map(\.kid))
    }
    var external: ExternalTenant?
    if let value = object["accessTokens"] {
      guard let tenant = value["tenant"]?.string.flatMap({ TenantID($0) }), let audiences = all(value["audiences"], \.string),
        let objectID = value["objectIdClaim"]?.string, let applications = all(value["applicationClaims"], \.string)
      else { throw .rowUnreadable(row.table, id: row.id) }
      external = ExternalTenant(
        tenantID: tenant, audiences: audiences, objectIDClaim: objectID, tenantClaim: value["tenantClaim"]?.string,
        applicationClaims: applications)
    }
    return TrustedIssuer(
      issuer: issuer, keys: source, caPEM: object["ca"]?.string, algorithms: Set(algorithms), accessTokens: external)
  }

  private static func json(_ key: RegisteredKey) -> JSONValue {
    var object: JSONObject = ["name": .string(key.name), "jwk": .object(JWK(key.key).publicJSON())]
    object.set("certificate", ifPresent: key.certificate.map { .string(Base64URL.encode($0)) })
    object.set("expires", ifPresent: key.expires.map { .integer($0.nanoseconds) })
    return .object(object)
  }

  private static func key(_ value: JSONValue) -> RegisteredKey? {
    guard let name = value["name"]?.string, let object = value["jwk"]?.object,
      let jwk = try? JWK.parse(object, accepting: .publicOnly)
    else { return nil }
    var certificate: [UInt8]?
    if let text = value["certificate"]?.string {
      guard let der = try? Base64URL.decode(text) else { return nil }
      certificate = der
    }
    return RegisteredKey(
      name: name, key: jwk.publicPart, certificate: certificate, expires: value["expires"]?.int64.map { Instant(nanoseconds: $0) })
  }

  private static func json(_ credential: FederatedCredential) -> JSONValue {
    var object: JSONObject = [
      "name": .string(credential.name), "issuer": .string(credential.issuer),
      "audiences": .array(credential.audiences.map { .string($0) }),
    ]
    switch credential.subject {
    case .exact(let subject): object["subject"] = .string(subject)
    case .pattern(let pattern): object["pattern"] = .string(pattern.text)
    case .expression(let expression): object["expression"] = .string(expression.text)
    }
    return .object(object)
  }

  private static func credential(_ value: JSONValue) -> FederatedCredential? {
    guard let name = value["name"]?.string, let issuer = value["issuer"]?.string, let audiences = all(value["audiences"], \.string)
    else { return nil }
    let subject: SubjectRule? =
      if let text = value["subject"]?.string { .exact(text) } else if let text = value["pattern"]?.string {
        ClaimPattern(text, style: .glob).map { .pattern($0) }
      } else if let text = value["expression"]?.string { (try? ClaimsExpression(text)).map { .expression($0) } } else { nil }
    return subject.map { FederatedCredential(name: name, issuer: issuer, subject: $0, audiences: audiences) }
  }

  private static func all<Element>(_ value: JSONValue?, _ read: (JSONValue) -> Element?) -> [Element]? {
    guard let list = value?.array else { return nil }
    let elements = list.compactMap(read)
    return elements.count == list.count ? elements : nil
  }
}
