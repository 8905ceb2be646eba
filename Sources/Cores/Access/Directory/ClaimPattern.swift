/// A pattern over one claim of a foreign token, with `*` (any run) and `?` (one character).
///
/// A wildcard never crosses a separator that the author of the pattern did not mean to leave open:
///
/// - `:` separates segments. Pattern and value must have the same number of them, unless the pattern's last segment is a bare `*`, which
///   takes all that follows. So `repo:o/*:ref:refs/heads/main` does not match `repo:o/r:environment:x:ref:refs/heads/main`.
/// - `/` stops `*`; `**` crosses it. In a claims expression (`.expression`) a `*` at the very end crosses it too, as Entra's does.
/// - The segment behind `repo:` is `owner/repository` and nothing deeper. GitHub's immutable form `owner@id/repository@id` matches a pattern
///   without ids by its names; a pattern with ids matches only a token with those ids.
/// - In workflow references (`job_workflow_ref`, `workflow_ref`) the first `@` divides path and ref, because a branch may be named
///   `x@refs/heads/main`.
///
/// Case counts everywhere, as in Entra. Matching costs O(pattern × value), both bounded.
package struct ClaimPattern: Sendable, Hashable {
  package enum Style: String, Sendable, Hashable { case glob, expression }

  package static let maxBytes = 512
  static let maxWildcards = 8

  package let text: String
  package let style: Style

  /// nil if empty, longer than 512 bytes, not printable, or with more than eight wildcards.
  package init?(_ text: String, style: Style) {
    guard (1...Self.maxBytes).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }),
      text.utf8.count(where: { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }) <= Self.maxWildcards
    else { return nil }
    self.text = text
    self.style = style
  }

  /// - Parameter claim: the name of the claim; it decides how the value is divided.
  package func matches(_ value: String, claim: String) -> Bool {
    guard value.utf8.count <= 2 * Self.maxBytes else { return false }
    if claim == "job_workflow_ref" || claim == "workflow_ref" {
      let (path, ref) = Self.divide(text[...])
      let (valuePath, valueRef) = Self.divide(value[...])
      guard let ref, let valueRef else { return false }
      return Self.glob(path, valuePath, crossing: false) && Self.glob(ref, valueRef, crossing: style == .expression)
    }
    let segments = text.split(separator: ":", omittingEmptySubsequences: false)
    let values = value.split(separator: ":", omittingEmptySubsequences: false)
    let isOpen = segments.count > 1 && segments.last == "*"
    if isOpen {
      guard values.count >= segments.count, values[segments.count - 1] != "" else { return false }
    } else {
      guard values.count == segments.count else { return false }
    }
    let compared = isOpen ? segments.count - 1 : segments.count
    for index in 0..<compared {
      let isRepository = index == 1 && segments[0] == "repo"
      let matches =
        isRepository
        ? Self.repository(segments[index], values[index])
        : Self.glob(segments[index], values[index], crossing: style == .expression && index == segments.count - 1)
      guard matches else { return false }
    }
    return true
  }

  /// Whether an exact subject names the value: the same text, or the same with GitHub's ids beside the names.
  static func names(_ subject: String, _ value: String) -> Bool {
    if subject.utf8.elementsEqual(value.utf8) { return true }
    let segments = subject.split(separator: ":", omittingEmptySubsequences: false)
    let values = value.split(separator: ":", omittingEmptySubsequences: false)
    guard segments.count == values.count, segments.count > 2, segments[0] == "repo", values[0] == "repo" else { return false }
    let names = segments[1].split(separator: "/", omittingEmptySubsequences: false)
    let valueNames = values[1].split(separator: "/", omittingEmptySubsequences: false)
    guard names.count == 2, valueNames.count == 2, segments[2...].elementsEqual(values[2...], by: { $0.utf8.elementsEqual($1.utf8) })
    else { return false }
    return zip(names, valueNames).allSatisfy { name, valueName in
      guard !name.contains("@"), let (plain, _) = identified(valueName) else { return false }
      return plain.utf8.elementsEqual(name.utf8)
    }
  }

  private static func repository(_ pattern: Substring, _ value: Substring) -> Bool {
    let parts = pattern.split(separator: "/", omittingEmptySubsequences: false)
    let values = value.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, values.count == 2 else { return false }
    return zip(parts, values).allSatisfy { part, value in
      guard let (name, id) = identified(value), !name.isEmpty else { return false }
      let (patternName, patternID) = divide(part)
      guard glob(patternName, name, crossing: false) else { return false }
      guard let patternID else { return true }
      return id.map { patternID == "*" || patternID.utf8.elementsEqual($0.utf8) } ?? false
    }
  }

  /// `name` or `name@digits`; nil for anything else, because names hold no `@`.
  private static func identified(_ text: Substring) -> (name: Substring, id: Substring?)? {
    let (name, id) = divide(text)
    guard let id else { return (name, nil) }
    guard !id.isEmpty, id.utf8.count <= 20, id.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return (name, id)
  }

  private static func divide(_ text: Substring) -> (before: Substring, after: Substring?) {
    guard let at = text.firstIndex(of: "@") else { return (text, nil) }
    return (text[..<at], text[text.index(after: at)...])
  }

  /// One segment. `crossing`: a `*` at the end crosses `/`.
  private static func glob(_ pattern: Substring, _ value: Substring, crossing: Bool) -> Bool {
    let p = Array(pattern.utf8)
    let v = Array(value.utf8)
    let star = UInt8(ascii: "*")
    let slash = UInt8(ascii: "/")
    // reachable[j]: the pattern so far matches the first j bytes of the value.
    var reachable = [Bool](repeating: false, count: v.count + 1)
    reachable[0] = true
    var i = 0
    while i < p.count {
      var next = [Bool](repeating: false, count: v.count + 1)
      if p[i] == star {
        let double = i + 1 < p.count && p[i + 1] == star
        i += double ? 2 : 1
        let crosses = double || crossing && i == p.count
        for j in 0...v.count where reachable[j] || j > 0 && next[j - 1] && (crosses || v[j - 1] != slash) { next[j] = true }
      } else {
        for j in v.indices where reachable[j] {
          if p[i] == v[j] || p[i] == UInt8(ascii: "?") && v[j] != slash && v[j] < 0x80 { next[j + 1] = true }
        }
        i += 1
      }
      reachable = next
    }
    return reachable[v.count]
  }
}
