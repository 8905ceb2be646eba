internal import Encodings

/// One JSON object of a document, with the names that errors show. Null stands for absent, as writers in Go leave it.
struct DocumentReader {
  let document: String
  let path: String
  let object: JSONObject

  /// Parses a whole document within `OCILimits.manifestBytes`.
  init(_ bytes: [UInt8], document: String, maxBytes: Int = OCILimits.manifestBytes) throws(OCIError) {
    guard bytes.count <= maxBytes else { throw .tooLarge(document: document, bytes: bytes.count, limit: maxBytes) }
    let value: JSONValue
    do {
      value = try JSONValue.parse(bytes, limits: JSONLimits(maxBytes: maxBytes, maxDepth: 32, maxElements: 400_000))
    } catch { throw .notJSON(document: document, why: error.description) }
    try self.init(value, document: document, path: "")
  }

  init(_ value: JSONValue, document: String, path: String) throws(OCIError) {
    guard let object = value.object else { throw .badMember(document: document, path: path, wanted: "an object") }
    self.document = document
    self.path = path
    self.object = object
  }

  private func bad(_ name: String, _ wanted: String) -> OCIError {
    .badMember(document: document, path: path.isEmpty ? name : "\(path).\(name)", wanted: wanted)
  }

  func value(_ name: String) -> JSONValue? {
    guard let value = object[name], !value.isNull else { return nil }
    return value
  }

  func has(_ name: String) -> Bool { value(name) != nil }

  func object(_ name: String) throws(OCIError) -> DocumentReader {
    guard let value = value(name) else { throw bad(name, "an object") }
    return try DocumentReader(value, document: document, path: path.isEmpty ? name : "\(path).\(name)")
  }

  /// Absent is empty.
  func array(_ name: String, limit: Int) throws(OCIError) -> [JSONValue] {
    guard let value = value(name) else { return [] }
    guard let array = value.array, array.count <= limit else { throw bad(name, "an array of at most \(limit) entries") }
    return array
  }

  func string(_ name: String, limit: Int) throws(OCIError) -> String {
    guard let text = value(name)?.string, text.utf8.count <= limit else { throw bad(name, "a text of at most \(limit) bytes") }
    return text
  }

  func optionalString(_ name: String, limit: Int) throws(OCIError) -> String? { has(name) ? try string(name, limit: limit) : nil }

  func mediaType(_ name: String) throws(OCIError) -> String {
    guard let text = value(name)?.string, MediaType.isWellFormed(text) else { throw bad(name, "a media type") }
    return text
  }

  /// Some writers leave the empty text where they mean nothing.
  func optionalMediaType(_ name: String) throws(OCIError) -> String? {
    guard let value = value(name), value != "" else { return nil }
    return try mediaType(name)
  }

  func digest(_ name: String) throws(OCIError) -> ContentDigest {
    guard let text = value(name)?.string, let digest = try? ContentDigest(text) else { throw bad(name, "a sha256 or sha512 digest") }
    return digest
  }

  func size(_ name: String) throws(OCIError) -> Int64 {
    guard let number = value(name)?.int64, number >= 0 else { throw bad(name, "a whole number of bytes, not negative") }
    return number
  }

  func optionalBytes(_ name: String, limit: Int) throws(OCIError) -> [UInt8]? {
    guard let value = value(name) else { return nil }
    guard let text = value.string, text.utf8.count <= limit / 3 * 4 + 8, let bytes = try? Base64.decode(text), bytes.count <= limit else {
      throw bad(name, "at most \(limit) bytes in base64")
    }
    return bytes
  }

  func annotations() throws(OCIError) -> [String: String] {
    guard has("annotations") else { return [:] }
    let inner = try object("annotations")
    guard inner.object.count <= OCILimits.annotations else { throw bad("annotations", "at most \(OCILimits.annotations) members") }
    var result: [String: String] = [:]
    for member in inner.object.members {
      guard let text = member.value.string, text.utf8.count <= OCILimits.annotationBytes, member.name.utf8.count <= 1024 else {
        throw bad("annotations.\(member.name.prefix(80))", "a text of at most \(OCILimits.annotationBytes) bytes")
      }
      result[member.name] = text
    }
    return result
  }

  func descriptors(_ name: String, limit: Int) throws(OCIError) -> [Descriptor] {
    var result: [Descriptor] = []
    for (i, value) in try array(name, limit: limit).enumerated() {
      result.append(try Descriptor(DocumentReader(value, document: document, path: "\(path.isEmpty ? name : "\(path).\(name)")[\(i)]")))
    }
    return result
  }

  /// `schemaVersion` 2, and a `mediaType` that is absent or among `known`.
  func checkHead(servedAs contentType: String?, known: [String]) throws(OCIError) -> String {
    guard value("schemaVersion")?.int == 2 else { throw bad("schemaVersion", "2") }
    let said = try optionalMediaType("mediaType")
    let served = contentType.map(MediaType.essence)
    if let said, let served, said != served { throw .mediaTypeMismatch(said: served, found: said) }
    guard let type = said ?? served else { throw bad("mediaType", "a media type, since none was served along") }
    guard known.contains(type) else { throw .unsupportedMediaType(document: document, mediaType: type) }
    return type
  }
}
