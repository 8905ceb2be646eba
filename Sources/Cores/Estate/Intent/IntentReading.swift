package import Encodings
internal import Clocks

extension IntentRegister {
  static let document = "intent register"
  package static let limits = JSONLimits(maxBytes: 8 << 20, maxDepth: 12, maxElements: 500_000)
  package static let maxEntries = 20_000

  /// Reads `hallmark.intent/v1` written as JSON.
  package init(json bytes: some Collection<UInt8>) throws(DocumentError) {
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue.parse(Array(bytes), limits: Self.limits) } catch {
      throw DocumentError(document: Self.document, path: "", .malformed(error))
    }
    try self.init(value)
  }

  /// Reads `hallmark.intent/v1` from a tree of JSON or YAML (whose scalars are all texts). Unknown members and words are errors.
  package init(_ value: JSONValue) throws(DocumentError) {
    let object = try StrictObject(
      value, document: Self.document, path: "",
      known: ["schema", "identities", "signingKeys", "defaults", "revocations", "waivers"])
    guard try object.requiredText("schema") == Self.schema else { throw object.fail("schema", .wrongSchema(wanted: Self.schema)) }
    self.init(
      identities: try object.list("identities", atMost: Self.maxEntries) { (v, p) throws(DocumentError) in try Entry(v, p) } ?? [],
      revocations: try object.list("revocations", atMost: Self.maxEntries) { (v, p) throws(DocumentError) in try Revocation(v, p) } ?? [],
      waivers: try object.list("waivers", atMost: Self.maxEntries) { (v, p) throws(DocumentError) in try Waiver(v, p) } ?? [])
    if let keys = object.value("signingKeys") { signingKeys = try SigningKeys(keys, "signingKeys") }
    if let words = object.value("defaults") { defaults = try Defaults(words, "defaults") }
    var names: Set<String> = []
    for (index, entry) in identities.enumerated() where !names.insert(entry.name).inserted {
      throw DocumentError(document: Self.document, path: "identities[\(index)].name", .repeated("'\(entry.name.prefix(64))'"))
    }
  }
}

extension IntentRegister.Entry {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(
      value, document: IntentRegister.document, path: path, known: ["name", "match", "purpose", "keys", "hours", "addresses"])
    guard let purpose = try object.word("purpose", IntentRegister.Purpose.self) else { throw object.fail("purpose", .missing) }
    guard purpose != .unclassified else { throw object.fail("purpose", .wanted("a purpose; unclassified is only for defaults")) }
    let keys = try object.texts("keys", atMost: 10_000)
    if let keys, keys.isEmpty { throw object.fail("keys", .wanted("at least one key, or no keys member for any key")) }
    let addresses = try object.list("addresses", atMost: 10_000) { (value, path) throws(DocumentError) -> AddressRange in
      guard let range = AddressRange(try StrictObject.text(value, IntentRegister.document, path)) else {
        throw DocumentError(document: IntentRegister.document, path: path, .wanted("an address block such as 198.51.100.0/24 or 2001:db8::/32"))
      }
      return range
    }
    self.init(
      name: try object.required("name").looseText(object.at("name")),
      match: try IntentRegister.Match(object.required("match"), object.at("match")), purpose: purpose, keys: keys, addresses: addresses)
    if let value = object.value("hours") { hours = try Hours(value, object.at("hours")) }
  }
}

extension IntentRegister.Match {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(
      value, document: IntentRegister.document, path: path,
      known: ["objectId", "clientId", "armId", "address", "subject", "issuer", "group"])
    self.init(
      objectId: try object.loose("objectId"), clientId: try object.loose("clientId"), armId: try object.text("armId"),
      address: try object.text("address"), subject: try object.text("subject"), issuer: try object.text("issuer"),
      group: try object.loose("group"))
    guard (objectId ?? clientId ?? armId ?? address ?? subject ?? group) != nil else {
      throw DocumentError(
        document: IntentRegister.document, path: path,
        .wanted("one of objectId, clientId, armId, address, subject, group (issuer alone identifies nobody)"))
    }
    guard issuer == nil || subject != nil else { throw object.fail("issuer", .wanted("a subject beside it, which it narrows,")) }
    if let subject, subject.allSatisfy({ $0 == "*" }) { throw object.fail("subject", .wanted("a subject that does not match everybody")) }
  }
}

extension IntentRegister.SigningKeys {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(value, document: IntentRegister.document, path: path, known: ["names", "tags", "subjects"])
    self.init(names: try object.texts("names", atMost: 10_000) ?? [], subjects: try object.texts("subjects", atMost: 10_000) ?? [])
    guard let tagged = object.value("tags") else { return }
    guard let members = tagged.object?.members, members.count <= 256 else { throw object.fail("tags", .wanted("an object of at most 256 tags")) }
    for member in members {
      let path = "\(object.at("tags")).\(member.name.prefix(64))"
      let values = member.value.array ?? [member.value]
      guard !values.isEmpty, values.count <= 1000 else { throw DocumentError(document: object.document, path: path, .wanted("one value or several")) }
      var texts: [String] = []
      for value in values { texts.append(try StrictObject.loose(value, object.document, path)) }
      tags[member.name] = texts
    }
  }
}

extension IntentRegister.Defaults {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(value, document: IntentRegister.document, path: path, known: ["ciFederated", "unlisted"])
    self.init()
    if let word = try object.word("ciFederated", IntentRegister.Purpose.self) { ciFederated = word }
    if let word = try object.word("unlisted", IntentRegister.Purpose.self) { unlisted = word }
  }
}

extension IntentRegister.Revocation {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(
      value, document: IntentRegister.document, path: path, known: ["store", "key", "version", "at", "reason"])
    guard let at = try object.time("at") else { throw object.fail("at", .missing) }
    self.init(
      store: try object.required("store").looseText(object.at("store")), key: try object.required("key").looseText(object.at("key")),
      version: try object.loose("version"), at: at, reason: try object.text("reason"))
  }
}

extension IntentRegister.Waiver {
  init(_ value: JSONValue, _ path: String) throws(DocumentError) {
    let object = try StrictObject(
      value, document: IntentRegister.document, path: path,
      known: ["rule", "address", "reason", "expires", "approvedBy", "proposedBy"])
    self.init(
      rule: try object.requiredText("rule"), address: try object.requiredText("address"), reason: try Self.written("reason", object),
      expires: try object.text("expires"), approvedBy: try Self.written("approvedBy", object), proposedBy: try Self.written("proposedBy", object))
    guard let expires else { return }
    if expires.utf8.count == 10, let midnight = try? ISO8601.parse(expires + "T00:00:00Z") {
      expiresAt = Instant(nanoseconds: midnight).advanced(bySeconds: 86_400)
    } else if let time = try? ISO8601.parse(expires) {
      expiresAt = Instant(nanoseconds: time)
    } else {
      throw object.fail("expires", .wanted("a date such as 2026-12-31"))
    }
  }

  /// What is written, or nil: an empty text is a reason to refuse the waiver, and no fault of the document.
  private static func written(_ name: String, _ object: StrictObject) throws(DocumentError) -> String? {
    object.value(name)?.string == "" ? nil : try object.text(name)
  }
}

extension JSONValue {
  fileprivate func looseText(_ path: String) throws(DocumentError) -> String {
    try StrictObject.loose(self, IntentRegister.document, path)
  }
}
