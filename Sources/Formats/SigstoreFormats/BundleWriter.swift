package import Encodings

extension SigstoreBundle {
  /// What is written, whatever version was read.
  package static let mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

  /// The bundle as JSON of version 0.3, members in the order cosign writes them.
  ///
  /// A bundle with several certificates cannot be written in this version; only its leaf is.
  package var json: JSONValue {
    var material: JSONObject = [:]
    switch self.material {
    case .publicKey(let hint): material["publicKey"] = .object(hint.map { ["hint": .string($0)] } ?? [:])
    case .certificates(let chain):
      if let leaf = chain.first { material["certificate"] = ["rawBytes": .string(Base64.encode(leaf))] }
    }
    if !logEntries.isEmpty { material["tlogEntries"] = .array(logEntries) }
    if !timestamps.isEmpty {
      material["timestampVerificationData"] = [
        "rfc3161Timestamps": .array(timestamps.map { ["signedTimestamp": .string(Base64.encode($0))] })
      ]
    }
    var bundle: JSONObject = ["mediaType": .string(Self.mediaType), "verificationMaterial": .object(material)]
    switch content {
    case .message(let message):
      var member: JSONObject = [:]
      if let digest = message.digest {
        member["messageDigest"] = [
          "algorithm": .string(digest.algorithm.bundleName), "digest": .string(Base64.encode(digest.bytes)),
        ]
      }
      member["signature"] = .string(Base64.encode(message.signature))
      bundle["messageSignature"] = .object(member)
    case .envelope(let envelope):
      var signature: JSONObject = ["sig": .string(Base64.encode(envelope.signature))]
      signature.set("keyid", ifPresent: envelope.keyID.map { .string($0) })
      bundle["dsseEnvelope"] = [
        "payload": .string(Base64.encode(envelope.payload)), "payloadType": .string(envelope.payloadType),
        "signatures": [.object(signature)],
      ]
    }
    return .object(bundle)
  }

  /// The UTF-8 text of the file.
  package func serialized() -> [UInt8] { json.serialized() }
}
