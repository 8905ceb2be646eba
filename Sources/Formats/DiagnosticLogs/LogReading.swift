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
  private static let known = 24

  init?(_ fields: LogFields, place: LogPlace, names: [String: LogOperation]) {
    guard let time = fields.time("time", "timegenerated"), let name = fields.text("operationname") ?? (fields["requesturi"] != nil ? "" : nil) else { return nil }
    self.init(time: time, operation: .other, operationName: name, place: place)
    category = fields.text("category")
    if let id = fields.text("resourceid") {
      let lower = id.lowercased()
      resourceId = lower
      store = lower.split(separator: "/").last.map(String.init)
      storeKind = lower.contains("/managedhsms/") ? .managedHsm : lower.contains("/vaults/") ? .vault : nil
    }
    status = fields.integer("httpstatuscode")
    let object = fields.text("id").map(RequestPath.init)
    let request = fields.text("requesturi").map(RequestPath.init)
    if let request {
      path = request.normalised
      operation = names[name.lowercased()] ?? request.operation(named: name, status: status)
      isVersionedRequest = request.version != nil
    } else {
      operation = names[name.lowercased()] ?? LogOperation.names[name.lowercased()] ?? .other
    }
    key = request?.key ?? object?.key
    version = request?.version ?? object?.version
    if let host = request?.host ?? object?.host {
      if store == nil { store = host.split(separator: ".").first.map(String.init) }
      if storeKind == nil { storeKind = host.contains(".managedhsm.") ? .managedHsm : host.contains(".vault.") ? .vault : nil }
    }
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
    let text = text.filter { $0 != " " }
    guard !text.isEmpty else { return nil }
    if text.first == "[", let end = text.firstIndex(of: "]") { return String(text[text.index(after: text.startIndex)..<end]) }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    return parts.count == 2 && text.contains(".") ? String(parts[0]) : text
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
    guard let named, named.contains("/"), let time = fields.time("eventtimestamp", "time", "timegenerated") else { return nil }
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
