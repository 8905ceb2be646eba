import Crypto
import CryptoExtras
import Foundation
import NotaryFormats

/// Checks signatures with swift-crypto, and signs: what a test needs of a signer.
enum TestSigner {
  static func isValid(_ envelope: NotaryEnvelope, spki: [UInt8]) throws -> Bool {
    let (signature, bytes) = (Data(envelope.signature), Data(envelope.signedBytes))
    switch envelope.keySpec {
    case .ec256:
      return try P256.Signing.PublicKey(derRepresentation: spki).isValidSignature(P256.Signing.ECDSASignature(rawRepresentation: signature), for: bytes)
    case .ec384:
      return try P384.Signing.PublicKey(derRepresentation: spki).isValidSignature(P384.Signing.ECDSASignature(rawRepresentation: signature), for: bytes)
    case .ec521:
      return try P521.Signing.PublicKey(derRepresentation: spki).isValidSignature(
        P521.Signing.ECDSASignature(rawRepresentation: signature), for: SHA512.hash(data: bytes))
    case .rsa2048: return try rsa(spki, signature, SHA256.hash(data: bytes))
    case .rsa3072: return try rsa(spki, signature, SHA384.hash(data: bytes))
    case .rsa4096: return try rsa(spki, signature, SHA512.hash(data: bytes))
    }
  }

  private static func rsa(_ spki: [UInt8], _ signature: Data, _ digest: some Digest) throws -> Bool {
    try _RSA.Signing.PublicKey(derRepresentation: spki).isValidSignature(.init(rawRepresentation: signature), for: digest, padding: .PSS)
  }
}
