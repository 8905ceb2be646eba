/// Hexadecimal (RFC 4648 §8): written in lower case, read in either.
package enum Hex {
  private static let digits = Array("0123456789abcdef".utf8)

  package static func encode(_ bytes: some Sequence<UInt8>) -> String {
    withBytes(of: bytes) { bytes in
      String(unsafeUninitializedCapacity: bytes.count * 2) { out in
        digits.withUnsafeBufferPointer { digits in
          for i in 0..<bytes.count {
            out[i * 2] = digits[Int(bytes[i] >> 4)]
            out[i * 2 + 1] = digits[Int(bytes[i] & 15)]
          }
        }
        return bytes.count * 2
      }
    }
  }

  package static func append(_ bytes: some Sequence<UInt8>, to output: inout [UInt8]) {
    for byte in bytes {
      output.append(digits[Int(byte >> 4)])
      output.append(digits[Int(byte & 15)])
    }
  }

  /// - Throws: `.badLength` for an odd count, `.badCharacter` for anything but 0-9, a-f, A-F.
  package static func decode(_ text: String) throws(EncodingError) -> [UInt8] { try decode(text.utf8) }

  package static func decode(_ text: some Sequence<UInt8>) throws(EncodingError) -> [UInt8] {
    try withBytes(of: text) { (text) throws(EncodingError) in
      guard text.count % 2 == 0 else { throw .badLength(text.count) }
      var result = [UInt8]()
      result.reserveCapacity(text.count / 2)
      for i in stride(from: 0, to: text.count, by: 2) {
        guard let high = value(of: text[i]) else { throw .badCharacter(offset: i) }
        guard let low = value(of: text[i + 1]) else { throw .badCharacter(offset: i + 1) }
        result.append(high << 4 | low)
      }
      return result
    }
  }

  /// The value of one hexadecimal digit.
  static func value(of character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
