/// Why a text is not one of Hallmark's own statements, or why what it claims does not hold. It names members, never their contents.
package enum ExtensionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The document around it is not in form: JSON, a member, the bundle inside.
  case form(BundleError)
  /// The bundle carries no in-toto statement: a message signature, or another payload type.
  case noStatement(found: String)
  /// The statement is of another kind.
  case otherStatement(wanted: String, found: String)
  /// Leaves, path and index do not describe one tree.
  case badTree(String)
  /// The inclusion path does not lead from this artifact to the signed root.
  case notIncluded(String)
  /// The validity window is empty, reversed or longer than allowed.
  case badWindow(String)
  /// The channel is not one a short-lived key may sign for.
  case channelNotAllowed(String)
  /// The key inside is not the key the statement names.
  case otherKey
  /// A name is empty, too long, or holds a control character.
  case badName(String)

  package var description: String {
    switch self {
    case .form(let error): error.description
    case .noStatement(let found): "the bundle carries \(found), where an in-toto statement in a DSSE envelope is expected"
    case .otherStatement(let wanted, let found): "the statement is of type \"\(found.prefix(160))\"; \(wanted) is expected"
    case .badTree(let why): "not a Merkle tree this format allows: \(why)"
    case .notIncluded(let why): "the artifact is not proved to be in the batch: \(why)"
    case .badWindow(let why): "the validity window is refused: \(why)"
    case .channelNotAllowed(let channel): "channel \"\(channel.prefix(40))\" cannot be endorsed; short-lived keys sign for dev only"
    case .otherKey: "the key inside is not the key whose digest the statement names"
    case .badName(let what): "\(what) must be 1 to 1024 bytes without control characters"
    }
  }
}

/// The outline all of Hallmark's own statements share: in-toto v1, exactly one subject, exactly the members expected.
enum OwnStatement {
  static let type = "https://in-toto.io/Statement/v1"
  static let maxNameBytes = 1024

  /// A name may be anything people call a file or an image, but must not break a line or a terminal.
  static func isName(_ text: String) -> Bool {
    (1...maxNameBytes).contains(text.utf8.count) && !text.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
  }
}
