internal import Encodings

/// One JSON object of a strict format, with the path that errors name.
struct MemberReader {
  let object: JSONObject?
  let path: String

  init(_ value: JSONValue, path: String) {
    object = value.object
    self.path = path
  }

  private func at(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  /// Refuses a value that is no object, and members not among `names`.
  func allow(_ names: [String]) throws(BundleError) {
    guard let object else { throw .badMember(path: path.isEmpty ? "(the whole)" : path, wanted: "an object") }
    if let unknown = object.firstName(notIn: names) { throw .unknownMember(path: at(String(unknown.prefix(80)))) }
  }

  func has(_ name: String) -> Bool { object?[name] != nil }

  func only(of names: [String]) throws(BundleError) -> String {
    let present = names.filter(has)
    guard present.count == 1 else { throw .notExactlyOne(of: names, path: path) }
    return present[0]
  }

  func object(_ name: String) throws(BundleError) -> MemberReader {
    guard let value = object?[name], value.object != nil else { throw .badMember(path: at(name), wanted: "an object") }
    return MemberReader(value, path: at(name))
  }

  func string(_ name: String, maxBytes: Int) throws(BundleError) -> String {
    guard let text = object?[name]?.string, text.utf8.count <= maxBytes else {
      throw .badMember(path: at(name), wanted: "a string of at most \(maxBytes) bytes")
    }
    return text
  }

  func optionalString(_ name: String, maxBytes: Int) throws(BundleError) -> String? {
    has(name) ? try string(name, maxBytes: maxBytes) : nil
  }

  func array(_ name: String, limit: Int) throws(BundleError) -> [JSONValue]? {
    guard let value = object?[name] else { return nil }
    guard let array = value.array else { throw .badMember(path: at(name), wanted: "an array") }
    guard array.count <= limit else { throw .tooMany(path: at(name), limit: limit) }
    return array
  }

  /// Bytes in base64: not empty, at most `maxBytes` of them.
  func bytes(_ name: String, maxBytes: Int) throws(BundleError) -> [UInt8] {
    guard let text = object?[name]?.string, text.utf8.count <= maxBytes / 3 * 4 + 8, let bytes = try? Base64.decode(text),
      !bytes.isEmpty, bytes.count <= maxBytes
    else { throw .badMember(path: at(name), wanted: "1 to \(maxBytes) bytes in base64") }
    return bytes
  }
}
