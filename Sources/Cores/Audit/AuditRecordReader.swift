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
  private static let memberCount = 22
  private static let limits = JSONLimits(maxBytes: AuditLimits.lineBytes, maxDepth: 3, maxElements: 64)

  /// Reads one line (without line feed), strictly: every member of the schema once, in any order, and nothing else.
  package init(line: UnsafeRawBufferPointer) throws(AuditRecordError) {
    let value: JSONValue
    do { value = try JSONValue.parse(line, limits: Self.limits) } catch { throw .json(error) }
    guard let object = value.object else { throw .json(JSONError(.expectedObject, at: 0)) }
    guard object.member("schema", 0)?.string == "hallmark.audit/v1" else { throw .schema }
    // Names are unique and all of them are asked for below, so another one can only make the count wrong.
    guard object.count <= Self.memberCount else { throw .unknownMember(of: "record") }
    guard let sequence = object.member("sequence", 1)?.number?.uint64, sequence > 0 else { throw .member("sequence") }
    guard let time = object.member("time", 2)?.string.flatMap({ try? ISO8601.parse($0) }) else { throw .member("time") }
    guard let operation = AuditOperation(rawValue: try object.text("operation", 7)) else { throw .member("operation") }
    guard let decision = AuditDecision(rawValue: try object.text("decision", 14)) else { throw .member("decision") }
    var engine: AuditEngine?
    if let name = try object.optionalText("engine", 17) {
      engine = AuditEngine(rawValue: name)
      guard engine != nil else { throw .member("engine") }
    }
    var digest: AuditDigest?
    if let text = try object.optionalText("digest", 13) {
      digest = AuditDigest(text)
      guard digest != nil else { throw .member("digest") }
    }
    var principal: AuditPrincipal?
    switch object.member("principal", 6) {
    case .some(.null): break
    case .some(.object(let members)): principal = try AuditPrincipal(members)
    default: throw .member("principal")
    }
    self.init(
      sequence: sequence, node: try object.text("node", 3),
      entry: AuditEntry(
        time: Instant(nanoseconds: time), requestID: try object.optionalText("requestId", 4),
        clientRequestID: try object.optionalText("clientRequestId", 5), principal: principal, operation: operation,
        store: try object.text("store", 8), key: try object.optionalText("key", 9), version: try object.optionalText("version", 10),
        kid: try object.optionalText("kid", 11), algorithm: try object.optionalText("algorithm", 12), digest: digest,
        decision: decision, reason: try object.optionalText("reason", 15), assignment: try object.optionalText("assignment", 16),
        engine: engine, status: try object.integer("status", 18, 0...999),
        durationMilliseconds: try object.integer("durationMs", 19, 0...Int(Int32.max)),
        callerAddress: try object.optionalText("callerAddress", 20), purpose: try object.optionalText("purpose", 21)))
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
  fileprivate init(_ object: JSONObject) throws(AuditRecordError) {
    guard object.count <= 5 else { throw .unknownMember(of: "principal") }
    guard let claims = object.member("claims", 4)?.object, claims.count <= AuditLimits.claims else { throw .member("principal.claims") }
    var read: [AuditClaim] = []
    for claim in claims.members {
      guard let value = claim.value.string else { throw .member("principal.claims") }
      read.append(AuditClaim(claim.name, value))
    }
    self.init(
      objectID: try object.text("objectId", 0), clientID: try object.optionalText("clientId", 1),
      issuer: try object.text("issuer", 2), subject: try object.text("subject", 3), claims: read)
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
  /// The member of that name; `place` is where our own writer puts it, and is looked at first.
  fileprivate func member(_ name: String, _ place: Int) -> JSONValue? {
    if place < members.count, members[place].name == name { return members[place].value }
    return self[name]
  }

  fileprivate func text(_ name: String, _ place: Int) throws(AuditRecordError) -> String {
    guard let text = member(name, place)?.string else { throw .member(name) }
    return text
  }

  /// The member must be there; `null` is nil.
  fileprivate func optionalText(_ name: String, _ place: Int) throws(AuditRecordError) -> String? {
    switch member(name, place) {
    case .some(.null): return nil
    case .some(.string(let text)): return text
    default: throw .member(name)
    }
  }

  fileprivate func integer(_ name: String, _ place: Int, _ range: ClosedRange<Int>) throws(AuditRecordError) -> Int {
    guard let value = member(name, place)?.int, range.contains(value) else { throw .member(name) }
    return value
  }
}
