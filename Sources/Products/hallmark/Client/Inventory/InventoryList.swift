import ArgumentParser
import Clocks
import Encodings
import Estate

struct InventoryList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List stores, keys, roles, grants, identities, groups or artifacts.",
    discussion: "What could not be seen is named on standard error (in JSON: `gaps`); its absence from the list means nothing.")

  enum Section: String, ExpressibleByArgument, CaseIterable { case stores, keys, roles, grants, identities, groups, artifacts }

  @Argument(help: "What to list.") var section: Section
  @Option(help: "Only of this store.") var store: String?
  @OptionGroup var source: InventorySource
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Console.run("cannot list \(section.rawValue)") {
      let snapshot = try narrowed(source.snapshot().canonical)
      guard output.format == .text else {
        let rows = snapshot.json[section.rawValue] ?? []
        return Console.print([section.rawValue: rows, "takenAt": .string(EstateDocuments.text(snapshot.takenAt)), "gaps": .array(snapshot.gaps.map { .string($0) })])
      }
      let rows = InventoryRows(snapshot).rows(section)
      Console.print(rows.count == 1 ? "nothing seen" : Console.table(rows))
      for gap in snapshot.gaps { Console.note("not seen: \(Console.plain(gap))") }
    }
  }

  private func narrowed(_ snapshot: InventorySnapshot) throws -> InventorySnapshot {
    guard let store = store?.lowercased() else { return snapshot }
    var copy = snapshot
    copy.stores.removeAll { $0.id.lowercased() != store }
    guard !copy.stores.isEmpty else { throw CommandFailure.usage("cannot list store \(store)", why: "the inventory does not know it", next: "hallmark inventory list stores") }
    copy.keys.removeAll { $0.store.lowercased() != store }
    copy.roles.removeAll { $0.store?.lowercased() != store }
    copy.grants.removeAll { $0.store?.lowercased() != store }
    return copy
  }
}

/// Rows of a snapshot for people, the heading first.
struct InventoryRows {
  let snapshot: InventorySnapshot
  private let rights: EstateRights

  init(_ snapshot: InventorySnapshot) {
    self.snapshot = snapshot
    rights = EstateRights(snapshot)
  }

  func rows(_ section: InventoryList.Section) -> [[String]] {
    switch section {
    case .stores:
      [["STORE", "KIND", "MODE", "SKU", "PURGE PROTECTION", "LOCATION", "VISIBILITY"]]
        + snapshot.stores.map {
          [
            $0.id, $0.kind.rawValue, Self.seen($0.rbacMode?.rawValue), Self.seen($0.sku), Self.seen($0.purgeProtection.map { $0 ? "on" : "off" }),
            Self.seen($0.location), $0.visibility.rawValue,
          ]
        }
    case .keys:
      [["STORE", "KEY", "VERSION", "TYPE", "OPERATIONS", "ENABLED", "CREATED"]]
        + snapshot.keys.map {
          [
            $0.store, $0.name, Self.seen($0.version), Self.seen($0.kty) + ($0.curve.map { " \($0)" } ?? $0.bits.map { " \($0)" } ?? ""),
            Self.seen($0.keyOps?.joined(separator: ",")), $0.deleted ? "deleted" : Self.seen($0.enabled.map { $0 ? "yes" : "no" }), EstateDocuments.text($0.created),
          ]
        }
    case .roles:
      [["STORE", "ROLE", "NAME", "KIND", "DATA ACTIONS"]]
        + snapshot.roles.map {
          [
            $0.store ?? "(azure)", $0.id, Self.seen($0.name), $0.custom ? "custom" : "built in",
            ($0.dataActions + $0.notDataActions.map { "not \($0)" }).joined(separator: ", "),
          ]
        }
    case .grants:
      [["STORE", "PRINCIPAL", "VIA", "SCOPE", "ROLE", "CAPABILITIES"]]
        + snapshot.grants.map { grant in
          [
            grant.store ?? "-", rights.name(of: grant.principal), grant.via.rawValue + (grant.latent ? " (latent)" : ""), grant.scope,
            grant.role.map { rights.catalogue.role(id: $0, store: grant.store)?.name ?? $0 } ?? "access policy",
            Self.seen(grant.capabilities?.map(\.rawValue).joined(separator: ",")),
          ]
        }
    case .identities:
      [["OBJECT ID", "NAME", "KIND", "FEDERATED SUBJECTS", "SECRETS", "CERTIFICATES"]]
        + snapshot.identities.map {
          [
            $0.objectId, Self.seen($0.name), Self.seen($0.kind?.rawValue), Self.seen($0.federated?.map { $0.subject ?? "?" }.joined(separator: ", ")),
            Self.seen($0.secrets.map(String.init)), Self.seen($0.certificates.map(String.init)),
          ]
        }
    case .groups:
      [["OBJECT ID", "NAME", "MEMBERS"]]
        + snapshot.groups.map { [$0.objectId, Self.seen($0.name), Self.seen($0.members.map { $0.isEmpty ? "none" : $0.joined(separator: ", ") })] }
    case .artifacts:
      [["DIGEST", "NAMES", "SIGNATURES", "RUNS IN"]]
        + snapshot.artifacts.map {
          [
            $0.digest, $0.names.joined(separator: ", "), Self.seen($0.signatures.map { String($0.count) }),
            Self.seen($0.running.map { $0.isEmpty ? "nowhere" : $0.map { "\($0.cluster)/\($0.namespace ?? "")/\($0.workload)" }.joined(separator: ", ") }),
          ]
        }
    }
  }

  /// nil was not seen, which is not the same as empty.
  private static func seen(_ text: String?) -> String { text.map { $0.isEmpty ? "none" : $0 } ?? "not seen" }
}
