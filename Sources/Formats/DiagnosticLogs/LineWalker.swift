/// Walks one line of a log that has the usual shape, without building a tree.
///
/// It knows the names that Azure writes, exactly spelt, and takes texts of ASCII without escapes (in `identity` with the escapes of quoted JSON),
/// plain whole numbers and literals. On anything else it says `false`, and the line goes to the parser of trees, which alone refuses: what this walker
/// takes, the parser takes too, with the same meaning. A test holds the two together.
struct LineWalker {
  enum Kind: UInt8 { case absent, text, number, yes, no, object }

  struct Value {
    var kind: Kind
    /// Between the quotes of a text; the whole of anything else.
    var range: Range<Int>

    static let absent = Value(kind: .absent, range: 0..<0)
  }

  enum Member: Int, CaseIterable {
    case time, operationName, category, resourceId, httpStatusCode, id, requestUri, resultType, resultDescription, durationMs, correlationId, callerIpAddress
    case clientInfo, algorithm, appliedAssignmentId, isRbacAuthorized, isAccessPolicyMatch, isAddressAuthorized, enablePurgeProtection, identity, properties
    // Known, and not kept.
    case TenantId, tenantId, operationVersion, resultSignature, level, location, subnetId, PoolName, PoolType, sku_Family, sku_Name, resourceGroup, resourceProvider
    case resource, resourceType, tlsVersion, trustedService, Level, ProviderName, SourceSystem
  }

  private static let kept = Member.properties.rawValue + 1
  /// Names by length and first byte, so that one comparison is enough nearly always.
  private static let table: [[(name: [UInt8], member: Member)]] = {
    var table = Array(repeating: [(name: [UInt8], member: Member)](), count: 32 * 32)
    for member in Member.allCases {
      let name = Array("\(member)".utf8)
      table[(name.count & 31) << 5 | Int(name[0] & 31)].append((name, member))
    }
    return table
  }()

  let bytes: UnsafeRawBufferPointer
  private(set) var values = Array(repeating: Value.absent, count: LineWalker.kept)
  /// How many members there are, those inside `properties` counted and `properties` itself not.
  private(set) var count = 0
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  subscript(member: Member) -> Value { values[member.rawValue] }

  /// Reads the line. - Returns: whether it has the usual shape.
  mutating func walk() -> Bool {
    skipSpace()
    guard object(isInner: false) else { return false }
    skipSpace()
    return position == bytes.count
  }

  private mutating func skipSpace() {
    while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 || bytes[position] == 0x0D { position += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func object(isInner: Bool) -> Bool {
    guard take(UInt8(ascii: "{")) else { return false }
    var seen: UInt64 = 0
    skipSpace()
    if take(UInt8(ascii: "}")) { return true }
    while true {
      skipSpace()
      guard let name = text(), let member = Self.member(bytes, name) else { return false }
      let bit: UInt64 = 1 << UInt64(member.rawValue)
      guard seen & bit == 0 else { return false }
      seen |= bit
      skipSpace()
      guard take(UInt8(ascii: ":")) else { return false }
      skipSpace()
      if member == .properties {
        guard !isInner, object(isInner: true) else { return false }
      } else {
        count += 1
        guard let value = value(member) else { return false }
        if member.rawValue < Self.kept, value.kind != .absent {
          // At the top and inside: the parser of trees decides which one counts.
          guard values[member.rawValue].kind == .absent else { return false }
          values[member.rawValue] = value
        }
      }
      skipSpace()
      if take(UInt8(ascii: "}")) { return true }
      guard take(UInt8(ascii: ",")) else { return false }
    }
  }

  private static func member(_ bytes: UnsafeRawBufferPointer, _ name: Range<Int>) -> Member? {
    guard !name.isEmpty, name.count < 32 else { return nil }
    for entry in table[name.count << 5 | Int(bytes[name.lowerBound] & 31)] {
      var index = 0
      while index < entry.name.count, entry.name[index] == bytes[name.lowerBound + index] { index += 1 }
      if index == entry.name.count { return entry.member }
    }
    return nil
  }

  /// A text of ASCII without escapes; nil for any other.
  private mutating func text() -> Range<Int>? {
    guard take(UInt8(ascii: "\"")) else { return nil }
    let start = position
    position = Self.plainEnd(bytes, position)
    guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return nil }
    position += 1
    return start..<(position - 1)
  }

  /// Where the run of printable ASCII other than quote and backslash ends, eight bytes at a time.
  private static func plainEnd(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var position = start
    while position + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5C)
      if (word | (word &- ones &* 0x20) | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash) & (ones &* 0x80) != 0 { break }
      position += 8
    }
    while position < bytes.count {
      let byte = bytes[position]
      if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { break }
      position += 1
    }
    return position
  }

  private mutating func value(_ member: Member) -> Value? {
    guard position < bytes.count else { return nil }
    switch bytes[position] {
    case UInt8(ascii: "\""): return member == .identity ? quoted() : text().map { Value(kind: .text, range: $0) }
    case UInt8(ascii: "t"): return literal("true", .yes)
    case UInt8(ascii: "f"): return literal("false", .no)
    case UInt8(ascii: "n"): return literal("null", .absent)
    case UInt8(ascii: "{"): return member == .identity ? braces() : nil
    case UInt8(ascii: "0")...UInt8(ascii: "9"):
      let start = position
      while position < bytes.count, bytes[position] &- 0x30 < 10 { position += 1 }
      guard position - start <= 15, bytes[start] != 0x30 || position - start == 1, position < bytes.count,
        bytes[position] != UInt8(ascii: "."), bytes[position] | 0x20 != UInt8(ascii: "e")
      else { return nil }
      return Value(kind: .number, range: start..<position)
    default: return nil
    }
  }

  private mutating func literal(_ word: StaticString, _ kind: Kind) -> Value? {
    guard bytes.count - position >= word.utf8CodeUnitCount else { return nil }
    for index in 0..<word.utf8CodeUnitCount where bytes[position + index] != word.utf8Start[index] { return nil }
    position += word.utf8CodeUnitCount
    return Value(kind: kind, range: 0..<0)
  }

  /// A text whose escapes are those of quoted JSON: quote, backslash, slash.
  private mutating func quoted() -> Value? {
    guard take(UInt8(ascii: "\"")) else { return nil }
    let start = position
    while true {
      position = Self.plainEnd(bytes, position)
      guard position < bytes.count else { return nil }
      if bytes[position] == UInt8(ascii: "\"") { break }
      guard bytes[position] == UInt8(ascii: "\\"), position + 1 < bytes.count else { return nil }
      let kind = bytes[position + 1]
      guard kind == UInt8(ascii: "\"") || kind == UInt8(ascii: "\\") || kind == UInt8(ascii: "/") else { return nil }
      position += 2
    }
    position += 1
    return Value(kind: .text, range: start..<(position - 1))
  }

  /// An object as far as its braces go; whoever reads it proves that it is one.
  private mutating func braces() -> Value? {
    let start = position
    var depth = 0
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "}"): depth -= 1
      case UInt8(ascii: "\""): guard text() != nil else { return nil }; continue
      case 0..<0x20, 0x80...: return nil
      default: break
      }
      position += 1
      if depth == 0 { return Value(kind: .object, range: start..<position) }
    }
    return nil
  }

  /// What `quoted` found, without its escapes.
  static func unquoted(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count { index += 1 }
      result.append(bytes[index])
      index += 1
    }
    return result
  }
}
