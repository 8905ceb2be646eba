package import Secrets

/// Private key material on its way from a request into the engine: the members of a private JWK, decoded.
///
/// It cannot be copied, has no description, and its secret members wipe themselves (`SecretBytes`).
/// Integers are big-endian; leading zero bytes are accepted everywhere.
package struct ImportedKey: ~Copyable, Sendable {
  package enum Parts: Sendable {
    case rsa(RSAParts)
    /// x, y, d: at most the coordinate length once leading zeros are gone.
    case ec(Curve, x: [UInt8], y: [UInt8], d: SecretBytes)
    case oct(SecretBytes)
  }

  /// `dp`, `dq` and `qi` may be left out; given ones must be right.
  package struct RSAParts: Sendable {
    package let n: [UInt8]
    package let e: [UInt8]
    package let d: SecretBytes
    package let p: SecretBytes
    package let q: SecretBytes
    package let dp: SecretBytes?
    package let dq: SecretBytes?
    package let qi: SecretBytes?

    package init(
      n: [UInt8], e: [UInt8], d: SecretBytes, p: SecretBytes, q: SecretBytes, dp: SecretBytes? = nil,
      dq: SecretBytes? = nil, qi: SecretBytes? = nil
    ) {
      (self.n, self.e, self.d, self.p, self.q, self.dp, self.dq, self.qi) = (n, e, d, p, q, dp, dq, qi)
    }
  }

  package let parts: Parts

  package init(_ parts: consuming Parts) { self.parts = parts }

  /// Longest accepted RSA member: 4096 bits and some leading zeros.
  package static let longestMember = 520

  /// The type and size the material claims; the engine proves the claim.
  /// - Throws: `.invalidMaterial` for sizes that no key of ours has.
  func spec() throws(CustodyError) -> KeySpec {
    switch parts {
    case .rsa(let rsa):
      guard rsa.n.count <= Self.longestMember, rsa.e.count <= Self.longestMember else { throw .invalidMaterial(.rsaMemberTooLong) }
      let modulus = rsa.n.drop { $0 == 0 }
      let bits = modulus.isEmpty ? 0 : modulus.count * 8 - modulus[modulus.startIndex].leadingZeroBitCount
      guard KeySpec.rsaSizes.contains(bits) else { throw .invalidMaterial(.rsaModulusSize(bits: bits)) }
      let exponentBytes = rsa.e.drop { $0 == 0 }
      guard exponentBytes.count <= 8 else { throw .invalidMaterial(.rsaExponent) }
      let exponent = exponentBytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard exponent >= 3, exponent % 2 == 1 else { throw .invalidMaterial(.rsaExponent) }
      return .rsa(bits: bits, publicExponent: exponent)
    case .ec(let curve, _, _, _): return .ec(curve)
    case .oct(let key):
      guard KeySpec.importedOctBytes.contains(key.count) else { throw .invalidMaterial(.octSize(bytes: key.count)) }
      return .oct(bits: key.count * 8)
    }
  }
}
