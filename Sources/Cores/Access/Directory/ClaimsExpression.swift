/// Why a claims expression is not one.
package struct ClaimsExpressionError: Error, Sendable, Equatable, CustomStringConvertible {
  package let expected: String
  /// Bytes from the start.
  package let offset: Int
  package var description: String { "claims expression: expected \(expected) at byte \(offset)" }
}

/// Microsoft Graph's `claimsMatchingExpression` (language version 1): conditions on claims joined by `and`.
///
///     claims['sub'] matches 'repo:o/*:ref:refs/heads/main' and claims['job_workflow_ref'] eq 'o/w/.github/workflows/sign.yml@refs/heads/main'
///
/// `eq` compares exactly, `matches` takes a `ClaimPattern`. There is no `or`, no `not` and no escape in a quoted text.
package struct ClaimsExpression: Sendable, Hashable {
  enum Condition: Sendable, Hashable {
    case equals(claim: String, String)
    case matches(claim: String, ClaimPattern)
  }

  package static let maxBytes = 2048
  /// What a condition may look at: what issuers bind to the run, and workflows cannot choose.
  package static let claims: Set<String> = [
    "sub", "job_workflow_ref", "workflow_ref", "repository", "repository_id", "repository_owner", "repository_owner_id",
    "environment", "ref", "ref_type", "project_path", "namespace_path",
  ]

  package let text: String
  let conditions: [Condition]

  /// At most eight conditions in 2 048 bytes.
  package init(_ text: String) throws(ClaimsExpressionError) {
    self.text = text
    var scanner = Scanner(bytes: Array(text.utf8))
    guard scanner.bytes.count <= Self.maxBytes else { throw ClaimsExpressionError(expected: "at most \(Self.maxBytes) bytes", offset: Self.maxBytes) }
    var conditions: [Condition] = []
    repeat {
      guard conditions.count < 8 else { throw ClaimsExpressionError(expected: "at most 8 conditions", offset: scanner.position) }
      conditions.append(try scanner.condition())
    } while try scanner.and()
    self.conditions = conditions
  }

  /// Whether every condition holds. A claim that is absent, or no text, fails its condition.
  package func matches(_ claim: (String) -> String?) -> Bool {
    conditions.allSatisfy { condition in
      switch condition {
      case .equals(let name, let text): claim(name).map { $0.utf8.elementsEqual(text.utf8) } ?? false
      case .matches(let name, let pattern): claim(name).map { pattern.matches($0, claim: name) } ?? false
      }
    }
  }

  private struct Scanner {
    let bytes: [UInt8]
    var position = 0

    mutating func condition() throws(ClaimsExpressionError) -> Condition {
      skipSpace()
      try literal("claims[")
      let start = position
      let claim = try quoted()
      guard ClaimsExpression.claims.contains(claim) else { throw ClaimsExpressionError(expected: "a supported claim", offset: start) }
      try literal("]")
      skipSpace()
      if take("eq ") {
        skipSpace()
        return .equals(claim: claim, try quoted())
      }
      guard take("matches ") else { throw ClaimsExpressionError(expected: "eq or matches", offset: position) }
      skipSpace()
      let at = position
      guard let pattern = ClaimPattern(try quoted(), style: .expression) else {
        throw ClaimsExpressionError(expected: "a pattern of at most 512 bytes and 8 wildcards", offset: at)
      }
      return .matches(claim: claim, pattern)
    }

    mutating func and() throws(ClaimsExpressionError) -> Bool {
      let before = position
      skipSpace()
      if position == bytes.count { return false }
      guard position > before, take("and ") else { throw ClaimsExpressionError(expected: "and", offset: position) }
      return true
    }

    private mutating func quoted() throws(ClaimsExpressionError) -> String {
      try literal("'")
      let start = position
      while position < bytes.count, bytes[position] != UInt8(ascii: "'") {
        guard bytes[position] >= 0x20 else { throw ClaimsExpressionError(expected: "a printable character", offset: position) }
        position += 1
      }
      guard position < bytes.count, position > start else { throw ClaimsExpressionError(expected: "a quoted text", offset: start) }
      defer { position += 1 }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func literal(_ word: String) throws(ClaimsExpressionError) {
      guard take(word) else { throw ClaimsExpressionError(expected: "\"\(word)\"", offset: position) }
    }

    private mutating func take(_ word: String) -> Bool {
      guard bytes[position...].starts(with: word.utf8) else { return false }
      position += word.utf8.count
      return true
    }

    private mutating func skipSpace() {
      while position < bytes.count, bytes[position] == 0x20 { position += 1 }
    }
  }
}
