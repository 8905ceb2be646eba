internal import Encodings

extension Envelope {
  /// The largest payload that is read: room for the largest SBOMs.
  package static let maxPayloadBytes = 128 << 20
  /// Signatures of one standalone envelope that are read.
  package static let maxSignatures = 16
  static let maxTypeBytes = 256
  static let maxKeyIDBytes = 1024

  /// The payload in base64, and room for the rest.
  static let limits = JSONLimits(maxBytes: maxPayloadBytes / 3 * 4 + (1 << 20), maxDepth: 8, maxElements: 1024)

  /// Reads an envelope that stands alone, as the layers of cosign's `.att` manifests do: one value per signature, all with the same payload.
  ///
  /// Base64 may be of either alphabet. Members that DSSE does not name are passed over, as it demands: none of them is signed.
  /// - Throws: `.malformed` for anything that is no envelope with 1 to 16 signatures.
  /// - Complexity: one pass over the text; the payload is copied once.
  package static func parse(_ bytes: some Sequence<UInt8>) throws(DocumentError) -> [Envelope] {
    do throws(BundleError) {
      return try contiguous(bytes) { (text) throws(BundleError) in
        try RawObject(text, limits: limits, path: "").envelopes(strict: false, maxSignatures: maxSignatures)
      }
    } catch { throw .malformed(.envelope, error) }
  }
}

extension RawObject {
  /// The envelope that this object is, once for each signature.
  func envelopes(strict: Bool, maxSignatures: Int) throws(BundleError) -> [Envelope] {
    if strict { try allow(["payload", "payloadType", "signatures"]) }
    let type = try string("payloadType", maxBytes: Envelope.maxTypeBytes)
    let payload = try base64("payload", maxBytes: Envelope.maxPayloadBytes)
    let list = MemberReader(.object(["signatures": try value("signatures", limits: .standard)]), path: path)
    var result: [Envelope] = []
    for (i, entry) in (try list.array("signatures", limit: maxSignatures) ?? []).enumerated() {
      let signature = MemberReader(entry, path: "\(at("signatures"))[\(i)]")
      if strict { try signature.allow(["sig", "keyid"]) }
      result.append(
        Envelope(
          payloadType: type, payload: payload, signature: try signature.bytes("sig", maxBytes: SigstoreBundle.maxSignatureBytes),
          keyID: try signature.optionalString("keyid", maxBytes: Envelope.maxKeyIDBytes)))
    }
    guard !result.isEmpty else { throw .badMember(path: at("signatures"), wanted: "at least one signature") }
    return result
  }
}
