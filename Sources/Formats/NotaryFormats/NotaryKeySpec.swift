/// The six kinds of keys that make Notary signatures. The key decides scheme and hash; no other pairing exists.
///
/// Source: signature-specification, "Signature Algorithm Requirements".
package enum NotaryKeySpec: String, Sendable, Hashable, CaseIterable {
  case rsa2048 = "RSA-2048"
  case rsa3072 = "RSA-3072"
  case rsa4096 = "RSA-4096"
  case ec256 = "EC-256"
  case ec384 = "EC-384"
  case ec521 = "EC-521"

  /// `SHA-256`…: the plugin protocol's name of the hash.
  package var hashAlgorithm: String { "SHA-\(hashBits)" }

  package var hashBits: Int {
    switch self {
    case .rsa2048, .ec256: 256
    case .rsa3072, .ec384: 384
    case .rsa4096, .ec521: 512
    }
  }

  /// `ECDSA-SHA-256`…: the plugin protocol's name of the algorithm.
  package var signingAlgorithm: String { "\(isECDSA ? "ECDSA" : "RSASSA-PSS")-\(hashAlgorithm)" }

  /// The JWA name (RFC 7518 §3.1), which is also what a Managed HSM's sign call takes.
  package var jwsAlgorithm: String { "\(isECDSA ? "ES" : "PS")\(hashBits)" }

  /// IANA "COSE Algorithms" (RFC 9053 §2.1, RFC 8230 §2).
  package var coseAlgorithm: Int64 {
    switch self {
    case .rsa2048: -37
    case .rsa3072: -38
    case .rsa4096: -39
    case .ec256: -7
    case .ec384: -35
    case .ec521: -36
    }
  }

  /// Length of every signature: `r‖s` of fixed width for EC, the modulus length for RSA.
  package var signatureByteCount: Int {
    switch self {
    case .rsa2048: 256
    case .rsa3072: 384
    case .rsa4096: 512
    case .ec256: 64
    case .ec384: 96
    case .ec521: 132
    }
  }

  package var isECDSA: Bool {
    switch self {
    case .rsa2048, .rsa3072, .rsa4096: false
    case .ec256, .ec384, .ec521: true
    }
  }

  package init?(jwsAlgorithm: String) {
    guard let found = Self.allCases.first(where: { $0.jwsAlgorithm == jwsAlgorithm }) else { return nil }
    self = found
  }

  package init?(coseAlgorithm: Int64) {
    guard let found = Self.allCases.first(where: { $0.coseAlgorithm == coseAlgorithm }) else { return nil }
    self = found
  }

  /// The spec of an RSA key with a modulus of this many bits; nil for other lengths.
  package init?(rsaBits bits: Int) { self.init(rawValue: "RSA-\(bits)") }

  /// The spec of a curve by its JWK name; nil for P-256K and all else.
  package init?(curve name: String) {
    switch name {
    case "P-256": self = .ec256
    case "P-384": self = .ec384
    case "P-521": self = .ec521
    default: return nil
    }
  }
}
