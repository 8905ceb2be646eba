internal import Clocks
package import Encodings

extension InventorySnapshot {
  /// The snapshot as `hallmark.inventory/v1`: members in the order of the format, rows in the canonical order, so that equal estates give equal bytes.
  package var json: JSONValue {
    let sorted = canonical
    return .object([
      "schema": .string(Self.schema),
      "takenAt": JSONValue(time: takenAt),
      "stores": .array(sorted.stores.map(\.json)),
      "keys": .array(sorted.keys.map(\.json)),
      "roles": .array(sorted.roles.map(\.json)),
      "grants": .array(sorted.grants.map(\.json)),
      "identities": .array(sorted.identities.map(\.json)),
      "groups": .array(sorted.groups.map(\.json)),
      "artifacts": .array(sorted.artifacts.map(\.json)),
    ])
  }

  /// The same facts with rows and unordered lists sorted.
  package var canonical: InventorySnapshot {
    var copy = self
    copy.stores.sort { $0.id < $1.id }
    copy.keys.sort {
      ($0.store, $0.name, $0.created?.nanoseconds ?? 0, $0.version ?? "") < ($1.store, $1.name, $1.created?.nanoseconds ?? 0, $1.version ?? "")
    }
    copy.roles = roles.enumerated().sorted { a, b in
      (a.element.store ?? "", a.element.id, a.offset) < (b.element.store ?? "", b.element.id, b.offset)
    }.map(\.element)
    copy.grants.sort { ($0.store ?? "", $0.scope, $0.principal, $0.id) < ($1.store ?? "", $1.scope, $1.principal, $1.id) }
    copy.identities.sort { $0.objectId < $1.objectId }
    copy.groups.sort { $0.objectId < $1.objectId }
    copy.artifacts.sort { $0.digest < $1.digest }
    for index in copy.grants.indices { copy.grants[index].capabilities = copy.grants[index].capabilities.map { Set($0).canonical } }
    for index in copy.groups.indices { copy.groups[index].members?.sort() }
    return copy
  }
}

extension JSONValue {
  /// RFC 3339 UTC; a fraction only when there is one. nil is null.
  init(time: Instant?) {
    guard let time else {
      self = .null
      return
    }
    let text =
      time.nanoseconds % 1_000_000_000 == 0 ? ISO8601.format(seconds: time.seconds) : ISO8601.format(nanoseconds: time.nanoseconds, fractionDigits: 9)
    self = .string(text)
  }

  init(text: String?) { self = text.map { .string($0) } ?? .null }
  init(texts: [String]?) { self = texts.map { .array($0.map { .string($0) }) } ?? .null }
  init(flag: Bool?) { self = flag.map { .bool($0) } ?? .null }
  init(count: Int?) { self = count.map { .integer($0) } ?? .null }

  init(map: [String: String]?) {
    guard let map else {
      self = .null
      return
    }
    var object = JSONObject()
    for (name, value) in map.sorted(by: { $0.key < $1.key }) { object[name] = .string(value) }
    self = .object(object)
  }
}

extension InventorySnapshot.Store {
  package var json: JSONValue {
    [
      "id": .string(id), "kind": .string(kind.rawValue), "uri": JSONValue(text: uri), "armId": JSONValue(text: armId),
      "tenantId": JSONValue(text: tenantId), "location": JSONValue(text: location), "sku": JSONValue(text: sku),
      "rbacMode": JSONValue(text: rbacMode?.rawValue), "purgeProtection": JSONValue(flag: purgeProtection),
      "softDeleteDays": JSONValue(count: softDeleteDays), "activation": JSONValue(text: activation),
      "publicNetwork": JSONValue(text: publicNetwork), "networkDefault": JSONValue(text: networkDefault), "locks": JSONValue(texts: locks),
      "diagnosticSinks": JSONValue(texts: diagnosticSinks), "visibility": .string(visibility.rawValue),
      "observedAt": JSONValue(time: observedAt),
    ]
  }
}

extension InventorySnapshot.Key {
  package var json: JSONValue {
    [
      "store": .string(store), "name": .string(name), "version": JSONValue(text: version), "kid": JSONValue(text: kid),
      "kty": JSONValue(text: kty), "curve": JSONValue(text: curve), "bits": JSONValue(count: bits), "keyOps": JSONValue(texts: keyOps),
      "enabled": JSONValue(flag: enabled), "created": JSONValue(time: created), "expires": JSONValue(time: expires),
      "recoveryLevel": JSONValue(text: recoveryLevel),
      "rotationPolicy": rotationPolicy.map { ["every": JSONValue(text: $0.every)] } ?? .null, "tags": JSONValue(map: tags),
      "spkiSha256": JSONValue(text: spkiSha256), "deleted": .bool(deleted),
    ]
  }
}

extension InventorySnapshot.Role {
  package var json: JSONValue {
    [
      "store": JSONValue(text: store), "id": .string(id), "name": JSONValue(text: name), "custom": .bool(custom),
      "dataActions": JSONValue(texts: dataActions), "notDataActions": JSONValue(texts: notDataActions), "actions": JSONValue(texts: actions),
      "notActions": JSONValue(texts: notActions),
    ]
  }
}

extension InventorySnapshot.Grant {
  package var json: JSONValue {
    [
      "id": .string(id), "store": JSONValue(text: store), "principal": .string(principal), "via": .string(via.rawValue),
      "scope": .string(scope), "role": JSONValue(text: role), "capabilities": JSONValue(texts: capabilities?.map(\.rawValue)),
      "latent": .bool(latent), "since": JSONValue(time: since), "until": JSONValue(time: until),
    ]
  }
}

extension InventorySnapshot.Identity {
  package var json: JSONValue {
    var object: JSONObject = [
      "objectId": .string(objectId), "clientId": JSONValue(text: clientId), "kind": JSONValue(text: kind?.rawValue),
      "name": JSONValue(text: name), "armId": JSONValue(text: armId), "federated": federated.map { .array($0.map(\.json)) } ?? .null,
      "secrets": JSONValue(count: secrets), "certificates": JSONValue(count: certificates),
    ]
    if let tags { object["tags"] = JSONValue(map: tags) }
    return .object(object)
  }
}

extension InventorySnapshot.Federated {
  package var json: JSONValue {
    ["issuer": .string(issuer), "subject": JSONValue(text: subject), "audiences": JSONValue(texts: audiences)]
  }
}

extension InventorySnapshot.Group {
  package var json: JSONValue {
    ["objectId": .string(objectId), "name": JSONValue(text: name), "members": JSONValue(texts: members)]
  }
}

extension InventorySnapshot.Artifact {
  package var json: JSONValue {
    [
      "digest": .string(digest), "names": JSONValue(texts: names), "closure": JSONValue(texts: closure),
      "signatures": signatures.map { .array($0.map(\.json)) } ?? .null, "running": running.map { .array($0.map(\.json)) } ?? .null,
    ]
  }
}

extension InventorySnapshot.Signature {
  package var json: JSONValue {
    [
      "format": .string(format.rawValue), "spkiSha256": JSONValue(text: spkiSha256), "kid": JSONValue(text: kid),
      "requestId": JSONValue(text: requestId), "time": JSONValue(time: time), "verified": JSONValue(flag: verified),
    ]
  }
}

extension InventorySnapshot.Running {
  package var json: JSONValue {
    [
      "cluster": .string(cluster), "namespace": JSONValue(text: namespace), "workload": .string(workload), "since": JSONValue(time: since),
    ]
  }
}
