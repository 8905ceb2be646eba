import Foundation
import NotaryFormats

/// What the program is, by the name of the file it was started as.
struct Face: Sendable {
  enum Kind: Sendable {
    /// Signatures over notation's own envelopes, and verification.
    case signer
    /// Whole envelopes with an authentic signing time.
    case authority
  }

  static let version = "0.1.0"
  static let site = "https://learn.microsoft.com/azure/key-vault/managed-hsm/"

  /// NAME of `notation-NAME`: notation refuses a plugin whose metadata names another.
  let name: String
  let kind: Kind

  /// - Parameter program: as it stands in the argument list; a name that is not `notation-NAME` counts as `notation-hallmark`.
  init(program: String) {
    var file = URL(fileURLWithPath: program).lastPathComponent
    if file.hasSuffix(".exe") { file = String(file.dropLast(4)) }
    let name = file.hasPrefix("notation-") ? String(file.dropFirst("notation-".count)) : ""
    self.name = name.isEmpty ? "hallmark" : name
    kind = self.name.hasSuffix("-authority") ? .authority : .signer
  }

  var commands: [NotaryPlugin.Command] {
    switch kind {
    case .signer: [.metadata, .describeKey, .generateSignature, .verifySignature]
    case .authority: [.metadata, .describeKey, .generateEnvelope]
    }
  }

  var metadata: NotaryPlugin.Metadata {
    switch kind {
    case .signer:
      NotaryPlugin.Metadata(
        name: name, description: "Signs with keys in a Managed HSM, a vault or Hallmark", version: Self.version, url: Self.site,
        capabilities: [.rawGenerator, .trustedIdentityVerifier])
    case .authority:
      NotaryPlugin.Metadata(
        name: name, description: "Signing authority: signatures with an authentic signing time, by keys in a Managed HSM, a vault or Hallmark",
        version: Self.version, url: Self.site, capabilities: [.envelopeGenerator])
    }
  }
}
