/// Bytes of one file with a position and the budget that every rule spends from.
struct HCLCursor {
  let bytes: [UInt8]
  let limits: HCLLimits
  var position = 0
  var line = 1
  var nodes = 0
  var depth = 0
  /// Operators of one level after another, of this expression and those around it.
  var chain = 0
  /// Inside brackets the end of a line is white space.
  var ignoresLines = 0

  init(_ bytes: [UInt8], _ limits: HCLLimits) throws(HCLError) {
    guard bytes.count <= limits.maxBytes else { throw HCLError(reason: .tooLong, line: 1) }
    guard String(validating: bytes, as: UTF8.self) != nil else { throw HCLError(reason: .invalidUTF8, line: 1) }
    self.bytes = bytes
    self.limits = limits
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  var next: UInt8? { position < bytes.count ? bytes[position] : nil }
  func peek(_ offset: Int) -> UInt8? { position + offset < bytes.count ? bytes[position + offset] : nil }
  func fail(_ reason: HCLError.Reason) -> HCLError { HCLError(reason: reason, line: line) }

  mutating func enter() throws(HCLError) {
    depth += 1
    guard depth <= limits.maxDepth else { throw fail(.tooDeep) }
    try count()
  }
  mutating func leave() { depth -= 1 }

  mutating func count() throws(HCLError) {
    nodes += 1
    guard nodes <= limits.maxNodes else { throw fail(.tooMuch) }
  }

  mutating func advance(_ count: Int = 1) {
    for _ in 0..<count where position < bytes.count {
      if bytes[position] == 0x0A { line += 1 }
      position += 1
    }
  }

  func sees(_ text: StaticString) -> Bool {
    guard bytes.count - position >= text.utf8CodeUnitCount else { return false }
    return (0..<text.utf8CodeUnitCount).allSatisfy { bytes[position + $0] == text.utf8Start[$0] }
  }

  mutating func take(_ text: StaticString) -> Bool {
    guard sees(text) else { return false }
    advance(text.utf8CodeUnitCount)
    return true
  }

  /// Skips blanks and comments; line ends too when they mean nothing here, or when `lines` says so.
  mutating func skip(lines: Bool = false) throws(HCLError) {
    while let byte = next {
      switch byte {
      case 0x20, 0x09, 0x0D: position += 1
      case 0x0A where lines || ignoresLines > 0: advance()
      case UInt8(ascii: "#"): skipLine()
      case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"): skipLine()
      case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"):
        advance(2)
        while !sees("*/") {
          guard next != nil else { throw fail(.unterminated) }
          advance()
        }
        advance(2)
      default: return
      }
    }
  }

  private mutating func skipLine() { while let byte = next, byte != 0x0A { position += 1 } }

  static func startsName(_ byte: UInt8) -> Bool { byte >= 0x80 || byte == UInt8(ascii: "_") || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A }
  static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  /// A name (spec, "Identifiers"): letters, digits, `_` and `-`; anything beyond ASCII counts as a letter.
  mutating func name() throws(HCLError) -> String {
    guard let first = next, Self.startsName(first) else { throw fail(.expectedName) }
    let start = position
    while let byte = next, Self.startsName(byte) || Self.isDigit(byte) || byte == UInt8(ascii: "-") { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }
}
