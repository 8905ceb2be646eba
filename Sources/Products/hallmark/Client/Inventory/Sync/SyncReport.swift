import Encodings
import Estate

/// What a sweep says at its end.
struct SyncReport {
  let snapshot: InventorySnapshot
  let fragment: EstateFragment
  let resumedUnits: Int
  let out: String?

  private var gaps: [EstateGap] {
    var seen: Set<EstateGap> = []
    return fragment.gaps.filter { seen.insert($0).inserted }
  }

  /// 0 complete, 3 something was not seen, 4 a whole source gave nothing.
  var exitCode: Int32 {
    if gaps.contains(where: { $0.kind == .failed }) { return 4 }
    return gaps.isEmpty && snapshot.stores.allSatisfy { $0.visibility == .full } ? 0 : 3
  }

  private var counts: [(name: String, count: Int)] {
    [
      ("stores", snapshot.stores.count), ("keys", snapshot.keys.count), ("roles", snapshot.roles.count), ("grants", snapshot.grants.count),
      ("identities", snapshot.identities.count), ("groups", snapshot.groups.count), ("artifacts", snapshot.artifacts.count),
    ]
  }

  func print(_ format: OutputFormat) {
    switch format {
    case .json:
      var object: JSONObject = ["schema": "hallmark.sync/v1", "complete": .bool(exitCode == 0)]
      for (name, count) in counts { object[name] = .integer(count) }
      object["denied"] = .array(snapshot.stores.filter { $0.visibility != .full }.map { ["store": .string($0.id), "visibility": .string($0.visibility.rawValue)] })
      object["gaps"] = .array(gaps.map(\.json))
      object["notes"] = .array(fragment.notes.map { .string($0) })
      object["resumedUnits"] = .integer(resumedUnits)
      object["snapshot"] = out.map { .string($0) } ?? .null
      Console.print(.object(object))
    case .text:
      Console.print(counts.map { "\($0.count) \($0.name)" }.joined(separator: ", ") + (out.map { "; written to \($0)" } ?? ""))
      for store in snapshot.stores where store.visibility != .full { Console.print("\(store.visibility.rawValue): \(Console.plain(store.id))") }
      for note in fragment.notes { Console.print("note: \(Console.plain(note))") }
    }
    for gap in gaps { Console.note("hallmark: not seen (\(gap.kind.rawValue)): \(Console.plain(gap.place)): \(Console.plain(gap.why))") }
  }
}
