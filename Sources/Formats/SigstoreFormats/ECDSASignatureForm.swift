/// The two forms of an ECDSA signature: fixed-width `r‖s`, which HSM REST APIs give (RFC 7518 §3.4), and ASN.1 DER
/// `SEQUENCE { INTEGER r, INTEGER s }`, which Sigstore, openssl and X.509 use (RFC 3279 §2.2.3).
package enum ECDSASignatureForm {
  /// Widest field supported: P-521's 66 bytes.
  package static let maxFieldBytes = 66

  /// DER of `r‖s`; nil unless `raw` is exactly `2 * fieldBytes` long and neither number is zero.
  package static func der(raw: [UInt8], fieldBytes: Int) -> [UInt8]? {
    guard fieldBytes > 0, fieldBytes <= maxFieldBytes, raw.count == 2 * fieldBytes,
      let r = integer(raw.prefix(fieldBytes)), let s = integer(raw.suffix(fieldBytes))
    else { return nil }
    let body = r + s
    return [0x30] + length(body.count) + body
  }

  /// `r‖s`, each left-padded to `fieldBytes`; nil for anything but strict, minimal, positive DER that fits.
  package static func raw(der: [UInt8], fieldBytes: Int) -> [UInt8]? {
    guard fieldBytes > 0, fieldBytes <= maxFieldBytes, der.count <= 2 * (maxFieldBytes + 4) + 4 else { return nil }
    var rest = der[...]
    guard let body = element(0x30, &rest), rest.isEmpty else { return nil }
    var inside = body
    guard let r = element(0x02, &inside), let s = element(0x02, &inside), inside.isEmpty,
      let left = field(r, fieldBytes), let right = field(s, fieldBytes)
    else { return nil }
    return left + right
  }

  private static func integer(_ field: ArraySlice<UInt8>) -> [UInt8]? {
    let digits = field.drop { $0 == 0 }
    guard let first = digits.first else { return nil }
    let value = first & 0x80 != 0 ? [0] + digits : Array(digits)
    return [0x02] + length(value.count) + value
  }

  private static func length(_ count: Int) -> [UInt8] { count < 0x80 ? [UInt8(count)] : [0x81, UInt8(count)] }

  private static func element(_ tag: UInt8, _ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard bytes.popFirst() == tag, let first = bytes.popFirst() else { return nil }
    var count = Int(first)
    if first == 0x81 {
      guard let long = bytes.popFirst(), long >= 0x80 else { return nil }
      count = Int(long)
    } else if first > 0x7F {
      return nil
    }
    guard bytes.count >= count else { return nil }
    let content = bytes.prefix(count)
    bytes = bytes.dropFirst(count)
    return content
  }

  private static func field(_ integer: ArraySlice<UInt8>, _ width: Int) -> [UInt8]? {
    guard let first = integer.first, first & 0x80 == 0 else { return nil }
    var digits = integer
    if first == 0, digits.count > 1 {
      digits = digits.dropFirst()
      guard let next = digits.first, next & 0x80 != 0 else { return nil }
    }
    guard digits.count <= width, digits.contains(where: { $0 != 0 }) else { return nil }
    return [UInt8](repeating: 0, count: width - digits.count) + digits
  }
}
