internal import Encodings

/// The COSE form: tagged COSE_Sign1 (RFC 9052 §4.2) with a content, no external data.
enum COSENotaryEnvelope {
  private typealias Header = NotaryEnvelope.Header
  private typealias Limits = NotaryEnvelope.Limits

  /// Header labels (RFC 9052 §3.1, RFC 9360 §2).
  private enum Label {
    static let algorithm = CBORLabel.integer(1)
    static let critical = CBORLabel.integer(2)
    static let contentType = CBORLabel.integer(3)
    static let chain = CBORLabel.integer(33)
  }
  /// Tags: epoch-based time (RFC 8949 §3.4.2), COSE_Sign1.
  private static let timeTag: UInt64 = 1
  private static let signTag: UInt64 = 18

  static func parse(_ bytes: [UInt8]) throws(NotaryError) -> NotaryEnvelope {
    let value: CBORValue
    do { value = try CBORValue.parse(bytes, limits: CBORLimits(maxBytes: Limits.envelopeBytes, maxDepth: 8, maxElements: 5_000)) } catch {
      throw .notCBOR(what: "the envelope", error.description)
    }
    guard case .tagged(signTag, .array(let parts)) = value, parts.count == 4 else {
      throw .badMember(path: "envelope", wanted: "a COSE_Sign1 of four elements under tag 18")
    }
    guard let protected = parts[0].bytes, !protected.isEmpty else { throw .badMember(path: "protected", wanted: "a byte string that is not empty") }
    guard let unprotected = parts[1].map else { throw .badMember(path: "unprotected", wanted: "a map") }
    guard let payload = parts[2].bytes, !payload.isEmpty else { throw .badMember(path: "payload", wanted: "the content as a byte string") }
    guard let signature = parts[3].bytes else { throw .badMember(path: "signature", wanted: "a byte string") }
    let (keySpec, contentType, header, labels) = try protectedHeader(protected)
    guard signature.count == keySpec.signatureByteCount else {
      throw .badSignatureLength(algorithm: keySpec.jwsAlgorithm, wanted: keySpec.signatureByteCount, got: signature.count)
    }
    let meaning = try header.meaning()
    for label in unprotected.labels where labels.contains(label) || [Label.algorithm, Label.critical, Label.contentType].contains(label) {
      throw .badMember(path: "unprotected.\(label.description.prefix(80))", wanted: "a header that is not also a protected one")
    }
    return NotaryEnvelope(
      format: .cose, signedBytes: signedBytes(protected: protected, payload: payload), signature: signature, keySpec: keySpec,
      contentType: contentType, payload: payload, signingScheme: meaning.signingScheme, signingTime: meaning.signingTime,
      expiry: meaning.expiry, verificationPlugin: meaning.verificationPlugin, extendedAttributes: meaning.extended,
      certificateChain: try chain(unprotected), timestampToken: try timestamp(unprotected), signingAgent: try agent(unprotected))
  }

  /// `x5chain`: always an array here, also of one certificate, as the specification demands.
  private static func chain(_ unprotected: CBORMap) throws(NotaryError) -> [[UInt8]] {
    guard let entries = unprotected[Label.chain]?.array else { throw .badMember(path: "unprotected.33", wanted: "an array of certificates") }
    guard (1...Limits.chainLength).contains(entries.count) else {
      throw .badChain("\(entries.count) certificates where 1 to \(Limits.chainLength) are wanted")
    }
    var chain: [[UInt8]] = []
    for (i, entry) in entries.enumerated() {
      guard let der = entry.bytes, !der.isEmpty, der.count <= Limits.certificateBytes else {
        throw .badMember(path: "unprotected.33[\(i)]", wanted: "a byte string of 1 to \(Limits.certificateBytes) bytes")
      }
      chain.append(der)
    }
    return chain
  }

  private static func timestamp(_ unprotected: CBORMap) throws(NotaryError) -> [UInt8]? {
    guard let value = unprotected[.text(Header.timestampSignature)] else { return nil }
    guard let token = value.bytes, !token.isEmpty, token.count <= Limits.timestampBytes else {
      throw .badMember(path: "unprotected.\(Header.timestampSignature)", wanted: "a byte string of 1 to \(Limits.timestampBytes) bytes")
    }
    return token
  }

  private static func agent(_ unprotected: CBORMap) throws(NotaryError) -> String? {
    guard let value = unprotected[.text(Header.signingAgent)] else { return nil }
    guard let text = value.text, !text.isEmpty, text.utf8.count <= 1024 else {
      throw .badMember(path: "unprotected.\(Header.signingAgent)", wanted: "a text of 1 to 1024 bytes")
    }
    return text
  }

