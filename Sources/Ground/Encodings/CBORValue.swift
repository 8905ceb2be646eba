/// One CBOR item (RFC 8949) of the subset that COSE documents here need: no floats, no indefinite lengths, no simple values but
/// false, true and null.
package indirect enum CBORValue: Sendable, Hashable {
  /// Major types 0 and 1, as far as they fit 64 signed bits.
  case integer(Int64)
  case bytes([UInt8])
  case text(String)
  case array([CBORValue])
  case map(CBORMap)
  case tagged(UInt64, CBORValue)
  case bool(Bool)
  case null

  package var integer: Int64? {
    guard case .integer(let value) = self else { return nil }
    return value
  }
  package var bytes: [UInt8]? {
    guard case .bytes(let value) = self else { return nil }
    return value
  }
  package var text: String? {
    guard case .text(let value) = self else { return nil }
    return value
  }
  package var array: [CBORValue]? {
    guard case .array(let value) = self else { return nil }
    return value
  }
  package var map: CBORMap? {
    guard case .map(let value) = self else { return nil }
    return value
  }
}

/// The name of a map entry: an integer or a text, as in COSE headers (RFC 9052 §1.4).
package enum CBORLabel: Sendable, Hashable, CustomStringConvertible {
  case integer(Int64)
  case text(String)

  package var description: String {
    switch self {
    case .integer(let number): String(number)
    case .text(let text): text
    }
  }

  package var value: CBORValue {
    switch self {
    case .integer(let number): .integer(number)
    case .text(let text): .text(text)
    }
  }

  package static func == (a: CBORLabel, b: CBORLabel) -> Bool {
    switch (a, b) {
    case (.integer(let x), .integer(let y)): x == y
    case (.text(let x), .text(let y)): x.isSameBytes(as: y)
    default: false
    }
  }

  package func hash(into hasher: inout Hasher) {
    switch self {
    case .integer(let number): hasher.combine(number)
    case .text(let text): for byte in text.utf8 { hasher.combine(byte) }
    }
  }
}

/// The entries of a CBOR map in the order they were written; labels are unique.
package struct CBORMap: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  package struct Entry: Sendable, Hashable {
    package var label: CBORLabel
    package var value: CBORValue
  }

  package private(set) var entries: [Entry]

  package init() { entries = [] }
  package init(dictionaryLiteral elements: (CBORLabel, CBORValue)...) {
    self.init()
    for (label, value) in elements { self[label] = value }
  }
  /// `entries` must have distinct labels; only the reader calls this.
  init(distinct entries: [Entry]) { self.entries = entries }

  package var labels: [CBORLabel] { entries.map(\.label) }

  /// The entry of this label. Setting nil removes it; setting a new label appends it.
  package subscript(label: CBORLabel) -> CBORValue? {
    get { entries.first { $0.label == label }?.value }
    set {
      let index = entries.firstIndex { $0.label == label }
      switch (index, newValue) {
      case (let index?, let value?): entries[index].value = value
      case (let index?, nil): entries.remove(at: index)
      case (nil, let value?): entries.append(Entry(label: label, value: value))
      case (nil, nil): break
      }
    }
  }
}

/// What a CBOR document may cost, checked before anything is built.
package struct CBORLimits: Sendable, Hashable {
  package var maxBytes: Int
  /// How deep arrays, maps and tags may nest; a single item has depth 0.
  package var maxDepth: Int
  /// How many items the document may hold, labels included.
  package var maxElements: Int
  /// Tags that are read; every other is refused.
  package var tags: Set<UInt64>

  package init(maxBytes: Int = 4 << 20, maxDepth: Int = 16, maxElements: Int = 20_000, tags: Set<UInt64> = [1, 18]) {
    self.maxBytes = maxBytes
    self.maxDepth = maxDepth
    self.maxElements = maxElements
    self.tags = tags
  }

  /// 4 MiB, 16 deep, 20 000 items; tags 1 (epoch time) and 18 (COSE_Sign1).
  package static let standard = CBORLimits()
}

/// Why bytes are not one acceptable CBOR item, and where. It never carries content.
package struct CBORError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Reason: Equatable, Sendable {
    case empty
    case tooLong(limit: Int)
    case tooDeep(limit: Int)
    case tooManyElements(limit: Int)
    case truncated
    case indefiniteLength
    case notShortestForm
    case integerTooLarge
    case unsupportedType
    case unsupportedTag(UInt64)
    case badLabel
    case duplicateLabel
    case invalidUTF8
    case trailingBytes
  }

  package let reason: Reason
  /// Offset in bytes from the start.
  package let offset: Int

  package init(_ reason: Reason, at offset: Int) {
    self.reason = reason
    self.offset = offset
  }

  package var description: String {
    let what =
      switch reason {
      case .empty: "there are no bytes"
      case .tooLong(let limit): "it is longer than \(limit) bytes"
      case .tooDeep(let limit): "nesting is deeper than \(limit)"
      case .tooManyElements(let limit): "there are more than \(limit) items"
      case .truncated: "an item is cut short"
      case .indefiniteLength: "an item has indefinite length"
      case .notShortestForm: "a number or length is not in its shortest form"
      case .integerTooLarge: "an integer does not fit 64 bits"
      case .unsupportedType: "an item is neither integer, string, array, map, boolean nor null"
      case .unsupportedTag(let tag): "tag \(tag) is not expected here"
      case .badLabel: "a map label is neither an integer nor a text"
      case .duplicateLabel: "a map label appears twice"
      case .invalidUTF8: "a text is not UTF-8"
      case .trailingBytes: "there is something after the item"
      }
    return "\(what) (byte \(offset))"
  }
}
