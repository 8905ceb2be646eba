package import Estate

/// Which keys the register calls signing keys: by name or glob, by tag, by certificate subject.
package struct SigningKeyTest: Sendable {
  private let names: [ActionPattern]
  private let tags: [String: Set<String>]
  private let subjects: Set<String>

  package init(_ keys: IntentRegister.SigningKeys) {
    names = keys.names.map(ActionPattern.init)
    tags = Dictionary(keys.tags.map { ($0.key.lowercased(), Set($0.value.map { $0.lowercased() })) }) { $0.union($1) }
    subjects = Set(keys.subjects.map(Self.folded))
  }

  /// Letter case does not count anywhere: Azure's names and tag names have none.
  package func matches(name: String?, tags given: [String: String]?, subject: String? = nil) -> Bool {
    if let name, names.contains(where: { $0.matches(name) }) { return true }
    if let given, given.contains(where: { tags[$0.key.lowercased()]?.contains($0.value.lowercased()) == true }) { return true }
    if let subject, subjects.contains(Self.folded(subject)) { return true }
    return false
  }

  private static func folded(_ subject: String) -> String { String(subject.lowercased().filter { $0 != " " }) }
}
