internal import Encodings

/// What a registry says about a refusal: `{"errors":[{"code","message","detail"}]}` (distribution-spec, Error Codes). Details are not read.
package struct RegistryErrorDocument: Sendable, Hashable {
  package struct Entry: Sendable, Hashable {
    package let code: String
    package let message: String?
  }

  package static let maxBytes = 64 << 10
  package let entries: [Entry]

  /// Nil when the bytes are no such document: a proxy's page, for instance. Fuzz entry point.
  ///
  /// Codes and messages are cut short and keep printable ASCII only, since they end on a terminal.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count <= Self.maxBytes,
      let value = try? JSONValue.parse(bytes, limits: JSONLimits(maxBytes: Self.maxBytes, maxDepth: 16, maxElements: 2000)),
      let errors = value["errors"]?.array, !errors.isEmpty
    else { return nil }
    entries = errors.prefix(16).compactMap { error in
      guard let code = error["code"]?.string else { return nil }
      return Entry(code: Self.printable(code, 64), message: error["message"]?.string.map { Self.printable($0, 400) })
    }
    guard !entries.isEmpty else { return nil }
  }

  package var codes: [String] { entries.map(\.code) }

  package static func printable(_ text: String, _ limit: Int) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit).map { (0x20..<0x7F).contains($0.value) ? $0 : "?" }))
  }
}
