/// A token that somebody else got: from the environment or a file, which is read again each time so that it may be renewed.
package struct FixedTokenCredential: Credential {
  private enum Source: Sendable {
    case text(String, origin: String)
    case file(String)
  }

  private let source: Source

  package init(text: String, origin: String) { source = .text(text, origin: origin) }
  package init(file: String) { source = .file(file) }

  package var name: String {
    switch source {
    case .text(_, let origin): "token from \(origin)"
    case .file(let path): "token file \(path)"
    }
  }

  /// The same token whatever is asked for.
  package func token(_ request: TokenRequest) async throws(CredentialError) -> AccessToken {
    switch source {
    case .text(let text, _): return try AccessToken(text.filter { !$0.isWhitespace }, expires: nil)
    case .file(let path):
      let text = try BoundedFile.text(path, maxBytes: 64 << 10)
      return try AccessToken(text.filter { !$0.isWhitespace }, expires: nil)
    }
  }
}
