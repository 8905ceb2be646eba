/// The query of a request: names without case, values percent-decoded, `+` kept as it is. The first of a repeated name counts.
package struct Query: Sendable {
  private let pairs: [(name: String, value: String)]

  package static let byteLimit = 8192

  /// - Returns: nil when it is over the limit or an escape is broken.
  package init?(_ text: some StringProtocol) {
    guard text.utf8.count <= Self.byteLimit else { return nil }
    var pairs: [(String, String)] = []
    for piece in text.split(separator: "&", omittingEmptySubsequences: true) {
      let parts = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Route.percentDecoded(parts[0], slashAllowed: true),
        let value = parts.count > 1 ? Route.percentDecoded(parts[1], slashAllowed: true) : ""
      else { return nil }
      pairs.append((name.lowercased(), value))
    }
    self.pairs = pairs
  }

  package subscript(name: String) -> String? {
    let wanted = name.lowercased()
    return pairs.first { $0.name == wanted }?.value
  }
}
