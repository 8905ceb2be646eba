/// Base64url without padding: RFC 4648 §5, RFC 7515 §2.
///
/// Decoding takes either alphabet (`-_` or `+/`, not both in one text) with or without correct padding, because Azure clients send
/// both. It refuses white space, impossible lengths and non-zero unused bits. Table driven, one allocation per call.
package enum Base64URL {
  package static func encode(_ bytes: some Sequence<UInt8>) -> String {
    withBytes(of: bytes) { Base64Codec.url.text($0) }
  }

  package static func encode(_ bytes: UnsafeRawBufferPointer) -> String { Base64Codec.url.text(bytes) }

  /// Appends the unpadded base64url characters of `bytes`.
  package static func append(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    Base64Codec.url.append(bytes, to: &output)
  }

  package static func append(_ bytes: some Sequence<UInt8>, to output: inout [UInt8]) {
    withBytes(of: bytes) { Base64Codec.url.append($0, to: &output) }
  }

  package static func decode(_ text: String) throws(EncodingError) -> [UInt8] {
    try withBytes(of: text.utf8) { (b) throws(EncodingError) in try Base64Codec.decode(b) }
  }

  package static func decode(_ text: UnsafeRawBufferPointer) throws(EncodingError) -> [UInt8] {
    try Base64Codec.decode(text)
  }

  package static func decode(_ text: some Sequence<UInt8>) throws(EncodingError) -> [UInt8] {
    try withBytes(of: text) { (b) throws(EncodingError) in try Base64Codec.decode(b) }
  }
}

/// Base64 with padding: RFC 4648 §4. Decoding is that of `Base64URL`.
package enum Base64 {
  package static func encode(_ bytes: some Sequence<UInt8>) -> String {
    withBytes(of: bytes) { Base64Codec.standard.text($0) }
  }

  package static func encode(_ bytes: UnsafeRawBufferPointer) -> String { Base64Codec.standard.text(bytes) }

  package static func append(_ bytes: some Sequence<UInt8>, to output: inout [UInt8]) {
    withBytes(of: bytes) { Base64Codec.standard.append($0, to: &output) }
  }

  package static func decode(_ text: String) throws(EncodingError) -> [UInt8] { try Base64URL.decode(text) }

  package static func decode(_ text: UnsafeRawBufferPointer) throws(EncodingError) -> [UInt8] {
    try Base64Codec.decode(text)
  }

  package static func decode(_ text: some Sequence<UInt8>) throws(EncodingError) -> [UInt8] { try Base64URL.decode(text) }
}

/// The shared tables and loops.
struct Base64Codec: Sendable {
  static let standard = Base64Codec(last: "+/", padded: true)
  static let url = Base64Codec(last: "-_", padded: false)

  let alphabet: [UInt8]
  let padded: Bool

