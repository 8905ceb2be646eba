import Trust

/// Where P-256K signatures are checked: swift-crypto does not know the curve, libcrypto does, and libcrypto lives in the software engine.
enum P256KVerification {
  static let verifier: (any SignatureVerifier)? = nil
}
