import ArgumentParser
import Encodings
import Estate

struct InventoryDiff: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "What changed between two snapshots, or between two times of the history.",
    discussion: """
      Exit code 0: nothing changed. 1: something did. 3: the only differences are rows that could be seen at one time and not at the other, \
      which are neither added nor removed.
      """)

  @Argument(help: "The earlier and the later snapshot.") var files: [String] = []
  @Option(name: .customLong("at"), parsing: .singleValue, help: "Two times of the history, RFC 3339: --at T1 --at T2.") var times: [String] = []
  @Option(help: "Folder of snapshots kept by sync.") var history: String?
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Console.run("cannot compare") {
      let pair: [InventorySnapshot]
      if files.count == 2, times.isEmpty {
        pair = try files.map { try EstateDocuments.snapshot($0) }
      } else if files.isEmpty, times.count == 2 {
        pair = try times.map { try InventorySource.past(try EstateDocuments.time($0, "--at"), history) }
      } else {
        throw CommandFailure.usage("cannot compare", why: "two snapshots, or --at twice, are needed")
      }
      let diff = SnapshotDiff(from: pair[0], to: pair[1])
      if output.format == .json { Console.print(diff.json) } else { Console.print(Self.text(diff)) }
      if diff.changes.contains(where: { $0.kind != .lost && $0.kind != .seen }) { throw Exit.no }
      if !diff.changes.isEmpty { throw Exit.undecided }
    }
  }

  private static func text(_ diff: SnapshotDiff) -> String {
    guard !diff.changes.isEmpty else { return "nothing changed" }
    let marks: [SnapshotDiff.Kind: String] = [.added: "+", .removed: "-", .changed: "~", .lost: "?", .seen: "?"]
    return Console.table(
      diff.changes.flatMap { change -> [[String]] in
        let note = change.kind == .lost ? "no longer to be seen" : change.kind == .seen ? "could not be seen before" : ""
        return [["\(marks[change.kind] ?? "") \(change.section.rawValue)", change.id, note]]
          + change.fields.map { ["", "  \($0.name)", "\($0.before.text()) -> \($0.after.text())"] }
      })
  }
}
