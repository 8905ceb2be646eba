import Encodings

/// The rules of expressions (spec, "Expressions").
extension HCLCursor {
  mutating func expression() throws(HCLError) -> HCLExpression {
    try enter()
    defer { leave() }
    let test = try operation(1)
    try skip()
    guard next == UInt8(ascii: "?") else { return test }
    advance()
    try skip(lines: true)
    let yes = try expression()
    try skip(lines: true)
    guard take(":") else { throw fail(.expectedExpression) }
    try skip(lines: true)
    return .conditional(test, yes, try expression())
  }

  private mutating func operation(_ level: Int) throws(HCLError) -> HCLExpression {
    var left = try unary()
    let outer = chain
    defer { chain = outer }
    while true {
      try skip()
      guard let (op, length) = binaryOperator(), op.level >= level else { return left }
      try count()
      // `a + b + c` nests to the left without recursion here; what walks the tree later does recurse.
      chain += 1
      guard chain <= limits.maxChain else { throw fail(.tooDeep) }
      advance(length)
      try skip(lines: true)
      left = .binary(op, left, try operation(op.level + 1))
    }
  }

  private func binaryOperator() -> (HCLOperator, Int)? {
    if sees("||") { return (.or, 2) }
    if sees("&&") { return (.and, 2) }
    if sees("==") { return (.equal, 2) }
    if sees("!=") { return (.notEqual, 2) }
    if sees("<=") { return (.lessOrEqual, 2) }
    if sees(">=") { return (.greaterOrEqual, 2) }
    switch next {
    case UInt8(ascii: "<"): return (.less, 1)
    case UInt8(ascii: ">"): return (.greater, 1)
    case UInt8(ascii: "+"): return (.plus, 1)
    case UInt8(ascii: "-"): return (.minus, 1)
    case UInt8(ascii: "*"): return (.times, 1)
    case UInt8(ascii: "/"): return (.divided, 1)
    case UInt8(ascii: "%"): return (.modulo, 1)
    default: return nil
    }
  }

  private mutating func unary() throws(HCLError) -> HCLExpression {
    try enter()
    defer { leave() }
    if next == UInt8(ascii: "!"), peek(1) != UInt8(ascii: "=") {
      advance()
      try skip()
      return .unary(.not, try unary())
    }
    if next == UInt8(ascii: "-") {
      advance()
      try skip()
      return .unary(.minus, try unary())
    }
    let base = try primary()
    let steps = try self.steps()
    if steps.isEmpty { return base }
    if case .traversal(let root, let first) = base { return .traversal(root, first + steps) }
    return .access(base, steps)
  }

  private mutating func steps() throws(HCLError) -> [HCLStep] {
    var steps: [HCLStep] = []
    while true {
      try skip()
      if next == UInt8(ascii: "."), peek(1) != UInt8(ascii: ".") {
        advance()
        try skip()
        try count()
        if take("*") {
          steps.append(.splat)
        } else if let byte = next, Self.isDigit(byte) {
          let start = position
          while let digit = next, Self.isDigit(digit) { position += 1 }
          guard let index = Int(String(decoding: bytes[start..<position], as: UTF8.self)) else { throw fail(.badNumber) }
          steps.append(.index(.literal(.number(JSONNumber(index)))))
        } else {
          steps.append(.name(try name()))
        }
      } else if next == UInt8(ascii: "[") {
        advance()
        try count()
        ignoresLines += 1
        defer { ignoresLines -= 1 }
        try skip()
        if take("*") {
          steps.append(.splat)
        } else {
          steps.append(.index(try expression()))
        }
        try close(UInt8(ascii: "]"))
      } else {
        return steps
      }
    }
  }

  private mutating func close(_ byte: UInt8) throws(HCLError) {
    try skip()
    guard next == byte else { throw fail(.expectedClose) }
    advance()
  }

