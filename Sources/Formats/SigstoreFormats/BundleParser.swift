package import Encodings

extension SigstoreBundle {
  /// 8 MiB, 32 levels, 20 000 values: room for 32 log entries with long inclusion proofs and one large attestation.
  package static let limits = JSONLimits(maxBytes: 8 << 20, maxDepth: 32, maxElements: 20_000)
  /// Log entries and timestamps: the limits of sigstore-go.
  package static let maxEntries = 32
  /// No signature of a supported algorithm is longer than RSA-8192's; DER adds a little.
  package static let maxSignatureBytes = 2048
  package static let maxCertificateBytes = 64 << 10
  package static let maxChain = 16

  /// Reads one bundle of version 0.1, 0.2 or 0.3. Fuzz entry point.
  ///
  /// - Throws: `BundleError` for anything that is not exactly one bundle; nothing is guessed.
  package static func parse(_ bytes: some Sequence<UInt8>) throws(BundleError) -> SigstoreBundle {
    let value: JSONValue
    do { value = try JSONValue.parse(bytes, limits: limits) } catch { throw .notJSON(error.description) }
    let reader = MemberReader(value, path: "")
    try reader.allow(["mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope"])
    let version = try version(mediaType: reader.string("mediaType", maxBytes: 256))

    let material = try reader.object("verificationMaterial")
    try material.allow(["publicKey", "x509CertificateChain", "certificate", "tlogEntries", "timestampVerificationData"])
    let logEntries = try material.array("tlogEntries", limit: maxEntries) ?? []
    for (i, entry) in logEntries.enumerated() where entry.object == nil {
      throw .badMember(path: "verificationMaterial.tlogEntries[\(i)]", wanted: "an object")
    }
    return SigstoreBundle(
      version: version, material: try self.material(material, version), content: try content(reader),
      logEntries: logEntries, timestamps: try timestamps(material))
  }

  private static func version(mediaType: String) throws(BundleError) -> Version {
    switch mediaType {
    case Self.mediaType: .v03
    case "application/vnd.dev.sigstore.bundle+json;version=0.3": .v03
    case "application/vnd.dev.sigstore.bundle+json;version=0.2": .v02
    case "application/vnd.dev.sigstore.bundle+json;version=0.1": .v01
    default: throw .unknownMediaType(mediaType)
    }
  }

  private static func material(_ reader: MemberReader, _ version: Version) throws(BundleError) -> Material {
    switch try reader.only(of: ["publicKey", "x509CertificateChain", "certificate"]) {
    case "publicKey":
      let key = try reader.object("publicKey")
      try key.allow(["hint"])
      return .publicKey(hint: try key.optionalString("hint", maxBytes: 1024))
    case "certificate":
      return .certificates([try certificate(reader.object("certificate"))])
    default:
      guard version != .v03 else {
        throw .badMember(path: "verificationMaterial.x509CertificateChain", wanted: "only a leaf certificate in version 0.3")
      }
      let chain = try reader.object("x509CertificateChain")
      try chain.allow(["certificates"])
      var certificates: [[UInt8]] = []
      for (i, entry) in (try chain.array("certificates", limit: maxChain) ?? []).enumerated() {
        certificates.append(try certificate(MemberReader(entry, path: "\(chain.path).certificates[\(i)]")))
      }
      guard !certificates.isEmpty else { throw .badMember(path: "\(chain.path).certificates", wanted: "at least one certificate") }
      return .certificates(certificates)
    }
  }

  private static func certificate(_ reader: MemberReader) throws(BundleError) -> [UInt8] {
    try reader.allow(["rawBytes"])
    return try reader.bytes("rawBytes", maxBytes: maxCertificateBytes)
  }

  private static func timestamps(_ reader: MemberReader) throws(BundleError) -> [[UInt8]] {
    guard reader.has("timestampVerificationData") else { return [] }
    let data = try reader.object("timestampVerificationData")
    try data.allow(["rfc3161Timestamps"])
    var result: [[UInt8]] = []
    for (i, entry) in (try data.array("rfc3161Timestamps", limit: maxEntries) ?? []).enumerated() {
      let stamp = MemberReader(entry, path: "\(data.path).rfc3161Timestamps[\(i)]")
      try stamp.allow(["signedTimestamp"])
      result.append(try stamp.bytes("signedTimestamp", maxBytes: maxCertificateBytes))
    }
    return result
  }

