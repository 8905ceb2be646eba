internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials
internal import SwiftASN1
package import Trust
internal import X509

/// A certificate or request of which everything but the signature is there (X.509 and PKCS#10 share this form).
///
/// Hash `signedBytes` with `scheme.hash`, have `signer` sign the hash with `scheme`, and hand the signature to `sealed`.
package struct UnsignedDocument: Sendable, Hashable {
  /// DER of what is signed (TBSCertificate, CertificationRequestInfo).
  package let signedBytes: [UInt8]
  package let scheme: SignatureScheme
  /// The key that has to sign.
  package let signer: PublicKey

  init(signedBytes: [UInt8], signer: PublicKey) throws(IssuanceError) {
    self.signedBytes = signedBytes
    self.signer = signer
    scheme = try Self.scheme(for: signer)
  }

  /// - Parameter signature: as an HSM gives it: `r‖s` for EC, octets for RSA.
  /// - Returns: DER of the whole document.
  /// - Throws: `.signatureRefused` when it is not `signer`'s signature over `signedBytes`.
  package func sealed(signature: [UInt8]) throws(IssuanceError) -> [UInt8] {
    let refused = IssuanceError.signatureRefused(key: signer.fingerprintHex)
    do {
      let form = try Self.x509Form(of: signature, signer.kind)
      let key = try Certificate.PublicKey(derEncoded: signer.spki)
      guard key.isValidSignature(form, for: signedBytes, signatureAlgorithm: Self.algorithm(scheme)) else { throw refused }
      return try DER.sequence { coder in
        coder.serializeRawBytes(signedBytes)
        try Self.appendAlgorithm(scheme, to: &coder)
        try coder.serialize(ASN1BitString(bytes: form[...]))
      }
    } catch { throw refused }
  }

  /// PKCS#1 v1.5 for RSA with the hash of the key's size, ECDSA with the curve's hash. Certificates with PSS signatures are not made: not
  /// every verifier reads them.
  package static func scheme(for key: PublicKey) throws(IssuanceError) -> SignatureScheme {
    switch key.kind {
    case .ec(.p256): .es256
    case .ec(.p384): .es384
    case .ec(.p521): .es512
    case .ec(.p256K): throw .keyNotSupported(kind: key.kindText)
    case .rsa(2048): .rs256
    case .rsa(3072): .rs384
    case .rsa(4096): .rs512
    case .rsa: throw .keyNotSupported(kind: key.kindText)
    }
  }

  private static func x509Form(of signature: [UInt8], _ kind: PublicKey.Kind) throws -> [UInt8] {
    switch kind {
    case .ec(.p256): Array(try P256.Signing.ECDSASignature(rawRepresentation: signature).derRepresentation)
    case .ec(.p384): Array(try P384.Signing.ECDSASignature(rawRepresentation: signature).derRepresentation)
    case .ec(.p521): Array(try P521.Signing.ECDSASignature(rawRepresentation: signature).derRepresentation)
    case .ec(.p256K): throw IssuanceError.keyNotSupported(kind: "EC P-256K")
    case .rsa: signature
    }
  }

  private static func algorithm(_ scheme: SignatureScheme) -> Certificate.SignatureAlgorithm {
    switch scheme {
    case .es256, .es256K: .ecdsaWithSHA256
    case .es384: .ecdsaWithSHA384
    case .es512: .ecdsaWithSHA512
    case .rs256, .ps256: .sha256WithRSAEncryption
    case .rs384, .ps384: .sha384WithRSAEncryption
    case .rs512, .ps512: .sha512WithRSAEncryption
    }
  }

  /// AlgorithmIdentifier: RFC 4055 §5 (parameters NULL), RFC 5758 §3.2 (no parameters).
  static func appendAlgorithm(_ scheme: SignatureScheme, to coder: inout DER.Serializer) throws {
    let identifier: ASN1ObjectIdentifier =
      switch scheme {
      case .es256, .es256K: [1, 2, 840, 10045, 4, 3, 2]
      case .es384: [1, 2, 840, 10045, 4, 3, 3]
      case .es512: [1, 2, 840, 10045, 4, 3, 4]
      case .rs256, .ps256: [1, 2, 840, 113549, 1, 1, 11]
      case .rs384, .ps384: [1, 2, 840, 113549, 1, 1, 12]
      case .rs512, .ps512: [1, 2, 840, 113549, 1, 1, 13]
      }
    try coder.appendConstructedNode(identifier: .sequence) { coder in
      try coder.serialize(identifier)
      if !scheme.isECDSA { try coder.serialize(ASN1Null()) }
    }
  }
}

extension DER {
  /// The bytes of one SEQUENCE.
  static func sequence(_ content: (inout DER.Serializer) throws -> Void) throws -> [UInt8] {
    var coder = DER.Serializer()
    try coder.appendConstructedNode(identifier: .sequence, content)
    return coder.serializedBytes
  }
}
