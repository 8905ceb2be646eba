import ArgumentParser
import Outbound
import Trust

/// Whom to trust: a policy file, or one key.
struct TrustOptions: ParsableArguments {
  static let defaultPolicy = "hallmark-trust.yaml"

  @Option(help: "The trust policy; default hallmark-trust.yaml in this folder, when there is one and no --key.")
  var policy: String?

  @Option(help: "Instead of a policy: a PEM public key, a trust file, a key URL or a key name.")
  var key: String?

  @Option(name: .customLong("public-key"), parsing: .upToNextOption, help: "PEM files with the bytes of keys that the policy pins by fingerprint alone. They add no trust.")
  var publicKeys: [String] = []

  @Flag(help: "Open no socket: everything must be in files (images: --oci-layout).")
  var offline = false

  /// - Parameter hint: fingerprint of the key that a signature names: saves looking up other versions of a key in an HSM.
  func load(_ what: String, connection: ConnectionOptions, hint: [UInt8]?) async throws -> TrustPolicy {
    let supplied = try PolicyFile.keys(publicKeys)
    return try await source(what, connection: connection, hint: hint).supplying(supplied)
  }

  private func source(_ what: String, connection: ConnectionOptions, hint: [UInt8]?) async throws -> TrustPolicy {
    switch (policy, key) {
    case (.some, .some): throw CommandFailure.usage(what, why: "--policy and --key exclude each other")
    case (let path?, nil): return try read(path)
    case (nil, let key?):
      if !Verification.isFile(key), offline {
        throw CommandFailure.usage(what, why: "--offline opens no socket, and --key \(key) is no file", next: "hallmark keys download writes the public key")
      }
      return try await Verification.policy(key, connection: connection, hint: hint)
    case (nil, nil):
      guard LocalFile.exists(Self.defaultPolicy) else {
        throw CommandFailure.usage(what, why: "nothing says whom to trust", next: "use --policy or --key, or write \(Self.defaultPolicy)")
      }
      return try read(Self.defaultPolicy)
    }
  }

  private func read(_ path: String) throws -> TrustPolicy {
    let bytes = try LocalFile.bytes(path, maxBytes: 4 << 20)
    do { return try Verification.trustFile(bytes) } catch let error as TrustError {
      throw CommandFailure.usage("cannot use \(path)", why: error.description, next: "hallmark trust check \(path) explains a policy")
    }
  }
}
