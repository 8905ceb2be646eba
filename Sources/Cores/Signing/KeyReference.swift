/// A key as people name it: a URL of a Managed HSM, vault or Hallmark, or a bare name in the configured one.
package struct KeyReference: Sendable, Hashable {
  /// `https://host[:port]`, without a trailing slash; nil for a bare name.
  package let store: String?
  package let name: String
  /// Nil: the newest version when the job is planned.
  package let version: String?

  package init(store: String?, name: String, version: String? = nil) {
    self.store = store
    self.name = name
    self.version = version
  }

  /// Reads `https://HOST[:PORT]/keys/NAME[/VERSION]`, `NAME` or `NAME/VERSION`. Names are `[0-9a-zA-Z-]{1,127}`, versions 32 lower-case
  /// hexadecimal digits.
  package init(parsing text: String) throws(SigningError) {
    guard text.utf8.count <= 512 else { throw .badKeyReference(text) }
    var store: String?
    var path = Substring(text)
    if text.hasPrefix("https://") {
      let rest = text.dropFirst("https://".count)
      guard let slash = rest.firstIndex(of: "/"), slash > rest.startIndex else { throw .badKeyReference(text) }
      let host = rest[..<slash]
      guard host.utf8.allSatisfy(Self.isHostByte) else { throw .badKeyReference(text) }
      store = "https://" + host.lowercased()
      path = rest[rest.index(after: slash)...]
      guard path.hasPrefix("keys/") else { throw .badKeyReference(text) }
      path = path.dropFirst("keys/".count)
      if path.hasSuffix("/") { path = path.dropLast() }
    }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), Self.isName(parts[0]), parts.count == 1 || Self.isVersion(parts[1]) else {
      throw .badKeyReference(text)
    }
    self.init(store: store, name: String(parts[0]), version: parts.count == 2 ? String(parts[1]) : nil)
  }

  package static func isName(_ text: some StringProtocol) -> Bool {
    (1...127).contains(text.utf8.count)
      && text.utf8.allSatisfy { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D }
  }

  package static func isVersion(_ text: some StringProtocol) -> Bool {
    text.utf8.count == 32 && text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x66 }
  }

  private static func isHostByte(_ byte: UInt8) -> Bool {
    (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || byte >= 0x30 && byte <= 0x39 || [0x2D, 0x2E, 0x3A, 0x5B, 0x5D].contains(byte)
  }
}
