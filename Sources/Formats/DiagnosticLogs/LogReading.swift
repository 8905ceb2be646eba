package import Encodings

extension LogEntry {
  /// Reads one record: a diagnostic record, a row of Log Analytics, an activity log event, a sign-in, or an audit record of ours.
  /// nil when it has no time or is none of these. Fuzz entry point.
  package init?(_ value: JSONValue, place: LogPlace, names: [String: LogOperation] = [:]) {
    guard let object = value.object else { return nil }
    if object["schema"]?.string == "hallmark.audit/v1" {
      guard let record = LogRecord(hallmark: object, place: place) else { return nil }
      self = .request(record)
      return
    }
    let fields = LogFields(object)
    if let activity = ActivityEvent(fields, place: place) { self = .activity(activity); return }
    if fields["operationname"] == nil || fields.text("category")?.lowercased().hasSuffix("signinlogs") == true,
      fields["serviceprincipalid"] != nil || fields["federatedcredentialid"] != nil, let signIn = SignInEvent(fields, place: place)
    {
      self = .signIn(signIn)
      return
    }
    guard let record = LogRecord(fields, place: place, names: names) else { return nil }
    self = .request(record)
  }
}

extension LogRecord {
  /// How many members have a place here.
  static let known = 24

  init?(_ fields: LogFields, place: LogPlace, names: [String: LogOperation]) {
    guard let time = fields.time("time", "timegenerated"), let name = fields.text("operationname") ?? (fields["requesturi"] != nil ? "" : nil) else { return nil }
    self.init(time: time, operation: .other, operationName: name, place: place)
    category = fields.text("category")
    if let id = fields.text("resourceid") {
      let lower = Self.resourceId(id)
      resourceId = lower
      (store, storeKind) = Self.store(ofResource: lower)
    }
    status = fields.integer("httpstatuscode")
    read(object: fields.text("id").map(RequestPath.init), request: fields.text("requesturi").map(RequestPath.init), lowerName: name.lowercased(), names: names)
    resultType = fields.text("resulttype")
    resultDescription = fields.text("resultdescription")
    durationMilliseconds = fields.integer("durationms")
    correlationId = fields.text("correlationid")?.lowercased()
    callerAddress = fields.text("calleripaddress").flatMap(Self.address)
    clientInfo = fields.text("clientinfo")
    algorithm = fields.text("algorithm")
    appliedAssignmentId = fields.text("appliedassignmentid")
    isRbacAuthorized = fields.flag("isrbacauthorized")
    isAccessPolicyMatch = fields.flag("isaccesspolicymatch")
    isAddressAuthorized = fields.flag("isaddressauthorized")
    enablePurgeProtection = fields.flag("enablepurgeprotection")
    readIdentity(fields)
    unknownMembers = max(0, fields.count - Self.known)
  }

  /// What the request did, on which key: from its own path, the key's identifier and the operation's name (lower case).
  mutating func read(object: RequestPath?, request: RequestPath?, lowerName: String, names: [String: LogOperation]) {
    let named = names.isEmpty ? nil : names[lowerName]
    if let request {
      path = request.normalised
      operation = named ?? request.operation(lowerName: lowerName, status: status)
      isVersionedRequest = request.version != nil
    } else {
      operation = named ?? LogOperation.names[lowerName] ?? .other
    }
    key = request?.key ?? object?.key
    version = request?.version ?? object?.version
    guard store == nil || storeKind == nil, let host = request?.host ?? object?.host else { return }
    if store == nil { store = host.split(separator: ".").first.map(String.init) }
    if storeKind == nil { storeKind = host.contains(".managedhsm.") ? .managedHsm : host.contains(".vault.") ? .vault : nil }
  }

  /// Lower case, without a slash at the end.
  static func resourceId(_ text: String) -> String {
    var lower = text.lowercased()
    if lower.utf8.count > 1, lower.utf8.last == UInt8(ascii: "/") { lower.removeLast() }
    return lower
  }

  /// The last segment of a resource id, and what kind of store the one before it says.
  static func store(ofResource id: String) -> (String?, StoreKind?) {
    let bytes = id.utf8
    guard let slash = bytes.lastIndex(of: 0x2F), slash != bytes.startIndex else { return (id, nil) }
    let name = String(id[bytes.index(after: slash)...])
    let before = id[..<slash].utf8
    let start = before.lastIndex(of: 0x2F).map { before.index(after: $0) } ?? before.startIndex
    switch id[start..<slash] {
    case "managedhsms": return (name, .managedHsm)
    case "vaults": return (name, .vault)
    default: return (name, nil)
    }
  }

  private mutating func readIdentity(_ fields: LogFields) {
    if let value = fields["identity"] {
      if let object = value.object { identity.read(claims: object) } else if let text = value.string, text.utf8.count <= 1 << 16,
        let object = (try? JSONValue.parse(text))?.object
      { identity.read(claims: object) }
      return
    }
    for (name, value) in fields.starting("identity_claim_") {
      guard let text = value.string, !text.isEmpty else { continue }
      let claim = String(name.dropFirst(15))
      identity.set(claim.hasSuffix("_upn") ? "upn" : claim, text)
    }
  }

