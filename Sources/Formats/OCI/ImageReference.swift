/// A repository in a registry.
package struct ImageRepository: Sendable, Hashable, CustomStringConvertible {
  /// `host[:port]`, lower case; `docker.io` for Docker Hub under all its names.
  package let registry: String
  /// The path in the registry, such as `library/ubuntu`.
  package let path: String

  /// Lengths: distribution-spec asks that host and path together stay within 255 characters.
  package init(registry: String, path: String) throws(OCIError) {
    let text = "\(registry)/\(path)"
    guard text.utf8.count <= 255 else { throw .badReference(text, why: "registry and repository are longer than 255 characters") }
    guard let host = ReferenceGrammar.registry(registry) else {
      throw .badReference(text, why: "\"\(registry.prefix(100))\" is no HOST or HOST:PORT")
    }
    guard ReferenceGrammar.isRepository(path) else {
      throw .badReference(
        text,
        why: path.contains(where: \.isUppercase)
          ? "a repository name is written in lower case"
          : "the repository \"\(path.prefix(100))\" is not letters, digits and single separators (. _ __ -) between slashes")
    }
    self.registry = host
    self.path = host == "docker.io" && !path.contains("/") ? "library/\(path)" : path
  }

  /// `registry/path`: what signatures name the image by.
  package var name: String { "\(registry)/\(path)" }
  package var description: String { name }
}

/// An image reference: `[REGISTRY[:PORT]/]REPOSITORY[:TAG][@DIGEST]`, with Docker's rules for what is left out.
package struct ImageReference: Sendable, Hashable, CustomStringConvertible {
  package let home: ImageRepository
  /// Nil only when there is a digest.
  package let tag: String?
  /// When present it decides, whatever the tag.
  package let digest: ContentDigest?
  /// Neither tag nor digest was written, so that `latest` stands in.
  package let isTagImplied: Bool

  package var registry: String { home.registry }
  package var repository: String { home.path }

  /// - Throws: `.badReference` when the tag is none.
  package init(home: ImageRepository, tag: String? = nil, digest: ContentDigest? = nil) throws(OCIError) {
    if let tag, !ReferenceGrammar.isTag(tag) {
      throw .badReference("\(home.name):\(tag)", why: "a tag is 1 to 128 letters, digits, _, . and -, and does not start with . or -")
    }
    self.home = home
    self.tag = tag ?? (digest == nil ? "latest" : nil)
    self.digest = digest
    isTagImplied = tag == nil && digest == nil
  }

  /// The one reference that cannot change its meaning.
  package init(home: ImageRepository, digest: ContentDigest) {
    self.home = home
    tag = nil
    self.digest = digest
    isTagImplied = false
  }

  /// Reads a reference. Fuzz entry point.
  ///
  /// The part before the first slash is a registry when it holds a dot, a colon or an upper-case letter, or is `localhost`; otherwise
  /// the registry is `docker.io`, and a name without a slash there is in `library`.
  package init(_ text: String) throws(OCIError) {
    guard text.utf8.count <= 255 + 1 + 128 + 1 + 135 else { throw .badReference(text, why: "it is longer than any reference") }
    guard !text.isEmpty else { throw .badReference(text, why: "it is empty") }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .badReference(text, why: "it holds a space or a character that is not ASCII") }
    guard !text.contains("://") else { throw .badReference(text, why: "it is a URL; write it without the scheme") }
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    var digest: ContentDigest?
    if parts.count == 2 {
      do throws(OCIError) { digest = try ContentDigest(parts[1]) } catch { throw .badReference(text, why: error.description) }
    }
    var name = parts[0]
    var registry: Substring = "docker.io"
    if let slash = name.firstIndex(of: "/"), ReferenceGrammar.namesRegistry(name[..<slash]) {
      registry = name[..<slash]
      name = name[name.index(after: slash)...]
    }
    var tag: Substring?
    if let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") {
      tag = name[name.index(after: colon)...]
      name = name[..<colon]
    }
    guard !name.isEmpty else { throw .badReference(text, why: "the repository is missing") }
    do throws(OCIError) {
      try self.init(home: ImageRepository(registry: String(registry), path: String(name)), tag: tag.map(String.init), digest: digest)
    } catch {
      if case .badReference(_, let why) = error { throw .badReference(text, why: why) }
      throw error
    }
  }

  /// The same image by its digest, tag kept for people.
  package func pinned(to digest: ContentDigest) -> ImageReference { ImageReference(home: home, keptTag: isTagImplied ? nil : tag, digest: digest) }

  private init(home: ImageRepository, keptTag: String?, digest: ContentDigest) {
    self.home = home
    tag = keptTag
    self.digest = digest
    isTagImplied = false
  }

  /// What a registry is asked for: the digest when there is one, else the tag.
  package var target: String { digest?.text ?? tag ?? "latest" }

  /// The full form, nothing left out.
  package var description: String { home.name + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0.text)" } ?? "") }
}

