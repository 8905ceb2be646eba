import Custody
import Secrets

/// Seals private keys for the store: `Secrets.Seal` (AES-256-GCM) with the binding as context.
///
/// One subkey per HSM and some millions of keys at most: random nonces stay far below SP 800-38D's bound of 2³².
struct KeySeal: Sendable {
  private let key: SecretBytes
  /// An RSA-4096 key in PKCS#8 takes about 2.4 kB.
  private static let longest = 16 * 1024

  init(_ partition: PartitionKey) { key = partition.subkey(.keyBlobs) }

  func seal(_ plain: SecretBytes, _ binding: KeyBinding) throws(EngineFailure) -> [UInt8] {
    do { return try Seal.seal(plain, key: key, context: binding.bytes) } catch { throw .libraryFailed(step: "seal", code: 0) }
  }

  /// - Throws: `.bindingBroken` for anything but a key sealed for exactly this binding.
  func open(_ sealed: [UInt8], _ binding: KeyBinding) throws(EngineFailure) -> SecretBytes {
    guard sealed.count <= Self.longest else { throw .bindingBroken }
    do { return try Seal.open(sealed, key: key, context: binding.bytes) } catch { throw .bindingBroken }
  }
}
