/// Writing of JSON text piece by piece, for replies built without a tree.
package enum JSONText {
  private static let digits = Array("0123456789abcdef".utf8)

  /// Appends the string without quotes, escaped as RFC 8785 §3.2.2.2 does: only `"`, `\` and control characters.
  package static func appendEscaped(_ string: String, to output: inout [UInt8]) {
    withBytes(of: string.utf8) { appendEscaped($0, to: &output) }
  }

  /// The same for bytes already known to be UTF-8.
  package static func appendEscaped(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    var start = 0
    for i in 0..<bytes.count {
      let byte = bytes[i]
      if byte >= 0x20, byte != 0x22, byte != 0x5C { continue }
      output.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<i]))
      start = i + 1
      output.append(UInt8(ascii: "\\"))
      switch byte {
      case 0x22, 0x5C: output.append(byte)
      case 0x08: output.append(UInt8(ascii: "b"))
      case 0x09: output.append(UInt8(ascii: "t"))
      case 0x0A: output.append(UInt8(ascii: "n"))
      case 0x0C: output.append(UInt8(ascii: "f"))
      case 0x0D: output.append(UInt8(ascii: "r"))
      default:
        output.append(contentsOf: "u00".utf8)
        output.append(digits[Int(byte >> 4)])
        output.append(digits[Int(byte & 15)])
      }
    }
    output.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start...]))
  }

  /// Appends the string as a JSON string token, quotes included.
  package static func appendString(_ string: String, to output: inout [UInt8]) {
    output.append(UInt8(ascii: "\""))
    appendEscaped(string, to: &output)
    output.append(UInt8(ascii: "\""))
  }

  package static func appendInteger(_ value: some BinaryInteger, to output: inout [UInt8]) {
    output.append(contentsOf: String(value).utf8)
  }
}

extension JSONValue {
  /// The UTF-8 text of the value, without any space unless `pretty` (two spaces a level, one member a line).
  ///
  /// With `sortedKeys`, members are ordered by UTF-16 code units: for strings, booleans, null and integers the compact form is then
  /// the canonical one of RFC 8785.
  package func serialized(sortedKeys: Bool = false, pretty: Bool = false) -> [UInt8] {
    var output = [UInt8]()
    append(to: &output, sortedKeys: sortedKeys, indent: pretty ? 0 : nil)
    return output
  }

  package func text(sortedKeys: Bool = false, pretty: Bool = false) -> String {
    String(decoding: serialized(sortedKeys: sortedKeys, pretty: pretty), as: UTF8.self)
  }

  /// Appends the compact text.
  package func append(to output: inout [UInt8]) { append(to: &output, sortedKeys: false, indent: nil) }

  private func append(to output: inout [UInt8], sortedKeys: Bool, indent: Int?) {
    switch self {
    case .null: output.append(contentsOf: "null".utf8)
    case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
    case .number(let number): output.append(contentsOf: number.text.utf8)
    case .string(let string): JSONText.appendString(string, to: &output)
    case .array(let elements):
      Self.appendList(elements, "[", "]", indent, to: &output) { element, output in
        element.append(to: &output, sortedKeys: sortedKeys, indent: indent.map { $0 + 1 })
      }
    case .object(let object):
      let members =
        sortedKeys
        ? object.members.sorted { $0.name.utf16.lexicographicallyPrecedes($1.name.utf16) } : object.members
      Self.appendList(members, "{", "}", indent, to: &output) { member, output in
        JSONText.appendString(member.name, to: &output)
        output.append(contentsOf: (indent == nil ? ":" : ": ").utf8)
        member.value.append(to: &output, sortedKeys: sortedKeys, indent: indent.map { $0 + 1 })
      }
    }
  }

  private static func appendList<Element>(
    _ elements: [Element], _ open: String, _ close: String, _ indent: Int?, to output: inout [UInt8],
    _ write: (Element, inout [UInt8]) -> Void
  ) {
    func newLine(_ level: Int) {
      guard indent != nil, !elements.isEmpty else { return }
      output.append(UInt8(ascii: "\n"))
      output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: level * 2))
    }
    output.append(contentsOf: open.utf8)
    for (i, element) in elements.enumerated() {
      if i > 0 { output.append(UInt8(ascii: ",")) }
      newLine((indent ?? 0) + 1)
      write(element, &output)
    }
    newLine(indent ?? 0)
    output.append(contentsOf: close.utf8)
  }
}
