import Encodings

/// A template's expression, parsed: what stands between `[` and `]`.
indirect enum TemplateExpression: Sendable, Hashable {
  case string(String)
  case number(JSONNumber)
  case call(name: String, arguments: [TemplateExpression])
  case member(TemplateExpression, String)
  case index(TemplateExpression, TemplateExpression)

  /// Whether a string of a template is an expression; `[[` starts a literal that begins with one bracket.
  static func isExpression(_ text: String) -> Bool { text.utf8.first == UInt8(ascii: "[") && text.utf8.last == UInt8(ascii: "]") && !text.hasPrefix("[[") }

  /// Parses `[…]`. Nil when it is malformed, longer than `maxLength` bytes, or nested deeper than `maxDepth`.
  ///
  /// Cost: one pass; the depth of the stack is bounded by `maxDepth`.
  static func parse(_ text: String, maxLength: Int, maxDepth: Int) -> TemplateExpression? {
    guard text.utf8.count <= maxLength, isExpression(text) else { return nil }
    var parser = ExpressionParser(bytes: Array(text.utf8.dropFirst().dropLast()), maxDepth: maxDepth)
    guard let expression = parser.expression(depth: 0) else { return nil }
    parser.skipSpace()
    return parser.position == parser.bytes.count ? expression : nil
  }
}

/// Recursive descent over the few tokens the language has: names, integers, quoted strings, `( ) [ ] , .`
private struct ExpressionParser {
  let bytes: [UInt8]
  let maxDepth: Int
  var position = 0

  var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
  }

  private mutating func take(_ character: Character) -> Bool {
    skipSpace()
    guard next == character.asciiValue else { return false }
    position += 1
    return true
  }

  mutating func expression(depth: Int) -> TemplateExpression? {
    guard depth <= maxDepth, var result = primary(depth: depth) else { return nil }
    var links = 0
    while true {
      if take(".") || take("?") {
        // `.?name` and `[?index]` read as `.name` and `[index]`: what is not there is null either way.
        if next == UInt8(ascii: "?") || next == UInt8(ascii: ".") { position += 1 }
        skipSpace()
        guard let name = name() else { return nil }
        result = .member(result, name)
      } else if take("[") {
        _ = take("?")
        guard let index = expression(depth: depth + 1), take("]") else { return nil }
        result = .index(result, index)
      } else {
        return result
      }
      links += 1
      // A chain nests the tree as calls do.
      guard links <= maxDepth else { return nil }
    }
  }

  private mutating func primary(depth: Int) -> TemplateExpression? {
    skipSpace()
    guard let byte = next else { return nil }
    switch byte {
    case UInt8(ascii: "'"): return quoted()
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return number()
    default:
      guard var name = name() else { return nil }
      // `namespace.function(…)`
      while next == UInt8(ascii: ".") {
        position += 1
        guard let part = self.name() else { return nil }
        name += ".\(part)"
      }
      guard take("(") else {
        return ["true", "false", "null"].contains(name.lowercased()) ? .call(name: name, arguments: []) : nil
      }
      var arguments: [TemplateExpression] = []
      if take(")") { return .call(name: name, arguments: []) }
      repeat {
        guard let argument = expression(depth: depth + 1) else { return nil }
        arguments.append(argument)
      } while take(",")
      return take(")") ? .call(name: name, arguments: arguments) : nil
    }
  }

  private mutating func name() -> String? {
    let start = position
    while let byte = next, isNameByte(byte) { position += 1 }
    return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
  }

  private func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
      UInt8(ascii: "$"), UInt8(ascii: "-"), 0x80...0xFF: true
    default: false
    }
  }

  private mutating func number() -> TemplateExpression? {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    while let byte = next, byte &- 0x30 < 10 { position += 1 }
    guard let value = Int(String(decoding: bytes[start..<position], as: UTF8.self)) else { return nil }
    return .number(JSONNumber(value))
  }

  /// A quote within is written twice.
  private mutating func quoted() -> TemplateExpression? {
    position += 1
    var text: [UInt8] = []
    while let byte = next {
      position += 1
      guard byte == UInt8(ascii: "'") else {
        text.append(byte)
        continue
      }
      guard next == UInt8(ascii: "'") else { return .string(String(decoding: text, as: UTF8.self)) }
      text.append(byte)
      position += 1
    }
    return nil
  }
}
