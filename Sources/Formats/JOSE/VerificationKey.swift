import Crypto
import CryptoExtras
import Encodings
import FoundationEssentials
import SwiftASN1
import X509

/// A public key ready to verify signatures: parsed once, checked to be a key, kept.
package struct VerificationKey: Sendable {
  private enum Key: Sendable {
    case rsa(_RSA.Signing.PublicKey)
    case p256(P256.Signing.PublicKey)
    case p384(P384.Signing.PublicKey)
    case p521(P521.Signing.PublicKey)
    case ed25519(Curve25519.Signing.PublicKey)
  }

  private let key: Key

  /// What this type of key can verify: exactly one algorithm per curve.
  package let algorithms: Set<JWSAlgorithm>

  private init(_ key: Key) {
    self.key = key
    algorithms =
      switch key {
      case .rsa: [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512]
      case .p256: [.es256]
      case .p384: [.es384]
      case .p521: [.es512]
      case .ed25519: [.edDSA]
      }
  }

  /// - Throws: `.unsupportedKey` for symmetric keys and P-256K, `.badKey` when the numbers make no key (a point off its curve).
  package init(_ jwk: JWK) throws(JOSEError) {
    do {
      switch jwk.publicPart {
      case .rsa(let n, let e): self.init(.rsa(try _RSA.Signing.PublicKey(n: n, e: e)))
      case .ec(.p256, let x, let y): self.init(.p256(try P256.Signing.PublicKey(rawRepresentation: x + y)))
      case .ec(.p384, let x, let y): self.init(.p384(try P384.Signing.PublicKey(rawRepresentation: x + y)))
      case .ec(.p521, let x, let y): self.init(.p521(try P521.Signing.PublicKey(rawRepresentation: x + y)))
      case .ed25519(let x): self.init(.ed25519(try Curve25519.Signing.PublicKey(rawRepresentation: x)))
      case .ec(.p256K, _, _), .oct: throw JOSEError.unsupportedKey("kty")
      }
    } catch let error as JOSEError { throw error } catch { throw .badKey(jwk.keyType()) }
  }

  /// Takes the key out of a certificate. Nothing else in the certificate is looked at; trusting it is the caller's business.
  package init(certificate der: [UInt8]) throws(JOSEError) {
    guard der.count <= 1 << 16, let certificate = try? Certificate(derEncoded: der) else { throw .badCertificate }
    let key = certificate.publicKey
    if let rsa = _RSA.Signing.PublicKey(key) {
      guard JWK.modulusBitRange.contains(rsa.keySizeInBits) else { throw .keySizeRefused(bits: rsa.keySizeInBits) }
      self.init(.rsa(rsa))
    } else if let p256 = P256.Signing.PublicKey(key) {
      self.init(.p256(p256))
    } else if let p384 = P384.Signing.PublicKey(key) {
      self.init(.p384(p384))
    } else if let p521 = P521.Signing.PublicKey(key) {
      self.init(.p521(p521))
    } else if let ed25519 = Curve25519.Signing.PublicKey(key) {
      self.init(.ed25519(ed25519))
    } else {
      throw .unsupportedKey("certificate")
    }
  }

  func isValid(_ signature: [UInt8], over input: [UInt8], _ algorithm: JWSAlgorithm) -> Bool {
    switch (key, algorithm) {
    case (.rsa(let key), .rs256): key.isValid(signature, SHA256.hash(data: input), .insecurePKCS1v1_5)
    case (.rsa(let key), .rs384): key.isValid(signature, SHA384.hash(data: input), .insecurePKCS1v1_5)
    case (.rsa(let key), .rs512): key.isValid(signature, SHA512.hash(data: input), .insecurePKCS1v1_5)
    case (.rsa(let key), .ps256): key.isValid(signature, SHA256.hash(data: input), .PSS)
    case (.rsa(let key), .ps384): key.isValid(signature, SHA384.hash(data: input), .PSS)
    case (.rsa(let key), .ps512): key.isValid(signature, SHA512.hash(data: input), .PSS)
    case (.p256(let key), .es256):
      (try? P256.Signing.ECDSASignature(rawRepresentation: signature)).map { key.isValidSignature($0, for: input) } ?? false
    case (.p384(let key), .es384):
      (try? P384.Signing.ECDSASignature(rawRepresentation: signature)).map { key.isValidSignature($0, for: input) } ?? false
    case (.p521(let key), .es512):
      (try? P521.Signing.ECDSASignature(rawRepresentation: signature)).map { key.isValidSignature($0, for: input) } ?? false
    case (.ed25519(let key), .edDSA): key.isValidSignature(signature, for: input)
    default: false
    }
  }
}

extension _RSA.Signing.PublicKey {
  fileprivate func isValid(_ signature: [UInt8], _ digest: some Digest, _ padding: _RSA.Signing.Padding) -> Bool {
    isValidSignature(_RSA.Signing.RSASignature(rawRepresentation: signature), for: digest, padding: padding)
  }
}
