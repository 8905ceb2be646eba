package import Encodings

extension SigstoreBundle {
  /// 8 MiB, 32 levels, 20 000 values besides the payload: room for 32 log entries with long inclusion proofs.
  package static let materialLimits = JSONLimits(maxBytes: 8 << 20, maxDepth: 32, maxElements: 20_000)
  /// The same and a payload of `Envelope.maxPayloadBytes`, which is one base64 string.
  package static let limits = JSONLimits(
    maxBytes: materialLimits.maxBytes + Envelope.maxPayloadBytes / 3 * 4 + 4, maxDepth: materialLimits.maxDepth,
    maxElements: materialLimits.maxElements)
  /// Log entries and timestamps: the limits of sigstore-go.
  package static let maxEntries = 32
  /// No signature of a supported algorithm is longer than RSA-8192's; DER adds a little.
  package static let maxSignatureBytes = 2048
  package static let maxCertificateBytes = 64 << 10
  package static let maxChain = 16

  /// Reads one bundle of version 0.1, 0.2 or 0.3. Fuzz entry point.
  ///
  /// - Throws: `BundleError` for anything that is not exactly one bundle; nothing is guessed.
  /// - Complexity: one pass over the text; a DSSE payload is copied once, as decoded bytes.
  package static func parse(_ bytes: some Sequence<UInt8>) throws(BundleError) -> SigstoreBundle {
    try contiguous(bytes) { (text) throws(BundleError) in try parse(text) }
  }

  private static func parse(_ text: UnsafeRawBufferPointer) throws(BundleError) -> SigstoreBundle {
    let raw = try RawObject(text, limits: limits, path: "")
    try raw.allow(["mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope"])
    let version = try version(mediaType: raw.string("mediaType", maxBytes: 256))
    let material = MemberReader(try raw.value("verificationMaterial", limits: materialLimits), path: "verificationMaterial")
    try material.allow(["publicKey", "x509CertificateChain", "certificate", "tlogEntries", "timestampVerificationData"])
    let logEntries = try material.array("tlogEntries", limit: maxEntries) ?? []
    for (i, entry) in logEntries.enumerated() where entry.object == nil {
      throw .badMember(path: "verificationMaterial.tlogEntries[\(i)]", wanted: "an object")
    }
    return SigstoreBundle(
      version: version, material: try self.material(material, version), content: try content(raw),
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

  private static func content(_ raw: RawObject) throws(BundleError) -> Content {
    switch (raw.field("messageSignature"), raw.field("dsseEnvelope")) {
    case (.some, nil):
      let message = MemberReader(try raw.value("messageSignature", limits: materialLimits), path: "messageSignature")
      try message.allow(["messageDigest", "signature"])
      return .message(
        MessageSignature(
          digest: try messageDigest(message), signature: try message.bytes("signature", maxBytes: maxSignatureBytes)))
    case (nil, .some):
      guard let text = raw.text("dsseEnvelope") else { throw .badMember(path: "dsseEnvelope", wanted: "an object") }
      let envelope = try RawObject(text, limits: limits, path: "dsseEnvelope")
      return .envelope(try envelope.envelopes(strict: true, maxSignatures: 1)[0])
    default: throw .notExactlyOne(of: ["messageSignature", "dsseEnvelope"], path: "")
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
