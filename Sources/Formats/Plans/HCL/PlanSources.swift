/// The configuration behind a plan: from a saved plan file, or from `.tf` files of a checkout.
package struct PlanSources: Sendable, Hashable {
  /// What could not be read, one fact each; addresses are file names.
  package private(set) var problems: [MissingFact] = []
  /// By module key as in `modules.json`.
  private(set) var modules: [String: ConfigurationSource] = [:]

  static let maxFiles = 20_000
  static let maxModules = 20_000

  /// - Parameter files: every `.tf` file, paths relative to the root of the configuration.
  /// - Parameter modules: `modules.json`; local modules (`./x`) are found without it.
  package init(files: [SourceFile], modules: [ModuleEntry] = []) {
    self.init(files: files, modules: modules, limits: HCLLimits())
  }

  init(files: [SourceFile], modules entries: [ModuleEntry], limits: HCLLimits) {
    if files.count > Self.maxFiles {
      problems.append(MissingFact(address: "configuration", missing: "there are more than \(Self.maxFiles) files of configuration; the rest was not read"))
    }
    var folders: [String: [SourceFile]] = [:]
    for file in files.prefix(Self.maxFiles) { folders[Self.folder(of: Self.normal(file.path)), default: []].append(file) }
    var read: [String: ConfigurationSource] = [:]
    let directories = Dictionary(entries.map { ($0.key, Self.normal($0.directory)) }) { first, _ in first }
    var waiting: [(key: String, directory: String)] = [("", directories[""] ?? "")]
    var seen: Set<String> = []
    while let (key, directory) = waiting.popLast(), modules.count < Self.maxModules {
      guard seen.insert(key).inserted else { continue }
      let source = read[directory] ?? self.read(folders[directory] ?? [], limits)
      read[directory] = source
      modules[key] = source
      guard key.split(separator: ".").count < PlanConfiguration.maxDepth else { continue }
      for (name, call) in source.calls {
        let inner = key.isEmpty ? name : "\(key).\(name)"
        if let known = directories[inner] {
          waiting.append((inner, known))
        } else if case .template(let parts)? = call.block.body.attributes["source"]?.value, parts.count == 1, case .literal(.string(let path)) = parts[0],
          path.hasPrefix("./") || path.hasPrefix("../") || path == "." || path == ".."
        {
          waiting.append((inner, Self.normal(directory.isEmpty ? path : "\(directory)/\(path)")))
        }
      }
    }
  }

  private mutating func read(_ files: [SourceFile], _ limits: HCLLimits) -> ConfigurationSource {
    var source = ConfigurationSource()
    func overrides(_ file: SourceFile) -> Bool { file.path.hasSuffix("/override.tf") || file.path == "override.tf" || file.path.hasSuffix("_override.tf") }
    let ordered = files.sorted { (overrides($0) ? 1 : 0, $0.path) < (overrides($1) ? 1 : 0, $1.path) }
    for file in ordered {
      if file.path.hasSuffix(".tf.json") || file.path.hasSuffix(".tofu.json") {
        problems.append(MissingFact(address: file.path, missing: "configuration in JSON syntax is not read: locals and lifecycle in it are not seen"))
        continue
      }
      guard file.path.hasSuffix(".tf") || file.path.hasSuffix(".tofu") else { continue }
      do throws(HCLError) {
        source.add(try HCLParser.parse(file.bytes, limits: limits), file: Self.normal(file.path), overrides: overrides(file))
      } catch {
        problems.append(MissingFact(address: file.path, missing: "the file could not be read: \(error); correct it and make the plan again"))
      }
    }
    return source
  }

  private static func folder(of path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "" }

  /// `./a/../b` → `b`; the root is empty. A path that leaves the root keeps its `..`.
  static func normal(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(whereSeparator: { $0 == "/" || $0 == "\\" }) {
      if part == "." { continue }
      if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
    }
    return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
  }

  func declared(_ address: PlanAddress) -> ConfigurationSource.Declared? { modules[address.module.key]?.resources[address.local] }

  /// Where a resource is declared, by its full address; a `removed` block counts when there is no other.
  package func location(of address: String) -> SourceLocation? {
    guard let address = PlanAddress(address) else { return nil }
    return declared(address)?.location ?? modules[address.module.key]?.removed[address.local]
  }
}
