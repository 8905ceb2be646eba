/// Parses one file of HCL native syntax: blocks, attributes, and expressions as trees.
///
/// Bounded by `HCLLimits`; recursion is bounded by its depth. It checks enough to find every block and argument where Terraform finds it; what Terraform
/// would refuse on top (types, unknown names) is not its business.
/// - Complexity: one pass.
enum HCLParser {
  static func parse(_ bytes: [UInt8], limits: HCLLimits = HCLLimits()) throws(HCLError) -> HCLBody {
    var cursor = try HCLCursor(bytes, limits)
    return try cursor.body(nested: false)
  }

  /// One expression alone, to its end.
  static func expression(_ bytes: [UInt8], limits: HCLLimits = HCLLimits()) throws(HCLError) -> HCLExpression {
    var cursor = try HCLCursor(bytes, limits)
    try cursor.skip(lines: true)
    let expression = try cursor.expression()
    try cursor.skip(lines: true)
    guard cursor.next == nil else { throw cursor.fail(.expectedEndOfLine) }
    return expression
  }
}

extension HCLCursor {
  mutating func body(nested: Bool) throws(HCLError) -> HCLBody {
    try enter()
    defer { leave() }
    var body = HCLBody()
    while true {
      try skip(lines: true)
      guard let byte = next else {
        if nested { throw fail(.unterminated) }
        return body
      }
      if nested, byte == UInt8(ascii: "}") {
        advance()
        return body
      }
      try item(into: &body)
      try skip()
      guard next == nil || next == 0x0A || nested && next == UInt8(ascii: "}") else { throw fail(.expectedEndOfLine) }
    }
  }

  private mutating func item(into body: inout HCLBody) throws(HCLError) {
    try count()
    let line = self.line
    let name = try self.name()
    try skip()
    if next == UInt8(ascii: "="), peek(1) != UInt8(ascii: "=") {
      advance()
      try skip()
      let value = try expression()
      guard body.attributes.updateValue(HCLAttribute(name: name, value: value, line: line), forKey: name) == nil else {
        throw HCLError(reason: .duplicateAttribute, line: line)
      }
      return
    }
    var labels: [String] = []
    while let byte = next, byte != UInt8(ascii: "{") {
      if byte == UInt8(ascii: "\"") {
        advance()
        labels.append(try literal())
      } else if Self.startsName(byte) {
        labels.append(try self.name())
      } else {
        throw fail(.expectedBlockOrAttribute)
      }
      guard labels.count <= 8 else { throw fail(.expectedBlockOrAttribute) }
      try skip()
    }
    guard take("{") else { throw fail(.expectedBlockOrAttribute) }
    let outer = ignoresLines
    ignoresLines = 0
    defer { ignoresLines = outer }
    body.blocks.append(HCLBlock(type: name, labels: labels, body: try self.body(nested: true), line: line))
  }

  /// A label: a quoted text without interpolation; the opening quote is read.
  private mutating func literal() throws(HCLError) -> String {
    guard case .template(let parts) = try quoted(), parts.count <= 1 else { throw fail(.expectedBlockOrAttribute) }
    guard let part = parts.first else { return "" }
    guard case .literal(.string(let text)) = part else { throw fail(.expectedBlockOrAttribute) }
    return text
  }
}
