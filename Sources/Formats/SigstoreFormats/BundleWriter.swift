package import Encodings

extension SigstoreBundle {
  /// What is written, whatever version was read.
  package static let mediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

  /// The UTF-8 text of the file: version 0.3, members in the order cosign writes them.
  ///
  /// A bundle with several certificates cannot be written in this version; only its leaf is.
  package func serialized() -> [UInt8] {
    var output: [UInt8] = []
    output += "{\"mediaType\":\"\(Self.mediaType)\",\"verificationMaterial\":".utf8
    materialJSON.append(to: &output)
    switch content {
    case .message(let message):
      output += ",\"messageSignature\":".utf8
      Self.json(of: message).append(to: &output)
    case .envelope(let envelope):
      output += ",\"dsseEnvelope\":".utf8
      envelope.append(to: &output, keyIDAlways: false)
    }
    output.append(UInt8(ascii: "}"))
    return output
  }

  /// The bundle as a tree, for documents that hold one. A large payload becomes a string: `serialized()` does without.
  package var json: JSONValue {
    var bundle: JSONObject = ["mediaType": .string(Self.mediaType), "verificationMaterial": materialJSON]
    switch content {
    case .message(let message): bundle["messageSignature"] = Self.json(of: message)
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

  private var materialJSON: JSONValue {
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
    return .object(material)
  }

  private static func json(of message: MessageSignature) -> JSONValue {
    var member: JSONObject = [:]
    if let digest = message.digest {
      member["messageDigest"] = [
        "algorithm": .string(digest.algorithm.bundleName), "digest": .string(Base64.encode(digest.bytes)),
      ]
    }
    member["signature"] = .string(Base64.encode(message.signature))
    return .object(member)
  }
}
