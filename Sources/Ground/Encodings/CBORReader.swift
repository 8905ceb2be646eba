extension CBORValue {
  /// Reads exactly one item. Strict: definite lengths, shortest forms (RFC 8949 §4.2.1), unique labels; map order is free. Fuzz entry point.
  package static func parse(_ bytes: some Sequence<UInt8>, limits: CBORLimits = .standard) throws(CBORError) -> CBORValue {
    try withBytes(of: bytes) { (buffer) throws(CBORError) in
      guard buffer.count <= limits.maxBytes else { throw CBORError(.tooLong(limit: limits.maxBytes), at: limits.maxBytes) }
      guard !buffer.isEmpty else { throw CBORError(.empty, at: 0) }
      var reader = CBORReader(bytes: buffer, limits: limits)
      let value = try reader.item(depth: 0)
      guard reader.position == buffer.count else { throw CBORError(.trailingBytes, at: reader.position) }
      return value
    }
  }
}

/// The recursive reader; its depth is bounded by the limits.
private struct CBORReader {
  let bytes: UnsafeRawBufferPointer
  let limits: CBORLimits
  var position = 0
  private var elements = 0

  init(bytes: UnsafeRawBufferPointer, limits: CBORLimits) {
    self.bytes = bytes
    self.limits = limits
  }

  mutating func item(depth: Int) throws(CBORError) -> CBORValue {
    let start = position
    guard depth <= limits.maxDepth else { throw CBORError(.tooDeep(limit: limits.maxDepth), at: start) }
    elements += 1
    guard elements <= limits.maxElements else { throw CBORError(.tooManyElements(limit: limits.maxElements), at: start) }
    let (major, argument) = try head()
    switch major {
    case 0:
      guard let value = Int64(exactly: argument) else { throw CBORError(.integerTooLarge, at: start) }
      return .integer(value)
    case 1:
      guard let value = Int64(exactly: argument) else { throw CBORError(.integerTooLarge, at: start) }
      return .integer(-1 - value)
    case 2: return .bytes(Array(try take(argument)))
    case 3:
      guard let text = String(validating: try take(argument), as: UTF8.self) else { throw CBORError(.invalidUTF8, at: start) }
      return .text(text)
    case 4: return .array(try array(count: argument, depth: depth))
    case 5: return .map(try map(count: argument, depth: depth))
    case 6:
      guard limits.tags.contains(argument) else { throw CBORError(.unsupportedTag(argument), at: start) }
      return .tagged(argument, try item(depth: depth + 1))
    default: return try simple(argument, at: start)
    }
  }

  private func simple(_ argument: UInt64, at start: Int) throws(CBORError) -> CBORValue {
    // Only the one-byte forms 0xF4, 0xF5, 0xF6: a float's argument could have the same number.
    guard position == start + 1 else { throw CBORError(.unsupportedType, at: start) }
    switch argument {
    case 20: return .bool(false)
    case 21: return .bool(true)
    case 22: return .null
    default: throw CBORError(.unsupportedType, at: start)
    }
  }

  /// An array or map of `count` entries needs at least that many bytes, so a false count cannot make us allocate.
  private func checked(_ count: UInt64, bytesEach: UInt64) throws(CBORError) -> Int {
    guard count <= UInt64(bytes.count - position) / bytesEach else { throw CBORError(.truncated, at: position) }
    guard count <= UInt64(limits.maxElements) else { throw CBORError(.tooManyElements(limit: limits.maxElements), at: position) }
    return Int(count)
  }

  private mutating func array(count: UInt64, depth: Int) throws(CBORError) -> [CBORValue] {
    var values: [CBORValue] = []
    for _ in 0..<(try checked(count, bytesEach: 1)) { values.append(try item(depth: depth + 1)) }
    return values
  }

  private mutating func map(count: UInt64, depth: Int) throws(CBORError) -> CBORMap {
    var entries: [CBORMap.Entry] = []
    var seen: Set<CBORLabel> = []
    for _ in 0..<(try checked(count, bytesEach: 2)) {
      let start = position
      let label: CBORLabel
      switch try item(depth: depth + 1) {
      case .integer(let number): label = .integer(number)
      case .text(let text): label = .text(text)
      default: throw CBORError(.badLabel, at: start)
      }
      guard seen.insert(label).inserted else { throw CBORError(.duplicateLabel, at: start) }
      entries.append(CBORMap.Entry(label: label, value: try item(depth: depth + 1)))
    }
    return CBORMap(distinct: entries)
  }

  /// Major type and argument (RFC 8949 §3).
  private mutating func head() throws(CBORError) -> (major: UInt8, argument: UInt64) {
    let start = position
    guard position < bytes.count else { throw CBORError(.truncated, at: position) }
    let first = bytes[position]
    position += 1
    let (major, short) = (first >> 5, first & 0x1F)
    if short < 24 { return (major, UInt64(short)) }
    if short == 31 { throw CBORError(.indefiniteLength, at: start) }
    guard short < 28 else { throw CBORError(.unsupportedType, at: start) }
    if major == 7 { throw CBORError(.unsupportedType, at: start) }
    let width = 1 << Int(short - 24)
    guard bytes.count - position >= width else { throw CBORError(.truncated, at: start) }
    var argument: UInt64 = 0
    for byte in bytes[position..<position + width] { argument = argument << 8 | UInt64(byte) }
    position += width
    let smallest: UInt64 = width == 1 ? 24 : 1 << UInt64(width * 4)
    guard argument >= smallest else { throw CBORError(.notShortestForm, at: start) }
    return (major, argument)
  }

  private mutating func take(_ count: UInt64) throws(CBORError) -> UnsafeRawBufferPointer.SubSequence {
    guard count <= UInt64(bytes.count - position) else { throw CBORError(.truncated, at: position) }
    let range = position..<position + Int(count)
    position = range.upperBound
    return bytes[range]
  }
}
