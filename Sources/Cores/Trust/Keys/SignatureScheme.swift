package import SigstoreFormats

/// A signature algorithm by its JWA name (RFC 7518 §3.1, RFC 8812): scheme and hash together.
package enum SignatureScheme: String, Sendable, Hashable, CaseIterable {
  case es256 = "ES256"
  case es384 = "ES384"
  case es512 = "ES512"
  case es256K = "ES256K"
  case rs256 = "RS256"
  case rs384 = "RS384"
  case rs512 = "RS512"
  case ps256 = "PS256"
  case ps384 = "PS384"
  case ps512 = "PS512"

  package var hash: HashAlgorithm {
    switch self {
    case .es256, .es256K, .rs256, .ps256: .sha256
    case .es384, .rs384, .ps384: .sha384
    case .es512, .rs512, .ps512: .sha512
    }
  }

  package var isECDSA: Bool {
    switch self {
    case .es256, .es384, .es512, .es256K: true
    case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: false
    }
  }

  /// Whether a key of this kind can make such a signature.
  package func fits(_ kind: PublicKey.Kind) -> Bool { Self.all(for: kind).contains(self) }

  /// The algorithms to try with a key of this kind, most usual first. For EC keys the curve fixes the hash, as the HSM does.
  package static func all(for kind: PublicKey.Kind) -> [SignatureScheme] {
    switch kind {
    case .ec(.p256): [.es256]
    case .ec(.p384): [.es384]
    case .ec(.p521): [.es512]
    case .ec(.p256K): [.es256K]
    case .rsa: [.rs256, .ps256, .rs384, .ps384, .rs512, .ps512]
    }
  }

  /// What `hallmark sign blob` uses unless told otherwise: what cosign verifies with a key of this kind. RSA of every length with SHA-256;
  /// for P-384 and P-521 cosign needs `--signature-digest-algorithm sha384` or `sha512` besides.
  package static func preferred(for kind: PublicKey.Kind) -> SignatureScheme {
    switch kind {
    case .ec(.p256): .es256
    case .ec(.p384): .es384
    case .ec(.p521): .es512
    case .ec(.p256K): .es256K
    case .rsa: .rs256
    }
  }
}
