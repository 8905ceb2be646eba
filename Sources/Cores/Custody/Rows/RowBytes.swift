/// Writes the canonical bytes of a row: fixed-width big-endian integers and length-prefixed strings.
///
/// One value has one encoding, so a MAC over the bytes is a MAC over the value.
struct RowWriter {
  private(set) var bytes: [UInt8] = []

  mutating func byte(_ value: UInt8) { bytes.append(value) }
  mutating func integer(_ value: Int64) { withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) } }
  mutating func blob(_ value: [UInt8]) {
    withUnsafeBytes(of: UInt32(value.count).bigEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: value)
  }
  mutating func text(_ value: String) { blob(Array(value.utf8)) }
  mutating func optional(_ value: Int64?) {
    byte(value == nil ? 0 : 1)
    if let value { integer(value) }
  }
}

/// Reads what `RowWriter` wrote. Bounded by the input; refuses trailing bytes through `end()`.
struct RowReader {
  struct Malformed: Error {}

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  private mutating func take(_ count: Int) throws(Malformed) -> ArraySlice<UInt8> {
    guard count <= bytes.count - position else { throw Malformed() }
    defer { position += count }
    return bytes[position..<position + count]
  }
  mutating func byte() throws(Malformed) -> UInt8 {
    let slice = try take(1)
    return slice[slice.startIndex]
  }
  mutating func integer() throws(Malformed) -> Int64 {
    Int64(bitPattern: try take(8).reduce(0) { $0 << 8 | UInt64($1) })
  }
  mutating func blob() throws(Malformed) -> [UInt8] {
    let count = try take(4).reduce(0) { $0 << 8 | Int($1) }
    return Array(try take(count))
  }
  mutating func text() throws(Malformed) -> String {
    guard let text = String(validating: try blob(), as: UTF8.self) else { throw Malformed() }
    return text
  }
  mutating func optional() throws(Malformed) -> Int64? {
    switch try byte() {
    case 0: nil
    case 1: try integer()
    default: throw Malformed()
    }
  }
  func end() throws(Malformed) {
    guard position == bytes.count else { throw Malformed() }
  }
}

/// Decodes any bytes as both kinds of row payload, for fuzzing. Never traps; the answer says how many kinds took them.
package enum RowPayloads {
  package static func decodable(_ bytes: [UInt8]) -> Int {
    var taken = 0
    if let recovery = RecoveryPolicy() {
      let row = KeyVersionRow(name: "k", version: String(repeating: "0", count: 32), ordinal: 1, payload: bytes, mac: [])
      if (try? VersionRecord(payload: bytes, of: row, recovery: recovery)) != nil { taken += 1 }
    }
    let row = KeyRow(name: "k", ordinal: 1, revision: 1, deleted: false, payload: bytes, mac: [])
    if (try? KeyRecord(payload: bytes, of: row)) != nil { taken += 1 }
    return taken
  }
}
