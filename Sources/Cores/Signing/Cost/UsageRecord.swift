package import Encodings

/// Which service performed an operation, as far as a log says.
package enum UsageService: String, Sendable, Hashable, CaseIterable {
  case hallmark
  case managedHSM = "azure-managed-hsm"
  case keyVault = "azure-key-vault"
}

/// One line of a log, reduced to what costs or saves.
package enum UsageRecord: Sendable, Hashable {
  case operation(Operation)
  /// A document that was used again instead of signed: one operation saved for each distinct `signed`.
  case reuse(time: Int64, kid: String, algorithm: String, signed: String)
  /// A sign call that stood for many artifacts.
  case batch(time: Int64, kid: String, artifacts: Int64, saved: Int64)
  /// A line of a known schema that says nothing about cost.
  case other

  package struct Operation: Sendable, Hashable {
    /// Nanoseconds since the epoch.
    package var time: Int64
    package var service: UsageService
    /// `sign`, `key.create`, …; Azure's names are translated where we have one.
    package var name: String
    package var key: String?
    package var version: String?
    package var algorithm: String?
    /// Subject or object id.
    package var identity: String
    package var status: Int
    /// The service's id of the request: the same operation in two logs counts once.
    package var requestID: String?

    package var succeeded: Bool { (200..<300).contains(status) }
    /// Whether a private or secret key was used: an HSM operation in the narrow sense.
    package var usesKey: Bool { UsageRecord.keyUses.contains(name) }
  }

  package static let keyUses: Set<String> = ["sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey", "release"]
}

extension UsageRecord {
  /// One line: the audit records of both sides have at most 192 KiB.
  package static let limits = JSONLimits(maxBytes: 256 << 10, maxDepth: 16, maxElements: 2_000)

  /// Reads one line of a `hallmark.audit/v1` log, a signing ledger, or Azure Monitor's AuditEvent export (also in its flattened form).
  ///
  /// - Returns: nil when the line is none of these. Fuzz entry point.
  package static func parse(_ line: some Sequence<UInt8>) -> UsageRecord? {
    guard let value = try? JSONValue.parse(line, limits: limits), let object = value.object else { return nil }
    switch object["schema"]?.string {
    case "hallmark.audit/v1"?: return own(object)
    case "hallmark.signing/v1"?:
      guard let time = time(object["time"]) else { return nil }
      guard object["reusedFrom"]?.string != nil else { return .other }
      guard let kid = object["kid"]?.string, let algorithm = object["algorithm"]?.string, let signed = object["signed"]?.string else { return nil }
      return .reuse(time: time, kid: kid, algorithm: algorithm, signed: signed)
    case BatchRecord.schema?:
      guard let time = time(object["time"]), let kid = object["kid"]?.string, let artifacts = object["artifacts"]?.int64, artifacts > 0,
        let saved = object["savedOperations"]?.int64, saved >= 0, saved < artifacts
      else { return nil }
      return .batch(time: time, kid: kid, artifacts: artifacts, saved: saved)
    case let schema? where schema.hasPrefix("hallmark."): return .other
    default: return azure(object)
    }
  }

  private static func time(_ value: JSONValue?) -> Int64? { value?.string.flatMap { try? ISO8601.parse($0) } }

  private static func own(_ object: JSONObject) -> UsageRecord? {
    guard let time = time(object["time"]), let name = object["operation"]?.string else { return nil }
    let service: UsageService = object["engine"]?.string.flatMap(UsageService.init(rawValue:)) ?? .hallmark
    let principal = object["principal"]
    return .operation(
      Operation(
        time: time, service: service, name: name, key: object["key"]?.string, version: object["version"]?.string,
        algorithm: object["algorithm"]?.string,
        identity: principal?["subject"]?.string ?? principal?["objectId"]?.string ?? "(nobody)",
        status: object["status"]?.int ?? 0, requestID: object["requestId"]?.string))
  }

  private static func azure(_ object: JSONObject) -> UsageRecord? {
    guard object["category"]?.string == "AuditEvent" || object["Category"]?.string == "AuditEvent",
      let operation = (object["operationName"] ?? object["OperationName"])?.string,
      let time = time(object["time"] ?? object["TimeGenerated"])
    else { return nil }
    let resource = (object["resourceId"] ?? object["ResourceId"] ?? object["_ResourceId"])?.string?.uppercased() ?? ""
    let service: UsageService = resource.contains("/MANAGEDHSMS/") ? .managedHSM : .keyVault
    let uri = (object["requestUri"] ?? object["requestUri_s"] ?? object["properties"]?["requestUri"])?.string ?? ""
    let (key, version) = keyInPath(uri)
    let status =
      (object["httpStatusCode"] ?? object["httpStatusCode_d"] ?? object["properties"]?["httpStatusCode"])?.number?.double.flatMap { Int(exactly: $0) }
    return .operation(
      Operation(
        time: time, service: service, name: names[operation] ?? operation, key: key, version: version, algorithm: nil, identity: identity(object),
        status: status ?? (object["resultType"]?.string == "Success" ? 200 : 0), requestID: (object["correlationId"] ?? object["CorrelationId"])?.string))
  }

  /// The caller: the object id of the flattened column, or of the JSON text within the JSON.
  private static func identity(_ object: JSONObject) -> String {
    if let flat = object["identity_claim_oid_g"]?.string ?? object["identity_claim_appid_g"]?.string { return flat }
    let claim: JSONValue?
    if let text = object["identity"]?.string {
      claim = (try? JSONValue.parse(text.utf8, limits: limits))?["claim"]
    } else {
      claim = object["identity"]?["claim"]
    }
    return claim?["http_schemas_microsoft_com_identity"]?["claims"]?["objectidentifier"]?.string
      ?? claim?["http://schemas.microsoft.com/identity/claims/objectidentifier"]?.string ?? claim?["oid"]?.string ?? claim?["appid"]?.string
      ?? "(nobody)"
  }

  /// `…/keys/NAME[/VERSION[/verb]]`.
  private static func keyInPath(_ uri: String) -> (key: String?, version: String?) {
    let path = uri.split(separator: "?", maxSplits: 1).first ?? ""
    let parts = path.split(separator: "/").map(String.init)
    guard let index = parts.firstIndex(of: "keys"), index + 1 < parts.count else { return (nil, nil) }
    let version = index + 2 < parts.count && KeyReference.isVersion(parts[index + 2]) ? parts[index + 2] : nil
    return (parts[index + 1], version)
  }

  private static let names: [String: String] = [
    "KeySign": "sign", "KeyVerify": "verify", "KeyEncrypt": "encrypt", "KeyDecrypt": "decrypt", "KeyWrap": "wrapKey", "KeyUnwrap": "unwrapKey",
    "KeyRelease": "release", "KeyCreate": "key.create", "KeyImport": "key.import", "KeyGet": "key.read", "KeyList": "key.list",
    "KeyListVersions": "key.listVersions", "KeyUpdate": "key.update", "KeyDelete": "key.delete", "KeyRotate": "key.rotate",
  ]
}
