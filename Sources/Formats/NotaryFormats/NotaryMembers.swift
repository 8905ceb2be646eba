internal import Encodings

/// One JSON object of a Notary document, with the path that errors name.
struct NotaryMembers {
  let object: JSONObject
  let path: String

  init(_ value: JSONValue, path: String) throws(NotaryError) {
    guard let object = value.object else { throw .badMember(path: path, wanted: "an object") }
    self.object = object
    self.path = path
  }

  func at(_ name: String) -> String { "\(path).\(name)" }

  /// Refuses members not among `names`.
  func allow(_ names: [String]) throws(NotaryError) {
    if let unknown = object.firstName(notIn: names) { throw .unknownMember(path: at(String(unknown.prefix(80)))) }
  }

  func object(_ name: String) throws(NotaryError) -> NotaryMembers { try NotaryMembers(object[name] ?? .null, path: at(name)) }

  /// A string that is not empty.
  func string(_ name: String, maxBytes: Int) throws(NotaryError) -> String {
    guard let text = object[name]?.string, !text.isEmpty, text.utf8.count <= maxBytes else {
      throw .badMember(path: at(name), wanted: "a string of 1 to \(maxBytes) bytes")
    }
    return text
  }

  func optionalString(_ name: String, maxBytes: Int) throws(NotaryError) -> String? {
    object[name] == nil ? nil : try string(name, maxBytes: maxBytes)
  }

  func array(_ name: String, limit: Int) throws(NotaryError) -> [JSONValue] {
    guard let array = object[name]?.array, array.count <= limit else {
      throw .badMember(path: at(name), wanted: "an array of at most \(limit) elements")
    }
    return array
  }

  /// Bytes in base64url without padding (RFC 7515 §2); the standard alphabet is refused.
  func base64URL(_ name: String, maxBytes: Int) throws(NotaryError) -> [UInt8] {
    guard let text = object[name]?.string, let bytes = Self.base64URL(text, maxBytes: maxBytes) else {
      throw .badMember(path: at(name), wanted: "1 to \(maxBytes) bytes in base64url without padding")
    }
    return bytes
  }

  /// Bytes in standard base64 with padding (RFC 4648 §4); the URL alphabet is refused.
  func base64(_ name: String, maxBytes: Int) throws(NotaryError) -> [UInt8] {
    guard let text = object[name]?.string, let bytes = Self.base64(text, maxBytes: maxBytes) else {
      throw .badMember(path: at(name), wanted: "1 to \(maxBytes) bytes in base64 with padding")
    }
    return bytes
  }

  static func base64URL(_ text: String, maxBytes: Int) -> [UInt8]? {
    guard !text.isEmpty, text.utf8.count <= maxBytes / 3 * 4 + 4, !text.utf8.contains(where: { "+/=".utf8.contains($0) }),
      let bytes = try? Base64URL.decode(text), !bytes.isEmpty, bytes.count <= maxBytes
    else { return nil }
    return bytes
  }

  static func base64(_ text: String, maxBytes: Int) -> [UInt8]? {
    guard !text.isEmpty, text.utf8.count % 4 == 0, text.utf8.count <= maxBytes / 3 * 4 + 8,
      !text.utf8.contains(where: { "-_".utf8.contains($0) }), let bytes = try? Base64.decode(text), !bytes.isEmpty, bytes.count <= maxBytes
    else { return nil }
    return bytes
  }
}