  /// An address without brackets and port; nil when there is none.
  package static func address(_ text: String) -> String? {
    let bytes = text.utf8.filter { $0 != 0x20 }
    guard !bytes.isEmpty, bytes.count <= 64 else { return nil }
    if bytes.first == UInt8(ascii: "["), let end = bytes.firstIndex(of: UInt8(ascii: "]")) { return String(decoding: bytes[1..<end], as: UTF8.self) }
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon == bytes.lastIndex(of: UInt8(ascii: ":")), bytes.contains(UInt8(ascii: ".")) else { return String(decoding: bytes, as: UTF8.self) }
    return String(decoding: bytes[..<colon], as: UTF8.self)
  }

  /// Reads one of our audit records (guard-formats §6). Leniently: this is a reader of history, `audit verify` proves it.
  package init?(hallmark object: JSONObject, place: LogPlace) {
    guard let time = object["time"]?.string.flatMap({ try? ISO8601.parse($0) }), let name = object["operation"]?.string else { return nil }
    self.init(time: time, operation: LogOperation.names[name.lowercased()] ?? .other, operationName: name, origin: .hallmark, place: place)
    sequence = object["sequence"]?.int64
    node = object["node"]?.string
    correlationId = object["requestId"]?.string?.lowercased()
    store = object["store"]?.string?.lowercased()
    key = object["key"]?.string
    version = object["version"]?.string?.lowercased()
    isVersionedRequest = nil
    let kid = object["kid"]?.string.map(RequestPath.init)
    path = kid?.normalised
    if key == nil { key = kid?.key }
    if version == nil { version = kid?.version }
    if let host = kid?.host { storeKind = host.contains(".managedhsm.") ? .managedHsm : host.contains(".vault.") ? .vault : nil }
    algorithm = object["algorithm"]?.string
    digest = object["digest"]?.string
    status = object["status"]?.int
    if object["decision"]?.string == "deny", status.map({ $0 < 400 }) ?? true { status = 403 }
    reason = object["reason"]?.string
    appliedAssignmentId = object["assignment"]?.string
    durationMilliseconds = object["durationMs"]?.int
    callerAddress = object["callerAddress"]?.string.flatMap(Self.address)
    purpose = object["purpose"]?.string
    if let principal = object["principal"]?.object {
      identity.objectId = principal["objectId"]?.string?.lowercased()
      identity.appId = principal["clientId"]?.string?.lowercased()
      for claim in principal["claims"]?.object?.members ?? [] where ["upn", "scp", "idtyp"].contains(claim.name) {
        if let text = claim.value.string, !text.isEmpty { identity.set(claim.name, text) }
      }
    }
  }
}

extension ActivityEvent {
  init?(_ fields: LogFields, place: LogPlace) {
    let named = fields["operationname"]?["value"]?.string ?? fields.text("operationnamevalue", "operationname")
    guard let named, named.utf8.contains(UInt8(ascii: "/")), let time = fields.time("eventtimestamp", "time", "timegenerated") else { return nil }
    self.time = time
    self.place = place
    operation = named.lowercased()
    id = fields.text("eventdataid")
    correlationId = fields.text("correlationid")?.lowercased()
    status = fields["status"]?["value"]?.string ?? fields.text("activitystatusvalue", "resulttype", "status")
    caller = fields.text("caller")
    callerAddress = (fields["httprequest"]?["clientIpAddress"]?.string ?? fields.text("calleripaddress")).flatMap(LogRecord.address)
    resourceId = fields.text("resourceid") ?? fields["authorization"]?["scope"]?.string
    scope = fields["authorization"]?["scope"]?.string ?? fields["identity"]?["authorization"]?["scope"]?.string
    requestBody = fields.text("requestbody") ?? fields["requestbody"].map { $0.text() }
    var identity = LogIdentity()
    for name in ["claims", "identity"] { if let object = fields[name]?.object { identity.read(claims: object) } }
    callerObjectId = identity.objectId ?? fields["identity"]?["authorization"]?["evidence"]?["principalId"]?.string?.lowercased()
    callerAppId = identity.appId
    if caller == nil { caller = identity.upn ?? callerObjectId }
  }
}

extension SignInEvent {
  init?(_ fields: LogFields, place: LogPlace) {
    guard let time = fields.time("timegenerated", "createddatetime", "time") else { return nil }
    self.time = time
    self.place = place
    objectId = fields.text("serviceprincipalid")?.lowercased()
    appId = fields.text("appid")?.lowercased()
    address = fields.text("ipaddress").flatMap(LogRecord.address)
    federatedCredentialId = fields.text("federatedcredentialid")
    tokenId = fields.text("uniquetokenidentifier")
    correlationId = fields.text("correlationid")?.lowercased()
  }
}
