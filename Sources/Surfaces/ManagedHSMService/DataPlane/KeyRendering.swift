import Custody
import Encodings
import ManagedHSMWire

/// Custody's values as the wire shows them.
struct KeyRendering: Sendable {
  let identity: ServiceIdentity

  func bundle(_ version: KeyVersion) -> JSONObject {
    var bundle: JSONObject = ["attributes": .object(attributes(version)), "key": .object(webKey(version))]
    if !version.tags.isEmpty { bundle["tags"] = .object(tags(version.tags)) }
    return bundle
  }

  func deletedBundle(_ deleted: DeletedKey) -> JSONObject {
    var bundle = bundle(deleted.latest)
    addDeletion(deleted, to: &bundle)
    return bundle
  }

  /// An item of `/keys`: the identifier carries no version, the rest is the latest version's.
  func item(_ latest: KeyVersion) -> JSONValue {
    var item: JSONObject = ["attributes": .object(attributes(latest)), "kid": .string(identity.kid("keys/\(latest.identity.name.text)"))]
    if !latest.tags.isEmpty { item["tags"] = .object(tags(latest.tags)) }
    return .object(item)
  }

  /// An item of `/keys/{name}/versions`.
  func versionItem(_ version: KeyVersion) -> JSONValue {
    var item: JSONObject = ["attributes": .object(attributes(version)), "kid": .string(identity.kid(version.identity.path))]
    if !version.tags.isEmpty { item["tags"] = .object(tags(version.tags)) }
    return .object(item)
  }

  func deletedItem(_ deleted: DeletedKey) -> JSONValue {
    guard case .object(var item) = item(deleted.latest) else { return .null }
    addDeletion(deleted, to: &item)
    return .object(item)
  }

  func page(_ items: [JSONValue], path: String, pageSize: Int, next: PageToken?) -> JSONObject {
    var page: JSONObject = [:]
    if let next { page["nextLink"] = .string("\(identity.url)\(path)?maxresults=\(pageSize)&$skiptoken=\(next.text)") }
    page["value"] = .array(items)
    return page
  }

  func webKey(_ version: KeyVersion) -> JSONObject {
    var key: JSONObject = [:]
    switch version.publicKey {
    case .rsa(let modulus, let exponent):
      key["e"] = .string(Base64URL.encode(exponent))
      common(version, into: &key)
      key["n"] = .string(Base64URL.encode(modulus))
    case .ec(let curve, let x, let y):
      key["crv"] = .string(curve.rawValue)
      common(version, into: &key)
      key["x"] = .string(Base64URL.encode(x))
      key["y"] = .string(Base64URL.encode(y))
    case .oct:
      common(version, into: &key)
    }
    return key
  }

  private func common(_ version: KeyVersion, into key: inout JSONObject) {
    key["key_ops"] = .array(version.operations.list.map { .string($0.rawValue) })
    key["kid"] = .string(identity.kid(version.identity.path))
    key["kty"] = .string(version.spec.type.rawValue)
  }

  private func attributes(_ version: KeyVersion) -> JSONObject {
    let a = version.attributes
    var attributes: JSONObject = ["created": .integer(a.created.seconds), "enabled": .bool(a.enabled)]
    if let expires = a.expires { attributes["exp"] = .integer(expires.seconds) }
    attributes["exportable"] = .bool(a.exportable)
    if let notBefore = a.notBefore { attributes["nbf"] = .integer(notBefore.seconds) }
    attributes["recoverableDays"] = .integer(version.recovery.days)
    attributes["recoveryLevel"] = .string(version.recovery.level)
    attributes["updated"] = .integer(a.updated.seconds)
    return attributes
  }

  private func tags(_ tags: KeyTags) -> JSONObject {
    var object: JSONObject = [:]
    for (name, value) in tags.pairs.sorted(by: { $0.key < $1.key }) { object[name] = .string(value) }
    return object
  }

  private func addDeletion(_ deleted: DeletedKey, to object: inout JSONObject) {
    object["deletedDate"] = .integer(deleted.deletedAt.seconds)
    object["recoveryId"] = .string(identity.kid("deletedkeys/\(deleted.latest.identity.name.text)"))
    object["scheduledPurgeDate"] = .integer(deleted.scheduledPurge.seconds)
  }

  func rotationPolicy(_ policy: RotationPolicy?, of name: KeyName) -> JSONObject {
    var attributes: JSONObject = [:]
    var actions: [JSONValue] = []
    if let policy {
      attributes["created"] = .integer(policy.created.seconds)
      if let expiry = policy.expiryTime { attributes["expiryTime"] = .string(expiry.text) }
      attributes["updated"] = .integer(policy.updated.seconds)
      switch policy.rotate {
      case nil: break
      case .afterCreation(let span): actions.append(["action": ["type": "rotate"], "trigger": ["timeAfterCreate": .string(span.text)]])
      case .beforeExpiry(let span): actions.append(["action": ["type": "rotate"], "trigger": ["timeBeforeExpiry": .string(span.text)]])
      }
    }
    return ["attributes": .object(attributes), "id": .string("keys/\(name.text)/rotationpolicy"), "lifetimeActions": .array(actions)]
  }
}