  private static func protectedHeader(
    _ bytes: [UInt8]
  ) throws(NotaryError) -> (NotaryKeySpec, contentType: String, NotaryProtectedHeader, labels: [CBORLabel]) {
    let value: CBORValue
    do { value = try CBORValue.parse(bytes, limits: CBORLimits(maxBytes: 64 << 10, maxDepth: 8, maxElements: 2_000)) } catch {
      throw .notCBOR(what: "the protected header", error.description)
    }
    guard let map = value.map else { throw .badMember(path: "protected", wanted: "a map") }
    guard let algorithm = map[Label.algorithm]?.integer else { throw .badMember(path: "protected.1", wanted: "an algorithm number") }
    guard let keySpec = NotaryKeySpec(coseAlgorithm: algorithm) else { throw .unknownAlgorithm(String(algorithm)) }
    guard let contentType = map[Label.contentType]?.text, !contentType.isEmpty, contentType.utf8.count <= 255 else {
      throw .badMember(path: "protected.3", wanted: "a media type as text")
    }
    guard let listed = map[Label.critical]?.array, listed.count <= Limits.attributes else {
      throw .badMember(path: "protected.2", wanted: "an array of at most \(Limits.attributes) labels")
    }
    var critical: [NotaryProtectedHeader.Name] = []
    for (i, label) in listed.enumerated() {
      switch label {
      case .text(let text): critical.append(.text(text))
      case .integer(let number): critical.append(.integer(number))
      default: throw .badMember(path: "protected.2[\(i)]", wanted: "a label")
      }
    }
    var entries: [(name: NotaryProtectedHeader.Name, value: JSONValue)] = []
    for entry in map.entries where ![Label.algorithm, Label.critical, Label.contentType].contains(entry.label) {
      entries.append(try self.entry(entry))
    }
    let header = NotaryProtectedHeader(entries: entries, critical: critical, own: [.integer(1), .integer(3)])
    return (keySpec, contentType, header, map.labels)
  }

  private static func entry(_ entry: CBORMap.Entry) throws(NotaryError) -> (name: NotaryProtectedHeader.Name, value: JSONValue) {
    switch entry.label {
    case .integer(let number): return (.integer(number), entry.value.json)
    case .text(let text):
      guard NotaryProtectedHeader.times.contains(text) else { return (.text(text), entry.value.json) }
      guard case .tagged(timeTag, .integer(let seconds)) = entry.value else {
        throw .badMember(path: "protected.\(text)", wanted: "a whole number of seconds under tag 1")
      }
      return (.text(text), .integer(seconds))
    }
  }

  static func protectedHeader(_ attributes: UnsignedNotaryEnvelope.Attributes, _ keySpec: NotaryKeySpec) throws(NotaryError) -> [UInt8] {
    let (entries, critical) = try attributes.entries()
    var header: CBORMap = [
      Label.algorithm: .integer(keySpec.coseAlgorithm), Label.critical: .array(critical.map { .text($0) }),
      Label.contentType: .text(attributes.contentType),
    ]
    for entry in entries {
      let value: CBORValue = entry.value.int64.map { .integer($0) } ?? .text(entry.value.string ?? "")
      header[.text(entry.name)] = entry.isTime ? .tagged(timeTag, value) : value
    }
    return CBORValue.map(header).serialized()
  }

  /// `Sig_structure` (RFC 9052 §4.4) without external data.
  static func signedBytes(protected: [UInt8], payload: [UInt8]) -> [UInt8] {
    CBORValue.array([.text("Signature1"), .bytes(protected), .bytes([]), .bytes(payload)]).serialized()
  }

  static func sealed(_ envelope: UnsignedNotaryEnvelope, signature: [UInt8], chain: [[UInt8]], timestampToken: [UInt8]?) -> [UInt8] {
    var unprotected: CBORMap = [Label.chain: .array(chain.map { .bytes($0) })]
    unprotected[.text(Header.timestampSignature)] = timestampToken.map { .bytes($0) }
    unprotected[.text(Header.signingAgent)] = envelope.signingAgent.map { .text($0) }
    return CBORValue.tagged(
      signTag, .array([.bytes(envelope.protected), .map(unprotected), .bytes(envelope.payload), .bytes(signature)])
    ).serialized()
  }
}

extension CBORValue {
  /// The value as JSON, for people and for verification plugins: byte strings in base64, tags dropped.
  var json: JSONValue {
    switch self {
    case .integer(let number): return .integer(number)
    case .bytes(let bytes): return .string(Base64.encode(bytes))
    case .text(let text): return .string(text)
    case .array(let values): return .array(values.map(\.json))
    case .map(let map):
      var object = JSONObject()
      for entry in map.entries { object[entry.label.description] = entry.value.json }
      return .object(object)
    case .tagged(_, let value): return value.json
    case .bool(let value): return .bool(value)
    case .null: return .null
    }
  }
}
