extension CBORValue {
  /// The deterministic encoding: shortest forms, map entries ordered by their encoded labels, shorter first (RFC 8949 §4.2.3, the order of
  /// RFC 7049 §3.9, which COSE libraries write).
  package func serialized() -> [UInt8] {
    var output: [UInt8] = []
    append(to: &output)
    return output
  }

  package func append(to output: inout [UInt8]) {
    switch self {
    case .integer(let value):
      if value >= 0 {
        Self.head(0, UInt64(value), &output)
      } else {
        Self.head(1, UInt64(-1 - value), &output)
      }
    case .bytes(let bytes):
      Self.head(2, UInt64(bytes.count), &output)
      output.append(contentsOf: bytes)
    case .text(let text):
      Self.head(3, UInt64(text.utf8.count), &output)
      output.append(contentsOf: text.utf8)
    case .array(let values):
      Self.head(4, UInt64(values.count), &output)
      for value in values { value.append(to: &output) }
    case .map(let map):
      Self.head(5, UInt64(map.entries.count), &output)
      let encoded = map.entries.map { (label: $0.label.value.serialized(), value: $0.value) }
      for entry in encoded.sorted(by: { Self.precedes($0.label, $1.label) }) {
        output.append(contentsOf: entry.label)
        entry.value.append(to: &output)
      }
    case .tagged(let tag, let value):
      Self.head(6, tag, &output)
      value.append(to: &output)
    case .bool(let value): output.append(value ? 0xF5 : 0xF4)
    case .null: output.append(0xF6)
    }
  }

  private static func precedes(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    a.count == b.count ? a.lexicographicallyPrecedes(b) : a.count < b.count
  }

  private static func head(_ major: UInt8, _ argument: UInt64, _ output: inout [UInt8]) {
    let type = major << 5
    let width: Int
    switch argument {
    case 0..<24:
      output.append(type | UInt8(argument))
      return
    case 24...0xFF: width = 1
    case 0x100...0xFFFF: width = 2
    case 0x1_0000...0xFFFF_FFFF: width = 4
    default: width = 8
    }
    output.append(type | UInt8(24 + width.trailingZeroBitCount))
    for i in (0..<width).reversed() { output.append(UInt8(truncatingIfNeeded: argument >> UInt64(8 * i))) }
  }
}
