import Clocks

/// Writes a record's one line of JSON straight into bytes. No Codable: this is the hot path.
enum AuditRecordWriter {
  /// What stands before the sequence.
  static let head: StaticString = #"{"schema":"hallmark.audit/v1","sequence":"#

  /// `node` as a JSON string, encoded once per trail.
  static func encodedNode(_ node: String) -> [UInt8] {
    var bytes: [UInt8] = []
    appendText(node, to: &bytes)
    return bytes
  }

  /// What stands after the sequence, up to and including the closing brace.
  static func tail(of entry: AuditEntry, node: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(832)
    append(#","time":""#, to: &out)
    appendTimestamp(entry.time, to: &out)
    append(#"","node":"#, to: &out)
    out.append(contentsOf: node)
    append(#","requestId":"#, to: &out)
    appendOptional(entry.requestID, to: &out)
    append(#","clientRequestId":"#, to: &out)
    appendOptional(entry.clientRequestID, to: &out)
    append(#","principal":"#, to: &out)
    appendPrincipal(entry.principal, to: &out)
    append(#","operation":""#, to: &out)
    appendRaw(entry.operation.rawValue, to: &out)
    append(#"","store":"#, to: &out)
    appendText(entry.store, to: &out)
    append(#","key":"#, to: &out)
    appendOptional(entry.key, to: &out)
    append(#","version":"#, to: &out)
    appendOptional(entry.version, to: &out)
    append(#","kid":"#, to: &out)
    appendOptional(entry.kid, to: &out)
    append(#","algorithm":"#, to: &out)
    appendOptional(entry.algorithm, to: &out)
    append(#","digest":"#, to: &out)
    appendDigest(entry.digest, to: &out)
    switch entry.decision {
    case .allow: append(#","decision":"allow","reason":"#, to: &out)
    case .deny: append(#","decision":"deny","reason":"#, to: &out)
    }
    appendOptional(entry.reason, to: &out)
    append(#","assignment":"#, to: &out)
    appendOptional(entry.assignment, to: &out)
    append(#","engine":"#, to: &out)
    appendOptional(entry.engine?.rawValue, to: &out)
    append(#","status":"#, to: &out)
    appendInteger(min(max(entry.status, 0), 999), to: &out)
    append(#","durationMs":"#, to: &out)
    appendInteger(min(max(entry.durationMilliseconds, 0), Int(Int32.max)), to: &out)
    append(#","callerAddress":"#, to: &out)
    appendOptional(entry.callerAddress, to: &out)
    append(#","purpose":"#, to: &out)
    appendOptional(entry.purpose, to: &out)
    out.append(UInt8(ascii: "}"))
    return out
  }

  private static func appendPrincipal(_ principal: AuditPrincipal?, to out: inout [UInt8]) {
    guard let principal else { return append("null", to: &out) }
    append(#"{"objectId":"#, to: &out)
    appendText(principal.objectID, to: &out)
    append(#","clientId":"#, to: &out)
    appendOptional(principal.clientID, to: &out)
    append(#","issuer":"#, to: &out)
    appendText(principal.issuer, to: &out)
    append(#","subject":"#, to: &out)
    appendText(principal.subject, to: &out)
    append(#","claims":{"#, to: &out)
    let claims = principal.claims.prefix(AuditLimits.claims)
    var written = 0
    for (index, claim) in claims.enumerated() {
      // A name twice, or one too long to be kept whole, would make the record unreadable.
      guard claim.name.utf8.count <= AuditLimits.textBytes, !claims[..<index].contains(where: { $0.name == claim.name })
      else { continue }
      if written > 0 { out.append(UInt8(ascii: ",")) }
      appendText(claim.name, to: &out)
      out.append(UInt8(ascii: ":"))
      appendText(claim.value, to: &out)
      written += 1
    }
    append("}}", to: &out)
  }

  private static func appendDigest(_ digest: AuditDigest?, to out: inout [UInt8]) {
    guard let digest else { return append("null", to: &out) }
    switch digest.algorithm {
    case .sha256: append(#""sha256:"#, to: &out)
    case .sha384: append(#""sha384:"#, to: &out)
    case .sha512: append(#""sha512:"#, to: &out)
    }
    for byte in digest.bytes {
      out.append(hexDigit(byte >> 4))
      out.append(hexDigit(byte & 15))
    }
    out.append(UInt8(ascii: "\""))
  }

  private static func hexDigit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 0x30 &+ nibble : 0x57 &+ nibble }
}
