/// One module's source: what its files declare, with where.
struct ConfigurationSource: Sendable, Hashable {
  struct Declared: Sendable, Hashable {
    var block: HCLBlock
    var file: String
    var location: SourceLocation { SourceLocation(file: file, line: block.line) }
  }

  struct Local: Sendable, Hashable {
    var value: HCLExpression
    var location: SourceLocation
  }

  /// By `type.name` or `data.type.name`.
  var resources: [String: Declared] = [:]
  var calls: [String: Declared] = [:]
  var locals: [String: Local] = [:]
  var outputs: [String: HCLExpression] = [:]
  var defaults: [String: HCLExpression] = [:]
  /// `removed` blocks: what they take out of management.
  var removed: [String: SourceLocation] = [:]

  /// Takes in a file. An override file (`override.tf`, `…_override.tf`) comes last and changes what is there.
  mutating func add(_ body: HCLBody, file: String, overrides: Bool) {
    for block in body.blocks {
      let declared = Declared(block: block, file: file)
      switch (block.type, block.labels.count) {
      case ("resource", 2): put(declared, at: block.labels.joined(separator: "."), in: \.resources, overrides)
      case ("data", 2), ("ephemeral", 2): put(declared, at: "\(block.type).\(block.labels.joined(separator: "."))", in: \.resources, overrides)
      case ("module", 1): put(declared, at: block.labels[0], in: \.calls, overrides)
      case ("locals", 0):
        for (name, attribute) in block.body.attributes {
          locals[name] = Local(value: attribute.value, location: SourceLocation(file: file, line: attribute.line))
        }
      case ("output", 1):
        if let value = block.body.attributes["value"]?.value { outputs[block.labels[0]] = value }
      case ("variable", 1):
        if let value = block.body.attributes["default"]?.value { defaults[block.labels[0]] = value }
      case ("removed", 0):
        if case .traversal(let root, let steps)? = block.body.attributes["from"]?.value {
          let names = steps.map { if case .name(let name) = $0 { name } else { "" } }
          removed[([root] + names).joined(separator: ".")] = declared.location
        }
      default: break
      }
    }
  }

  private mutating func put(_ declared: Declared, at name: String, in place: WritableKeyPath<ConfigurationSource, [String: Declared]>, _ overrides: Bool) {
    guard overrides, var old = self[keyPath: place][name] else {
      self[keyPath: place][name] = declared
      return
    }
    old.block.body.attributes.merge(declared.block.body.attributes) { $1 }
    let replaced = Set(declared.block.body.blocks.map(\.type))
    old.block.body.blocks = old.block.body.blocks.filter { !replaced.contains($0.type) || $0.type == "lifecycle" } + declared.block.body.blocks
    self[keyPath: place][name] = old
  }
}

/// The lifecycle arguments that hide or forbid changes.
struct Lifecycle: Sendable, Hashable {
  /// `all` for everything.
  var ignoreChanges: [String] = []
  /// Nil when the source has no literal for it.
  var preventDestroy: Bool?

  init(_ body: HCLBody) {
    preventDestroy = false
    for block in body.blocks("lifecycle") {
      switch block.body.attributes["ignore_changes"]?.value {
      case .traversal("all", let steps)? where steps.isEmpty: ignoreChanges = ["all"]
      case .tuple(let elements)?: ignoreChanges = elements.compactMap(Self.path)
      default: break
      }
      guard let value = block.body.attributes["prevent_destroy"]?.value else { continue }
      if case .literal(.bool(let flag)) = value { preventDestroy = flag } else { preventDestroy = nil }
    }
  }

  private static func path(_ expression: HCLExpression) -> String? {
    switch expression {
    case .traversal(let root, let steps):
      return steps.reduce(into: root) { text, step in
        switch step {
        case .name(let name): text += ".\(name)"
        case .index(.literal(let value)): text += ".\(value.text ?? "*")"
        case .index(.template(let parts)) where parts.count == 1: if case .literal(let value) = parts[0] { text += ".\(value.text ?? "*")" }
        default: text += ".*"
        }
      }
    case .template(let parts) where parts.count == 1:
      if case .literal(let value) = parts[0] { return value.text }
      return nil
    default: return nil
    }
  }
}