  private mutating func primary() throws(HCLError) -> HCLExpression {
    guard let byte = next else { throw fail(.expectedExpression) }
    switch byte {
    case UInt8(ascii: "("):
      advance()
      ignoresLines += 1
      defer { ignoresLines -= 1 }
      try skip()
      let inner = try expression()
      try close(UInt8(ascii: ")"))
      return inner
    case UInt8(ascii: "["): return try tuple()
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "\""):
      advance()
      return try quoted()
    case UInt8(ascii: "<") where sees("<<"): return try heredoc()
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: return try named()
    }
  }

  private mutating func named() throws(HCLError) -> HCLExpression {
    let name = try self.name()
    switch name {
    case "true": return .literal(.bool(true))
    case "false": return .literal(.bool(false))
    case "null": return .literal(.null)
    default: break
    }
    var function = name
    while sees("::") {
      advance(2)
      function += "::" + (try self.name())
    }
    guard next == UInt8(ascii: "(") else { return .traversal(function, []) }
    advance()
    ignoresLines += 1
    defer { ignoresLines -= 1 }
    var arguments: [HCLExpression] = []
    var expands = false
    while true {
      try skip()
      if next == UInt8(ascii: ")") { break }
      arguments.append(try expression())
      try skip()
      if take("...") {
        expands = true
        try skip()
        break
      }
      guard take(",") else { break }
    }
    try close(UInt8(ascii: ")"))
    return .call(function, arguments, expandsLast: expands)
  }

  private mutating func number() throws(HCLError) -> HCLExpression {
    let start = position
    while let byte = next, Self.isDigit(byte) { position += 1 }
    if next == UInt8(ascii: "."), let digit = peek(1), Self.isDigit(digit) {
      position += 1
      while let byte = next, Self.isDigit(byte) { position += 1 }
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      guard let byte = next, Self.isDigit(byte) else { throw fail(.badNumber) }
      while let byte = next, Self.isDigit(byte) { position += 1 }
    }
    guard position - start <= 64, case .number(let number)? = try? JSONValue.parse(bytes[start..<position]) else { throw fail(.badNumber) }
    return .literal(.number(number))
  }

  private mutating func tuple() throws(HCLError) -> HCLExpression {
    advance()
    ignoresLines += 1
    defer { ignoresLines -= 1 }
    try skip()
    if seesFor() { return try comprehension(UInt8(ascii: "]")) }
    var elements: [HCLExpression] = []
    while true {
      try skip()
      if next == UInt8(ascii: "]") { break }
      elements.append(try expression())
      try skip()
      guard take(",") else { break }
    }
    try close(UInt8(ascii: "]"))
    return .tuple(elements)
  }

  private mutating func object() throws(HCLError) -> HCLExpression {
    advance()
    ignoresLines += 1
    defer { ignoresLines -= 1 }
    try skip()
    if seesFor() { return try comprehension(UInt8(ascii: "}")) }
    var items: [HCLItem] = []
    while true {
      try skip()
      if next == UInt8(ascii: "}") { break }
      let key = try expression()
      try skip()
      guard take("=") || take(":") else { throw fail(.expectedBlockOrAttribute) }
      try skip()
      // A value ends at the end of its line, so inside it line ends count again.
      let outer = ignoresLines
      ignoresLines = 0
      let value = try expression()
      ignoresLines = outer
      items.append(HCLItem(key: key.asKey, value: value))
      let line = self.line
      let comma = try separator()
      guard comma || self.line > line || next == UInt8(ascii: "}") else { throw fail(.expectedEndOfLine) }
    }
    try close(UInt8(ascii: "}"))
    return .object(items)
  }

  private mutating func separator() throws(HCLError) -> Bool {
    try skip()
    let comma = take(",")
    try skip()
    return comma
  }

  private func seesFor() -> Bool {
    guard sees("for"), let after = peek(3) else { return false }
    return after == 0x20 || after == 0x09 || after == 0x0A || after == 0x0D
  }

  private mutating func comprehension(_ end: UInt8) throws(HCLError) -> HCLExpression {
    advance(3)
    try skip()
    var first = try name()
    var second: String?
    try skip()
    if take(",") {
      try skip()
      second = try name()
      try skip()
    }
    if second == nil { (first, second) = ("", first) }
    guard try name() == "in" else { throw fail(.expectedName) }
    try skip()
    let collection = try expression()
    try skip()
    guard take(":") else { throw fail(.expectedExpression) }
    try skip()
    var value = try expression()
    var key: HCLExpression?
    var groups = false
    try skip()
    if end == UInt8(ascii: "}") {
      guard take("=>") else { throw fail(.expectedExpression) }
      try skip()
      key = value
      value = try expression()
      try skip()
      groups = take("...")
      try skip()
    }
    var condition: HCLExpression?
    if sees("if"), let after = peek(2), !Self.startsName(after), !Self.isDigit(after) {
      advance(2)
      try skip()
      condition = try expression()
    }
    try close(end)
    return .comprehension(
      HCLFor(
        keyName: first.isEmpty ? nil : first, valueName: second ?? first, collection: collection, key: key, value: value, groups: groups,
        condition: condition))
  }
}

extension HCLExpression {
  /// An object's key: a bare name is text, anything else an expression.
  var asKey: HCLExpression {
    if case .traversal(let name, let steps) = self, steps.isEmpty { return .literal(.string(name)) }
    return self
  }
}
