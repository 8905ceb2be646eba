import Foundation

/// The repository these tests were compiled from.
enum Repository {
  /// Found from this file's own place: `Tests/ArchitectureTests/Repository.swift`.
  static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  struct Missing: Error, CustomStringConvertible {
    let description: String
  }

  static func text(_ path: String) throws -> String {
    do { return try String(contentsOf: root.appending(path: path), encoding: .utf8) } catch {
      throw Missing(description: "\(path) cannot be read from the repository: \(error)")
    }
  }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: root.appending(path: path).path) }

  /// Paths of all Swift files under a folder, relative to the root, in order.
  static func swiftFiles(under folder: String) throws -> [String] {
    let start = root.appending(path: folder)
    guard let walk = FileManager.default.enumerator(atPath: start.path) else { throw Missing(description: "\(folder) cannot be listed") }
    var paths: [String] = []
    for case let name as String in walk where name.hasSuffix(".swift") && !name.hasPrefix(".build") && !name.contains("/.build") {
      paths.append("\(folder)/\(name)")
    }
    return paths.sorted()
  }
}

/// One Swift file as far as the rules look at it.
struct SourceFile {
  struct Import {
    let module: String
    let line: Int
  }

  let path: String
  let lines: [Substring]

  init(_ path: String) throws {
    self.path = path
    lines = try Repository.text(path).split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// Lines a reader counts: the empty piece after the last line feed is none.
  var lineCount: Int { lines.last?.isEmpty == true ? lines.count - 1 : lines.count }

  /// Every import with whatever stands before it: access, attributes, a kind of declaration.
  var imports: [Import] {
    lines.enumerated().compactMap { index, line in
      Self.module(importedBy: line).map { Import(module: $0, line: index + 1) }
    }
  }

  private static let modifiers: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
  private static let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]

  static func module(importedBy line: Substring) -> String? {
    var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })[...]
    while let word = words.first, word.hasPrefix("@") || modifiers.contains(word) { words.removeFirst() }
    guard words.first == "import" else { return nil }
    words.removeFirst()
    if let word = words.first, kinds.contains(word) { words.removeFirst() }
    return words.first.flatMap { $0.split(whereSeparator: { $0 == "." || $0 == ";" }).first }.map(String.init)
  }

  static func isComment(_ line: Substring) -> Bool { line.drop { $0 == " " || $0 == "\t" }.hasPrefix("//") }
}
