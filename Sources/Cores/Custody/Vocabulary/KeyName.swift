/// The name of a key: 1 to 127 characters of `0-9 a-z A-Z -`.
///
/// The letter case given at creation is kept for display; two names that differ in case only are the same name, as
/// Azure's object names are.
/// Source: Key Vault REST specification (`^[0-9a-zA-Z-]+$`), Key Vault "About keys" (length).
package struct KeyName: Hashable, Sendable, CustomStringConvertible {
  package static let lengths = 1...127

  /// As written by whoever made this value; a stored key answers with the spelling of its creation.
  package let text: String
  /// Lower case: the identity of the name, and its form in stores.
  package let folded: String

  /// - Returns: nil unless `text` fits the pattern and the length.
  package init?(_ text: String) {
    var hasUpper = false
    var count = 0
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): break
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): hasUpper = true
      default: return nil
      }
      count += 1
      if count > Self.lengths.upperBound { return nil }
    }
    guard count >= Self.lengths.lowerBound else { return nil }
    self.text = text
    self.folded = hasUpper ? text.lowercased() : text
  }

  package var description: String { text }
  package static func == (a: KeyName, b: KeyName) -> Bool { a.folded == b.folded }
  package func hash(into hasher: inout Hasher) { hasher.combine(folded) }
}
