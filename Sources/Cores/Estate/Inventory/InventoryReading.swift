internal import Clocks
package import Encodings

extension InventorySnapshot {
  static let document = "inventory"

  /// What a snapshot may cost: 256 MiB, 12 deep, 20 million values.
  package static let limits = JSONLimits(maxBytes: 256 << 20, maxDepth: 12, maxElements: 20_000_000)
  /// Rows of one array.
  package static let maxRows = 2_000_000

  /// Reads `hallmark.inventory/v1`. Unknown members, unknown words and repeated stores are errors; every array may be absent.
  package init(json bytes: some Collection<UInt8>) throws(DocumentError) {
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue.parse(Array(bytes), limits: Self.limits) } catch {
      throw DocumentError(document: Self.document, path: "", .malformed(error))
    }
    try self.init(value)
  }

  package init(_ value: JSONValue) throws(DocumentError) {
    let object = try StrictObject(
      value, document: Self.document, path: "",
      known: ["schema", "takenAt", "stores", "keys", "roles", "grants", "identities", "groups", "artifacts"])
    guard try object.requiredText("schema") == Self.schema else { throw object.fail("schema", .wrongSchema(wanted: Self.schema)) }
    guard let takenAt = try object.time("takenAt") else { throw object.fail("takenAt", .missing) }
    let rows = Self.maxRows
    self.init(
      takenAt: takenAt,
      stores: try object.list("stores", atMost: rows) { (v, p) throws(DocumentError) in try Store(v, p) } ?? [],
      keys: try object.list("keys", atMost: rows) { (v, p) throws(DocumentError) in try Key(v, p) } ?? [],
      roles: try object.list("roles", atMost: rows) { (v, p) throws(DocumentError) in try Role(v, p) } ?? [],
      grants: try object.list("grants", atMost: rows) { (v, p) throws(DocumentError) in try Grant(v, p) } ?? [],
      identities: try object.list("identities", atMost: rows) { (v, p) throws(DocumentError) in try Identity(v, p) } ?? [],
      groups: try object.list("groups", atMost: rows) { (v, p) throws(DocumentError) in try Group(v, p) } ?? [],
      artifacts: try object.list("artifacts", atMost: rows) { (v, p) throws(DocumentError) in try Artifact(v, p) } ?? [])
    try Self.once(stores.map(\.id), "stores", "a store")
    try Self.once(identities.map(\.objectId), "identities", "an identity")
    try Self.once(groups.map(\.objectId), "groups", "a group")
    try Self.once(artifacts.map(\.digest), "artifacts", "an artifact")
    try Self.once(keys.map { "\($0.store)\u{0}\($0.name)\u{0}\($0.version ?? "")" }, "keys", "a key version")
  }

  private static func once(_ ids: [String], _ array: String, _ what: String) throws(DocumentError) {
    var seen: Set<String> = []
    seen.reserveCapacity(ids.count)
    for (index, id) in ids.enumerated() where !seen.insert(id.lowercased()).inserted {
      throw DocumentError(document: document, path: "\(array)[\(index)]", .repeated(what))
    }
  }
}

extension InventorySnapshot.Store {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(
      value, document: InventorySnapshot.document, path: path,
      known: [
        "id", "kind", "uri", "armId", "tenantId", "location", "sku", "rbacMode", "purgeProtection", "softDeleteDays", "activation",
        "publicNetwork", "networkDefault", "locks", "diagnosticSinks", "visibility", "observedAt",
      ])
    guard let kind = try object.word("kind", InventorySnapshot.StoreKind.self) else { throw object.fail("kind", .missing) }
    guard let visibility = try object.word("visibility", InventorySnapshot.Visibility.self) else { throw object.fail("visibility", .missing) }
    let mode = try object.word("rbacMode", InventorySnapshot.RBACMode.self)
    if let mode, (mode == .local) != (kind == .managedHsm) {
      throw object.fail("rbacMode", .wanted(kind == .managedHsm ? "local (a Managed HSM has no other)" : "azureRbac or accessPolicy"))
    }
    self.init(
      id: try object.requiredText("id"), kind: kind, uri: try object.text("uri"), armId: try object.text("armId"),
      tenantId: try object.text("tenantId"), location: try object.text("location"), sku: try object.text("sku"), rbacMode: mode,
      purgeProtection: try object.bool("purgeProtection"), softDeleteDays: try object.count("softDeleteDays", atMost: 36_500),
      activation: try object.text("activation"), publicNetwork: try object.text("publicNetwork"),
      networkDefault: try object.text("networkDefault"), locks: try object.texts("locks"),
      diagnosticSinks: try object.texts("diagnosticSinks"), visibility: visibility, observedAt: try object.time("observedAt"))
  }
}

