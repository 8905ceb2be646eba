package import Secrets

/// The one 256-bit key of an HSM, from which every other key at rest is derived. The security domain carries it to the custodians.
package struct PartitionKey: Sendable {
  package static let byteCount = 32
  /// For sealing the key itself (to custodians, to a passphrase); nothing else should use it directly.
  package let secret: SecretBytes

  /// - Returns: nil unless the key has 256 bits.
  package init?(_ secret: SecretBytes) {
    guard secret.count == Self.byteCount else { return nil }
    self.secret = secret
  }

  /// A 256-bit key for one purpose (HKDF-SHA-256).
  package func subkey(_ purpose: Purpose) -> SecretBytes { secret.derive(label: "hallmark \(purpose.rawValue) v1") }

  /// What a subkey is for. Never reuse or rename one.
  package enum Purpose: String, CaseIterable, Sendable {
    case keyBlobs = "key blobs"
    case keyRows = "key rows"
    case accessRows = "access rows"
    case authorityKeys = "authority keys"
    case settings = "settings"
  }
}
