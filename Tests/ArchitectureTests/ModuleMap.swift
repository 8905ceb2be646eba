import Foundation

/// The table of targets in docs/architecture.md: floor, target, charter, imports of ours.
struct ModuleMap {
  struct Row: Equatable {
    let floor: String
    let target: String
    let charter: String
    /// In alphabetical order; `–` stands for none.
    let imports: String
  }

  static let path = "docs/architecture.md"
  private static let begin = "<!-- module map -->\n"
  private static let end = "<!-- end of module map -->"

  var rows: [Row]

  static func read() throws -> ModuleMap {
    let text = try Repository.text(path)
    guard let begin = text.range(of: begin), let end = text.range(of: end) else {
      throw Repository.Missing(description: "\(path) has no table between the comments 'module map' and 'end of module map'")
    }
    return ModuleMap(
      rows: text[begin.upperBound..<end.lowerBound].split(separator: "\n").dropFirst(2).compactMap { line in
        let cells = line.split(separator: "|", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
        guard cells.count == 6 else { return nil }
        return Row(floor: cells[1], target: cells[2].trimmingCharacters(in: ["`"]), charter: cells[3], imports: cells[4])
      })
  }

  /// What the table must say, with the charters it has.
  static func actual(_ manifest: Manifest, _ imports: [String: Set<String>], charters: ModuleMap) -> ModuleMap {
    var rows: [Row] = []
    for floor in Floor.allCases.reversed() {
      for target in manifest.targets.filter({ $0.floor == floor }).sorted(by: { $0.name < $1.name }) {
        let names = (imports[target.name] ?? []).intersection(manifest.names).subtracting([target.name]).sorted()
        rows.append(
          Row(
            floor: floor.rawValue, target: target.name, charter: charters.rows.first { $0.target == target.name }?.charter ?? "",
            imports: names.isEmpty ? "–" : names.joined(separator: ", ")))
      }
    }
    return ModuleMap(rows: rows)
  }

  func write() throws {
    let text = try Repository.text(Self.path)
    guard let begin = text.range(of: Self.begin), let end = text.range(of: Self.end) else { return }
    var table = "| Floor | Target | Charter | Imports of ours |\n|---|---|---|---|\n"
    for row in rows { table += "| \(row.floor) | `\(row.target)` | \(row.charter) | \(row.imports) |\n" }
    try text.replacingCharacters(in: begin.upperBound..<end.lowerBound, with: table)
      .write(to: Repository.root.appending(path: Self.path), atomically: true, encoding: .utf8)
  }
}
