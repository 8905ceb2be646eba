import Encodings

/// The part of an address in brackets.
enum InstanceKey: Sendable, Hashable, CustomStringConvertible {
  case text(String)
  case number(Int)

  init?(_ step: PathStep) {
    switch step {
    case .name(let name): self = .text(name)
    case .number(let number): self = .number(number)
    case .splat, .unknown: return nil
    }
  }

  var description: String {
    switch self {
    case .text(let text): "[\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\"]"
    case .number(let number): "[\(number)]"
    }
  }
}

/// A module call with its instance keys: `module.ci["eu"].module.inner`.
struct ModuleInstance: Sendable, Hashable {
  /// As in addresses; empty for the root.
  var text = ""
  var names: [String] = []
  var keys: [InstanceKey?] = []

  static let root = ModuleInstance()
  /// As in `modules.json`: `ci.inner`.
  var key: String { names.joined(separator: ".") }
  var prefix: String { text.isEmpty ? "" : text + "." }
  var isRoot: Bool { names.isEmpty }

  func child(_ name: String, _ key: InstanceKey?) -> ModuleInstance {
    ModuleInstance(text: "\(prefix)module.\(name)\(key?.description ?? "")", names: names + [name], keys: keys + [key])
  }

  var parent: ModuleInstance {
    zip(names, keys).dropLast().reduce(.root) { $0.child($1.0, $1.1) }
  }
}

/// A resource's address in its parts.
struct PlanAddress: Sendable, Hashable {
  var module: ModuleInstance
  /// `azurerm_key_vault.this` or `data.azurerm_client_config.me`.
  var local: String
  var key: InstanceKey?
  /// Without the resource's own key, with those of the modules.
  var base: String { module.prefix + local }

  /// Nil for what is no address of a resource.
  init?(_ text: String) {
    guard let steps = PlanPath.parse(text) else { return nil }
    var rest = steps[...]
    module = .root
    while case .name("module", false)? = rest.first {
      guard rest.count >= 2, case .name(let name, false) = rest[rest.startIndex + 1] else { return nil }
      rest = rest.dropFirst(2)
      var key: InstanceKey?
      if case .name(let text, true)? = rest.first { key = .text(text) }
      if case .number(let number)? = rest.first { key = .number(number) }
      if key != nil { rest = rest.dropFirst() }
      module = module.child(name, key)
    }
    var words: [String] = []
    if case .name(let mode, false)? = rest.first, mode == "data" || mode == "ephemeral" {
      words.append(mode)
      rest = rest.dropFirst()
    }
    for _ in 0..<2 {
      guard case .name(let word, false)? = rest.first else { return nil }
      words.append(word)
      rest = rest.dropFirst()
    }
    local = words.joined(separator: ".")
    switch rest.first {
    case .name(let text, true)?: key = .text(text)
    case .number(let number)?: key = .number(number)
    case nil: key = nil
    default: return nil
    }
    guard rest.count <= 1 else { return nil }
  }
}

/// The text form of traversals in plans: names with dots, keys in brackets.
enum PlanPath {
  enum Part: Sendable, Hashable {
    /// `bracketed` tells `["a"]` from `.a`.
    case name(String, Bool)
    case number(Int)

    var step: PathStep {
      switch self {
      case .name(let name, _): .name(name)
      case .number(let number): .number(number)
      }
    }
  }

  static func parse(_ text: String) -> [Part]? {
    var parts: [Part] = []
    var bytes = Array(text.utf8)[...]
    while let byte = bytes.first {
      guard parts.count < 64 else { return nil }
      if byte == UInt8(ascii: "[") {
        bytes = bytes.dropFirst()
        if bytes.first == UInt8(ascii: "\"") {
          bytes = bytes.dropFirst()
          var key: [UInt8] = []
          while let next = bytes.popFirst() {
            if next == UInt8(ascii: "\"") { break }
            if next == UInt8(ascii: "\\"), let escaped = bytes.popFirst() { key.append(escaped) } else { key.append(next) }
          }
          parts.append(.name(String(decoding: key, as: UTF8.self), true))
        } else {
          guard let end = bytes.firstIndex(of: UInt8(ascii: "]")), let number = Int(String(decoding: bytes[..<end], as: UTF8.self)) else { return nil }
          parts.append(.number(number))
          bytes = bytes[end...]
        }
        guard bytes.popFirst() == UInt8(ascii: "]") else { return nil }
      } else {
        if byte == UInt8(ascii: "."), !parts.isEmpty { bytes = bytes.dropFirst() }
        let end = bytes.firstIndex { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "[") } ?? bytes.endIndex
        guard end > bytes.startIndex else { return nil }
        parts.append(.name(String(decoding: bytes[..<end], as: UTF8.self), false))
        bytes = bytes[end...]
      }
    }
    return parts.isEmpty ? nil : parts
  }

  /// An address followed by a path into its attributes.
  static func join(_ address: String, _ steps: some Sequence<PathStep>) -> String {
    var text = address
    for step in steps {
      switch step {
      case .name(let name): text += text.isEmpty ? name : ".\(name)"
      case .number(let number): text += "[\(number)]"
      case .splat, .unknown: return text
      }
    }
    return text
  }
}
