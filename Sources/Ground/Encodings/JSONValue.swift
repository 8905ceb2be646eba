/// One JSON value (RFC 8259) as a tree: numbers keep their text, objects keep the order of their members.
package enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  package static func integer(_ value: some BinaryInteger & Sendable) -> JSONValue { .number(JSONNumber(value)) }

  package var isNull: Bool { self == .null }

  package var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }
  package var number: JSONNumber? {
    guard case .number(let value) = self else { return nil }
    return value
  }
  /// The number as an integer: only when it was written as one and fits.
  package var int: Int? { number?.int64.flatMap { Int(exactly: $0) } }
  package var int64: Int64? { number?.int64 }
  package var string: String? {
    guard case .string(let value) = self else { return nil }
    return value
  }
  package var array: [JSONValue]? {
    guard case .array(let value) = self else { return nil }
    return value
  }
  package var object: JSONObject? {
    guard case .object(let value) = self else { return nil }
    return value
  }

  /// The member of this name, nil when absent or when this is not an object. A member that is `null` is `.null`.
  package subscript(name: String) -> JSONValue? { object?[name] }

  /// The element at this index, nil when out of range or not an array.
  package subscript(index: Int) -> JSONValue? {
    guard let array, array.indices.contains(index) else { return nil }
    return array[index]
  }
}

/// A JSON number by its exact text, so that no digit is lost.
package struct JSONNumber: Sendable, Hashable {
  package let text: String

  /// `text` must follow the grammar of RFC 8259 §6; only the parser and the integer initialiser call this.
  init(grammatical text: String) { self.text = text }

  package init(_ value: some BinaryInteger) { text = String(value) }

  /// The value when written without fraction and exponent and within 64 bits.
  package var int64: Int64? { Int64(text) }
  package var uint64: UInt64? { UInt64(text) }
  /// The nearest double; nil when out of range.
  package var double: Double? { Double(text).flatMap { $0.isFinite ? $0 : nil } }
}

/// The members of a JSON object in the order they were written. Names are unique, compared byte for byte (no Unicode folding).
package struct JSONObject: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  package struct Member: Sendable, Hashable {
    package var name: String
    package var value: JSONValue
  }

  package private(set) var members: [Member]

  package init() { members = [] }
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    self.init()
    for (name, value) in elements { self[name] = value }
  }
  /// `members` must have distinct names; only the parser calls this.
  init(distinct members: [Member]) { self.members = members }

  package var count: Int { members.count }
  package var isEmpty: Bool { members.isEmpty }
  package var names: [String] { members.map(\.name) }

  /// The member of this name. Setting nil removes it; setting a new name appends it.
  package subscript(name: String) -> JSONValue? {
    get { members.first { $0.name.isSameBytes(as: name) }?.value }
    set {
      let index = members.firstIndex { $0.name.isSameBytes(as: name) }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append(Member(name: name, value: value))
      case (nil, nil): break
      }
    }
  }

  /// Appends the member only when there is a value: for optional members of a reply.
  package mutating func set(_ name: String, ifPresent value: JSONValue?) {
    if let value { self[name] = value }
  }

  /// The first member whose name is not among `known`: for documents in which unknown members are errors.
  package func firstName(notIn known: some Collection<String>) -> String? {
    members.first { member in !known.contains { $0.isSameBytes(as: member.name) } }?.name
  }
}

extension String {
  /// Equality of the UTF-8 bytes: JSON names that only differ by normalisation are different names.
  func isSameBytes(as other: String) -> Bool {
    // Texts of which one is not normalised may be equal with different bytes; those of different lengths never have the same bytes.
    utf8.count == other.utf8.count && self == other && (utf8.allSatisfy { $0 < 0x80 } || utf8.elementsEqual(other.utf8))
  }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(nilLiteral: ()) { self = .null }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int64) { self = .number(JSONNumber(value)) }
  package init(stringLiteral value: String) { self = .string(value) }
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (name, value) in elements { object[name] = value }
    self = .object(object)
  }
}
