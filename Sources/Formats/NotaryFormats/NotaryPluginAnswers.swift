internal import Encodings

/// Answers of a plugin, each one JSON document for standard output.
extension NotaryPlugin {
  package struct Metadata: Sendable, Hashable {
    /// Must equal NAME of the file `notation-NAME`.
    package var name: String
    package var description: String
    package var version: String
    package var url: String
    package var capabilities: [Capability]

    package init(name: String, description: String, version: String, url: String, capabilities: [Capability]) {
      self.name = name
      self.description = description
      self.version = version
      self.url = url
      self.capabilities = capabilities
    }

    package func serialized() -> [UInt8] {
      let document: JSONValue = [
        "name": .string(name), "description": .string(description), "version": .string(version), "url": .string(url),
        "supportedContractVersions": [.string(NotaryPlugin.contractVersion)],
        "capabilities": .array(capabilities.map { .string($0.rawValue) }),
      ]
      return document.serialized()
    }
  }

  /// - Parameter keyID: as the request spelled it.
  package static func describedKey(_ keyID: String, spec: NotaryKeySpec) -> [UInt8] {
    JSONValue.object(["keyId": .string(keyID), "keySpec": .string(spec.rawValue)]).serialized()
  }

  package static func signature(_ keyID: String, signature: [UInt8], spec: NotaryKeySpec, chain: [[UInt8]]) -> [UInt8] {
    let document: JSONValue = [
      "keyId": .string(keyID), "signature": .string(Base64.encode(signature)), "signingAlgorithm": .string(spec.signingAlgorithm),
      "certificateChain": .array(chain.map { .string(Base64.encode($0)) }),
    ]
    return document.serialized()
  }

  /// - Parameter annotations: further ones for the signature manifest.
  package static func envelope(_ envelope: [UInt8], format: NotaryEnvelope.Format, annotations: [(name: String, value: String)]) -> [UInt8] {
    var members = JSONObject()
    for annotation in annotations { members[annotation.name] = .string(annotation.value) }
    var object: JSONObject = [
      "signatureEnvelope": .string(Base64.encode(envelope)), "signatureEnvelopeType": .string(format.mediaType),
    ]
    if !members.isEmpty { object["annotations"] = .object(members) }
    return JSONValue.object(object).serialized()
  }

  /// The answer to `verify-signature`: one result for each check that was asked for.
  package struct Verification: Sendable, Hashable {
    package struct Outcome: Sendable, Hashable {
      package var check: Capability
      package var success: Bool
      package var reason: String

      package init(check: Capability, success: Bool, reason: String) {
        self.check = check
        self.success = success
        self.reason = reason
      }
    }

    package var outcomes: [Outcome]
    package var processedAttributes: [String]

    package init(outcomes: [Outcome], processedAttributes: [String]) {
      self.outcomes = outcomes
      self.processedAttributes = processedAttributes
    }

    package func serialized() -> [UInt8] {
      var results = JSONObject()
      for outcome in outcomes { results[outcome.check.rawValue] = ["success": .bool(outcome.success), "reason": .string(outcome.reason)] }
      return JSONValue.object([
        "verificationResults": .object(results), "processedAttributes": .array(processedAttributes.map { .string($0) }),
      ]).serialized()
    }
  }
}
