internal import SwiftASN1
internal import X509

/// The name in a certificate (RFC 5280 §4.1.2.4): attributes in order, one per set.
package struct SubjectName: Sendable, Hashable {
  let name: DistinguishedName

  init(_ name: DistinguishedName) { self.name = name }

  /// Reads `C=DE, ST=Berlin, O=Example, CN=release signer`.
  ///
  /// Keys: C, ST (or S), L, O, OU, CN, STREET, DC, E; in any order, without case. `\` escapes `,` `;` `\` `+` `=` and space. Notary trust
  /// policies can name only subjects that have C, ST and O, so these are demanded, and CN so that people can tell keys apart.
  ///
  /// - Parameter text: at most 1024 bytes, at most 16 attributes.
  package init(parsing text: String) throws(IssuanceError) {
    guard text.utf8.count <= 1024 else { throw .badSubject(text, why: "longer than 1024 bytes") }
    var sets: [RelativeDistinguishedName] = []
    var seen: Set<String> = []
    for part in try Self.parts(text) {
      guard sets.count < 16 else { throw .badSubject(text, why: "more than 16 attributes") }
      let attribute = Self.attributes.first { $0.keys.contains(part.key.uppercased()) }
      guard let attribute else { throw .badSubject(text, why: "\"\(part.key.prefix(40))\" is none of C, ST, L, O, OU, CN, STREET, DC, E") }
      let key = attribute.keys[0]
      guard seen.insert(key).inserted || key == "OU" || key == "DC" else { throw .badSubject(text, why: "\(key) is there twice") }
      sets.append(RelativeDistinguishedName(try Self.encoded(part.value, attribute, in: text)))
    }
    for key in ["C", "ST", "O", "CN"] where !seen.contains(key) { throw .badSubject(text, why: "\(key) is missing") }
    name = DistinguishedName(sets)
  }

  /// As `init(parsing:)` reads it, attributes in the order of the certificate.
  package var text: String {
    name.map { set in
      set.map { attribute in
        let key = Self.attributes.first { $0.type == attribute.type }?.keys[0] ?? attribute.type.description
        let value = String(attribute.value) ?? "#"
        return "\(key)=\(Self.escaped(value))"
      }.joined(separator: "+")
    }.joined(separator: ", ")
  }

  private struct Attribute {
    let keys: [String]
    let type: ASN1ObjectIdentifier
    /// Upper bound of RFC 5280 appendix A, characters.
    let limit: Int
  }

  private static let attributes: [Attribute] = [
    Attribute(keys: ["C"], type: .RDNAttributeType.countryName, limit: 2),
    Attribute(keys: ["ST", "S"], type: .RDNAttributeType.stateOrProvinceName, limit: 128),
    Attribute(keys: ["L"], type: .RDNAttributeType.localityName, limit: 128),
    Attribute(keys: ["O"], type: .RDNAttributeType.organizationName, limit: 64),
    Attribute(keys: ["OU"], type: .RDNAttributeType.organizationalUnitName, limit: 64),
    Attribute(keys: ["CN"], type: .RDNAttributeType.commonName, limit: 64),
    Attribute(keys: ["STREET"], type: .RDNAttributeType.streetAddress, limit: 128),
    Attribute(keys: ["DC"], type: .RDNAttributeType.domainComponent, limit: 63),
    Attribute(keys: ["E", "EMAILADDRESS"], type: .RDNAttributeType.emailAddress, limit: 255),
  ]

  private static func encoded(
    _ value: String, _ attribute: Attribute, in text: String
  ) throws(IssuanceError) -> RelativeDistinguishedName.Attribute {
    let key = attribute.keys[0]
    guard !value.isEmpty, value.count <= attribute.limit else { throw .badSubject(text, why: "\(key) must have 1 to \(attribute.limit) characters") }
    guard !value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
      throw .badSubject(text, why: "\(key) has control characters")
    }
    do {
      switch key {
      case "C":
        guard value.utf8.count == 2, value.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) else {
          throw IssuanceError.badSubject(text, why: "C is a country code of two capital letters")
        }
        return try RelativeDistinguishedName.Attribute(type: attribute.type, printableString: value)
      case "DC", "E": return try RelativeDistinguishedName.Attribute(type: attribute.type, ia5String: value)
      default: return RelativeDistinguishedName.Attribute(type: attribute.type, utf8String: value)
      }
    } catch let error as IssuanceError {
      throw error
    } catch {
      throw .badSubject(text, why: "\(key) has characters that are not allowed there")
    }
  }

  private static func parts(_ text: String) throws(IssuanceError) -> [(key: String, value: String)] {
    var result: [(key: String, value: String)] = []
    var key: String?
    // What was read so far, and how much of it must survive the trimming of spaces because it was escaped.
    var word = ""
    var kept = 0
    var escaping = false
    func trimmed() -> String {
      var value = Substring(word.drop { $0 == " " })
      while value.last == " ", value.endIndex > word.index(word.startIndex, offsetBy: kept) { value = value.dropLast() }
      return String(value)
    }
    func finish() throws(IssuanceError) {
      guard let name = key else { throw .badSubject(text, why: "\"\(trimmed().prefix(60))\" has no =") }
      result.append((name, trimmed()))
      key = nil
      word = ""
      kept = 0
    }
    for character in text {
      if escaping {
        guard ",;\\+=\" #<>".contains(character) else { throw .badSubject(text, why: "\\\(character) is no escape") }
        word.append(character)
        kept = word.count
        escaping = false
      } else if character == "\\" {
        escaping = true
      } else if character == "=", key == nil {
        key = trimmed()
        word = ""
        kept = 0
      } else if character == "," || character == ";" {
        try finish()
      } else if character == "+" {
        throw .badSubject(text, why: "attributes joined by + are not supported (write \\+ for a plus)")
      } else {
        word.append(character)
      }
    }
    if escaping { throw .badSubject(text, why: "it ends with a \\") }
    try finish()
    return result
  }

  private static func escaped(_ value: String) -> String {
    var text = ""
    for character in value {
      if ",;\\+=\"<>".contains(character) { text.append("\\") }
      text.append(character)
    }
    return text
  }
}