  private static func content(_ reader: MemberReader) throws(BundleError) -> Content {
    switch try reader.only(of: ["messageSignature", "dsseEnvelope"]) {
    case "messageSignature":
      let message = try reader.object("messageSignature")
      try message.allow(["messageDigest", "signature"])
      return .message(
        MessageSignature(
          digest: try messageDigest(message), signature: try message.bytes("signature", maxBytes: maxSignatureBytes)))
    default:
      let envelope = try reader.object("dsseEnvelope")
      try envelope.allow(["payload", "payloadType", "signatures"])
      let signatures = try envelope.array("signatures", limit: 1) ?? []
      guard let first = signatures.first else {
        throw .badMember(path: "dsseEnvelope.signatures", wanted: "exactly one signature")
      }
      let signature = MemberReader(first, path: "dsseEnvelope.signatures[0]")
      try signature.allow(["sig", "keyid"])
      return .envelope(
        Envelope(
          payloadType: try envelope.string("payloadType", maxBytes: 256),
          payload: try envelope.bytes("payload", maxBytes: limits.maxBytes),
          signature: try signature.bytes("sig", maxBytes: maxSignatureBytes),
          keyID: try signature.optionalString("keyid", maxBytes: 1024)))
    }
  }

  private static func messageDigest(_ message: MemberReader) throws(BundleError) -> MessageDigest? {
    guard message.has("messageDigest") else { return nil }
    let digest = try message.object("messageDigest")
    try digest.allow(["algorithm", "digest"])
    let name = try digest.string("algorithm", maxBytes: 64)
    guard let algorithm = HashAlgorithm.allCases.first(where: { $0.bundleName == name }) else {
      throw .badMember(path: "\(digest.path).algorithm", wanted: "SHA2_256, SHA2_384 or SHA2_512")
    }
    let bytes = try digest.bytes("digest", maxBytes: algorithm.byteCount)
    guard bytes.count == algorithm.byteCount else {
      throw .badMember(path: "\(digest.path).digest", wanted: "\(algorithm.byteCount) bytes")
    }
    return MessageDigest(algorithm: algorithm, bytes: bytes)
  }
}

/// One JSON object of a strict format, with the path that errors name.
struct MemberReader {
  let object: JSONObject?
  let path: String

  init(_ value: JSONValue, path: String) {
    object = value.object
    self.path = path
  }

  private func at(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  /// Refuses a value that is no object, and members not among `names`.
  func allow(_ names: [String]) throws(BundleError) {
    guard let object else { throw .badMember(path: path.isEmpty ? "(the whole)" : path, wanted: "an object") }
    if let unknown = object.firstName(notIn: names) { throw .unknownMember(path: at(String(unknown.prefix(80)))) }
  }

  func has(_ name: String) -> Bool { object?[name] != nil }

  func only(of names: [String]) throws(BundleError) -> String {
    let present = names.filter(has)
    guard present.count == 1 else { throw .notExactlyOne(of: names, path: path) }
    return present[0]
  }

  func object(_ name: String) throws(BundleError) -> MemberReader {
    guard let value = object?[name], value.object != nil else { throw .badMember(path: at(name), wanted: "an object") }
    return MemberReader(value, path: at(name))
  }

  func string(_ name: String, maxBytes: Int) throws(BundleError) -> String {
    guard let text = object?[name]?.string, text.utf8.count <= maxBytes else {
      throw .badMember(path: at(name), wanted: "a string of at most \(maxBytes) bytes")
    }
    return text
  }

  func optionalString(_ name: String, maxBytes: Int) throws(BundleError) -> String? {
    has(name) ? try string(name, maxBytes: maxBytes) : nil
  }

  func array(_ name: String, limit: Int) throws(BundleError) -> [JSONValue]? {
    guard let value = object?[name] else { return nil }
    guard let array = value.array else { throw .badMember(path: at(name), wanted: "an array") }
    guard array.count <= limit else { throw .tooMany(path: at(name), limit: limit) }
    return array
  }

  /// Bytes in base64: not empty, at most `maxBytes` of them.
  func bytes(_ name: String, maxBytes: Int) throws(BundleError) -> [UInt8] {
    guard let text = object?[name]?.string, text.utf8.count <= maxBytes / 3 * 4 + 8, let bytes = try? Base64.decode(text),
      !bytes.isEmpty, bytes.count <= maxBytes
    else { throw .badMember(path: at(name), wanted: "1 to \(maxBytes) bytes in base64") }
    return bytes
  }
}
