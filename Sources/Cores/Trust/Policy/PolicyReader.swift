internal import Encodings

/// One mapping of the trust file, with its path for errors. Scalars may be texts (YAML) or JSON's own.
struct PolicyReader {
  let object: JSONObject
  let path: String

  init(_ value: JSONValue, path: String, allowed: [String]) throws(TrustError) {
    guard let object = value.object else { throw .badPolicy(path: path, why: "a mapping expected") }
    if let unknown = object.firstName(notIn: allowed) {
      throw .badPolicy(path: path, why: "unknown member \"\(unknown.prefix(80))\"; known: \(allowed.joined(separator: ", "))")
    }
    self.object = object
    self.path = path
  }

  func at(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  func fail(_ name: String, _ why: String) -> TrustError { .badPolicy(path: at(name), why: why) }

  func has(_ name: String) -> Bool { object[name] != nil }

  /// The entries of a list; empty when the member is absent.
  func list(_ name: String, max: Int = TrustPolicy.maxKeys) throws(TrustError) -> [JSONValue] {
    guard let value = object[name] else { return [] }
    guard let array = value.array else { throw fail(name, "a list expected") }
    guard array.count <= max else { throw fail(name, "more than \(max) entries") }
    return array
  }

  /// The texts of a list that, when present, has at least one, each once.
  func texts(_ name: String, max: Int) throws(TrustError) -> [String] {
    guard has(name) else { return [] }
    var result: [String] = []
    for (i, entry) in try list(name, max: max).enumerated() {
      guard let text = entry.string, !text.isEmpty, text.utf8.count <= 1024 else { throw fail("\(name)[\(i)]", "a text of 1 to 1024 bytes expected") }
      guard !result.contains(text) else { throw fail("\(name)[\(i)]", "\"\(text.prefix(80))\" stands here twice") }
      result.append(text)
    }
    guard !result.isEmpty else { throw fail(name, "at least one entry expected") }
    return result
  }

  func text(_ name: String) throws(TrustError) -> String {
    guard let text = try optionalText(name) else { throw fail(name, "a text expected") }
    return text
  }

  func optionalText(_ name: String, maxBytes: Int = 1024) throws(TrustError) -> String? {
    guard let value = object[name] else { return nil }
    guard let text = value.string, !text.isEmpty, text.utf8.count <= maxBytes else {
      throw fail(name, "a text of 1 to \(maxBytes) bytes expected")
    }
    return text
  }

  func fingerprint(_ name: String) throws(TrustError) -> [UInt8]? {
    guard let text = try optionalText(name) else { return nil }
    guard let bytes = try? Hex.decode(text), bytes.count == 32 else { throw fail(name, "64 hexadecimal digits expected") }
    return bytes
  }

  /// Seconds since the epoch.
  func time(_ name: String) throws(TrustError) -> Int64? {
    guard let text = try optionalText(name) else { return nil }
    do {
      return try ISO8601.parse(text) / 1_000_000_000
    } catch { throw fail(name, "an RFC 3339 time expected (quote it in YAML): \(error.description)") }
  }

  func flag(_ name: String) throws(TrustError) -> Bool? {
    guard let value = object[name] else { return nil }
    if let flag = value.bool { return flag }
    switch value.string {
    case "true": return true
    case "false": return false
    default: throw fail(name, "true or false expected")
    }
  }

  func count(_ name: String) throws(TrustError) -> Int {
    let text = object[name]?.number?.text ?? object[name]?.string ?? ""
    guard !text.isEmpty, text.utf8.count <= 4, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int(text) else {
      throw fail(name, "a whole number expected")
    }
    return count
  }

  /// One of a closed set of words.
  func word<Word: RawRepresentable & CaseIterable>(_ name: String, _: Word.Type) throws(TrustError) -> Word? where Word.RawValue == String {
    guard let text = try optionalText(name) else { return nil }
    guard let word = Word(rawValue: text) else {
      throw fail(name, "one of \(Word.allCases.map(\.rawValue).joined(separator: ", ")) expected")
    }
    return word
  }
}
