import Encodings
import Plans

/// Attributes of a resource by one name, whatever the dialect's spelling.
struct Attributes: Sendable, Hashable {
  enum Style: Sendable, Hashable {
    /// Terraform: `key_vault_id`.
    case snake
    /// Classic Pulumi: `keyVaultId` for the same.
    case camel
    /// ARM and native Pulumi: paths such as `properties.sku.name`, letter case not counting.
    case arm
  }

  let value: PlanValue
  let style: Style

  init(_ value: PlanValue, _ style: Style) {
    self.value = value
    self.style = style
  }

  /// The raw value at a path of names; nil when absent or null, unknown when it or what holds it is unknown.
  func raw(_ path: String) -> PlanValue? {
    var here = value
    for (depth, part) in path.split(separator: ".").enumerated() {
      if case .unknown = here { return here }
      // A block of Terraform is a list of one.
      if case .list(let items) = here, let only = items.first { here = only }
      if let next = member(here, String(part)) {
        here = next
      } else if depth == 0, part == "properties", style == .arm {
        continue
      } else {
        return nil
      }
    }
    if case .null = here { return nil }
    return here
  }

  private func member(_ value: PlanValue, _ name: String) -> PlanValue? {
    guard case .object(let members) = value else { return nil }
    switch style {
    case .snake: return members[name]
    case .camel: return members[Self.camel(name)] ?? members[name]
    case .arm:
      if let exact = members[name] { return exact }
      let folded = name.lowercased()
      return members.first { $0.key.lowercased() == folded }?.value
    }
  }

  static func camel(_ name: String) -> String {
    let parts = name.split(separator: "_")
    return (parts.prefix(1).map(String.init) + parts.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }).joined()
  }

  /// The first of these paths that is there.
  private func first(_ paths: [String]) -> PlanValue? {
    for path in paths { if let found = raw(path) { return found } }
    return nil
  }

  func text(_ paths: String...) -> Planned<String> { first(paths).map(string) ?? .absent }

  /// The first of these paths whose value is known; else as `text`.
  func known(_ paths: String...) -> Planned<String> {
    for path in paths { if let value = raw(path), let text = string(value).value { return .known(text) } }
    return first(paths).map(string) ?? .absent
  }

  func flag(_ paths: String...) -> Planned<Bool> {
    guard let value = first(paths) else { return .absent }
    switch value {
    case .bool(let flag): return .known(flag)
    case .string(let text) where ["true", "false"].contains(text.lowercased()): return .known(text.lowercased() == "true")
    case .null: return .absent
    case .unknown(let unknown): return .unknown(unknown)
    default: return .unknown(UnknownValue(missing: "\(paths[0]) is neither true nor false"))
    }
  }

  func number(_ paths: String...) -> Planned<Int> {
    guard let value = first(paths) else { return .absent }
    if let int = value.int ?? value.string.flatMap({ Int($0) }) { return .known(int) }
    if case .unknown(let unknown) = value { return .unknown(unknown) }
    return .unknown(UnknownValue(missing: "\(paths[0]) is not a whole number"))
  }

  func words(_ paths: String...) -> PlannedWords {
    guard let value = first(paths) else { return .absent }
    switch value {
    case .list(let items): return .known(items.map(string))
    case .string: return .known([string(value)])
    case .unknown(let unknown): return .unknown(unknown)
    default: return .absent
    }
  }

  func tags(_ path: String = "tags") -> Planned<[String: String]> {
    switch raw(path) {
    case .object(let members): .known(members.compactMapValues(\.string))
    case .unknown(let unknown): .unknown(unknown)
    default: .absent
    }
  }

  /// The elements of a list of blocks, or the one block.
  func blocks(_ paths: String...) -> Planned<[Attributes]> {
    guard let value = first(paths) else { return .absent }
    switch value {
    case .list(let items):
      for item in items { if case .unknown(let unknown) = item { return .unknown(unknown) } }
      return .known(items.map { Attributes($0, style) })
    case .object: return .known([Attributes(value, style)])
    case .unknown(let unknown): return .unknown(unknown)
    default: return .absent
    }
  }

  private func string(_ value: PlanValue) -> Planned<String> {
    switch value {
    case .string(let text):
      if style == .arm, text.hasPrefix("["), text.hasSuffix("]"), !text.hasPrefix("[[") {
        return .unknown(UnknownValue(missing: "the value of the template expression \(text)"))
      }
      return .known(text)
    case .number(let number): return .known(number.text)
    case .bool(let flag): return .known(flag ? "true" : "false")
    case .null: return .absent
    case .unknown(let unknown): return .unknown(unknown)
    default: return .absent
    }
  }
}
