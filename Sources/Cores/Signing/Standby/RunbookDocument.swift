package import Encodings
internal import SigstoreFormats
package import Trust

/// A runbook with the signatures it has so far: a DSSE envelope (payload type in-toto) with one signature for each person.
///
/// Parsing checks form only; who signed is for `check` to say.
package struct RunbookDocument: Sendable, Hashable {
  package static let payloadType = "application/vnd.in-toto+json"
  package static let mediaType = "application/vnd.hallmark.standby-runbook.v1+json"
  package static let limits = JSONLimits(maxBytes: 1 << 20, maxDepth: 16, maxElements: 4096)
  package static let maxSignatures = 64

  package struct Signature: Sendable, Hashable {
    /// SHA-256 of the SubjectPublicKeyInfo, 32 bytes: a claim.
    package var keyFingerprint: [UInt8]
    /// DER for EC keys, octets for RSA.
    package var bytes: [UInt8]

    package init(keyFingerprint: [UInt8], bytes: [UInt8]) {
      self.keyFingerprint = keyFingerprint
      self.bytes = bytes
    }
  }

  /// As it was signed.
  package let payload: [UInt8]
  package let runbook: StandbyRunbook
  package var signatures: [Signature]

  /// A new document without signatures.
  package init(_ runbook: StandbyRunbook) {
    payload = runbook.statement.serialized()
    self.runbook = runbook
    signatures = []
  }

  /// Reads a document. Fuzz entry point.
  package init(parsing bytes: some Sequence<UInt8>) throws(StandbyError) {
    let value: JSONValue
    do { value = try JSONValue.parse(Array(bytes), limits: Self.limits) } catch { throw .malformed(path: "", why: error.description) }
    let top = try StandbyReader(value, path: "", allowed: ["payloadType", "payload", "signatures"])
    guard try top.text("payloadType") == Self.payloadType else { throw top.bad("payloadType", "\(Self.payloadType) expected") }
    guard let payload = try? Base64.decode(try top.text("payload", maxBytes: 1 << 20)) else { throw top.bad("payload", "base64 expected") }
    let statement: JSONValue
    do { statement = try JSONValue.parse(payload, limits: Self.limits) } catch { throw top.bad("payload", error.description) }
    self.payload = payload
    runbook = try StandbyRunbook.parse(statement)
    signatures = []
    for (i, entry) in try top.list("signatures", max: Self.maxSignatures).enumerated() {
      let reader = try StandbyReader(entry, path: "signatures[\(i)]", allowed: ["keyid", "sig"])
      guard let signature = try? Base64.decode(try reader.text("sig")), !signature.isEmpty else { throw reader.bad("sig", "base64 expected") }
      signatures.append(Signature(keyFingerprint: try reader.fingerprint("keyid"), bytes: signature))
    }
  }

  package var json: JSONValue {
    [
      "payloadType": .string(Self.payloadType), "payload": .string(Base64.encode(payload)),
      "signatures": .array(signatures.map { ["keyid": .string(Hex.encode($0.keyFingerprint)), "sig": .string(Base64.encode($0.bytes))] }),
    ]
  }

  package var serialized: [UInt8] { json.serialized(pretty: true) + [UInt8(ascii: "\n")] }

  /// The bytes every signature is over: DSSE v1 pre-authentication encoding.
  package var signedBytes: [UInt8] { Envelope(payloadType: Self.payloadType, payload: payload, signature: []).signedBytes }

  /// Their digests in every hash a key may need.
  package var signedDigests: ArtifactDigests {
    var stream = DigestStream(HashAlgorithm.allCases)
    stream.update(signedBytes)
    return stream.finish()
  }
}
