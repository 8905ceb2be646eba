import Clocks
package import Encodings

/// Why a line is not an audit record. Carries member names and offsets, never the line.
package enum AuditRecordError: Error, Equatable, Sendable {
  case json(JSONError)
  /// Another schema, or none.
  case schema
  /// A member that is missing, of the wrong type, or outside its range.
  case member(String)
  /// A member that the schema does not have.
  case unknownMember(of: String)
}

extension AuditRecord {
  private static let members = [
    "schema", "sequence", "time", "node", "requestId", "clientRequestId", "principal", "operation", "store", "key",
    "version", "kid", "algorithm", "digest", "decision", "reason", "assignment", "engine", "status", "durationMs",
    "callerAddress", "purpose",
  ]
  private static let limits = JSONLimits(maxBytes: AuditLimits.lineBytes, maxDepth: 3, maxElements: 64)

  /// Reads one line (without line feed), strictly: every member of the schema once, in any order, and nothing else.
  package init(line: UnsafeRawBufferPointer) throws(AuditRecordError) {
    let value: JSONValue
    do { value = try JSONValue.parse(line, limits: Self.limits) } catch { throw .json(error) }
    guard let object = value.object else { throw .json(JSONError(.expectedObject, at: 0)) }
    guard object["schema"]?.string == "hallmark.audit/v1" else { throw .schema }
    guard object.firstName(notIn: Self.members) == nil else { throw .unknownMember(of: "record") }
    guard let sequence = object["sequence"]?.number?.uint64, sequence > 0 else { throw .member("sequence") }
    guard let time = object["time"]?.string.flatMap({ try? ISO8601.parse($0) }) else { throw .member("time") }
    guard let operation = AuditOperation(rawValue: try object.text("operation")) else { throw .member("operation") }
    guard let decision = AuditDecision(rawValue: try object.text("decision")) else { throw .member("decision") }
    var engine: AuditEngine?
    if let name = try object.optionalText("engine") {
      engine = AuditEngine(rawValue: name)
      guard engine != nil else { throw .member("engine") }
    }
    var digest: AuditDigest?
    if let text = try object.optionalText("digest") {
      digest = AuditDigest(text)
      guard digest != nil else { throw .member("digest") }
    }
    var principal: AuditPrincipal?
    switch object["principal"] {
    case .some(.null): break
    case .some(.object(let members)): principal = try AuditPrincipal(members)
    default: throw .member("principal")
    }
    self.init(
      sequence: sequence, node: try object.text("node"),
      entry: AuditEntry(
        time: Instant(nanoseconds: time), requestID: try object.optionalText("requestId"),
        clientRequestID: try object.optionalText("clientRequestId"), principal: principal, operation: operation,
        store: try object.text("store"), key: try object.optionalText("key"), version: try object.optionalText("version"),
        kid: try object.optionalText("kid"), algorithm: try object.optionalText("algorithm"), digest: digest,
        decision: decision, reason: try object.optionalText("reason"), assignment: try object.optionalText("assignment"),
        engine: engine, status: try object.integer("status", 0...999),
        durationMilliseconds: try object.integer("durationMs", 0...Int(Int32.max)),
        callerAddress: try object.optionalText("callerAddress"), purpose: try object.optionalText("purpose")))
  }

  package init(line: [UInt8]) throws(AuditRecordError) {
    let outcome: Result<AuditRecord, AuditRecordError> = line.withUnsafeBytes { bytes in
      do throws(AuditRecordError) { return .success(try AuditRecord(line: bytes)) } catch { return .failure(error) }
    }
    self = try outcome.get()
  }

  /// The sequence of a line as our own writer makes it, without reading the rest; nil for any other line.
  package static func sequence(ofLine line: UnsafeRawBufferPointer) -> UInt64? {
    let head = AuditRecordWriter.head
    let start = head.utf8CodeUnitCount
    guard line.count > start, line[..<start].elementsEqual(UnsafeBufferPointer(start: head.utf8Start, count: start))
    else { return nil }
    var value: UInt64 = 0
    var index = start
    while index < line.count, case let digit = line[index] &- 0x30, digit < 10 {
      let (tens, over) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(UInt64(digit))
      guard !over, !carry, index != start || digit != 0 else { return nil }
      value = sum
      index += 1
    }
    guard index > start, index < line.count, line[index] == UInt8(ascii: ","), line[line.count - 1] == UInt8(ascii: "}")
    else { return nil }
    return value
  }
}

extension AuditPrincipal {
  private static let members = ["objectId", "clientId", "issuer", "subject", "claims"]

  fileprivate init(_ object: JSONObject) throws(AuditRecordError) {
    guard object.firstName(notIn: Self.members) == nil else { throw .unknownMember(of: "principal") }
    guard let claims = object["claims"]?.object, claims.count <= AuditLimits.claims else { throw .member("principal.claims") }
    var read: [AuditClaim] = []
    for claim in claims.members {
      guard let value = claim.value.string else { throw .member("principal.claims") }
      read.append(AuditClaim(claim.name, value))
    }
    self.init(
      objectID: try object.text("objectId"), clientID: try object.optionalText("clientId"),
      issuer: try object.text("issuer"), subject: try object.text("subject"), claims: read)
  }
}

extension AuditDigest {
  /// `sha384:` and hexadecimal digits.
  package init?(_ text: String) {
    guard let colon = text.firstIndex(of: ":"), let algorithm = Algorithm(rawValue: String(text[..<colon])),
      let bytes = try? Hex.decode(text[text.index(after: colon)...].utf8)
    else { return nil }
    self.init(algorithm, bytes)
  }

  /// The same, in lower case.
  package var text: String { "\(algorithm.rawValue):\(Hex.encode(bytes))" }
}

extension JSONObject {
  fileprivate func text(_ name: String) throws(AuditRecordError) -> String {
    guard let text = self[name]?.string else { throw .member(name) }
    return text
  }

  /// The member must be there; `null` is nil.
  fileprivate func optionalText(_ name: String) throws(AuditRecordError) -> String? {
    switch self[name] {
    case .some(.null): return nil
    case .some(.string(let text)): return text
    default: throw .member(name)
    }
  }

  fileprivate func integer(_ name: String, _ range: ClosedRange<Int>) throws(AuditRecordError) -> Int {
    guard let value = self[name]?.int, range.contains(value) else { throw .member(name) }
    return value
  }
}
