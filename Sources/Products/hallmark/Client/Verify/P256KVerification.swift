import SigstoreFormats
import SoftwareEngine
import Trust

/// Where P-256K signatures are checked: swift-crypto does not know the curve, libcrypto does, and libcrypto lives in the software engine.
struct P256KVerification: SignatureVerifier {
  static let verifier: (any SignatureVerifier)? = P256KVerification()

  func check(_ signature: [UInt8], over digest: MessageDigest, scheme: SignatureScheme, key: PublicKey) -> SignatureCheck {
    guard key.kind == .ec(.p256K), scheme == .es256K, digest.algorithm == .sha256 else { return .unsupported }
    guard ECDSASignatureForm.raw(der: signature, fieldBytes: 32) != nil else { return .invalid }
    return P256KCheck.isValid(der: signature, digest: digest.bytes, spki: key.spki).map { $0 ? .valid : .invalid } ?? .unsupported
  }
}
