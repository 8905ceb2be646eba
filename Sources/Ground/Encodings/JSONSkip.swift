extension JSONReader {
  /// How many members of one object are compared one by one before a set takes over.
  private static let fewNames = 48

  /// Checks one value as `value(depth:)` does, with the same errors, and builds nothing.
  ///
  /// - Complexity: one pass. Memory: the names of the objects that enclose the current position.
  mutating func skip(depth: Int) throws(JSONError) {
    try countElement()
    switch next {
    case UInt8(ascii: "{"): try skipObject(depth: depth + 1)
    case UInt8(ascii: "["): try skipArray(depth: depth + 1)
    case UInt8(ascii: "\""): _ = try text()
    case UInt8(ascii: "t"): try literal("true")
    case UInt8(ascii: "f"): try literal("false")
    case UInt8(ascii: "n"): try literal("null")
    case UInt8(ascii: "-"), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): _ = try number()
    default: throw JSONError(.expectedValue, at: position)
    }
  }

  private mutating func skipArray(depth: Int) throws(JSONError) {
    guard depth <= limits.maxDepth else { throw JSONError(.tooDeep(limit: limits.maxDepth), at: position) }
    position += 1
    skipSpace()
    if next == UInt8(ascii: "]") { position += 1; return }
    repeat {
      skipSpace()
      try skip(depth: depth)
    } while try separator(UInt8(ascii: "]"))
  }

  private mutating func skipObject(depth: Int) throws(JSONError) {
    guard depth <= limits.maxDepth else { throw JSONError(.tooDeep(limit: limits.maxDepth), at: position) }
    position += 1
    skipSpace()
    if next == UInt8(ascii: "}") { position += 1; return }
    var names = SeenNames()
    repeat {
      skipSpace()
      let start = position
      let name = try self.name()
      guard names.insert(name, in: bytes) else { throw JSONError(.duplicateMember, at: start) }
      try skip(depth: depth)
    } while try separator(UInt8(ascii: "}"))
  }

  /// The member names of one object so far.
  struct SeenNames {
    private var plain: [(start: Int, count: Int, ends: UInt64)] = []
    private var all: Set<[UInt8]>?

    /// Whether the name is new.
    mutating func insert(_ name: Text, in bytes: UnsafeRawBufferPointer) -> Bool {
      if all == nil, name.escaped || plain.count >= JSONReader.fewNames { all = Set(plain.map { Array(bytes[$0.start..<$0.start + $0.count]) }) }
      if all != nil { return all?.insert(JSONReader.unescape(name, in: bytes)).inserted ?? false }
      let (start, count) = (name.range.lowerBound, name.range.count)
      // Eight bytes of both ends and the length tell nearly all names apart.
      var ends: UInt64 = 0
      if count >= 8 {
        ends = bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self) &* 31 ^ bytes.loadUnaligned(fromByteOffset: start + count - 8, as: UInt64.self)
      } else {
        for i in 0..<count { ends = ends << 8 | UInt64(bytes[start + i]) }
      }
      for other in plain where other.ends == ends && other.count == count {
        var same = true
        for i in 0..<count where bytes[other.start + i] != bytes[start + i] { same = false; break }
        if same { return false }
      }
      plain.append((start, count, ends))
      return true
    }
  }
}

extension JSONScanner {
  /// One member of an object: its name, and where its value lies.
  package struct Member: Sendable, Hashable {
    package let name: String
    package let field: JSONField
  }

  /// Every member of one JSON object, in the order written, without building a tree: for documents with one very large member.
  ///
  /// The range of an array, object, number or literal is its text; that of a string is what stands between the quotes. It refuses exactly
  /// what `JSONValue.parse` refuses, with the same error, and besides that any text whose value is no object.
  /// - Complexity: one pass over the text; memory for the list alone.
  package static func members(
    _ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .standard
  ) throws(JSONError) -> [Member] {
    var reader = try JSONReader(bytes, limits)
    reader.skipSpace()
    guard let first = reader.next else { throw JSONError(.empty, at: bytes.count) }
    let start = reader.position
    guard first == UInt8(ascii: "{") else {
      try reader.skip(depth: 0)
      try reader.finish()
      throw JSONError(.expectedObject, at: start)
    }
    try reader.countElement()
    guard limits.maxDepth >= 1 else { throw JSONError(.tooDeep(limit: limits.maxDepth), at: start) }
    reader.position += 1
    reader.skipSpace()
    var result: [Member] = []
    if reader.next == UInt8(ascii: "}") {
      reader.position += 1
      try reader.finish()
      return result
    }
    var names = JSONReader.SeenNames()
    repeat {
      reader.skipSpace()
      let start = reader.position
      let name = try reader.name()
      guard names.insert(name, in: bytes) else { throw JSONError(.duplicateMember, at: start) }
      result.append(Member(name: JSONReader.string(name, in: bytes), field: try reader.located()))
    } while try reader.separator(UInt8(ascii: "}"))
    try reader.finish()
    return result
  }

  /// The elements of one JSON array, in order, without building a tree; nil when the text is something else.
  ///
  /// - Complexity: one pass over the text; memory for the list alone.
  package static func elements(_ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .standard) throws(JSONError) -> [JSONField]? {
    var reader = try JSONReader(bytes, limits)
    reader.skipSpace()
    guard reader.next == UInt8(ascii: "["), limits.maxDepth >= 1 else { return nil }
    try reader.countElement()
    reader.position += 1
    reader.skipSpace()
    var result: [JSONField] = []
    if reader.next == UInt8(ascii: "]") {
      reader.position += 1
    } else {
      repeat {
        reader.skipSpace()
        result.append(try reader.located())
      } while try reader.separator(UInt8(ascii: "]"))
    }
    try reader.finish()
    return result
  }

  /// Checks that the text is one acceptable JSON value and says where it lies, white space around it left out.
  package static func check(_ bytes: UnsafeRawBufferPointer, limits: JSONLimits = .standard) throws(JSONError) -> Range<Int> {
    var reader = try JSONReader(bytes, limits)
    reader.skipSpace()
    guard reader.next != nil else { throw JSONError(.empty, at: bytes.count) }
    let start = reader.position
    try reader.skip(depth: 0)
    let range = start..<reader.position
    try reader.finish()
    return range
  }
}

extension JSONReader {
  /// Reads one member's value and says what it is and where.
  mutating func located() throws(JSONError) -> JSONField {
    let start = position
    if next == UInt8(ascii: "\"") {
      try countElement()
      let text = try text()
      return JSONField(kind: .string, range: text.range, escaped: text.escaped)
    }
    let kind: JSONField.Kind =
      switch next {
      case UInt8(ascii: "{"): .object
      case UInt8(ascii: "["): .array
      case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
      case UInt8(ascii: "n"): .null
      default: .number
      }
    try skip(depth: 1)
    return JSONField(kind: kind, range: start..<position, escaped: false)
  }
}
