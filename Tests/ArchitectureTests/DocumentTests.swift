import Foundation
import Testing

/// What the documents promise about this repository is looked up in it.
struct DocumentTests {
  private static let documents = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"]

  private static func all() throws -> [String] {
    let docs = Repository.root.appending(path: "docs")
    guard let walk = FileManager.default.enumerator(atPath: docs.path) else { throw Repository.Missing(description: "docs/ cannot be listed") }
    return documents + walk.compactMap { $0 as? String }.filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }.sorted()
  }

  /// `ˋSomeTestsˋ "name of a test"` or `ˋtest_file.py::test_nameˋ`, separated by semicolons, in the last cell of a table's row.
  private static func namedTests(in text: String) -> [(place: String, name: String)] {
    text.split(separator: "\n").filter { $0.hasPrefix("|") && $0.contains("`") }.flatMap { row -> [(place: String, name: String)] in
      guard let cell = row.split(separator: "|").last(where: { !$0.allSatisfy(\.isWhitespace) }) else { return [] }
      return cell.split(separator: ";").compactMap { entry in
        let parts = entry.split(separator: "`", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        if let range = parts[1].range(of: "::") { return ("Conformance/\(parts[1][..<range.lowerBound])", "def \(parts[1][range.upperBound...])(") }
        let quoted = parts[2].split(separator: "\"", omittingEmptySubsequences: false)
        return quoted.count == 3 ? (String(parts[1]), "\"\(quoted[1])\"") : nil
      }
    }
  }

  @Test("Every test that a document names exists under that name", arguments: [("docs/threat-model.md", 60), ("docs/lessons-of-others.md", 15)])
  func namedTests(_ document: String, _ least: Int) throws {
    let named = Self.namedTests(in: try Repository.text(document))
    #expect(named.count >= least, "\(document) names \(named.count) tests")
    for test in named {
      let paths = test.place.hasSuffix(".py") ? ["Tests/\(test.place)"] : try Repository.swiftFiles(under: "Tests/\(test.place)")
      let isThere = try paths.contains { try Repository.text($0).contains(test.name) }
      #expect(isThere, "\(document): Tests/\(test.place) has no test \(test.name)")
    }
  }

  @Test("Links between documents lead somewhere")
  func links() throws {
    for document in try Self.all() {
      let text = try Repository.text(document)
      let folder = Repository.root.appending(path: document).deletingLastPathComponent()
      for piece in text.components(separatedBy: "](").dropFirst() {
        guard let target = piece.split(separator: ")", maxSplits: 1).first?.split(separator: "#").first, !target.contains("://"), !target.isEmpty else { continue }
        let isThere = FileManager.default.fileExists(atPath: folder.appending(path: String(target)).path)
        #expect(isThere, "\(document) links to \(target)")
      }
    }
  }

  @Test("Decisions are numbered without gaps")
  func decisions() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Repository.root.appending(path: "docs/decisions").path).filter { $0.hasSuffix(".md") }.sorted()
    #expect(!names.isEmpty)
    for (index, name) in names.enumerated() { #expect(name.hasPrefix(String(format: "%04d-", index + 1)), "\(name)") }
  }
}