  private init(last: String, padded: Bool) {
    alphabet = Array(("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + last).utf8)
    self.padded = padded
  }

  /// Value of each character in the low six bits. 0x40 marks `+/`, 0x80 marks `-_`; both together mean "not base64", which is
  /// what the union of a mixed text shows too.
  private static let values: [UInt8] = {
    var table = [UInt8](repeating: 0xFF, count: 256)
    for (value, character) in standard.alphabet.enumerated() { table[Int(character)] = UInt8(value) | (value >= 62 ? 0x40 : 0) }
    for (value, character) in url.alphabet.enumerated() where value >= 62 { table[Int(character)] = UInt8(value) | 0x80 }
    return table
  }()

  func length(of count: Int) -> Int { padded ? (count + 2) / 3 * 4 : (count * 4 + 2) / 3 }

  func text(_ bytes: UnsafeRawBufferPointer) -> String {
    let length = length(of: bytes.count)
    return String(unsafeUninitializedCapacity: length) { out in
      write(bytes, to: UnsafeMutableRawBufferPointer(out))
      return length
    }
  }

  func append(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    let length = length(of: bytes.count)
    output.append(contentsOf: [UInt8](unsafeUninitializedCapacity: length) { out, count in
      write(bytes, to: UnsafeMutableRawBufferPointer(out))
      count = length
    })
  }

  private func write(_ bytes: UnsafeRawBufferPointer, to out: UnsafeMutableRawBufferPointer) {
    alphabet.withUnsafeBufferPointer { alphabet in
      var i = 0
      var o = 0
      while i + 3 <= bytes.count {
        let v = UInt32(bytes[i]) << 16 | UInt32(bytes[i + 1]) << 8 | UInt32(bytes[i + 2])
        out[o] = alphabet[Int(v >> 18)]
        out[o + 1] = alphabet[Int(v >> 12 & 63)]
        out[o + 2] = alphabet[Int(v >> 6 & 63)]
        out[o + 3] = alphabet[Int(v & 63)]
        i += 3
        o += 4
      }
      let rest = bytes.count - i
      guard rest > 0 else { return }
      let v = UInt32(bytes[i]) << 16 | (rest == 2 ? UInt32(bytes[i + 1]) << 8 : 0)
      out[o] = alphabet[Int(v >> 18)]
      out[o + 1] = alphabet[Int(v >> 12 & 63)]
      o += 2
      if rest == 2 {
        out[o] = alphabet[Int(v >> 6 & 63)]
        o += 1
      }
      if padded { for _ in rest..<3 { out[o] = UInt8(ascii: "="); o += 1 } }
    }
  }

  static func decode(_ text: UnsafeRawBufferPointer) throws(EncodingError) -> [UInt8] {
    var count = text.count
    if count > 0, text[count - 1] == UInt8(ascii: "=") {
      guard count % 4 == 0 else { throw .badPadding }
      count -= text[count - 2] == UInt8(ascii: "=") ? 2 : 1
    }
    let rest = count % 4
    guard rest != 1 else { throw .badLength(text.count) }
    let size = count / 4 * 3 + (rest == 0 ? 0 : rest - 1)
    var seen: UInt8 = 0
    var unused: UInt8 = 0
    let result = values.withUnsafeBufferPointer { values in
      [UInt8](unsafeUninitializedCapacity: size) { out, written in
        var i = 0
        var o = 0
        while i + 4 <= count {
          let a = values[Int(text[i])], b = values[Int(text[i + 1])]
          let c = values[Int(text[i + 2])], d = values[Int(text[i + 3])]
          seen |= a | b | c | d
          let v = UInt32(a & 63) << 18 | UInt32(b & 63) << 12 | UInt32(c & 63) << 6 | UInt32(d & 63)
          out[o] = UInt8(truncatingIfNeeded: v >> 16)
          out[o + 1] = UInt8(truncatingIfNeeded: v >> 8)
          out[o + 2] = UInt8(truncatingIfNeeded: v)
          i += 4
          o += 3
        }
        if rest >= 2 {
          let a = values[Int(text[i])], b = values[Int(text[i + 1])]
          seen |= a | b
          out[o] = a << 2 | (b & 63) >> 4
          unused = b & 15
          if rest == 3 {
            let c = values[Int(text[i + 2])]
            seen |= c
            out[o + 1] = b << 4 | (c & 63) >> 2
            unused = c & 3
          }
        }
        written = size
      }
    }
    guard seen & 0xC0 != 0xC0 else { throw .badCharacter(offset: firstBad(text, count)) }
    guard unused == 0 else { throw .trailingBits }
    return result
  }

  /// Where the text left the alphabet, or mixed the two. Only reached on refusal.
  private static func firstBad(_ text: UnsafeRawBufferPointer, _ count: Int) -> Int {
    var seen: UInt8 = 0
    for i in 0..<count {
      seen |= values[Int(text[i])]
      if seen & 0xC0 == 0xC0 { return i }
    }
    return count
  }
}
