/// A URL as registries use them: scheme, authority, path with query. Made by strict parsing only.
struct RegistryAddress: Sendable, Hashable {
  static let maxBytes = 8192

  let isEncrypted: Bool
  /// `host[:port]` in lower case, without the scheme's own port.
  let authority: String
  /// Starts with `/`; holds no fragment.
  let path: String

  var url: String { "\(isEncrypted ? "https" : "http")://\(authority)\(path)" }
  /// Without query: what errors may show, since queries may carry signatures.
  var place: String { url.split(separator: "?", maxSplits: 1).first.map(String.init) ?? url }
  var origin: String { "\(isEncrypted ? "https" : "http")://\(authority)" }
  /// The authority without its port.
  var host: String {
    if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return String(authority[...end]) }
    return String(authority.split(separator: ":", maxSplits: 1).first ?? "")
  }

  func isSameOrigin(as other: RegistryAddress) -> Bool { origin == other.origin }

  init(isEncrypted: Bool, authority: String, path: String) {
    self.isEncrypted = isEncrypted
    self.authority = authority
    self.path = path
  }

  /// Reads an absolute http or https URL; nil for anything else, for one with a user in it, and for one with characters that need encoding.
  init?(_ text: String) {
    let lower = text.prefix(8).lowercased()
    let rest: Substring
    if lower.hasPrefix("https://") {
      isEncrypted = true
      rest = text.dropFirst(8)
    } else if lower.hasPrefix("http://") {
      isEncrypted = false
      rest = text.dropFirst(7)
    } else {
      return nil
    }
    guard text.utf8.count <= Self.maxBytes, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "\"") }) else { return nil }
    let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
    guard let authority = Self.authority(rest[..<end], isEncrypted: isEncrypted) else { return nil }
    self.authority = authority
    let tail = rest[end...].prefix { $0 != "#" }
    path = tail.hasPrefix("/") ? String(tail) : "/\(tail)"
  }

  private static func authority(_ text: Substring, isEncrypted: Bool) -> String? {
    let lower = text.lowercased()
    var host = lower[...]
    if let colon = lower.lastIndex(of: ":"), !lower[colon...].contains("]") {
      guard let port = Int(lower[lower.index(after: colon)...]), (1...65_535).contains(port), lower[lower.index(after: colon)...].allSatisfy(\.isNumber) else { return nil }
      host = lower[..<colon]
      if port != (isEncrypted ? 443 : 80) { return isHost(host) ? "\(host):\(port)" : nil }
    }
    return isHost(host) ? String(host) : nil
  }

  private static func isHost(_ text: Substring) -> Bool {
    guard !text.isEmpty, text.utf8.count <= 253 else { return false }
    if text.hasPrefix("[") { return text.hasSuffix("]") && text.dropFirst().dropLast().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." } }
    return text.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "." || $0 == "_" }
  }

  /// Resolves a reference as found in `Location` or `Link` (RFC 3986 §5): absolute, `//host/…`, `/path`, or beside this path. Dot segments are
  /// not resolved but refused.
  func resolving(_ reference: String) -> RegistryAddress? {
    if reference.contains("://") && !reference.hasPrefix("/") && !reference.hasPrefix("?") { return RegistryAddress(reference) }
    let scheme = isEncrypted ? "https:" : "http:"
    let text: String
    if reference.hasPrefix("//") {
      text = scheme + reference
    } else if reference.hasPrefix("/") {
      text = origin + reference
    } else {
      let bare = path.split(separator: "?", maxSplits: 1).first ?? "/"
      text = reference.hasPrefix("?") ? origin + bare + reference : origin + bare[...(bare.lastIndex(of: "/") ?? bare.startIndex)] + reference
    }
    guard let result = RegistryAddress(text), !reference.isEmpty else { return nil }
    let segments = (result.path.split(separator: "?", maxSplits: 1).first ?? "").split(separator: "/")
    return segments.contains("..") || segments.contains(".") ? nil : result
  }

  /// This address with more query; `fields` is already encoded.
  func adding(query fields: String) -> RegistryAddress {
    RegistryAddress(isEncrypted: isEncrypted, authority: authority, path: path + (path.contains("?") ? (path.hasSuffix("?") || path.hasSuffix("&") ? "" : "&") : "?") + fields)
  }
}

extension RegistrySettings {
  /// Whether this host may be spoken to in the clear.
  func allowsPlainHTTP(_ address: RegistryAddress) -> Bool {
    plainHTTPHosts.contains(address.authority) || plainHTTPHosts.contains(address.isEncrypted ? "" : "\(address.host):80")
      || plainHTTPOnLoopback && Self.isLoopback(address.host)
  }

  /// Names of this machine that no resolver can point elsewhere.
  static func isLoopback(_ host: String) -> Bool { host == "localhost" || host == "127.0.0.1" || host == "[::1]" }

  /// Where the API of a registry is.
  func base(of registry: String) -> RegistryAddress {
    let host = registry == "docker.io" ? "registry-1.docker.io" : registry
    let plain = RegistryAddress("http://\(host)/")
    if let plain, plainHTTPHosts.contains(registry) || allowsPlainHTTP(plain) { return plain }
    return RegistryAddress("https://\(host)/") ?? RegistryAddress(isEncrypted: true, authority: host, path: "/")
  }

  /// - Throws: `.insecure` when a registry that is spoken to over TLS, or one of the plain ones, points to a plain address nobody asked for.
  func check(_ target: RegistryAddress, from source: RegistryAddress) throws(RegistryError) {
    guard !target.isEncrypted else { return }
    guard !source.isEncrypted else { throw .insecure(place: target.place, why: "\(source.place) is encrypted and points to plain HTTP") }
    guard allowsPlainHTTP(target) else {
      throw .insecure(place: target.place, why: "\(source.place) points there over plain HTTP, which was not asked for with this host")
    }
  }
}
