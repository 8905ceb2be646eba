import ArgumentParser
import Clocks
import Encodings
import Estate
import Foundation

struct InventoryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inventory", abstract: "What keys exist, who may use them, what they signed and where that runs.",
    subcommands: [
      InventorySyncCommand.self, InventoryList.self, InventoryShow.self, InventoryExport.self, InventoryDiff.self, InventoryAsk.self,
      InventoryPermissions.self, InventoryImport.self,
    ])
}

/// Where a command takes the estate from.
struct InventorySource: ParsableArguments {
  @Option(name: .customLong("inventory"), parsing: .singleValue, help: "A snapshot (hallmark.inventory/v1); several, one per tenant, are read as one.")
  var files: [String] = []

  @Option(help: "Folder of snapshots kept by sync; default $XDG_STATE_HOME/hallmark/inventory.")
  var history: String?

  @Option(help: "What was true at this time, RFC 3339.")
  var at: String?

  func snapshot() throws -> InventorySnapshot {
    let time = try at.map { try EstateDocuments.time($0, "--at") }
    if files.isEmpty { return try Self.past(time, history) }
    let all = try files.map { try EstateDocuments.snapshot($0) }
    guard let merged = InventorySnapshot.merged(all.filter { snapshot in time.map { snapshot.takenAt <= $0 } ?? true }) else {
      throw CommandFailure.usage("cannot tell what was true at \(at ?? "")", why: "every snapshot given is later")
    }
    return merged
  }

  static func past(_ time: Instant?, _ folder: String?) throws -> InventorySnapshot {
    let history = folder.map { InventoryHistory(folder: $0) } ?? .standard
    guard let snapshot = try history.snapshot(at: time) else {
      throw CommandFailure.usage(
        "cannot read the inventory", why: "\(history.folder) holds no snapshot\(time == nil ? "" : " of that time or before")",
        next: "hallmark inventory sync, or name a snapshot with --inventory")
    }
    return snapshot
  }
}

extension InventorySnapshot {
  /// What was not seen, one sentence each.
  var gaps: [String] { EstateRights(self).gaps }
}

struct InventoryExport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "export", abstract: "Write the snapshot as hallmark.inventory/v1, in its canonical order.")
  @OptionGroup var source: InventorySource
  @Option(help: "Write to this file instead of standard output.") var out: String?

  func run() async throws {
    try await Console.run("cannot export the inventory") {
      let snapshot = try source.snapshot()
      if let out {
        try LocalFile.write(snapshot.json.serialized(pretty: true) + [UInt8(ascii: "\n")], to: out)
      } else {
        Console.print(snapshot.json)
      }
    }
  }
}

struct InventoryPermissions: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "permissions", abstract: "The reader roles that a sync needs, per tenant. Nothing else is needed.")
  @Option(help: "Estate configuration (hallmark.estate/v1): its tenants.") var config: String?
  @Option(name: .customLong("tenant"), parsing: .singleValue, help: "A tenant id; may be given several times.") var tenants: [String] = []
  @Option(name: .customLong("inventory"), help: "A snapshot: its tenants and stores.") var inventory: String?
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Console.run("cannot list permissions") {
      let snapshot = try inventory.map { try EstateDocuments.snapshot($0) }
      var all = tenants
      if let config { all += try EstateConfiguration(YAMLTree.parse(LocalFile.bytes(config, maxBytes: 4 << 20))).tenants.map(\.id) }
      if all.isEmpty { all = Set((snapshot?.stores ?? []).compactMap(\.tenantId)).sorted() }
      var seen: Set<String> = []
      all = all.filter { seen.insert($0.lowercased()).inserted }
      let needs = (all.isEmpty ? [nil] : all.map { Optional($0) }).map { ReaderPermissions(tenant: $0, stores: snapshot?.stores ?? []) }
      guard output.format == .text else { return Console.print(["tenants": .array(needs.map(\.json))]) }
      for tenant in needs {
        Console.print("tenant \(tenant.tenant ?? "(each)")")
        Console.print(Console.table(tenant.needs.map { ["  \($0.plane)", $0.name, $0.guid ?? "-", $0.scope, $0.reads] }))
      }
    }
  }
}
