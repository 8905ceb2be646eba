import Foundation

/// Package.swift, read as text: asking the package manager would take longer than all these tests.
///
/// It understands the few forms the manifest uses, and throws at any other, so that nothing is silently skipped.
struct Manifest {
  struct Target: Equatable {
    let name: String
    /// As in `Sources/<floor>/<name>`.
    let floor: Floor
    /// Targets of ours and products of other packages, by module name.
    let dependencies: Set<String>
  }

  struct Unreadable: Error, CustomStringConvertible {
    let description: String
  }

  let targets: [Target]
  var names: Set<String> { Set(targets.map(\.name)) }
  subscript(name: String) -> Target? { targets.first { $0.name == name } }

  static func read() throws -> Manifest { try Manifest(parsing: Repository.text("Package.swift")) }

  init(parsing text: String) throws {
    let code = text.split(separator: "\n").map(Self.withoutComment).joined(separator: "\n")
    let products = Self.products(code)
    var targets: [Target] = []
    guard let start = code.range(of: "  targets: [\n") else { throw Unreadable(description: "Package.swift has no list of targets") }
    for call in try Self.calls(in: code[start.upperBound...]) {
      let name: String
      let floor: String
      switch call.callee {
      case "library":
        guard let first = call.arguments.first, first.hasPrefix(".") else { throw Unreadable(description: "library(\(call.arguments)) names no floor") }
        floor = first.dropFirst().prefix(1).uppercased() + first.dropFirst(2)
        name = try Self.string(call.arguments.count > 1 ? call.arguments[1] : "")
      case ".executableTarget", ".systemLibrary", ".target":
        name = try Self.string(call.labelled("name"))
        let path = try Self.string(call.labelled("path")).split(separator: "/")
        // Compiled for the replay of failures only; nothing of the house may import it, since it stands on no floor.
        if path.first == "Fuzz" { continue }
        guard path.count == 3, path[0] == "Sources", path[2] == name else {
          throw Unreadable(description: "target \(name) does not lie in Sources/<Floor>/\(name)")
        }
        floor = String(path[1])
      case "tests", ".testTarget", ".plugin": continue
      default: throw Unreadable(description: "Package.swift makes a target by \(call.callee)(…), which this parser does not know")
      }
      guard let known = Floor(rawValue: floor) else { throw Unreadable(description: "target \(name) lies on no known floor: \(floor)") }
      let list = call.callee == "library" ? (call.arguments.count > 2 ? call.arguments[2] : "[]") : call.labelled("dependencies") ?? "[]"
      targets.append(Target(name: name, floor: known, dependencies: try Self.dependencies(list, products)))
    }
    self.targets = targets
  }

  // MARK: Text

  private struct Call {
    let callee: String
    /// Split at the outermost commas, trimmed.
    let arguments: [String]

    func labelled(_ label: String) -> String? {
      arguments.first { $0.hasPrefix("\(label):") }.map { Manifest.trimmed($0.dropFirst(label.count + 1)) }
    }
  }

  private static func withoutComment(_ line: Substring) -> Substring {
    var previous: Character = " "
    var inString = false
    for index in line.indices {
      let character = line[index]
      if character == "\"" { inString.toggle() }
      if character == "/", previous == "/", !inString { return line[..<line.index(before: index)] }
      previous = character
    }
    return line
  }

  /// `let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")`
  private static func products(_ code: String) -> [String: String] {
    var products: [String: String] = [:]
    for line in code.split(separator: "\n") where line.hasPrefix("let ") && line.contains("Target.Dependency") {
      let words = line.split(whereSeparator: { " :".contains($0) })
      let strings = line.split(separator: "\"", omittingEmptySubsequences: false)
      if words.count > 1, strings.count > 1 { products[String(words[1])] = String(strings[1]) }
    }
    return products
  }

  /// The calls that stand directly in the list which `text` begins inside of.
  private static func calls(in text: Substring) throws -> [Call] {
    var calls: [Call] = []
    for item in split(text, untilClosed: true) where !item.isEmpty {
      guard let open = item.firstIndex(of: "("), item.hasSuffix(")") else { throw Unreadable(description: "not a target: \(item.prefix(60))") }
      calls.append(
        Call(callee: trimmed(item[..<open]), arguments: split(item[item.index(after: open)...].dropLast(), untilClosed: false).filter { !$0.isEmpty }))
    }
    return calls
  }

  private static func dependencies(_ list: String, _ products: [String: String]) throws -> Set<String> {
    guard list.hasPrefix("["), list.hasSuffix("]") else { throw Unreadable(description: "not a list of dependencies: \(list.prefix(60))") }
    var names: Set<String> = []
    for item in split(list.dropFirst().dropLast(), untilClosed: false) where !item.isEmpty {
      if item.hasPrefix("\"") {
        names.insert(try string(item))
      } else if item.hasPrefix(".product(") || item.hasPrefix(".target(") || item.hasPrefix(".byName(") {
        names.insert(String(item.split(separator: "\"", omittingEmptySubsequences: false)[1]))
      } else if let product = products[item] {
        names.insert(product)
      } else {
        throw Unreadable(description: "not a dependency this parser knows: \(item.prefix(60))")
      }
    }
    return names
  }

  /// Splits at commas outside brackets and strings; `untilClosed` stops at the bracket that closes the surrounding list.
  private static func split(_ text: Substring, untilClosed: Bool) -> [String] {
    var parts: [String] = []
    var part = ""
    var depth = 0
    var inString = false
    for character in text {
      if character == "\"" { inString.toggle() }
      if !inString {
        if "([{".contains(character) { depth += 1 }
        if ")]}".contains(character) { depth -= 1 }
        if depth < 0, untilClosed { break }
        if character == ",", depth == 0 {
          parts.append(trimmed(part[...]))
          part = ""
          continue
        }
      }
      part.append(character)
    }
    return parts + [trimmed(part[...])]
  }

  private static func string(_ literal: String?) throws -> String {
    guard let literal, literal.count >= 2, literal.hasPrefix("\""), literal.hasSuffix("\"") else {
      throw Unreadable(description: "a string literal expected instead of \(literal ?? "nothing")")
    }
    return String(literal.dropFirst().dropLast())
  }

  fileprivate static func trimmed(_ text: Substring) -> String {
    var text = text.drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
