/// What a JSON text may cost, checked before anything is built.
package struct JSONLimits: Sendable, Hashable {
  /// Length of the text in bytes.
  package var maxBytes: Int
  /// How deep arrays and objects may nest; a top-level scalar has depth 0.
  package var maxDepth: Int
  /// How many values the text may hold, counting every array, object, scalar.
  package var maxElements: Int

  package init(maxBytes: Int = 4 << 20, maxDepth: Int = 64, maxElements: Int = 200_000) {
    self.maxBytes = maxBytes
    self.maxDepth = maxDepth
    self.maxElements = maxElements
  }

  /// 4 MiB, 64 deep, 200 000 values.
  package static let standard = JSONLimits()
}

/// Why a text is not one acceptable JSON value, and where. It never carries text of the document.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Reason: Equatable, Sendable {
    case empty
    case tooLong(limit: Int)
    case tooDeep(limit: Int)
    case tooManyElements(limit: Int)
    case expectedValue
    case expectedObject
    case expectedName
    case expectedColon
    case expectedCommaOrEnd
    case unterminatedString
    case controlCharacter
    case badEscape
    case loneSurrogate
    case invalidUTF8
    case badNumber
    case duplicateMember
    case trailingBytes
  }

  package let reason: Reason
  /// The offset in bytes from the start of the text.
  package let offset: Int

  package init(_ reason: Reason, at offset: Int) {
    self.reason = reason
    self.offset = offset
  }

  package var description: String {
    let what =
      switch reason {
      case .empty: "the text is empty"
      case .tooLong(let limit): "the text is longer than \(limit) bytes"
      case .tooDeep(let limit): "nesting is deeper than \(limit)"
      case .tooManyElements(let limit): "there are more than \(limit) values"
      case .expectedValue: "a value was expected"
      case .expectedObject: "an object was expected"
      case .expectedName: "a member name was expected"
      case .expectedColon: "':' was expected"
      case .expectedCommaOrEnd: "',' or the end of the array or object was expected"
      case .unterminatedString: "a string does not end"
      case .controlCharacter: "a string holds an unescaped control character"
      case .badEscape: "an escape is not one of JSON's"
      case .loneSurrogate: "a \\u escape is half of a surrogate pair"
      case .invalidUTF8: "the bytes are not UTF-8"
      case .badNumber: "a number is malformed"
      case .duplicateMember: "a member appears twice"
      case .trailingBytes: "there is something after the value"
      }
    return "\(what) (byte \(offset))"
  }

  /// Line and column of the offset, both from 1, the column in bytes.
  package func position(in text: some Sequence<UInt8>) -> (line: Int, column: Int) {
    var line = 1
    var column = 1
    for byte in text.prefix(offset) {
      if byte == UInt8(ascii: "\n") { line += 1; column = 1 } else { column += 1 }
    }
    return (line, column)
  }
}
