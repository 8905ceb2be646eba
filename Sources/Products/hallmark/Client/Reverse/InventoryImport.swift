import ArgumentParser
import Clocks
import Encodings
import Estate
import Foundation
import SQLiteStore

/// `hallmark inventory import`: snapshots, ledgers and logs into the estate database.
struct InventoryImport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Take snapshots, signing records and logs over into an estate database, for traces and reverse questions.",
    discussion: """
      Without --inventory, --ledger and --log it takes over the snapshots of the history that are newer than the newest one imported. Snapshots are \
      imported oldest first; what is there already changes nothing. Exit code 3: a document was not whole.
      """)

  @Option(help: "The database; default $XDG_STATE_HOME/hallmark/estate.db. It is made when it is not there.") var database: String?
  @Option(name: .customLong("inventory"), parsing: .singleValue, help: "A snapshot (hallmark.inventory/v1); may be given several times, oldest first.") var inventories: [String] = []
  @Option(name: .customLong("ledger"), parsing: .singleValue, help: "Audit records (hallmark.audit/v1, JSON lines); may be given several times.") var ledgers: [String] = []
  @Option(name: .customLong("log"), parsing: .singleValue, help: "A diagnostic log; may be given several times.") var logs: [String] = []
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Console.run("cannot import into the estate database") {
      let path = database ?? EstateDatabase.standardPath
      if database == nil {
        let folder = (path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      }
      var target = try EstateDatabase(path: path, making: true)
      if inventories.isEmpty, ledgers.isEmpty, logs.isEmpty { try Self.history(&target) }
      for file in inventories { try target.add(EstateDocuments.snapshot(file)) }
      for file in ledgers { try target.add(ledger: file) }
      for file in logs { try target.add(log: file) }
      let total = target.total
      switch output.format {
      case .json:
        Console.print([
          "database": .string(path), "changed": .bool(total.changed), "artifacts": .integer(total.newArtifacts), "signatures": .integer(total.newSignatures),
          "records": .integer(total.newEvents), "completedRecords": .integer(total.completed), "skippedRecords": .integer(total.skipped),
          "gaps": .array(target.gaps.map { .string($0) }),
        ])
      case .text:
        Console.print("\(path): \(total.newArtifacts) new artifacts, \(total.newSignatures) new signatures, \(total.newEvents) new signings on record, \(total.skipped) other records left out")
        for gap in target.gaps { Console.note("not seen: \(Console.plain(gap))") }
      }
      if !target.gaps.isEmpty { throw Exit.undecided }
    }
  }

  private static func history(_ target: inout EstateDatabase) throws {
    let history = InventoryHistory.standard
    let store = target.store
    let newest = try EstateDatabase.explained { () throws(EstateStoreError) in try store.snapshotTimes() }.last
    for time in try history.times() where newest.map({ time > $0 }) ?? true {
      if let snapshot = try history.snapshot(at: time) { try target.add(snapshot) }
    }
  }
}
