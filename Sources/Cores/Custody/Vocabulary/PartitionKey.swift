package import Crypto

/// The one 256-bit key of an HSM, from which every other key at rest is derived.
///
/// `SymmetricKey` wipes its storage. The security domain carries this key to the custodians.
package struct PartitionKey: Sendable {
  package static let byteCount = 32
  let key: SymmetricKey

  /// - Returns: nil unless the key has 256 bits.
  package init?(_ key: SymmetricKey) {
    guard key.bitCount == Self.byteCount * 8 else { return nil }
    self.key = key
  }

  /// A fresh key from the system's generator.
  package static func generate() -> PartitionKey { PartitionKey(unchecked: SymmetricKey(size: .bits256)) }
  private init(unchecked key: SymmetricKey) { self.key = key }

  /// A 256-bit key for one purpose: HKDF-SHA-256 (RFC 5869), no salt, info `hallmark v1 <purpose>`.
  package func subkey(_ purpose: Purpose) -> SymmetricKey {
    HKDF<SHA256>.deriveKey(
      inputKeyMaterial: key, info: Array("hallmark v1 \(purpose.rawValue)".utf8), outputByteCount: 32)
  }

  /// What a subkey is for. Never reuse or rename one.
  package enum Purpose: String, CaseIterable, Sendable {
    case keyBlobs = "key blobs"
    case keyRows = "key rows"
    case accessRows = "access rows"
    case authorityKeys = "authority keys"
    case settings = "settings"
  }

  /// The key's bytes, for sealing it to custodians; do not keep them.
  package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { try key.withUnsafeBytes(body) }
}
