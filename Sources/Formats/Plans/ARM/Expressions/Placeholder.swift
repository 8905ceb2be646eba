/// Text that stands for text not known yet, so that names and ids built from it stay equal where they will be equal.
///
/// `{subscription}`, `{resourceGroup}`, `{managementGroup}`, `{tenant}`, `{location}` stand for where the template is deployed. `{?KEY}` stands for a value
/// nobody gave (`{?parameters('x')}`), `{?#NAME-HASH}` for a computed value that only Azure computes but that is the same for the same arguments.
enum Placeholder {
  static let subscription = "{subscription}"
  static let resourceGroup = "{resourceGroup}"
  static let managementGroup = "{managementGroup}"
  static let tenant = "{tenant}"
  static let location = "{location}"

  private static let fixed = [subscription, resourceGroup, managementGroup, tenant, location].map { $0.lowercased() }

  static func token(_ key: String) -> String {
    "{?\(String(key.prefix(300).map { $0 == "{" ? "(" : $0 == "}" ? ")" : $0 }))}"
  }

  /// A stand-in for what `function` makes of `texts`; it remembers what is missing in them.
  static func derived(_ function: String, _ texts: [String]) -> String {
    let keys = texts.flatMap { unresolved($0) }
    let name = "\(function)-\(NameHash.short(texts))"
    guard let key = keys.first else { return "{?#\(name)}" }
    return token("\(name) of \(key)")
  }

  /// Whether the text is not what it will be in Azure. Case does not matter, `toLower` may have passed over it.
  static func isOpaque(_ text: String) -> Bool {
    guard text.utf8.contains(UInt8(ascii: "{")) else { return false }
    if text.contains("{?") { return true }
    let lower = text.lowercased()
    return fixed.contains { lower.contains($0) }
  }

  /// Whether something in it is not even determined by where the template is deployed.
  static func isUnresolved(_ text: String) -> Bool { !unresolved(text).isEmpty }

  /// The keys of what is missing: `parameters('x')`.
  static func unresolved(_ text: String) -> [String] {
    guard text.contains("{?") else { return [] }
    var keys: [String] = []
    for part in text.split(separator: "{?", omittingEmptySubsequences: false).dropFirst() {
      guard let end = part.firstIndex(of: "}"), !part.hasPrefix("#") else { continue }
      let key = part[..<end]
      keys.append(String(key.split(separator: " of ", maxSplits: 1).last ?? key))
    }
    return keys
  }
}
