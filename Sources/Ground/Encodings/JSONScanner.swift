/// The names of the members a hot route wants, prepared once and kept.
package struct JSONMembers: Sendable {
  let names: [[UInt8]]

  /// The position of a name here is its index in the scan.
  package init(_ names: String...) { self.names = names.map { Array($0.utf8) } }
}

/// One member found by `JSONScanner`: its kind and where its text lies. It borrows nothing; pass the same bytes again to read it.
package struct JSONField: Sendable, Hashable {
  package enum Kind: Sendable { case absent, null, bool, number, string, array, object }

  package let kind: Kind
  /// The text of the value; for a string, what stands between the quotes.
  package let range: Range<Int>
  /// Whether a string holds escapes, so that `range` is not its bytes.
  package let escaped: Bool

  static let absent = JSONField(kind: .absent, range: 0..<0, escaped: false)

  package var isAbsent: Bool { kind == .absent }
  package var isNull: Bool { kind == .null }

  /// The string, nil when the member is anything else.
  package func string(in bytes: UnsafeRawBufferPointer) -> String? {
    kind == .string ? JSONReader.string(.init(range: range, escaped: escaped), in: bytes) : nil
  }

  /// The UTF-8 bytes of a string that has no escapes, without a copy; nil for an escaped string and for any other kind.
  package func plain(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    kind == .string && !escaped ? UnsafeRawBufferPointer(rebasing: bytes[range]) : nil
  }

  /// The bytes that a base64 or base64url string encodes; nil when this is no string.
  package func base64(in bytes: UnsafeRawBufferPointer) throws(EncodingError) -> [UInt8]? {
    guard kind == .string else { return nil }
    guard escaped else { return try Base64Codec.decode(UnsafeRawBufferPointer(rebasing: bytes[range])) }
    return try Base64URL.decode(JSONReader.unescape(.init(range: range, escaped: true), in: bytes))
  }

  /// Whether a string equals `text` byte for byte.
  package func equals(_ text: StaticString, in bytes: UnsafeRawBufferPointer) -> Bool {
    guard kind == .string else { return false }
    let wanted = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    return plain(in: bytes).map { $0.elementsEqual(wanted) }
      ?? JSONReader.unescape(.init(range: range, escaped: escaped), in: bytes).elementsEqual(wanted)
  }

  package func bool(in bytes: UnsafeRawBufferPointer) -> Bool? {
    kind == .bool ? bytes[range.lowerBound] == UInt8(ascii: "t") : nil
  }

  /// The integer, when the member is a number written as one that fits 64 bits.
  package func int64(in bytes: UnsafeRawBufferPointer) -> Int64? {
    kind == .number ? Int64(String(decoding: bytes[range], as: UTF8.self)) : nil
  }

  /// The value as a tree: for the rare member that is an object or an array.
  package func value(in bytes: UnsafeRawBufferPointer, limits: JSONLimits = .standard) throws(JSONError) -> JSONValue? {
    switch kind {
    case .absent: nil
    case .string: .string(JSONReader.string(.init(range: range, escaped: escaped), in: bytes))
    default: try JSONValue.parse(UnsafeRawBufferPointer(rebasing: bytes[range]), limits: limits)
    }
  }
}

/// Reads one JSON object without building a tree: for the routes that must be fast.
///
/// It refuses exactly what `JSONValue.parse` refuses, with the same error, and besides that any text whose value is no object.
/// A fuzz test holds the two equal.
package enum JSONScanner {
  /// How many members are compared one by one before the tree parser takes over.
  private static let fewMembers = 24

  /// - Returns: one field per wanted name, in the order of `members`; `.absent` where the object has no such member.
  /// - Complexity: one pass, one allocation for the result and one for the names seen.
  package static func scan(
    _ bytes: UnsafeRawBufferPointer, _ members: JSONMembers, limits: JSONLimits = .standard
  ) throws(JSONError) -> [JSONField] {
    var reader = try JSONReader(bytes, limits)
    reader.skipSpace()
    guard let first = reader.next else { throw JSONError(.empty, at: bytes.count) }
    let start = reader.position
    guard first == UInt8(ascii: "{") else {
      _ = try JSONValue.parse(bytes, limits: limits)
      throw JSONError(.expectedObject, at: start)
    }
    try reader.countElement()
    guard limits.maxDepth >= 1 else { throw JSONError(.tooDeep(limit: limits.maxDepth), at: start) }
    var fields = [JSONField](repeating: .absent, count: members.names.count)
    reader.position += 1
    reader.skipSpace()
    if reader.next == UInt8(ascii: "}") {
      reader.position += 1
      try reader.finish()
      return fields
    }
    var seen: [Range<Int>] = []
    seen.reserveCapacity(8)
    var proven = false
    while true {
      reader.skipSpace()
      let start = reader.position
      let name = try reader.name()
      if name.escaped || seen.count >= fewMembers, !proven {
        // Rare: names that need unescaping, or many of them. The tree parser proves the whole text first.
        _ = try JSONValue.parse(bytes, limits: limits)
        proven = true
      }
      if !proven {
        for other in seen where same(bytes, other, name.range) { throw JSONError(.duplicateMember, at: start) }
        seen.append(name.range)
      }
      let field = try reader.located()
      if let index = members.index(of: name, in: bytes) { fields[index] = field }
      guard try reader.separator(UInt8(ascii: "}")) else { break }
    }
    try reader.finish()
    return fields
  }

  private static func same(_ bytes: UnsafeRawBufferPointer, _ a: Range<Int>, _ b: Range<Int>) -> Bool {
    guard a.count == b.count else { return false }
    for i in 0..<a.count where bytes[a.lowerBound + i] != bytes[b.lowerBound + i] { return false }
    return true
  }
}

extension JSONMembers {
  fileprivate func index(of name: JSONReader.Text, in bytes: UnsafeRawBufferPointer) -> Int? {
    if name.escaped {
      let plain = JSONReader.unescape(name, in: bytes)
      return names.firstIndex(of: plain)
    }
    return names.firstIndex { wanted in
      guard wanted.count == name.range.count else { return false }
      for i in 0..<wanted.count where wanted[i] != bytes[name.range.lowerBound + i] { return false }
      return true
    }
  }
}
