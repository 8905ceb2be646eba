import Encodings
import Merkle

enum GroundTargets {
  /// Law: what is parsed and written is parsed to the same value, however it is written.
  static func json(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.parse(bytes) else { return }
    precondition((try? JSONValue.parse(value.serialized())) == value)
    precondition((try? JSONValue.parse(value.serialized(pretty: true))) == value)
    _ = value.serialized(sortedKeys: true)
  }

  private static let members = JSONMembers("alg", "value", "digest")

  /// Law: the hot route's scanner accepts exactly the objects that the full parser accepts, and finds the same members.
  static func scanner(_ bytes: UnsafeRawBufferPointer) {
    let tree = try? JSONValue.parse(bytes)
    guard let fields = try? JSONScanner.scan(bytes, members) else {
      precondition(tree?.object == nil, "the scanner refused what the parser takes")
      return
    }
    guard let object = tree?.object else { preconditionFailure("the scanner took what the parser refuses") }
    for (name, field) in zip(["alg", "value", "digest"], fields) {
      precondition(field.isAbsent == (object[name] == nil))
      precondition(field.string(in: bytes) == object[name]?.string)
      precondition((try? field.value(in: bytes)) == object[name])
      _ = try? field.base64(in: bytes)
    }
  }

  /// Law: decoding, encoding and decoding again give the same bytes.
  static func base64(_ bytes: UnsafeRawBufferPointer) {
    if let decoded = try? Base64URL.decode(bytes) { precondition((try? Base64URL.decode(Base64URL.encode(decoded))) == decoded) }
    let encoded = Base64URL.encode(bytes)
    precondition((try? Base64URL.decode(encoded)).map { $0.elementsEqual(bytes) } == true)
  }

  static func hex(_ bytes: UnsafeRawBufferPointer) {
    if let decoded = try? Hex.decode(bytes) { precondition((try? Hex.decode(Hex.encode(decoded))) == decoded) }
  }

  static func pem(_ bytes: UnsafeRawBufferPointer) {
    guard let blocks = try? PEM.parse(text(bytes)) else { return }
    let again = blocks.map { PEM.encode($0.bytes, label: $0.label) }.joined()
    precondition((try? PEM.parse(again)) == blocks)
  }

  static func iso8601(_ bytes: UnsafeRawBufferPointer) {
    guard let nanoseconds = try? ISO8601.parse(text(bytes)) else { return }
    precondition((try? ISO8601.parse(ISO8601.format(nanoseconds: nanoseconds, fractionDigits: 9))) == nanoseconds)
  }

  static func duration(_ bytes: UnsafeRawBufferPointer) { _ = try? CalendarDuration.parse(text(bytes)) }

  static func tile(_ bytes: UnsafeRawBufferPointer) {
    let path = text(bytes)
    if let tile = Tile.parse(path: path) { precondition(tile.path == path) }
  }
}
