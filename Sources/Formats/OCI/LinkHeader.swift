/// The `Link` header of a paged list (RFC 8288 §3).
package enum LinkHeader {
  package static let maxBytes = 8192

  /// The target of the first link whose relation is `next`; nil when there is none. Fuzz entry point.
  package static func next(_ header: String) throws(OCIError) -> String? {
    guard header.utf8.count <= maxBytes else { throw .badHeader(name: "Link", why: "longer than \(maxBytes) bytes") }
    var scanner = HeaderScanner(header, name: "Link")
    scanner.skipEmptyElements()
    while !scanner.isAtEnd {
      let target = try scanner.bracketed()
      var relations: [Substring] = []
      scanner.skipSpace()
      while scanner.isAt(";") {
        try scanner.expect(";")
        scanner.skipSpace()
        guard !scanner.isAtEnd, !scanner.isAt(";"), !scanner.isAt(",") else { continue }
        let name = try scanner.token().lowercased()
        scanner.skipSpace()
        var value = ""
        if scanner.isAt("=") {
          try scanner.expect("=")
          scanner.skipSpace()
          value = try scanner.value()
          scanner.skipSpace()
        }
        if name == "rel", relations.isEmpty { relations = value.lowercased().split(separator: " ") }
      }
      if relations.contains("next") { return target }
      guard scanner.isAtEnd || scanner.isAt(",") else { throw scanner.error("a comma was expected") }
      scanner.skipEmptyElements()
    }
    return nil
  }
}
