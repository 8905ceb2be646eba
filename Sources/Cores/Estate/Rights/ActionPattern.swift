/// An action of a role definition, possibly with wildcards: `*` stands for any run of characters, `/` included; letter case does not count.
package struct ActionPattern: Sendable, Hashable, CustomStringConvertible {
  package let text: String
  private let folded: [UInt8]

  package init(_ text: String) {
    self.text = text
    self.folded = Array(text.lowercased().utf8)
  }

  package var description: String { text }
  package var isWildcard: Bool { folded.contains(Self.star) }

  private static let star = UInt8(ascii: "*")

  /// Whether the pattern covers this action. Cost: at most the product of the lengths.
  package func matches(_ action: String) -> Bool { matches(folded: Array(action.lowercased().utf8)) }

  func matches(folded action: [UInt8]) -> Bool { Wildcards.matches(pattern: folded, text: action, single: nil) }

  func hasPrefix(_ prefix: String) -> Bool { folded.starts(with: prefix.utf8) }
}

/// Matching of texts against patterns with wildcards, without backtracking over more than the last star.
enum Wildcards {
  /// `*` is any run of bytes; `single`, when given, is the byte that stands for exactly one.
  static func matches(pattern: [UInt8], text: [UInt8], single: UInt8?) -> Bool {
    let star = UInt8(ascii: "*")
    var (p, t) = (0, 0)
    var (lastStar, resume) = (-1, 0)
    while t < text.count {
      if p < pattern.count, pattern[p] == star {
        (lastStar, resume) = (p, t)
        p += 1
      } else if p < pattern.count, pattern[p] == text[t] || (single != nil && pattern[p] == single) {
        p += 1
        t += 1
      } else if lastStar >= 0 {
        resume += 1
        (p, t) = (lastStar + 1, resume)
      } else {
        return false
      }
    }
    while p < pattern.count, pattern[p] == star { p += 1 }
    return p == pattern.count
  }
}
