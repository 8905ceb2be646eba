import ArgumentParser
import Clocks
import Crypto
import Encodings
import Estate
import Foundation
import Outbound

struct InventorySyncCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync",
    abstract: "Read the estate: HSMs, vaults, rights, identities, artifacts and what runs, over all tenants of a configuration.",
    discussion: """
      Exit code 0: all of it was seen. 3: something was denied or cut short; it is named, and the snapshot says so. 4: a tenant, HSM, registry or \
      cluster as a whole gave no answer. The snapshot is written in all three cases. Nothing is ever changed in the estate.
      """)

  @Option(help: "Estate configuration (hallmark.estate/v1, YAML).")
  var config: String

  @Option(name: .customLong("tenant"), parsing: .singleValue, help: "Only this tenant of the configuration; may be given several times. Other sources are left out.")
  var tenants: [String] = []

  @Option(help: "Where to write the snapshot (JSON).")
  var out: String?

  @Flag(help: "Go on where an interrupted sync of this configuration stopped.")
  var resume = false

  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Console.run("cannot read the estate of \(config)") {
      let bytes = try LocalFile.bytes(config, maxBytes: 4 << 20)
      var estate = try EstateConfiguration(YAMLTree.parse(bytes))
      try narrow(&estate)
      let environment = ProcessInfo.processInfo.environment
      let digest = Hex.encode(SHA256.hash(data: bytes + tenants.sorted().joined(separator: ",").utf8))
      let path = try Self.journal(out, digest, environment)
      let journal = try SyncJournal(path: path, configuration: digest, resume: resume)
      let resumed = journal.done.count
      let takenAt = TimeSource.system.now()
      let sync = EstateSync(estate, journal: journal, environment: environment)
      let found = try await sync.run()
      var snapshot = InventorySnapshot(found, takenAt: takenAt)
      snapshot.observePurgeProtection()
      Self.remember(&snapshot)
      try await keep(snapshot)
      unlink(path)
      let report = SyncReport(snapshot: snapshot, fragment: found, resumedUnits: resumed, out: out)
      report.print(output.format)
      if report.exitCode != 0 { throw ExitCode(report.exitCode) }
    }
  }

  private func narrow(_ estate: inout EstateConfiguration) throws {
    guard !tenants.isEmpty else { return }
    guard out != nil else {
      throw CommandFailure.usage("cannot read some tenants only", why: "such a snapshot is not kept in the history", next: "name a file with --out")
    }
    for id in tenants where !estate.tenants.contains(where: { $0.id.lowercased() == id.lowercased() }) {
      throw CommandFailure.usage("cannot read tenant \(id)", why: "\(config) does not name it")
    }
    let wanted = Set(tenants.map { $0.lowercased() })
    estate.tenants.removeAll { !wanted.contains($0.id.lowercased()) }
    estate.hsms = []
    estate.registries = []
    estate.clusters = []
    estate.lists = []
    estate.logs = nil
  }

  /// Key versions of the history that the stores no longer have. It looks back until each store was seen whole once: a purged key is carried
  /// from snapshot to snapshot, so that the newest whole view knows them all.
  private static func remember(_ snapshot: inout InventorySnapshot) {
    let history = InventoryHistory.standard
    var open = Set(snapshot.stores.filter { $0.visibility == .full }.map { $0.id.lowercased() })
    for time in ((try? history.times()) ?? []).reversed().prefix(longestLook) where !open.isEmpty && time < snapshot.takenAt {
      guard let earlier = try? history.snapshot(at: time) else {
        Console.note("note: a snapshot in \(history.folder) cannot be read; purged keys that only it names are not listed")
        continue
      }
      open.subtract(snapshot.keepPurged(of: earlier))
    }
  }

  /// Snapshots that are read back at most.
  private static let longestLook = 50

  /// Beside the snapshot, or in the state folder under the configuration's name.
  private static func journal(_ out: String?, _ digest: String, _ environment: [String: String]) throws -> String {
    if let out { return "\(out).progress" }
    let folder = "\(ConnectionSettings(environment: environment).stateFolder)/sync"
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch { throw CommandFailure.usage("cannot make \(folder)", why: "permission denied or no space") }
    return "\(folder)/\(digest.prefix(16)).progress"
  }

  /// Into the history, and to `--out`; with `--out`, a history that cannot be written is only said.
  private func keep(_ snapshot: InventorySnapshot) async throws {
    // A sweep of some tenants only would look in the history as if the others had vanished.
    if tenants.isEmpty {
      do { try InventoryHistory.standard.keep(snapshot) } catch {
        guard out != nil else { throw error }
        Console.note("note: the snapshot was not kept in \(InventoryHistory.standard.folder)")
      }
    }
    guard let out else { return }
    try LocalFile.write(snapshot.json.serialized(pretty: true) + [UInt8(ascii: "\n")], to: out)
  }
}

extension InventorySnapshot {
  /// Purge protection where only keys could be seen: a recovery level that holds `Purgeable` proves that it is off (§1.5).
  mutating func observePurgeProtection() {
    for i in stores.indices where stores[i].purgeProtection == nil {
      let levels = keys.filter { $0.store == stores[i].id }.compactMap(\.recoveryLevel)
      guard !levels.isEmpty else { continue }
      stores[i].purgeProtection = !levels.contains { $0.contains("Purgeable") }
      if stores[i].purgeProtection == true, !levels.allSatisfy({ $0.contains("Recoverable") }) { stores[i].purgeProtection = nil }
    }
  }
}
