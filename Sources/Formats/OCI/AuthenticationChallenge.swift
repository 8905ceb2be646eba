/// One challenge of a `WWW-Authenticate` header (RFC 7235 §4.1).
package struct AuthenticationChallenge: Sendable, Hashable {
  /// In lower case: `bearer`, `basic`.
  package let scheme: String
  /// Parameters by name in lower case; the first of a name counts.
  package let parameters: [String: String]

  package static let maxBytes = 8192
  static let maxChallenges = 8
  static let maxParameters = 32

  /// Reads all challenges of one header value; quoted strings may hold commas and escapes. Fuzz entry point.
  ///
  /// - Throws: `.badHeader` for a value that does not follow the grammar: half a challenge is not guessed at.
  package static func parse(_ header: String) throws(OCIError) -> [AuthenticationChallenge] {
    guard header.utf8.count <= maxBytes else { throw .badHeader(name: "WWW-Authenticate", why: "longer than \(maxBytes) bytes") }
    var scanner = HeaderScanner(header, name: "WWW-Authenticate")
    var result: [AuthenticationChallenge] = []
    scanner.skipEmptyElements()
    while !scanner.isAtEnd {
      guard result.count < maxChallenges else { throw scanner.error("more than \(maxChallenges) challenges") }
      result.append(try challenge(&scanner))
      scanner.skipEmptyElements()
    }
    return result
  }

  private static func challenge(_ scanner: inout HeaderScanner) throws(OCIError) -> AuthenticationChallenge {
    let scheme = try scanner.token().lowercased()
    var parameters: [String: String] = [:]
    if !scanner.isAtEnd, !scanner.isAt(",") {
      guard scanner.skipSpace() else { throw scanner.error("a space was expected after \(scheme.prefix(40))") }
      if scanner.skipToken68() { return AuthenticationChallenge(scheme: scheme, parameters: [:]) }
      while let name = try scanner.parameterName() {
        guard parameters.count < maxParameters else { throw scanner.error("more than \(maxParameters) parameters") }
        let value = try scanner.value()
        if parameters[name] == nil { parameters[name] = value }
        scanner.skipSpace()
        guard scanner.isAtEnd || scanner.isAt(",") else { throw scanner.error("a comma was expected after \(name.prefix(40))") }
        scanner.skipEmptyElements()
      }
    }
    return AuthenticationChallenge(scheme: scheme, parameters: parameters)
  }
}

/// The common grammar of header values (RFC 9110 §5.6): tokens, quoted strings, lists.
struct HeaderScanner {
  private let bytes: [UInt8]
  private let name: String
  private var position = 0

  init(_ text: String, name: String) {
    bytes = Array(text.utf8)
    self.name = name
  }

  var isAtEnd: Bool { position >= bytes.count }
  func isAt(_ character: Unicode.Scalar) -> Bool { position < bytes.count && bytes[position] == UInt8(ascii: character) }
  func error(_ why: String) -> OCIError { .badHeader(name: name, why: "\(why) (byte \(position))") }

  /// - Returns: whether there was any.
  @discardableResult mutating func skipSpace() -> Bool {
    let start = position
    while isAt(" ") || isAt("\t") { position += 1 }
    return position > start
  }

  /// Skips commas and spaces between the elements of a list.
  mutating func skipEmptyElements() { while isAt(" ") || isAt("\t") || isAt(",") { position += 1 } }

  mutating func expect(_ character: Unicode.Scalar) throws(OCIError) {
    guard isAt(character) else { throw error("\(character) was expected") }
    position += 1
  }

  static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  mutating func token() throws(OCIError) -> String {
    let start = position
    while position < bytes.count, Self.isTokenByte(bytes[position]) { position += 1 }
    guard position > start else { throw error("a word was expected") }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// The name of `name = value` in lower case, with the scanner before the value; nil, nothing consumed, when a new challenge starts here.
  mutating func parameterName() throws(OCIError) -> String? {
    guard !isAtEnd else { return nil }
    let start = position
    let name = try token()
    skipSpace()
    guard isAt("=") else {
      position = start
      return nil
    }
    position += 1
    skipSpace()
    return name.lowercased()
  }

  /// Base64-like credentials instead of parameters: skipped as one; false, nothing consumed, when there are parameters.
  mutating func skipToken68() -> Bool {
    let start = position
    while position < bytes.count, Self.isTokenByte(bytes[position]) || bytes[position] == UInt8(ascii: "/") { position += 1 }
    let wordEnd = position
    while isAt("=") { position += 1 }
    skipSpace()
    if wordEnd > start, isAtEnd || isAt(",") { return true }
    position = start
    return false
  }

  /// A token or a quoted string without its quotes and escapes.
  mutating func value() throws(OCIError) -> String {
    guard isAt("\"") else { return try token() }
    position += 1
    var result: [UInt8] = []
    while true {
      guard !isAtEnd else { throw error("a quoted string does not end") }
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        return String(decoding: result, as: UTF8.self)
      case UInt8(ascii: "\\"):
        position += 1
        guard !isAtEnd else { throw error("a quoted string does not end") }
        fallthrough
      default:
        guard bytes[position] >= 0x20 && bytes[position] != 0x7F || bytes[position] == 0x09 else { throw error("a control character in a quoted string") }
        result.append(bytes[position])
        position += 1
      }
    }
  }

  /// The text between `<` and `>`.
  mutating func bracketed() throws(OCIError) -> String {
    try expect("<")
    let start = position
    while position < bytes.count, bytes[position] > 0x20, bytes[position] < 0x7F, !isAt(">"), !isAt("<") { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    try expect(">")
    return text
  }
}
