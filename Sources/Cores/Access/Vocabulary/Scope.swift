/// Where a right holds: the HSM (`/`), all keys (`/keys`), or one key with all its versions (`/keys/<name>`).
///
/// Scopes form a tree and a role assignment holds at its scope and below. An assignment at `/keys` therefore reaches every key
/// and nothing that is asked of the HSM itself (roles at `/`, settings, security domain, random bytes).
package enum Scope: Sendable, Hashable, CustomStringConvertible {
  case root
  case keys
  case key(KeyScopeName)

  /// Parses the scope of a path or of an assignment: "", "/", "keys", "/keys", "/keys/", "keys/name", "//keys//name/".
  ///
  /// Runs of `/` count as one; `keys` is taken in any case. nil for anything deeper, or a name that is no key name.
  package init?(_ text: String) {
    guard text.utf8.count <= 256 else { return nil }
    let parts = text.split(separator: "/", omittingEmptySubsequences: true)
    switch parts.count {
    case 0: self = .root
    case 1 where parts[0].lowercased() == "keys": self = .keys
    case 2 where parts[0].lowercased() == "keys":
      guard let name = KeyScopeName(String(parts[1])) else { return nil }
      self = .key(name)
    default: return nil
    }
  }

  /// The scope of one key; nil if `name` is no key name.
  package static func key(named name: String) -> Scope? { KeyScopeName(name).map(Scope.key) }

  /// `/`, `/keys` or `/keys/<name>`, the name as it was written.
  package var text: String {
    switch self {
    case .root: "/"
    case .keys: "/keys"
    case .key(let name): "/keys/" + name.text
    }
  }
  package var description: String { text }

  /// Whether an assignment at this scope holds at `other`.
  package func covers(_ other: Scope) -> Bool {
    switch (self, other) {
    case (.root, _), (.keys, .keys), (.keys, .key): true
    case (.key(let mine), .key(let theirs)): mine == theirs
    case (.keys, .root), (.key, .root), (.key, .keys): false
    }
  }
}

/// A key's name inside a scope: 1–127 letters, digits and hyphens, compared without case as Azure does.
package struct KeyScopeName: Sendable, Hashable {
  /// As written.
  package let text: String
  /// Lower case: what is compared.
  package let folded: String

  package init?(_ text: String) {
    let bytes = text.utf8
    guard (1...127).contains(bytes.count) else { return nil }
    var hasCapitals = false
    for byte in bytes {
      switch byte {
      case 0x30...0x39, 0x61...0x7A, 0x2D: break
      case 0x41...0x5A: hasCapitals = true
      default: return nil
      }
    }
    self.text = text
    self.folded = hasCapitals ? text.lowercased() : text
  }

  package static func == (a: KeyScopeName, b: KeyScopeName) -> Bool { a.folded == b.folded }
  package func hash(into hasher: inout Hasher) { hasher.combine(folded) }
}
