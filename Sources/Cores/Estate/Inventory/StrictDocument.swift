internal import Clocks
package import Encodings

/// Why a document that people or tools hand us cannot be used, and where in it. It carries names and paths, never values of the document.
package struct DocumentError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Problem: Equatable, Sendable {
    case malformed(JSONError)
    case wanted(String)
    case missing
    case unknownMember(String)
    case wrongSchema(wanted: String)
    case tooMany(limit: Int)
    case repeated(String)
  }

  /// `inventory` or `intent register`.
  package var document: String
  /// `stores[3].visibility`; empty for the whole.
  package var path: String
  package var problem: Problem

  package init(document: String, path: String, _ problem: Problem) {
    self.document = document
    self.path = path
    self.problem = problem
  }

  package var description: String {
    let place = path.isEmpty ? document : "\(document), \(path)"
    switch problem {
    case .malformed(let error): return "\(place): not one JSON value: \(error)"
    case .wanted(let what): return "\(place): \(what) expected"
    case .missing: return "\(place): missing, and never guessed; write it"
    case .unknownMember(let name): return "\(place): the member '\(name)' is not known; correct its spelling or remove it"
    case .wrongSchema(let wanted): return "\(place): \(wanted) expected; this version reads no other"
    case .tooMany(let limit): return "\(place): more than \(limit) entries; split the document"
    case .repeated(let what): return "\(place): \(what) is listed twice; keep one"
    }
  }
}

/// One object of a strict document: reads members by name and refuses those it was not told of.
///
/// null and absent are the same: not said. Scalars that YAML can only give as texts are taken as texts too.
struct StrictObject {
  static let maxText = 16_384

  let document: String
  let path: String
  private let object: JSONObject

  init(_ value: JSONValue, document: String, path: String, known: [String]) throws(DocumentError) {
    guard case .object(let object) = value else { throw DocumentError(document: document, path: path, .wanted("an object")) }
    self.document = document
    self.path = path
    self.object = object
    if let name = object.firstName(notIn: known) {
      throw DocumentError(document: document, path: path, .unknownMember(String(name.prefix(64))))
    }
  }

  func at(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  func fail(_ name: String, _ problem: DocumentError.Problem) -> DocumentError {
    DocumentError(document: document, path: at(name), problem)
  }

  /// The member; nil when absent or null.
  func value(_ name: String) -> JSONValue? {
    guard let value = object[name], !value.isNull else { return nil }
    return value
  }

  func required(_ name: String) throws(DocumentError) -> JSONValue {
    guard let value = value(name) else { throw fail(name, .missing) }
    return value
  }

  // MARK: Scalars

  func text(_ name: String) throws(DocumentError) -> String? {
    guard let value = value(name) else { return nil }
    return try Self.text(value, document, at(name))
  }

  func requiredText(_ name: String) throws(DocumentError) -> String { try Self.text(required(name), document, at(name)) }

  static func text(_ value: JSONValue, _ document: String, _ path: String) throws(DocumentError) -> String {
    guard let text = value.string, !text.isEmpty, text.utf8.count <= maxText, !text.utf8.contains(0) else {
      throw DocumentError(document: document, path: path, .wanted("a text of 1 to \(maxText) bytes"))
    }
    return text
  }

  /// A text, or what a number or a boolean reads like: in YAML `version: 12` is meant as a text.
  func loose(_ name: String) throws(DocumentError) -> String? {
    guard let value = value(name) else { return nil }
    return try Self.loose(value, document, at(name))
  }

  static func loose(_ value: JSONValue, _ document: String, _ path: String) throws(DocumentError) -> String {
    if let number = value.number { return number.text }
    if let bool = value.bool { return bool ? "true" : "false" }
    return try text(value, document, path)
  }

  func bool(_ name: String) throws(DocumentError) -> Bool? {
    guard let value = value(name) else { return nil }
    guard let bool = value.bool else { throw fail(name, .wanted("true or false")) }
    return bool
  }

  func count(_ name: String, atMost limit: Int = 1_000_000) throws(DocumentError) -> Int? {
    guard let value = value(name) else { return nil }
    guard let number = value.int, (0...limit).contains(number) else { throw fail(name, .wanted("a whole number of 0 to \(limit)")) }
    return number
  }

  func word<Word: RawRepresentable & CaseIterable>(_ name: String, _: Word.Type) throws(DocumentError) -> Word?
  where Word.RawValue == String {
    guard let value = value(name) else { return nil }
    guard let text = value.string, let word = Word(rawValue: text) else {
      throw fail(name, .wanted("one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))"))
    }
    return word
  }

  func time(_ name: String) throws(DocumentError) -> Instant? {
    guard let value = value(name) else { return nil }
    guard let text = value.string, let nanoseconds = try? ISO8601.parse(text) else {
      throw fail(name, .wanted("a time such as 2026-11-20T06:00:00Z"))
    }
    return Instant(nanoseconds: nanoseconds)
  }

  // MARK: Lists

  func list<Element>(
    _ name: String, atMost limit: Int, _ read: (JSONValue, String) throws(DocumentError) -> Element
  ) throws(DocumentError) -> [Element]? {
    guard let value = value(name) else { return nil }
    guard let array = value.array else { throw fail(name, .wanted("an array")) }
    guard array.count <= limit else { throw fail(name, .tooMany(limit: limit)) }
    var result: [Element] = []
    result.reserveCapacity(array.count)
    for (index, element) in array.enumerated() { result.append(try read(element, "\(at(name))[\(index)]")) }
    return result
  }

  func texts(_ name: String, atMost limit: Int = 100_000) throws(DocumentError) -> [String]? {
    try list(name, atMost: limit) { (value, path) throws(DocumentError) in try Self.loose(value, document, path) }
  }

  /// An object whose members are all texts.
  func map(_ name: String, atMost limit: Int = 256) throws(DocumentError) -> [String: String]? {
    guard let value = value(name) else { return nil }
    guard let object = value.object else { throw fail(name, .wanted("an object of texts")) }
    guard object.count <= limit else { throw fail(name, .tooMany(limit: limit)) }
    var result: [String: String] = [:]
    for member in object.members {
      guard let text = member.value.string, text.utf8.count <= Self.maxText else { throw fail("\(name).\(member.name.prefix(64))", .wanted("a text")) }
      result[member.name] = text
    }
    return result
  }
}
