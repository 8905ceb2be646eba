import Crypto
import CryptoExtras

/// Boxes sealed under a passphrase: scrypt (RFC 7914) makes the key, `Seal` makes the box.
///
/// Form: `"HMPP" ‖ version 01 ‖ log2 N ‖ r ‖ p ‖ salt (16) ‖ Seal box`; everything before the box, and the context, is authenticated.
package enum Passphrase {
  private static let magic = Array("HMPP".utf8) + [1]
  private static let headerCount = 5 + 3 + 16

  /// N = 2¹⁵, r = 8, p = 1: 32 MiB and about a tenth of a second.
  package struct Cost: Sendable, Equatable {
    package var log2N: UInt8
    package var r: UInt8
    package var p: UInt8

    package init(log2N: UInt8, r: UInt8, p: UInt8) { (self.log2N, self.r, self.p) = (log2N, r, p) }

    package static let standard = Cost(log2N: 15, r: 8, p: 1)

    /// At most 128 MiB and eight times the standard work; at least 2¹⁰, which only tests should use.
    var isReasonable: Bool { (10...17).contains(log2N) && r == 8 && (1...2).contains(p) }
  }

  package static func seal(
    _ plaintext: SecretBytes, passphrase: SecretBytes, context: [UInt8], entropy: (Int) -> [UInt8], cost: Cost = .standard
  ) throws(SecretsError) -> [UInt8] {
    guard cost.isReasonable else { throw .unreasonableCost }
    let header = magic + [cost.log2N, cost.r, cost.p] + entropy(16)
    let key = try key(passphrase, header: header, cost: cost)
    return header + (try Seal.seal(plaintext, key: key, context: header + context))
  }

  /// - Throws: `.notABox`, `.unreasonableCost` before any work is done, `.authenticationFailed` for a wrong passphrase.
  package static func open(
    _ box: [UInt8], passphrase: SecretBytes, context: [UInt8]
  ) throws(SecretsError) -> SecretBytes {
    guard box.count >= headerCount + Seal.overhead, box.starts(with: magic) else { throw .notABox }
    let cost = Cost(log2N: box[5], r: box[6], p: box[7])
    guard cost.isReasonable else { throw .unreasonableCost }
    let header = Array(box.prefix(headerCount))
    let key = try key(passphrase, header: header, cost: cost)
    return try Seal.open(Array(box.dropFirst(headerCount)), key: key, context: header + context)
  }

  private static func key(_ passphrase: SecretBytes, header: [UInt8], cost: Cost) throws(SecretsError) -> SecretBytes {
    let n = 1 << Int(cost.log2N)
    do {
      let key = try passphrase.withUnsafeBytes { passphrase in
        try KDF.Scrypt.deriveKey(
          from: passphrase, salt: header.suffix(16), outputByteCount: 32, rounds: n, blockSize: Int(cost.r),
          parallelism: Int(cost.p), maxMemory: 128 * n * Int(cost.r) * 2 + (1 << 20))
      }
      return SecretBytes(key)
    } catch { throw .library(String(describing: error)) }
  }
}
