package import Encodings

/// A Sigstore bundle: one signature, and the material to check it with (sigstore `Bundle` protobuf, JSON form).
///
/// Parsing checks form only. Nothing in a parsed bundle is trusted: the hint is a hint, the message digest is a claim.
package struct SigstoreBundle: Sendable, Hashable {
  /// The versions that are read. Only 0.3 is written.
  package enum Version: String, Sendable, Hashable, CaseIterable {
    case v01 = "0.1"
    case v02 = "0.2"
    case v03 = "0.3"
  }

  /// What names the key that made the signature.
  package enum Material: Sendable, Hashable {
    /// A key held elsewhere. The hint is base64 of SHA-256 of the DER SubjectPublicKeyInfo when cosign or we wrote it; nil when absent.
    case publicKey(hint: String?)
    /// DER certificates, leaf first; exactly one in version 0.3.
    case certificates([[UInt8]])
  }

  /// What was signed.
  package enum Content: Sendable, Hashable {
    case message(MessageSignature)
    case envelope(Envelope)
  }

  package var version: Version
  package var material: Material
  package var content: Content
  /// Transparency log entries as they were written; checked by whoever knows the log's key. At most 32.
  package var logEntries: [JSONValue]
  /// DER `TimeStampResp` (RFC 3161 §2.4.2). At most 32.
  package var timestamps: [[UInt8]]

  package init(
    version: Version = .v03, material: Material, content: Content, logEntries: [JSONValue] = [], timestamps: [[UInt8]] = []
  ) {
    self.version = version
    self.material = material
    self.content = content
    self.logEntries = logEntries
    self.timestamps = timestamps
  }

  /// A version 0.3 bundle over a blob, to be checked with a public key.
  ///
  /// - Parameter spkiDigest: SHA-256 of the DER SubjectPublicKeyInfo, 32 bytes: it becomes the hint.
  package init(blob signature: MessageSignature, spkiDigest: [UInt8]) {
    self.init(material: .publicKey(hint: Base64.encode(spkiDigest)), content: .message(signature))
  }

  /// A version 0.3 bundle over an attestation, to be checked with a public key.
  package init(envelope: Envelope, spkiDigest: [UInt8]) {
    self.init(material: .publicKey(hint: Base64.encode(spkiDigest)), content: .envelope(envelope))
  }

  /// The hint as the 32 bytes it encodes, when it has that form.
  package var keyFingerprint: [UInt8]? {
    guard case .publicKey(let hint?) = material, let bytes = try? Base64.decode(hint), bytes.count == 32 else { return nil }
    return bytes
  }
}

/// The digest of a blob and a signature over it.
package struct MessageSignature: Sendable, Hashable {
  /// What the signer says the digest was: a hint for choosing the hash, never evidence. Nil when absent.
  package var digest: MessageDigest?
  /// ASN.1 DER `SEQUENCE { r, s }` for EC keys, the signature octets for RSA.
  package var signature: [UInt8]

  package init(digest: MessageDigest?, signature: [UInt8]) {
    self.digest = digest
    self.signature = signature
  }
}

/// A digest and the hash it was made with.
package struct MessageDigest: Sendable, Hashable {
  package var algorithm: HashAlgorithm
  /// Exactly `algorithm.byteCount` bytes.
  package var bytes: [UInt8]

  package init(algorithm: HashAlgorithm, bytes: [UInt8]) {
    self.algorithm = algorithm
    self.bytes = bytes
  }

  /// `sha256:` and lower-case hexadecimal: how digests are written outside bundles.
  package var text: String { "\(algorithm.rawValue):\(Hex.encode(bytes))" }

  /// Reads `sha256:…`, `sha384:…`, `sha512:…`; nil when the name is unknown or the length does not fit it.
  package init?(text: String) {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), text.utf8.count <= 140,
      let algorithm = HashAlgorithm(rawValue: String(text[..<colon])),
      let bytes = try? Hex.decode(String(text[text.index(after: colon)...])), bytes.count == algorithm.byteCount
    else { return nil }
    self.init(algorithm: algorithm, bytes: bytes)
  }
}

/// The hashes a digest may be made with.
package enum HashAlgorithm: String, Sendable, Hashable, CaseIterable {
  case sha256
  case sha384
  case sha512

  package var byteCount: Int {
    switch self {
    case .sha256: 32
    case .sha384: 48
    case .sha512: 64
    }
  }

  /// The name in a bundle: sigstore `HashAlgorithm`.
  package var bundleName: String {
    switch self {
    case .sha256: "SHA2_256"
    case .sha384: "SHA2_384"
    case .sha512: "SHA2_512"
    }
  }
}
