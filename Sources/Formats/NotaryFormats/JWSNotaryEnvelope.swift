internal import Encodings

/// The JWS form: flattened JSON serialization (RFC 7515 §7.2.2), exactly four members.
enum JWSNotaryEnvelope {
  private typealias Header = NotaryEnvelope.Header
  private typealias Limits = NotaryEnvelope.Limits

  static let limits = JSONLimits(maxBytes: NotaryEnvelope.Limits.envelopeBytes, maxDepth: 8, maxElements: 5_000)
  static let headerLimits = JSONLimits(maxBytes: 64 << 10, maxDepth: 8, maxElements: 2_000)

  /// Header parameters that RFC 7515 and RFC 7797 register: never critical, never extended.
  static let reserved: Set<String> = ["alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit", "b64"]

  static func parse(_ bytes: [UInt8]) throws(NotaryError) -> NotaryEnvelope {
    let value: JSONValue
    do { value = try JSONValue.parse(bytes, limits: limits) } catch { throw .notJSON(what: "the envelope", error.description) }
    let root = try NotaryMembers(value, path: "envelope")
    try root.allow(["payload", "protected", "header", "signature"])
    let payload = try root.base64URL("payload", maxBytes: Limits.envelopeBytes)
    let protected = try root.base64URL("protected", maxBytes: headerLimits.maxBytes)
    let signature = try root.base64URL("signature", maxBytes: 1024)
    let (keySpec, contentType, header, names) = try protectedHeader(protected)
    guard signature.count == keySpec.signatureByteCount else {
      throw .badSignatureLength(algorithm: keySpec.jwsAlgorithm, wanted: keySpec.signatureByteCount, got: signature.count)
    }
    let meaning = try header.meaning()
    let unprotected = try root.object("header")
    for name in unprotected.object.names where names.contains(name) || name == "crit" || name == "alg" || name == "cty" {
      throw .badMember(path: unprotected.at(String(name.prefix(80))), wanted: "a parameter that is not also a protected one")
    }
    // The bytes as they stand in the envelope are what was signed: base64url has one form here, so encoding again gives the same text.
    return NotaryEnvelope(
      format: .jws, signedBytes: signedBytes(protected: protected, payload: payload), signature: signature, keySpec: keySpec,
      contentType: contentType, payload: payload, signingScheme: meaning.signingScheme, signingTime: meaning.signingTime,
      expiry: meaning.expiry, verificationPlugin: meaning.verificationPlugin, extendedAttributes: meaning.extended,
      certificateChain: try chain(unprotected),
      timestampToken: unprotected.object[Header.timestampSignature] == nil
        ? nil : try unprotected.base64(Header.timestampSignature, maxBytes: Limits.timestampBytes),
      signingAgent: try unprotected.optionalString(Header.signingAgent, maxBytes: 1024))
  }

  private static func chain(_ header: NotaryMembers) throws(NotaryError) -> [[UInt8]] {
    let entries = try header.array("x5c", limit: Limits.chainLength)
    guard !entries.isEmpty else { throw .badChain("x5c is empty") }
    var chain: [[UInt8]] = []
    for (i, entry) in entries.enumerated() {
      guard let text = entry.string, let der = NotaryMembers.base64(text, maxBytes: Limits.certificateBytes) else {
        throw .badMember(path: "\(header.at("x5c"))[\(i)]", wanted: "a certificate in base64 with padding")
      }
      chain.append(der)
    }
    return chain
  }

  private static func protectedHeader(
    _ bytes: [UInt8]
  ) throws(NotaryError) -> (NotaryKeySpec, contentType: String, NotaryProtectedHeader, names: [String]) {
    let value: JSONValue
    do { value = try JSONValue.parse(bytes, limits: headerLimits) } catch { throw .notJSON(what: "the protected header", error.description) }
    let members = try NotaryMembers(value, path: "protected")
    let algorithm = try members.string("alg", maxBytes: 64)
    guard let keySpec = NotaryKeySpec(jwsAlgorithm: algorithm) else { throw .unknownAlgorithm(algorithm) }
    let contentType = try members.string("cty", maxBytes: 255)
    guard members.object["b64"] == nil else { throw .unknownMember(path: "protected.b64") }
    var critical: [NotaryProtectedHeader.Name] = []
    for (i, name) in try members.array("crit", limit: Limits.attributes).enumerated() {
      guard let name = name.string else { throw .badMember(path: "protected.crit[\(i)]", wanted: "a string") }
      guard !reserved.contains(name) else { throw .criticalHeader(name, why: "RFC 7515 §4.1.11 does not allow it in crit") }
      critical.append(.text(name))
    }
    var entries: [(name: NotaryProtectedHeader.Name, value: JSONValue)] = []
    for member in members.object.members where !["alg", "cty", "crit"].contains(member.name) {
      let isTime = NotaryProtectedHeader.times.contains(member.name)
      entries.append((.text(member.name), isTime ? .integer(try seconds(member)) : member.value))
    }
    return (
      keySpec, contentType, NotaryProtectedHeader(entries: entries, critical: critical, own: []), members.object.names
    )
  }

  /// RFC 3339 in UTC, whole seconds, written with `Z`.
  private static func seconds(_ member: JSONObject.Member) throws(NotaryError) -> Int64 {
    guard let text = member.value.string, text.utf8.count == 20, text.utf8.last == UInt8(ascii: "Z"), let time = try? ISO8601.parse(text) else {
      throw .badMember(path: "protected.\(member.name)", wanted: "an RFC 3339 time in UTC without fraction, like 2026-03-02T07:41:12Z")
    }
    return time / 1_000_000_000
  }

  static func protectedHeader(_ attributes: UnsignedNotaryEnvelope.Attributes, _ keySpec: NotaryKeySpec) throws(NotaryError) -> [UInt8] {
    let (entries, critical) = try attributes.entries()
    var header: JSONObject = [
      "alg": .string(keySpec.jwsAlgorithm), "cty": .string(attributes.contentType), "crit": .array(critical.map { .string($0) }),
    ]
    for entry in entries {
      header[entry.name] = entry.isTime ? .string(ISO8601.format(seconds: entry.value.int64 ?? 0)) : entry.value
    }
    return JSONValue.object(header).serialized(sortedKeys: true)
  }

  /// JWS Signing Input (RFC 7515 §5.1).
  static func signedBytes(protected: [UInt8], payload: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    Base64URL.append(protected, to: &output)
    output.append(UInt8(ascii: "."))
    Base64URL.append(payload, to: &output)
    return output
  }

  static func sealed(_ envelope: UnsignedNotaryEnvelope, signature: [UInt8], chain: [[UInt8]], timestampToken: [UInt8]?) -> [UInt8] {
    var header: JSONObject = ["x5c": .array(chain.map { .string(Base64.encode($0)) })]
    header.set(Header.timestampSignature, ifPresent: timestampToken.map { .string(Base64.encode($0)) })
    header.set(Header.signingAgent, ifPresent: envelope.signingAgent.map { .string($0) })
    let document: JSONValue = [
      "payload": .string(Base64URL.encode(envelope.payload)), "protected": .string(Base64URL.encode(envelope.protected)),
      "header": .object(header), "signature": .string(Base64URL.encode(signature)),
    ]
    return document.serialized()
  }
}
