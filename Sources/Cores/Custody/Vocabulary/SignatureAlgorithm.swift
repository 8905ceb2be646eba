/// The hash whose output a signature algorithm takes.
package enum DigestAlgorithm: String, CaseIterable, Sendable {
  case sha256 = "SHA-256"
  case sha384 = "SHA-384"
  case sha512 = "SHA-512"

  /// In bytes.
  package var length: Int {
    switch self {
    case .sha256: 32
    case .sha384: 48
    case .sha512: 64
    }
  }
}

/// A signature algorithm for RSA and EC keys, by its JOSE name.
///
/// The caller always sends the digest; nothing here hashes again.
/// Source: RFC 7518 §3, RFC 8812 §3 (ES256K), Key Vault "About keys" (RSNULL).
package enum SignatureAlgorithm: String, CaseIterable, Sendable {
  case rs256 = "RS256"
  case rs384 = "RS384"
  case rs512 = "RS512"
  /// RSASSA-PSS, MGF1 with the same hash, salt as long as the hash.
  case ps256 = "PS256"
  case ps384 = "PS384"
  case ps512 = "PS512"
  /// PKCS#1 v1.5 padding of the bytes as given, without DigestInfo (TLS 1.0 and 1.1).
  case rsnull = "RSNULL"
  case es256 = "ES256"
  case es384 = "ES384"
  case es512 = "ES512"
  case es256K = "ES256K"

  package enum Family: Sendable { case pkcs1, pss, raw, ecdsa }

  package var family: Family {
    switch self {
    case .rs256, .rs384, .rs512: .pkcs1
    case .ps256, .ps384, .ps512: .pss
    case .rsnull: .raw
    case .es256, .es384, .es512, .es256K: .ecdsa
    }
  }

  /// Nil for RSNULL, which knows no hash.
  package var digest: DigestAlgorithm? {
    switch self {
    case .rs256, .ps256, .es256, .es256K: .sha256
    case .rs384, .ps384, .es384: .sha384
    case .rs512, .ps512, .es512: .sha512
    case .rsnull: nil
    }
  }

  /// Nil for the RSA algorithms.
  package var curve: Curve? {
    switch self {
    case .es256: .p256
    case .es384: .p384
    case .es512: .p521
    case .es256K: .p256K
    case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512, .rsnull: nil
    }
  }

  package func fits(_ spec: KeySpec) -> Bool {
    switch spec {
    case .rsa: curve == nil
    case .ec(let keyCurve): curve == keyCurve
    case .oct: false
    }
  }

  /// How many bytes the caller's digest may have with a key of this spec.
  package func digestLengths(for spec: KeySpec) -> ClosedRange<Int> {
    if let digest { return digest.length...digest.length }
    // PKCS#1 v1.5 padding needs 11 bytes: RFC 8017 §9.2.
    if case .rsa(let bits, _) = spec { return 1...max(1, bits / 8 - 11) }
    return 1...1
  }

  /// How many bytes a signature made with a key of this spec has: the modulus, or `r‖s` at fixed width.
  package func signatureLength(for spec: KeySpec) -> Int {
    switch spec {
    case .rsa(let bits, _): bits / 8
    case .ec(let curve): 2 * curve.coordinateLength
    case .oct: 0
    }
  }
}