extension InventorySnapshot.Key {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(
      value, document: InventorySnapshot.document, path: path,
      known: [
        "store", "name", "version", "kid", "kty", "curve", "bits", "keyOps", "enabled", "created", "expires", "recoveryLevel",
        "rotationPolicy", "tags", "spkiSha256", "deleted",
      ])
    self.init(
      store: try object.requiredText("store"), name: try object.requiredText("name"), version: try object.text("version"),
      kid: try object.text("kid"), kty: try object.text("kty"), curve: try object.text("curve"), bits: try object.count("bits"),
      keyOps: try object.texts("keyOps", atMost: 64), enabled: try object.bool("enabled"), created: try object.time("created"),
      expires: try object.time("expires"), recoveryLevel: try object.text("recoveryLevel"), tags: try object.map("tags"),
      spkiSha256: try object.fingerprint("spkiSha256"), deleted: try object.bool("deleted") ?? false)
    if let policy = object.value("rotationPolicy") {
      let object = try StrictObject(policy, document: InventorySnapshot.document, path: object.at("rotationPolicy"), known: ["every"])
      let every = try object.text("every")
      if let every, (try? CalendarDuration.parse(every)) == nil { throw object.fail("every", .wanted("a duration such as P1Y")) }
      rotationPolicy = InventorySnapshot.RotationPolicy(every: every)
    }
  }
}

extension InventorySnapshot.Role {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(
      value, document: InventorySnapshot.document, path: path,
      known: ["store", "id", "name", "custom", "dataActions", "notDataActions", "actions", "notActions"])
    self.init(
      store: try object.text("store"), id: try object.requiredText("id"), name: try object.text("name"),
      custom: try object.bool("custom") ?? false, dataActions: try object.texts("dataActions", atMost: 4096) ?? [],
      notDataActions: try object.texts("notDataActions", atMost: 4096) ?? [], actions: try object.texts("actions", atMost: 4096) ?? [],
      notActions: try object.texts("notActions", atMost: 4096) ?? [])
  }
}

extension InventorySnapshot.Grant {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(
      value, document: InventorySnapshot.document, path: path,
      known: ["id", "store", "principal", "via", "scope", "role", "capabilities", "latent", "since", "until"])
    guard let via = try object.word("via", InventorySnapshot.Via.self) else { throw object.fail("via", .missing) }
    let capabilities = try object.list("capabilities", atMost: 64) { (value, path) throws(DocumentError) -> Capability in
      guard let text = value.string, let capability = Capability(rawValue: text) else {
        throw DocumentError(
          document: InventorySnapshot.document, path: path,
          .wanted("one of \(Capability.allCases.map(\.rawValue).joined(separator: ", "))"))
      }
      return capability
    }
    self.init(
      id: try object.requiredText("id"), store: try object.text("store"), principal: try object.requiredText("principal"), via: via,
      scope: try object.requiredText("scope"), role: try object.text("role"), capabilities: capabilities,
      latent: try object.bool("latent") ?? false, since: try object.time("since"), until: try object.time("until"))
  }
}

extension StrictObject {
  /// A SHA-256 in hexadecimal digits, lower case.
  func fingerprint(_ name: String) throws(DocumentError) -> String? {
    guard let text = try text(name) else { return nil }
    guard text.utf8.count == 64, let bytes = try? Hex.decode(text.lowercased().utf8) else {
      throw fail(name, .wanted("a SHA-256 of 64 hexadecimal digits"))
    }
    return Hex.encode(bytes)
  }
}
