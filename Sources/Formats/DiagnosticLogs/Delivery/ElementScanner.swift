/// Reads the elements and text of a small XML document one after the other. Attributes are skipped, comments too; document type declarations,
/// CDATA sections and entities other than XML's own five and character references are refused.
struct ElementScanner {
  enum Event: Equatable {
    case open(String)
    case text([UInt8])
    case close(String)
  }

  let bytes: [UInt8]
  private(set) var position = 0
  /// The end tag of an element that was written as `<Name/>`.
  private var pendingClose: String?

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// The next event; nil at the end.
  mutating func next() throws(BlobListError) -> Event? {
    if let name = pendingClose {
      pendingClose = nil
      return .close(name)
    }
    while position < bytes.count {
      if bytes[position] != UInt8(ascii: "<") { return .text(try text()) }
      if starts("<?") {
        try skip(past: "?>")
      } else if starts("<!--") {
        try skip(past: "-->")
      } else if starts("<!") {
        throw .declaration
      } else {
        return try tag()
      }
    }
    return nil
  }

  private func starts(_ text: StaticString) -> Bool {
    guard position + text.utf8CodeUnitCount <= bytes.count else { return false }
    for i in 0..<text.utf8CodeUnitCount where bytes[position + i] != text.utf8Start[i] { return false }
    return true
  }

  private mutating func skip(past end: StaticString) throws(BlobListError) {
    while position < bytes.count {
      if starts(end) {
        position += end.utf8CodeUnitCount
        return
      }
      position += 1
    }
    throw .malformed(offset: position, expected: "\(end)")
  }

  private mutating func text() throws(BlobListError) -> [UInt8] {
    var result: [UInt8] = []
    while position < bytes.count, bytes[position] != UInt8(ascii: "<") {
      if bytes[position] == UInt8(ascii: "&") {
        result += try reference()
      } else {
        result.append(bytes[position])
        position += 1
      }
    }
    return result
  }

  private mutating func reference() throws(BlobListError) -> [UInt8] {
    let start = position
    let limit = min(bytes.count, start + 12)
    guard let end = bytes[start..<limit].firstIndex(of: UInt8(ascii: ";")) else { throw .malformed(offset: start, expected: "an entity") }
    let name = String(decoding: bytes[(start + 1)..<end], as: UTF8.self)
    position = end + 1
    switch name {
    case "amp": return [UInt8(ascii: "&")]
    case "lt": return [UInt8(ascii: "<")]
    case "gt": return [UInt8(ascii: ">")]
    case "quot": return [UInt8(ascii: "\"")]
    case "apos": return [UInt8(ascii: "'")]
    default:
      let number = name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : name.hasPrefix("#") ? UInt32(name.dropFirst()) : nil
      guard let number, number >= 0x20 || number == 9 || number == 10 || number == 13, let scalar = Unicode.Scalar(number) else {
        throw .malformed(offset: start, expected: "one of XML's own entities")
      }
      return Array(String(Character(scalar)).utf8)
    }
  }

  private mutating func tag() throws(BlobListError) -> Event {
    position += 1
    let isEnd = position < bytes.count && bytes[position] == UInt8(ascii: "/")
    if isEnd { position += 1 }
    let start = position
    while position < bytes.count, Self.isName(bytes[position]) { position += 1 }
    guard position > start, position - start <= 128 else { throw .malformed(offset: start, expected: "an element's name") }
    let name = String(decoding: bytes[start..<position], as: UTF8.self)
    var quote: UInt8?
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if let open = quote {
        if byte == open { quote = nil }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "'"): quote = byte
      case UInt8(ascii: "<"): throw .malformed(offset: position - 1, expected: "'>'")
      case UInt8(ascii: ">"):
        if isEnd { return .close(name) }
        if bytes[position - 2] == UInt8(ascii: "/") { pendingClose = name }
        return .open(name)
      default: continue
      }
    }
    throw .malformed(offset: position, expected: "'>'")
  }

  private static func isName(_ byte: UInt8) -> Bool {
    byte >= 0x80 || byte >= 0x30 && byte <= 0x3A || byte >= 0x41 && byte <= 0x5A || byte >= 0x61 && byte <= 0x7A || byte == 0x5F || byte == 0x2D || byte == 0x2E
  }
}