/// The grammar of references (distribution-spec, Pulling Manifests; Docker's for hosts).
package enum ReferenceGrammar {
  static func namesRegistry(_ part: Substring) -> Bool {
    part == "localhost" || part.contains { $0 == "." || $0 == ":" || $0.isUppercase }
  }

  /// The registry in its one form: lower case, Docker Hub's aliases as `docker.io`; nil when it is no `HOST[:PORT]`.
  package static func registry(_ text: String) -> String? {
    let lower = text.lowercased()
    guard lower.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
    let host: Substring
    let rest: Substring
    if lower.hasPrefix("[") {
      guard let end = lower.firstIndex(of: "]") else { return nil }
      let inner = lower[lower.index(after: lower.startIndex)..<end]
      guard inner.contains(":"), inner.utf8.count <= 45, inner.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else { return nil }
      host = lower[...end]
      rest = lower[lower.index(after: end)...]
    } else {
      let end = lower.firstIndex(of: ":") ?? lower.endIndex
      host = lower[..<end]
      rest = lower[end...]
      guard (1...253).contains(host.utf8.count), host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(isLabel) else { return nil }
    }
    if !rest.isEmpty {
      let port = rest.dropFirst()
      guard rest.first == ":", (1...5).contains(port.utf8.count), port.allSatisfy(\.isNumber), let number = Int(port), (1...65_535).contains(number)
      else { return nil }
    }
    switch lower {
    case "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com": return "docker.io"
    default: return lower
    }
  }

  private static func isLabel(_ label: Substring) -> Bool {
    guard let first = label.utf8.first, let last = label.utf8.last, label.utf8.count <= 63 else { return false }
    return isAlphanumeric(first) && isAlphanumeric(last) && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
  }

  /// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` between slashes.
  package static func isRepository(_ path: String) -> Bool {
    path.utf8.count <= 255 && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(isPathComponent)
  }

  private static func isPathComponent(_ text: Substring) -> Bool {
    var separator: [UInt8] = []
    var hasStarted = false
    for byte in text.utf8 {
      if isAlphanumeric(byte) {
        guard separator.isEmpty || hasStarted && isSeparator(separator) else { return false }
        separator = []
        hasStarted = true
      } else {
        separator.append(byte)
      }
    }
    return hasStarted && separator.isEmpty
  }

  private static func isSeparator(_ bytes: [UInt8]) -> Bool {
    bytes == [UInt8(ascii: ".")] || bytes == [UInt8(ascii: "_")] || bytes == [UInt8(ascii: "_"), UInt8(ascii: "_")]
      || bytes.allSatisfy { $0 == UInt8(ascii: "-") }
  }

  /// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
  package static func isTag(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 128 else { return false }
    let isWord = { (byte: UInt8) in isAlphanumeric(byte) || (0x41...0x5A).contains(byte) || byte == UInt8(ascii: "_") }
    return isWord(first) && text.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
  }

  /// Lower case and digits.
  private static func isAlphanumeric(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) }
}
