package import Encodings

/// The plugin protocol of notation, contract version 1.0 (plugin-extensibility.md): the words.
package enum NotaryPlugin {
  package static let contractVersion = "1.0"
  /// What notation cuts streams at; nothing longer is read.
  package static let maxRequestBytes = 64 << 20
  package static let limits = JSONLimits(maxBytes: maxRequestBytes, maxDepth: 16, maxElements: 20_000)

  package enum Command: String, Sendable, Hashable, CaseIterable {
    case metadata = "get-plugin-metadata"
    case describeKey = "describe-key"
    case generateSignature = "generate-signature"
    case generateEnvelope = "generate-envelope"
    case verifySignature = "verify-signature"
  }

  package enum Capability: String, Sendable, Hashable, CaseIterable {
    case rawGenerator = "SIGNATURE_GENERATOR.RAW"
    case envelopeGenerator = "SIGNATURE_GENERATOR.ENVELOPE"
    case trustedIdentityVerifier = "SIGNATURE_VERIFIER.TRUSTED_IDENTITY"
    case revocationVerifier = "SIGNATURE_VERIFIER.REVOCATION_CHECK"
  }

  /// One request, as far as the command defines it; unknown members are ignored, as the protocol demands.
  package enum Request: Sendable, Hashable {
    case metadata(Configuration)
    case describeKey(keyID: String, Configuration)
    case generateSignature(GenerateSignature)
    case generateEnvelope(GenerateEnvelope)
    case verifySignature(VerifySignature)
  }

  /// `pluginConfig`: texts by name.
  package struct Configuration: Sendable, Hashable {
    package var values: [String: String]
    package init(_ values: [String: String] = [:]) { self.values = values }
    package subscript(name: String) -> String? { values[name] }
  }

  package struct GenerateSignature: Sendable, Hashable {
    package var keyID: String
    package var keySpec: NotaryKeySpec
    /// The bytes to be signed, not their digest.
    package var payload: [UInt8]
    package var configuration: Configuration
  }

  package struct GenerateEnvelope: Sendable, Hashable {
    package var keyID: String
    package var payloadType: String
    package var format: NotaryEnvelope.Format
    package var payload: [UInt8]
    package var expirySeconds: Int64?
    package var configuration: Configuration
  }

  package struct VerifySignature: Sendable, Hashable {
    package var contentType: String
    package var signingScheme: NotaryEnvelope.SigningScheme
    package var expiry: Int64?
    package var authenticSigningTime: Int64?
    package var extendedAttributes: [String: JSONValue]
    /// Critical attributes that notation leaves to the plugin: each must be answered.
    package var unprocessedAttributes: [String]
    package var certificateChain: [[UInt8]]
    package var trustedIdentities: [String]
    /// What the plugin is asked to check.
    package var checks: [Capability]
    package var configuration: Configuration
  }

  /// An error answer. Only `message` reaches the user: all that matters must be in it.
  package struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable, CaseIterable {
      case validation = "VALIDATION_ERROR"
      case unsupportedContractVersion = "UNSUPPORTED_CONTRACT_VERSION"
      case accessDenied = "ACCESS_DENIED"
      case timeout = "TIMEOUT"
      case throttled = "THROTTLED"
      case error = "ERROR"
    }

    package var code: Code
    package var message: String
    package var metadata: [String: String]

    package init(_ code: Code, _ message: String, metadata: [String: String] = [:]) {
      self.code = code
      self.message = message
      self.metadata = metadata
    }

    package var description: String { "\(code.rawValue): \(message)" }

    /// One JSON document for standard error.
    package func serialized() -> [UInt8] {
      var object: JSONObject = ["errorCode": .string(code.rawValue), "errorMessage": .string(message)]
      if !metadata.isEmpty {
        var members = JSONObject()
        for name in metadata.keys.sorted() { members.set(name, ifPresent: metadata[name].map { .string($0) }) }
        object["errorMetadata"] = .object(members)
      }
      return JSONValue.object(object).serialized()
    }
  }
}
