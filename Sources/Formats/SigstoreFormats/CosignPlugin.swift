/// The messages of cosign's KMS plugin protocol, version `v1` (sigstore `kms/cliplugin`): one JSON object as the second argument, one as the
/// answer on standard output.
package enum CosignPlugin {
  /// `argv[1]`, and `initOptions.protocolVersion`.
  package static let protocolVersion = "v1"
  /// Larger than any request cosign makes: the largest member is a signature.
  package static let maxRequestBytes = 64 << 10
  package static let maxSignatureBytes = 2048
  package static let maxTextBytes = 2048

  /// What every request carries.
  package struct Request: Sendable, Hashable {
    /// The key as the user named it, usually without its scheme: `host/keys/name/version`.
    package var keyResource: String
    /// The hash the caller is set to: always SHA-256 with cosign, whatever the key is, so it decides nothing.
    package var hash: HashAlgorithm?
    package var options: RPCOptions
    package var call: Call
    /// The earliest deadline among those the request names, nanoseconds since the epoch; nil when it names none.
    package var deadline: Int64?

    package init(keyResource: String, hash: HashAlgorithm? = nil, options: RPCOptions = RPCOptions(), call: Call, deadline: Int64? = nil) {
      self.keyResource = keyResource
      self.hash = hash
      self.options = options
      self.call = call
      self.deadline = deadline
    }
  }

  package struct RPCOptions: Sendable, Hashable {
    /// A version that goes before the one in the key resource; nil when empty.
    package var keyVersion: String?
    /// Whether the caller asks that the service verify. We always verify here, which needs no right and no operation.
    package var remoteVerification: Bool

    package init(keyVersion: String? = nil, remoteVerification: Bool = false) {
      self.keyVersion = keyVersion
      self.remoteVerification = remoteVerification
    }
  }

  /// The six methods.
  package enum Call: Sendable, Hashable {
    case defaultAlgorithm
    case supportedAlgorithms
    case createKey(algorithm: String)
    case publicKey
    /// - Parameter digest: of the message on standard input; its length is the only sign of its hash.
    case signMessage(digest: [UInt8]?)
    case verifySignature(signature: [UInt8], digest: [UInt8]?)

    package var method: String {
      switch self {
      case .defaultAlgorithm: "defaultAlgorithm"
      case .supportedAlgorithms: "supportedAlgorithms"
      case .createKey: "createKey"
      case .publicKey: "publicKey"
      case .signMessage: "signMessage"
      case .verifySignature: "verifySignature"
      }
    }
  }

  /// What a plugin answers.
  package enum Response: Sendable, Hashable {
    case defaultAlgorithm(String)
    case supportedAlgorithms([String])
    case createKey(publicKeyPEM: String)
    case publicKey(publicKeyPEM: String)
    case signMessage(signature: [UInt8])
    case verifySignature
    /// The caller shows the text to the user.
    case failure(String)
  }
}
