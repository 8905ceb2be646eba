/// The lexical grammar of JSON over a buffer: what the tree parser and the scanner both stand on.
///
/// Every method leaves `position` after what it read, or throws with the offset of the first offending byte.
struct JSONReader {
  /// A string token: the bytes between the quotes, and whether any of them is an escape.
  struct Text {
    var range: Range<Int>
    var escaped: Bool
  }

  let bytes: UnsafeRawBufferPointer
  let limits: JSONLimits
  var position = 0
  var elements = 0
  /// Members of the outermost object that are only located, and where they were found.
  var omitted: Set<String> = []
  var places: [String: JSONField] = [:]

  init(_ bytes: UnsafeRawBufferPointer, _ limits: JSONLimits) throws(JSONError) {
    guard bytes.count <= limits.maxBytes else { throw JSONError(.tooLong(limit: limits.maxBytes), at: limits.maxBytes) }
    self.bytes = bytes
    self.limits = limits
  }

  /// The next byte, nil at the end.
  var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  mutating func countElement() throws(JSONError) {
    elements += 1
    guard elements <= limits.maxElements else {
      throw JSONError(.tooManyElements(limit: limits.maxElements), at: position)
    }
  }

  /// Requires that nothing but white space is left.
  mutating func finish() throws(JSONError) {
    skipSpace()
    guard position == bytes.count else { throw JSONError(.trailingBytes, at: position) }
  }

  mutating func literal(_ word: StaticString) throws(JSONError) {
    let start = position
    guard bytes.count - position >= word.utf8CodeUnitCount else { throw JSONError(.expectedValue, at: start) }
    for i in 0..<word.utf8CodeUnitCount where bytes[position + i] != word.utf8Start[i] {
      throw JSONError(.expectedValue, at: start)
    }
    position += word.utf8CodeUnitCount
  }

  /// Reads a number and returns its range (RFC 8259 §6).
  mutating func number() throws(JSONError) -> Range<Int> {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    if next == UInt8(ascii: "0") {
      position += 1
      if let digit = next, isDigit(digit) { throw JSONError(.badNumber, at: position) }
    } else {
      try digits()
    }
    if next == UInt8(ascii: ".") {
      position += 1
      try digits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      try digits()
    }
    return start..<position
  }

  private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  private mutating func digits() throws(JSONError) {
    let start = position
    while let digit = next, isDigit(digit) { position += 1 }
    guard position > start else { throw JSONError(.badNumber, at: start) }
  }

  /// Reads a string whose opening quote is the next byte: escapes are checked, UTF-8 is checked, nothing is copied.
  mutating func text() throws(JSONError) -> Text {
    position += 1
    let start = position
    var escaped = false
    while true {
      skipPlain()
      guard position < bytes.count else { throw JSONError(.unterminatedString, at: bytes.count) }
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return Text(range: start..<(position - 1), escaped: escaped)
      case UInt8(ascii: "\\"):
        escaped = true
        try escape()
      case 0..<0x20: throw JSONError(.controlCharacter, at: position)
      default: try multibyte(byte)
      }
    }
  }

  /// Skips printable ASCII other than quote and backslash, eight bytes at a time.
  private mutating func skipPlain() {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    while position + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5C)
      let stop =
        (word | (word &- ones &* 0x20) | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash) & highs
      if stop != 0 { break }
      position += 8
    }
    while position < bytes.count {
      let byte = bytes[position]
      if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { return }
      position += 1
    }
  }

  private mutating func escape() throws(JSONError) {
    let start = position
    position += 1
    guard let kind = next else { throw JSONError(.unterminatedString, at: bytes.count) }
    position += 1
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return
    case UInt8(ascii: "u"):
      let unit = try hexUnit()
      guard unit & 0xF800 == 0xD800 else { return }
      guard unit < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
        bytes[position + 1] == UInt8(ascii: "u")
      else { throw JSONError(.loneSurrogate, at: start) }
      position += 2
      guard try hexUnit() & 0xFC00 == 0xDC00 else { throw JSONError(.loneSurrogate, at: start) }
    default: throw JSONError(.badEscape, at: start)
    }
  }

  private mutating func hexUnit() throws(JSONError) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let character = next, let digit = Hex.value(of: character) else { throw JSONError(.badEscape, at: position) }
      unit = unit << 4 | UInt16(digit)
      position += 1
    }
    return unit
  }

  /// Checks one multi-byte UTF-8 sequence: RFC 3629 §4, so no overlong form, no surrogate, nothing above U+10FFFF.
  private mutating func multibyte(_ lead: UInt8) throws(JSONError) {
    let start = position
    let (count, low, high): (Int, UInt8, UInt8) =
      switch lead {
      case 0xC2...0xDF: (1, 0x80, 0xBF)
      case 0xE0: (2, 0xA0, 0xBF)
      case 0xED: (2, 0x80, 0x9F)
      case 0xE1...0xEF: (2, 0x80, 0xBF)
      case 0xF0: (3, 0x90, 0xBF)
      case 0xF1...0xF3: (3, 0x80, 0xBF)
      case 0xF4: (3, 0x80, 0x8F)
      default: throw JSONError(.invalidUTF8, at: start)
      }
    guard position + count < bytes.count else { throw JSONError(.invalidUTF8, at: start) }
    guard bytes[position + 1] >= low, bytes[position + 1] <= high else { throw JSONError(.invalidUTF8, at: start) }
    position += 2
    for _ in 1..<count {
      guard bytes[position] & 0xC0 == 0x80 else { throw JSONError(.invalidUTF8, at: start) }
      position += 1
    }
  }

  /// The bytes a checked string stands for, as UTF-8.
  static func unescape(_ text: Text, in bytes: UnsafeRawBufferPointer) -> [UInt8] {
    guard text.escaped else { return [UInt8](bytes[text.range]) }
    var out = [UInt8]()
    out.reserveCapacity(text.range.count)
    var i = text.range.lowerBound
    func unit(at offset: Int) -> UInt32 {
      (offset..<offset + 4).reduce(0) { $0 << 4 | UInt32(Hex.value(of: bytes[$1]) ?? 0) }
    }
    while i < text.range.upperBound {
      let byte = bytes[i]
      guard byte == UInt8(ascii: "\\") else { out.append(byte); i += 1; continue }
      let kind = bytes[i + 1]
      i += 2
      switch kind {
      case UInt8(ascii: "b"): out.append(0x08)
      case UInt8(ascii: "f"): out.append(0x0C)
      case UInt8(ascii: "n"): out.append(0x0A)
      case UInt8(ascii: "r"): out.append(0x0D)
      case UInt8(ascii: "t"): out.append(0x09)
      case UInt8(ascii: "u"):
        var scalar = unit(at: i)
        i += 4
        if scalar & 0xF800 == 0xD800 {
          scalar = 0x10000 + (scalar & 0x3FF) << 10 + (unit(at: i + 2) & 0x3FF)
          i += 6
        }
        out.append(contentsOf: String(Character(Unicode.Scalar(scalar) ?? "\u{FFFD}")).utf8)
      default: out.append(kind)
      }
    }
    return out
  }

  static func string(_ text: Text, in bytes: UnsafeRawBufferPointer) -> String {
    text.escaped
      ? String(decoding: unescape(text, in: bytes), as: UTF8.self) : String(decoding: bytes[text.range], as: UTF8.self)
  }
}
