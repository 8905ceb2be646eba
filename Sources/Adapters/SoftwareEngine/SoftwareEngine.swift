/// SoftwareEngine: key operations in our own process; the only code that ever holds plain private key bytes.
///
/// An adapter of Custody's `KeyEngine`. `LibraryTable` says which library does what. What the engine promises:
/// - Private keys exist in plain form only inside the libraries' own key objects and, for microseconds, in buffers that are
///   wiped before they are freed (`SecretBytes`). Libcrypto keeps private integers in its secure arena (`LibcryptoRuntime`).
/// - Everything that leaves is sealed: AES-256-GCM under a subkey of the partition key, bound to HSM, name, version, type,
///   exportability and creation time (`KeyBinding.bytes`).
///
/// What it does not promise: anything against an attacker who runs code in this process or as root on this machine.
/// No claim of FIPS validation is made.
///
/// What it must never know: stores, permits, HTTP, logs.
/// Allowed imports: Custody, JOSE, Secrets, Encodings, CLibcrypto, swift-crypto, swift-certificates, swift-asn1.
import CLibcrypto
package import Custody
import Secrets

package final class SoftwareEngine: KeyEngine {
  package let name = "software"
  private let seal: KeySeal

  /// - Parameter partition: only its `keyBlobs` subkey is kept.
  package init(_ partition: PartitionKey) {
    LibcryptoRuntime.start()
    seal = KeySeal(partition)
  }

  package func generate(_ binding: KeyBinding) throws(EngineFailure) -> EngineKey {
    switch binding.spec {
    case .rsa(let bits, let exponent):
      return try finish(PKey.generateRSA(bits: bits, publicExponent: exponent), binding)
    case .ec(let curve):
      switch LibraryTable.library(for: curve) {
      case .libcrypto: return try finish(PKey.generateEC(curve), binding)
      case .swiftCrypto: return try finish(NISTKey.generate(curve), binding)
      }
    case .oct(let bits):
      guard bits > 0, bits % 8 == 0 else { throw .unsupported(binding.spec) }
      return try finish(OctKey(randomSecret(bits / 8)), binding)
    }
  }

  package func take(_ material: borrowing ImportedKey, _ binding: KeyBinding) throws(EngineFailure) -> EngineKey {
    switch (material.parts, binding.spec) {
    case (.rsa(let parts), .rsa(let bits, let exponent)):
      return try finish(PKey.importRSA(parts, bits: bits, publicExponent: exponent), binding)
    case (.ec(let curve, let x, let y, let d), .ec(let wanted)) where curve == wanted:
      guard let x = fixedWidth(x, curve.coordinateLength), let y = fixedWidth(y, curve.coordinateLength) else {
        throw .material(.curvePointInvalid)
      }
      switch LibraryTable.library(for: curve) {
      case .libcrypto: return try finish(PKey.importEC(curve, x: x, y: y, d: d), binding)
      case .swiftCrypto: return try finish(NISTKey.take(curve, x: x, y: y, d: d), binding)
      }
    case (.oct(let key), .oct(let bits)) where key.count * 8 == bits:
      return try finish(OctKey(key), binding)
    default: throw .bindingBroken
    }
  }

  package func load(_ sealed: [UInt8], _ binding: KeyBinding) throws(EngineFailure) -> any KeyHandle {
    let plain = try seal.open(sealed, binding)
    switch binding.spec {
    case .rsa(let bits, _): return RSAHandle(try PKey(pkcs8: plain), bits: bits)
    case .ec(let curve):
      switch LibraryTable.library(for: curve) {
      case .libcrypto: return CurveHandle(try PKey(pkcs8: plain), curve)
      case .swiftCrypto: return try NISTKey(curve, pkcs8: plain)
      }
    case .oct: return OctKey(plain)
    }
  }

  package func random(_ count: Int) throws(EngineFailure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    guard RAND_bytes(&bytes, Int32(count)) == 1 else { throw libraryFailure("random") }
    return bytes
  }

  // MARK: - Steps

  private func randomSecret(_ count: Int) throws(EngineFailure) -> SecretBytes {
    try SecretBytes(count: count) { room throws(EngineFailure) in
      guard RAND_priv_bytes(room.bindMemory(to: UInt8.self).baseAddress, Int32(count)) == 1 else { throw libraryFailure("random") }
    }
  }

  private func finish(_ key: some ExportableKey, _ binding: KeyBinding) throws(EngineFailure) -> EngineKey {
    EngineKey(publicKey: try key.publicKey(of: binding.spec), sealed: try seal.seal(try key.plainForm(), binding))
  }
}

/// A key inside this target that can still show its private bytes, to be sealed.
protocol ExportableKey {
  func publicKey(of spec: KeySpec) throws(EngineFailure) -> PublicKey
  /// PKCS#8 DER for RSA and EC, the bytes themselves for oct.
  func plainForm() throws(EngineFailure) -> SecretBytes
}

/// Strips leading zeros and pads to `width`; nil if it does not fit.
func fixedWidth(_ bytes: [UInt8], _ width: Int) -> [UInt8]? {
  let significant = bytes.drop { $0 == 0 }
  guard significant.count <= width else { return nil }
  return [UInt8](repeating: 0, count: width - significant.count) + significant
}
