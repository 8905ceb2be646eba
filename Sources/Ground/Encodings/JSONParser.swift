extension JSONValue {
  /// Parses exactly one JSON text (RFC 8259), strictly.
  ///
  /// Refused: duplicate members (byte-equal names after unescaping), anything after the value, a byte order mark, invalid UTF-8, half
  /// surrogate pairs, `NaN`, leading zeros, comments, trailing commas, and whatever exceeds `limits`.
  package static func parse(
    _ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .standard
  ) throws(JSONError) -> JSONValue {
    var reader = try JSONReader(bytes, limits)
    reader.skipSpace()
    guard reader.next != nil else { throw JSONError(.empty, at: bytes.count) }
    let value = try reader.value(depth: 0)
    try reader.finish()
    return value
  }

  /// Parses one JSON text whose outermost value is an object; of the members named in `omitted`, which may be large, only the place is told. They are
  /// checked like all others and stand as null in the tree.
  package static func parse(
    _ bytes: UnsafeRawBufferPointer, omitting omitted: Set<String>, limits: JSONLimits = .standard
  ) throws(JSONError) -> (value: JSONValue, omitted: [String: JSONField]) {
    var reader = try JSONReader(bytes, limits)
    reader.skipSpace()
    guard reader.next != nil else { throw JSONError(.empty, at: bytes.count) }
    guard reader.next == UInt8(ascii: "{") else { return (try parse(bytes, limits: limits), [:]) }
    try reader.countElement()
    reader.omitted = omitted
    let value = JSONValue.object(try reader.object(depth: 1))
    try reader.finish()
    return (value, reader.places)
  }

  package static func parse(_ bytes: some Sequence<UInt8>, limits: JSONLimits = .standard) throws(JSONError) -> JSONValue {
    try withBytes(of: bytes) { (b) throws(JSONError) in try parse(b, limits: limits) }
  }

  package static func parse(_ text: String, limits: JSONLimits = .standard) throws(JSONError) -> JSONValue {
    try parse(text.utf8, limits: limits)
  }
}

extension JSONReader {
  /// Reads one value; `depth` is how many containers already enclose it.
  mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    try countElement()
    switch next {
    case UInt8(ascii: "{"): return .object(try object(depth: depth + 1))
    case UInt8(ascii: "["): return .array(try array(depth: depth + 1))
    case UInt8(ascii: "\""): return .string(Self.string(try text(), in: bytes))
    case UInt8(ascii: "t"):
      try literal("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try literal("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try literal("null")
      return .null
    case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")):
      return .number(JSONNumber(grammatical: String(decoding: bytes[try number()], as: UTF8.self)))
    default: throw JSONError(.expectedValue, at: position)
    }
  }

  private func checkDepth(_ depth: Int) throws(JSONError) {
    guard depth <= limits.maxDepth else { throw JSONError(.tooDeep(limit: limits.maxDepth), at: position) }
  }

  private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
    try checkDepth(depth)
    position += 1
    skipSpace()
    var result: [JSONValue] = []
    if next == UInt8(ascii: "]") { position += 1; return result }
    while true {
      skipSpace()
      result.append(try value(depth: depth))
      guard try separator(UInt8(ascii: "]")) else { return result }
    }
  }

  fileprivate mutating func object(depth: Int) throws(JSONError) -> JSONObject {
    try checkDepth(depth)
    position += 1
    skipSpace()
    var members: [JSONObject.Member] = []
    if next == UInt8(ascii: "}") { position += 1; return JSONObject() }
    var seen = SeenNames()
    while true {
      skipSpace()
      let start = position
      let name = try self.name()
      guard seen.insert(name, in: bytes) else { throw JSONError(.duplicateMember, at: start) }
      let text = Self.string(name, in: bytes)
      if depth == 1, omitted.contains(text) {
        places[text] = try located()
        members.append(.init(name: text, value: .null))
      } else {
        members.append(.init(name: text, value: try value(depth: depth)))
      }
      guard try separator(UInt8(ascii: "}")) else { return JSONObject(distinct: members) }
    }
  }

  /// Reads a member's name, the colon and the space after it.
  mutating func name() throws(JSONError) -> Text {
    guard next == UInt8(ascii: "\"") else { throw JSONError(.expectedName, at: position) }
    let name = try text()
    skipSpace()
    guard next == UInt8(ascii: ":") else { throw JSONError(.expectedColon, at: position) }
    position += 1
    skipSpace()
    return name
  }

  /// Reads the comma (true) or the end (false) after an element.
  mutating func separator(_ end: UInt8) throws(JSONError) -> Bool {
    skipSpace()
    guard let byte = next, byte == UInt8(ascii: ",") || byte == end else {
      throw JSONError(.expectedCommaOrEnd, at: position)
    }
    position += 1
    return byte != end
  }
}
