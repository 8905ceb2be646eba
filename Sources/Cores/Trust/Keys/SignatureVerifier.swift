internal import Crypto
internal import CryptoExtras
internal import Foundation
package import SigstoreFormats

/// Checks one signature over one digest. Trusted: whatever it calls valid is valid.
///
/// Implementers are pure and may be called from any thread. ECDSA signatures arrive as DER.
package protocol SignatureVerifier: Sendable {
  func check(_ signature: [UInt8], over digest: MessageDigest, scheme: SignatureScheme, key: PublicKey) -> SignatureCheck
}

package enum SignatureCheck: Sendable, Hashable {
  case valid
  case invalid
  /// This implementation cannot say.
  case unsupported
}

/// The verifier on swift-crypto: everything but P-256K, which it hands to `fallback`.
package struct CryptoSignatureVerifier: SignatureVerifier {
  private let fallback: (any SignatureVerifier)?

  package init(fallback: (any SignatureVerifier)? = nil) { self.fallback = fallback }

  package func check(
    _ signature: [UInt8], over digest: MessageDigest, scheme: SignatureScheme, key: PublicKey
  ) -> SignatureCheck {
    guard scheme.fits(key.kind), digest.algorithm == scheme.hash else { return .invalid }
    switch key.kind {
    case .ec(.p256K):
      return fallback?.check(signature, over: digest, scheme: scheme, key: key) ?? .unsupported
    case .ec(let curve):
      // Strict form first: the library underneath must never be the one to decide whether sloppy DER is fine.
      guard let raw = ECDSASignatureForm.raw(der: signature, fieldBytes: curve.fieldBytes) else { return .invalid }
      return isValid(raw, digest, curve, key) ? .valid : .invalid
    case .rsa(let bits):
      guard signature.count == (bits + 7) / 8 else { return .invalid }
      return isValidRSA(signature, digest, scheme, key) ? .valid : .invalid
    }
  }

  private func isValid(_ raw: [UInt8], _ digest: MessageDigest, _ curve: PublicKey.Curve, _ key: PublicKey) -> Bool {
    func verify<D: Digest>(_ digest: D?) -> Bool {
      guard let digest else { return false }
      do {
        switch curve {
        case .p256:
          return try P256.Signing.PublicKey(derRepresentation: key.spki)
            .isValidSignature(P256.Signing.ECDSASignature(rawRepresentation: raw), for: digest)
        case .p384:
          return try P384.Signing.PublicKey(derRepresentation: key.spki)
            .isValidSignature(P384.Signing.ECDSASignature(rawRepresentation: raw), for: digest)
        case .p521:
          return try P521.Signing.PublicKey(derRepresentation: key.spki)
            .isValidSignature(P521.Signing.ECDSASignature(rawRepresentation: raw), for: digest)
        case .p256K: return false
        }
      } catch { return false }
    }
    return withDigest(digest, verify256: verify, verify384: verify, verify512: verify)
  }

  private func isValidRSA(_ signature: [UInt8], _ digest: MessageDigest, _ scheme: SignatureScheme, _ key: PublicKey) -> Bool {
    let padding: _RSA.Signing.Padding
    switch scheme {
    case .rs256, .rs384, .rs512: padding = .insecurePKCS1v1_5
    case .ps256, .ps384, .ps512: padding = .PSS
    case .es256, .es384, .es512, .es256K: return false
    }
    func verify<D: Digest>(_ digest: D?) -> Bool {
      guard let digest, let key = try? _RSA.Signing.PublicKey(derRepresentation: key.spki) else { return false }
      return key.isValidSignature(_RSA.Signing.RSASignature(rawRepresentation: signature), for: digest, padding: padding)
    }
    return withDigest(digest, verify256: verify, verify384: verify, verify512: verify)
  }

  private func withDigest(
    _ digest: MessageDigest, verify256: (SHA256.Digest?) -> Bool, verify384: (SHA384.Digest?) -> Bool,
    verify512: (SHA512.Digest?) -> Bool
  ) -> Bool {
    switch digest.algorithm {
    case .sha256: verify256(rebuilt(SHA256.hash(data: [UInt8]()), from: digest.bytes))
    case .sha384: verify384(rebuilt(SHA384.hash(data: [UInt8]()), from: digest.bytes))
    case .sha512: verify512(rebuilt(SHA512.hash(data: [UInt8]()), from: digest.bytes))
    }
  }

  /// A digest value of swift-crypto from its bytes. The library has no initialiser for it and its RSA code accepts no other digest types,
  /// so the bytes of a value are replaced. Its digests are plain 64-bit words; a layout that is not exactly the bytes
  /// is noticed by reading the value back, and gives nil: then nothing verifies.
  private func rebuilt<D: Digest>(_ template: D, from bytes: [UInt8]) -> D? {
    guard MemoryLayout<D>.size == bytes.count, D.byteCount == bytes.count, _isPOD(D.self) else { return nil }
    var value = template
    withUnsafeMutableBytes(of: &value) { $0.copyBytes(from: bytes) }
    return Array(value) == bytes ? value : nil
  }
}
