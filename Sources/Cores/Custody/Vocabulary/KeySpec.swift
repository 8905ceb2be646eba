/// A curve of an EC-HSM key.
package enum Curve: String, CaseIterable, Sendable {
  case p256 = "P-256"
  case p384 = "P-384"
  case p521 = "P-521"
  /// secp256k1, Azure's spelling.
  case p256K = "P-256K"

  /// The width of a coordinate, of a private scalar and of each half of a signature, in bytes.
  package var coordinateLength: Int {
    switch self {
    case .p256, .p256K: 32
    case .p384: 48
    case .p521: 66
    }
  }
}

/// What kind of key: the type with the parameters fixed at creation.
package enum KeySpec: Hashable, Sendable, CustomStringConvertible {
  /// RSA-HSM. `publicExponent` is odd and at least 3.
  case rsa(bits: Int, publicExponent: UInt64)
  /// EC-HSM.
  case ec(Curve)
  /// oct-HSM. Generated sizes are the AES sizes; imports may hold 1 to 512 bytes (a recorded import had 64 bytes).
  case oct(bits: Int)

  package static let rsaSizes = [2048, 3072, 4096]
  package static let octSizes = [128, 192, 256]
  package static let importedOctBytes = 1...512
  package static let usualPublicExponent: UInt64 = 65537

  /// The wire's `kty`, always the `-HSM` form.
  package var type: KeyType {
    switch self {
    case .rsa: .rsa
    case .ec: .ec
    case .oct: .oct
    }
  }

  /// The operations a key gets when its creator names none (recorded: managed-hsm-recorded.md §5).
  package var defaultOperationsWhenCreated: KeyOperations {
    switch self {
    case .rsa: [.encrypt, .decrypt, .sign, .verify, .wrapKey, .unwrapKey]
    case .ec: [.sign, .verify, .deriveKey]
    case .oct: [.encrypt, .decrypt, .wrapKey, .unwrapKey, .sign, .verify, .deriveKey]
    }
  }

  /// The same for an imported key, where EC was recorded without `deriveKey`.
  package var defaultOperationsWhenImported: KeyOperations {
    if case .ec = self { return [.sign, .verify] }
    return defaultOperationsWhenCreated
  }

  package var description: String {
    switch self {
    case .rsa(let bits, let exponent): "RSA-HSM \(bits) e=\(exponent)"
    case .ec(let curve): "EC-HSM \(curve.rawValue)"
    case .oct(let bits): "oct-HSM \(bits)"
    }
  }
}

/// The wire's `kty`.
package enum KeyType: String, CaseIterable, Sendable {
  case rsa = "RSA-HSM"
  case ec = "EC-HSM"
  case oct = "oct-HSM"
}
