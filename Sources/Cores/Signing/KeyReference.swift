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

  /// The schemes of key URLs. `hallmark` and `azurekms` are those of the cosign plugin, and mean https like the first.
  package static let schemes = ["https", "hallmark", "azurekms"]

  /// Reads `https://HOST[:PORT]/keys/NAME[/VERSION]`, `hallmark://…` and `azurekms://…` with or without `keys/`, `NAME` or `NAME/VERSION`.
  ///
  /// Names are `[0-9a-zA-Z-]{1,127}`, versions 32 lower-case hexadecimal digits. A key named `keys` can be written with `keys/` only.
  package init(parsing text: String) throws(SigningError) {
    guard text.utf8.count <= 512 else { throw .badKeyReference(text) }
    guard let mark = text.firstRange(of: "://") else {
      try self.init(store: nil, path: Substring(text), of: text)
      return
    }
    let scheme = text[..<mark.lowerBound].lowercased()
    guard Self.schemes.contains(scheme) else { throw .badKeyReference(text) }
    try self.init(hostAndPath: text[mark.upperBound...], needsKeys: scheme == "https", of: text)
  }

  /// Reads a key as cosign passes it to a plugin: the URI without its scheme (`HOST[:PORT]/[keys/]NAME[/VERSION]`), or with it.
  package init(pluginResource text: String) throws(SigningError) {
    guard text.utf8.count <= 512 else { throw .badKeyReference(text) }
    if text.firstRange(of: "://") != nil {
      try self.init(parsing: text)
    } else {
      try self.init(hostAndPath: Substring(text), needsKeys: false, of: text)
    }
  }

  /// `hallmark://HOST[:PORT]/keys/NAME[/VERSION]`; the path alone without a store.
  package var uri: String {
    let path = "\(name)\(version.map { "/\($0)" } ?? "")"
    guard let store else { return path }
    return "hallmark://\(store.dropFirst("https://".count))/keys/\(path)"
  }

  private init(hostAndPath rest: Substring, needsKeys: Bool, of text: String) throws(SigningError) {
    guard let slash = rest.firstIndex(of: "/") else { throw .badKeyReference(text) }
    let host = rest[..<slash]
    guard Self.isHost(host) else { throw .badKeyReference(text) }
    var path = rest[rest.index(after: slash)...]
    if path.hasPrefix("keys/") {
      path = path.dropFirst("keys/".count)
    } else if needsKeys {
      throw .badKeyReference(text)
    }
    if path.hasSuffix("/") { path = path.dropLast() }
    try self.init(store: "https://" + host.lowercased(), path: path, of: text)
  }

  private init(store: String?, path: Substring, of text: String) throws(SigningError) {
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

  /// Form only: letters, digits, `-.:[]`. Whether it is an address is decided where it is used.
  private static func isHost(_ text: Substring) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy {
        ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || [0x2D, 0x2E, 0x3A, 0x5B, 0x5D].contains($0)
      }
  }
}
