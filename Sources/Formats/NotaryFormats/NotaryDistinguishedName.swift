internal import Encodings
internal import SwiftASN1
internal import X509

/// A distinguished name as trust policies write it: attribute types with one value each.
///
/// Source: trust-store-trust-policy, "Trusted Identities Constraints": C, ST (or S) and O are obligatory, multi-valued RDNs and repeated types are
/// refused, and a policy's name matches when it is a subset of the certificate's.
package struct NotaryDistinguishedName: Sendable, Hashable, CustomStringConvertible {
  package struct Attribute: Sendable, Hashable {
    /// Short name in upper case (`S` becomes `ST`), else the dotted object identifier.
    package var type: String
    package var value: String
  }

  /// In the order they were written.
  package let attributes: [Attribute]
  /// Longest text that is read.
  package static let maxBytes = 4096
  package static let mandatory = ["C", "ST", "O"]

  init(attributes: [Attribute]) { self.attributes = attributes }

  /// The subject or issuer of a certificate. Values that are not texts appear as their DER in hexadecimal after `#`.
  init(_ name: DistinguishedName) {
    attributes = name.flatMap { relative in
      relative.map { attribute in
        Attribute(
          type: Self.names[attribute.type] ?? String(describing: attribute.type), value: String(attribute.value) ?? "#\(attribute.value)")
      }
    }
  }

  /// Reads `C=US, ST=WA, O=example, CN=signer` (RFC 4514 with `\` before `,` `;` `+` `"` `<` `>` `\` `=` `#` and space, or `\` and two
  /// hexadecimal digits).
  ///
  /// - Throws: `.badMember` when a type is repeated, a value is empty, several attributes share one RDN, or C, ST or O is missing.
  package init(parsing text: String) throws(NotaryError) {
    func refuse(_ why: String) -> NotaryError { .badMember(path: "x509.subject", wanted: why) }
    guard text.utf8.count <= Self.maxBytes else { throw .tooLong(what: "a distinguished name", limit: Self.maxBytes) }
    var attributes: [Attribute] = []
    var scanner = DistinguishedNameScanner(text)
    while let pair = try scanner.next() {
      // Checked before the case changes: some letters outside ASCII become ASCII ones.
      guard !pair.type.isEmpty,
        pair.type.utf8.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2E })
      else { throw refuse("attribute types of letters or a dotted object identifier") }
      let type = pair.type.uppercased() == "S" ? "ST" : pair.type.uppercased()
      guard !pair.value.isEmpty else { throw refuse("a value for \(type)") }
      guard !attributes.contains(where: { $0.type == type }) else { throw refuse("each attribute once; \(type) is repeated") }
      attributes.append(Attribute(type: type, value: pair.value))
    }
    for name in Self.mandatory where !attributes.contains(where: { $0.type == name }) {
      throw refuse("C, ST and O in every distinguished name; \(name) is missing")
    }
    self.init(attributes: attributes)
  }

  /// Whether every attribute here is in `other` with the same value, and its type occurs there only once.
  package func isSubset(of other: NotaryDistinguishedName) -> Bool {
    attributes.allSatisfy { mine in
      let theirs = other.attributes.filter { $0.type == mine.type }
      // Byte for byte, as notation does: no Unicode folding.
      return theirs.count == 1 && theirs[0].value.utf8.elementsEqual(mine.value.utf8)
    }
  }

  /// `C=US, ST=WA, O=example`, escaped so that it reads back.
  package var description: String {
    attributes.map { "\($0.type)=\(Self.escaped($0.value))" }.joined(separator: ", ")
  }

  /// Byte by byte: a combining mark after a comma must not hide the comma.
  private static func escaped(_ value: String) -> String {
    let bytes = Array(value.utf8)
    var result: [UInt8] = []
    for (i, byte) in bytes.enumerated() {
      let isEdge = i == 0 || i == bytes.count - 1
      if byte < 0x20 || byte == 0x7F {
        result += Array("\\\(Hex.encode([byte]))".utf8)
        continue
      }
      if ",;+\"<>\\=".utf8.contains(byte) || (byte == 0x20 && isEdge) || (byte == UInt8(ascii: "#") && i == 0) { result.append(UInt8(ascii: "\\")) }
      result.append(byte)
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static let names: [ASN1ObjectIdentifier: String] = [
    .RDNAttributeType.commonName: "CN", .RDNAttributeType.countryName: "C", .RDNAttributeType.localityName: "L",
    .RDNAttributeType.stateOrProvinceName: "ST", .RDNAttributeType.organizationName: "O",
    .RDNAttributeType.organizationalUnitName: "OU", .RDNAttributeType.streetAddress: "STREET",
    .RDNAttributeType.domainComponent: "DC", [2, 5, 4, 5]: "SERIALNUMBER", [2, 5, 4, 17]: "POSTALCODE",
  ]
}

/// Splits the text of a distinguished name into types and unescaped values.
private struct DistinguishedNameScanner {
  private var rest: ArraySlice<UInt8>
  /// True before the first attribute and after a separator.
  private var wantsMore = true

  init(_ text: String) { rest = Array(text.utf8)[...] }

  private func refuse(_ why: String) -> NotaryError { .badMember(path: "x509.subject", wanted: why) }

  private mutating func skipSpace() { rest = rest.drop { $0 == 0x20 } }

  /// The next attribute, nil at the end. A trailing separator is refused.
  mutating func next() throws(NotaryError) -> (type: String, value: String)? {
    guard wantsMore else { return nil }
    skipSpace()
    guard let equals = rest.firstIndex(of: UInt8(ascii: "=")) else { throw refuse("TYPE=value, separated by commas") }
    var type = String(decoding: rest[..<equals], as: UTF8.self)
    while type.hasSuffix(" ") { type.removeLast() }
    rest = rest[(equals + 1)...]
    skipSpace()
    return (type, try value())
  }

  private mutating func value() throws(NotaryError) -> String {
    var bytes: [UInt8] = []
    /// Length up to the last byte that is no plain space.
    var kept = 0
    wantsMore = false
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: ","), UInt8(ascii: ";"):
        wantsMore = true
        return try text(bytes.prefix(kept))
      case UInt8(ascii: "+"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"):
        throw refuse("no unescaped + \" < > (attributes may not share an RDN)")
      case UInt8(ascii: "\\"):
        bytes.append(try escaped())
        kept = bytes.count
      case 0x20: bytes.append(byte)
      case 0..<0x20, 0x7F: throw refuse("no control characters")
      default:
        bytes.append(byte)
        kept = bytes.count
      }
    }
    return try text(bytes.prefix(kept))
  }

  private func text(_ bytes: ArraySlice<UInt8>) throws(NotaryError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw refuse("UTF-8") }
    return text
  }

  private mutating func escaped() throws(NotaryError) -> UInt8 {
    guard let first = rest.popFirst() else { throw refuse("a character after the last backslash") }
    if " #=,;+\"<>\\".utf8.contains(first) { return first }
    guard let high = digit(first), let second = rest.popFirst(), let low = digit(second) else {
      throw refuse("a special character or two hexadecimal digits after a backslash")
    }
    return high << 4 | low
  }

  private func digit(_ byte: UInt8) -> UInt8? { Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init) }
}
