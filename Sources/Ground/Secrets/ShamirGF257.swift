/// Byte-wise Shamir sharing over the prime field GF(257), in the share format of Managed HSM security domains.
///
/// A share has two bytes for each byte of the secret: the little-endian word `x·512 + f(x)`, where x is the share's number (1...126, the same in
/// every word) and f(x) lies in 0...256. The constant term of f is the secret byte, its other coefficients are uniform in 0...256.
/// Source: reference of the wire contract §5.4(b); the arithmetic is plain modular arithmetic on machine integers, whose time does not
/// depend on the values.
package enum ShamirGF257 {
  /// The highest share number the seven bits of the format leave.
  package static let maxShares = 126
  private static let prime: UInt32 = 257

  /// Shares `secret` so that any `threshold` of the `count` shares recover it and fewer say nothing about it.
  package static func split(
    _ secret: SecretBytes, threshold: Int, count: Int, entropy: (Int) -> [UInt8]
  ) throws(SecretsError) -> [SecretBytes] {
    guard secret.count > 0, threshold >= 2, threshold <= count, count <= maxShares else {
      throw .badQuorum(threshold: threshold, count: count)
    }
    var coefficients = uniform(secret.count * (threshold - 1), entropy: entropy)
    defer { coefficients.withUnsafeMutableBytes { wipeMemory($0) } }
    return secret.withUnsafeBytes { secret in
      (1...UInt32(count)).map { x in
        SecretBytes(count: secret.count * 2) { share in
          for (i, byte) in secret.enumerated() {
            var value: UInt32 = 0
            for power in (0..<threshold - 1).reversed() { value = (value + UInt32(coefficients[i * (threshold - 1) + power])) * x % prime }
            value = (value + UInt32(byte)) % prime
            let word = x << 9 | value
            share[i * 2] = UInt8(truncatingIfNeeded: word)
            share[i * 2 + 1] = UInt8(truncatingIfNeeded: word >> 8)
          }
        }
      }
    }
  }

  /// Recovers the secret from the first `threshold` shares, and proves every further share to lie on the same polynomials.
  ///
  /// - Throws: `.tooFewShares`, `.malformedShare`, `.duplicateShare`; `.inconsistentShares` when a recovered value is no byte or a further
  ///   share disagrees. Exactly `threshold` shares of which one was changed mostly recover a wrong secret: the format has no checksum.
  package static func combine(_ shares: [SecretBytes], threshold: Int) throws(SecretsError) -> SecretBytes {
    guard threshold >= 2, threshold <= maxShares else { throw .badQuorum(threshold: threshold, count: shares.count) }
    guard shares.count >= threshold else { throw .tooFewShares(needed: threshold, given: shares.count) }
    var numbers: [UInt32] = []
    for (index, share) in shares.enumerated() {
      guard share.count == shares[0].count, let x = number(of: share) else { throw .malformedShare(index: index) }
      guard !numbers.contains(x) else { throw .duplicateShare(number: Int(x)) }
      numbers.append(x)
    }
    let base = Array(numbers.prefix(threshold))
    for index in threshold..<max(threshold, shares.count) {
      let expected = interpolate(shares, base, at: numbers[index])
      guard zip(0..., expected).allSatisfy({ value(shares[index], $0) == $1 }) else { throw .inconsistentShares }
    }
    var values = interpolate(shares, base, at: 0)
    defer { values.withUnsafeMutableBytes { wipeMemory($0) } }
    guard values.allSatisfy({ $0 < 256 }) else { throw .inconsistentShares }
    return SecretBytes(count: values.count) { target in
      for (i, value) in values.enumerated() { target[i] = UInt8(value) }
    }
  }

  /// The share's number, nil when the share is malformed.
  package static func number(of share: SecretBytes) -> UInt32? {
    share.withUnsafeBytes { bytes in
      guard !bytes.isEmpty, bytes.count % 2 == 0 else { return nil }
      let x = UInt32(bytes[1]) >> 1
      guard x >= 1, x <= maxShares else { return nil }
      for i in stride(from: 0, to: bytes.count, by: 2) {
        guard UInt32(bytes[i + 1]) >> 1 == x, UInt32(bytes[i + 1] & 1) << 8 | UInt32(bytes[i]) < prime else { return nil }
      }
      return x
    }
  }

  private static func value(_ share: SecretBytes, _ index: Int) -> UInt32 {
    share.withUnsafeBytes { UInt32($0[index * 2 + 1] & 1) << 8 | UInt32($0[index * 2]) }
  }

  /// Lagrange interpolation at `point` through the first shares, for every byte.
  private static func interpolate(_ shares: [SecretBytes], _ numbers: [UInt32], at point: UInt32) -> [UInt32] {
    let weights = numbers.map { own in
      numbers.filter { $0 != own }.reduce(UInt32(1)) { product, other in
        let numerator = (point + prime - other) % prime
        let denominator = (own + prime - other) % prime
        return product * numerator % prime * inverse(denominator) % prime
      }
    }
    return (0..<shares[0].count / 2).map { i in
      zip(shares, weights).reduce(UInt32(0)) { ($0 + value($1.0, i) * $1.1) % prime }
    }
  }

  /// a⁻¹ = a²⁵⁵ mod 257 (Fermat); only share numbers, which are public, come here.
  private static func inverse(_ a: UInt32) -> UInt32 { (0..<255).reduce(UInt32(1)) { product, _ in product * a % prime } }

  /// Values uniform in 0...256: nine bits at a time, those above thrown away.
  private static func uniform(_ count: Int, entropy: (Int) -> [UInt8]) -> [UInt16] {
    var result: [UInt16] = []
    result.reserveCapacity(count)
    while result.count < count {
      var bytes = entropy((count - result.count) * 2)
      for i in stride(from: 0, to: bytes.count - 1, by: 2) {
        let value = (UInt16(bytes[i + 1]) << 8 | UInt16(bytes[i])) & 0x1FF
        if value <= 256, result.count < count { result.append(value) }
      }
      wipe(&bytes)
    }
    return result
  }
}
