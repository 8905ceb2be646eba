package import Encodings

extension OperationRecord {
  private static let members: Set<String> = [
    "schema", "sequence", "time", "node", "requestId", "clientRequestId", "principal", "operation", "store", "key", "version", "kid", "algorithm",
    "digest", "decision", "reason", "assignment", "engine", "status", "durationMs", "callerAddress", "purpose",
  ]
  private static let textMembers = [
    "node", "requestId", "clientRequestId", "store", "key", "version", "kid", "algorithm", "digest", "reason", "assignment", "engine", "callerAddress", "purpose",
  ]
  package static let lineLimits = JSONLimits(maxBytes: 256 << 10, maxDepth: 8, maxElements: 10_000)

  /// Reads one line of an audit export or a signing ledger strictly (guard-formats §6): the schema must be there, unknown members and members of another kind are errors.
  package init(auditLine bytes: some Collection<UInt8>, path: String) throws(FactError) {
    guard let value = try? JSONValue.parse(Array(bytes), limits: Self.lineLimits) else { throw FactError(path: path, wanted: "one JSON object without repeated members") }
    guard let object = value.object else { throw FactError(path: path, wanted: "an object") }
    guard object["schema"]?.string == "hallmark.audit/v1" else { throw FactError(path: "\(path).schema", wanted: "hallmark.audit/v1") }
    if let name = object.firstName(notIn: Array(Self.members)) { throw FactError(path: "\(path).\(name.prefix(64))", wanted: "no member of this name") }
    for name in Self.textMembers {
      if let member = object[name], !member.isNull, member.string == nil { throw FactError(path: "\(path).\(name)", wanted: "a text or null") }
    }
    if let sequence = object["sequence"], !sequence.isNull {
      guard let number = sequence.int64, number > 0 else { throw FactError(path: "\(path).sequence", wanted: "a whole number from 1") }
    }
    if let status = object["status"], !status.isNull {
      guard let number = status.int, (0...999).contains(number) else { throw FactError(path: "\(path).status", wanted: "an HTTP status") }
    }
    if let principal = object["principal"], !principal.isNull, principal.object == nil { throw FactError(path: "\(path).principal", wanted: "an object or null") }
    try self.init(value, path: path)
  }
}
