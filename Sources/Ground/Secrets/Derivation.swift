import Crypto

extension SecretBytes {
  package enum DerivationHash: Sendable { case sha256, sha512 }

  /// A subkey for one purpose: HKDF (RFC 5869) with no salt and the label (and context) as `info`.
  ///
  /// Labels are fixed texts such as `hallmark row mac v1`; two purposes never share one. With a context, `info` is
  /// `label ‖ 00 ‖ context`.
  package func derive(
    label: String, context: [UInt8]? = nil, count: Int = 32, hash: DerivationHash = .sha256
  ) -> SecretBytes {
    var info = Array(label.utf8)
    if let context { info += [0] + context }
    switch hash {
    case .sha256: return SecretBytes(HKDF<SHA256>.deriveKey(inputKeyMaterial: symmetricKey, info: info, outputByteCount: count))
    case .sha512: return SecretBytes(HKDF<SHA512>.deriveKey(inputKeyMaterial: symmetricKey, info: info, outputByteCount: count))
    }
  }
}

/// The key derivation of NIST SP 800-108r1 §4.1: counter mode with HMAC-SHA-512, 32-bit counter first.
package enum SP800108 {
  /// Block i = HMAC(key, BE32(i) ‖ label ‖ 00 ‖ context ‖ BE32(bits)), i from 1; the output is the leftmost `bits` bits.
  ///
  /// - Parameter bits: a multiple of 8, at most 65 536.
  package static func derive(key: SecretBytes, label: [UInt8], context: [UInt8] = [], bits: Int) -> SecretBytes {
    precondition(bits > 0 && bits % 8 == 0 && bits <= 65_536, "the output length is a constant of the caller")
    let symmetric = key.symmetricKey
    return SecretBytes(count: bits / 8) { output in
      for block in 0..<(bits + 511) / 512 {
        var mac = HMAC<SHA512>(key: symmetric)
        mac.update(data: bigEndian(UInt32(block + 1)) + label + [0] + context + bigEndian(UInt32(bits)))
        for (i, byte) in mac.finalize().enumerated() where block * 64 + i < output.count { output[block * 64 + i] = byte }
      }
    }
  }
}

func bigEndian(_ value: UInt32) -> [UInt8] {
  [UInt8(truncatingIfNeeded: value >> 24), UInt8(truncatingIfNeeded: value >> 16), UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
}
