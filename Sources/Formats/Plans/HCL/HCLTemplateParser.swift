/// Quoted texts, heredocs and what is interpolated in them (spec, "Templates").
extension HCLCursor {
  /// A quoted template; the opening quote is read.
  mutating func quoted() throws(HCLError) -> HCLExpression {
    var parts = TemplateParts()
    while true {
      guard let byte = next else { throw fail(.unterminated) }
      switch byte {
      case UInt8(ascii: "\""):
        advance()
        return parts.expression
      case 0x0A: throw fail(.unterminated)
      case UInt8(ascii: "\\"): try escape(into: &parts)
      default: if try !sequence(into: &parts) { parts.text.append(byte); position += 1 }
      }
    }
  }

  private mutating func escape(into parts: inout TemplateParts) throws(HCLError) {
    advance()
    guard let kind = next else { throw fail(.unterminated) }
    advance()
    switch kind {
    case UInt8(ascii: "n"): parts.text.append(0x0A)
    case UInt8(ascii: "r"): parts.text.append(0x0D)
    case UInt8(ascii: "t"): parts.text.append(0x09)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): parts.text.append(kind)
    case UInt8(ascii: "u"), UInt8(ascii: "U"):
      let length = kind == UInt8(ascii: "u") ? 4 : 8
      guard bytes.count - position >= length,
        let code = UInt32(String(decoding: bytes[position..<position + length], as: UTF8.self), radix: 16), let scalar = Unicode.Scalar(code)
      else { throw fail(.badEscape) }
      advance(length)
      parts.text.append(contentsOf: String(Character(scalar)).utf8)
    default: throw fail(.badEscape)
    }
  }

  /// `${…}`, `%{…}` and their escapes; false when none begins here.
  private mutating func sequence(into parts: inout TemplateParts) throws(HCLError) -> Bool {
    guard let byte = next, byte == UInt8(ascii: "$") || byte == UInt8(ascii: "%") else { return false }
    if peek(1) == byte, peek(2) == UInt8(ascii: "{") {
      parts.text.append(contentsOf: [byte, UInt8(ascii: "{")])
      advance(3)
      return true
    }
    guard peek(1) == UInt8(ascii: "{") else { return false }
    advance(2)
    if next == UInt8(ascii: "~") {
      advance()
      parts.trimEnd()
    }
    let outer = ignoresLines
    ignoresLines = 1
    defer { ignoresLines = outer }
    try skip()
    if byte == UInt8(ascii: "%") {
      parts.add(try directive())
    } else {
      parts.add(try expression())
    }
    try skip()
    if next == UInt8(ascii: "~") {
      advance()
      parts.trimsStart = true
    }
    guard next == UInt8(ascii: "}") else { throw fail(.expectedClose) }
    advance()
    return true
  }

  /// `%{if x}`, `%{for …}` and the like: recognised so that what they refer to is seen, not evaluated.
  private mutating func directive() throws(HCLError) -> HCLExpression {
    let word = try name()
    try skip()
    switch word {
    case "if": return .unsupported("a template with %{if}", [try expression()])
    case "for":
      _ = try name()
      try skip()
      if take(",") {
        try skip()
        _ = try name()
        try skip()
      }
      guard try name() == "in" else { throw fail(.expectedName) }
      try skip()
      return .unsupported("a template with %{for}", [try expression()])
    case "else", "endif", "endfor": return .unsupported("a template with %{\(word)}", [])
    default: throw fail(.expectedName)
    }
  }

  /// How far every line of a heredoc is indented that is not blank, up to the line that holds the word alone.
  private func indentation(before word: [UInt8]) -> Int {
    var least = Int.max
    var start = position
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      let line = bytes[start..<end]
      let blanks = line.prefix { $0 == 0x20 || $0 == 0x09 }.count
      let rest = line.dropFirst(blanks)
      if rest.starts(with: word), rest.dropFirst(word.count).allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { break }
      if !rest.allSatisfy({ $0 == 0x0D }) { least = min(least, blanks) }
      start = end + 1
    }
    return least == Int.max ? 0 : least
  }

  /// `<<WORD` and `<<-WORD`, to the line that holds the word alone.
  mutating func heredoc() throws(HCLError) -> HCLExpression {
    advance(2)
    let trims = take("-")
    let word = Array(try name().utf8)
    if next == 0x0D { advance() }
    guard next == 0x0A else { throw fail(.expectedEndOfLine) }
    advance()
    var parts = TemplateParts()
    let indent = trims ? indentation(before: word) : 0
    while true {
      guard next != nil else { throw fail(.unterminated) }
      var end = position
      while end < bytes.count, bytes[end] == 0x20 || bytes[end] == 0x09 { end += 1 }
      if bytes.count - end >= word.count, bytes[end..<end + word.count].elementsEqual(word) {
        var after = end + word.count
        while after < bytes.count, bytes[after] == 0x0D || bytes[after] == 0x20 || bytes[after] == 0x09 { after += 1 }
        if after == bytes.count || bytes[after] == 0x0A {
          position = after
          return parts.expression
        }
      }
      position = min(end, position + indent)
      while let byte = next {
        if try sequence(into: &parts) { continue }
        parts.text.append(byte)
        advance()
        if byte == 0x0A { break }
      }
    }
  }
}

/// A template as it grows: text, then the parts before it.
private struct TemplateParts {
  var text: [UInt8] = []
  var parts: [HCLExpression] = []
  /// `~}` stood before: white space up to the next word is dropped.
  var trimsStart = false

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  /// `${~` takes away the white space before it.
  mutating func trimEnd() {
    applyStart()
    while let last = text.last, Self.isSpace(last) { text.removeLast() }
  }

  private mutating func applyStart() {
    guard trimsStart else { return }
    trimsStart = false
    text = Array(text.drop(while: Self.isSpace))
  }

  mutating func add(_ part: HCLExpression) {
    flush()
    parts.append(part)
  }

  private mutating func flush() {
    applyStart()
    guard !text.isEmpty else { return }
    parts.append(.literal(.string(String(decoding: text, as: UTF8.self))))
    text = []
  }

  var expression: HCLExpression {
    var all = self
    all.flush()
    return .template(all.parts)
  }
}
