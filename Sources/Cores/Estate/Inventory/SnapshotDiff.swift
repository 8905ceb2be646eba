package import Clocks
package import Encodings

/// What changed between two snapshots, row by row with the names of the members that differ.
///
/// A row that is gone from a store which could not be read is not "removed": it is `lost`. A row of a store that could not be read before is
/// `seen`, not "added". When something was observed is not a change.
package struct SnapshotDiff: Sendable, Hashable {
  package static let schema = "hallmark.inventory-diff/v1"

  package enum Section: String, Sendable, Hashable, CaseIterable { case stores, keys, roles, grants, identities, groups, artifacts }
  package enum Kind: String, Sendable, Hashable, CaseIterable { case added, removed, changed, lost, seen }

  package struct Field: Sendable, Hashable {
    package var name: String
    package var before: JSONValue
    package var after: JSONValue
  }

  package struct Change: Sendable, Hashable {
    package var section: Section
    package var kind: Kind
    /// The store the row belongs to, nil for rows of no store.
    package var store: String?
    /// For people: `nw-hsm/fw-sign/1a2b`, an object id, a digest.
    package var id: String
    /// Only for `changed`.
    package var fields: [Field]
  }

  package var before: Instant
  package var after: Instant
  package var changes: [Change]

  /// Cost: linear in both snapshots, with one sort.
  package init(from old: InventorySnapshot, to new: InventorySnapshot) {
    (before, after) = (old.takenAt, new.takenAt)
    let hiddenBefore = Self.hidden(old)
    let hiddenAfter = Self.hidden(new)
    changes = []
    for section in Section.allCases {
      let (was, now) = (Self.rows(old, section), Self.rows(new, section))
      for id in Set(was.keys).union(now.keys).sorted() {
        let store = (now[id] ?? was[id])?.store
        switch (was[id], now[id]) {
        case (let was?, let now?):
          let fields = Self.differences(was.json, now.json)
          if !fields.isEmpty { changes.append(Change(section: section, kind: .changed, store: store, id: now.label, fields: fields)) }
        case (let was?, nil):
          let lost = section != .stores && store.map { hiddenAfter.contains($0.lowercased()) } ?? false
          changes.append(Change(section: section, kind: lost ? .lost : .removed, store: store, id: was.label, fields: []))
        case (nil, let now?):
          let seen = section != .stores && store.map { hiddenBefore.contains($0.lowercased()) } ?? false
          changes.append(Change(section: section, kind: seen ? .seen : .added, store: store, id: now.label, fields: []))
        case (nil, nil): break
        }
      }
    }
  }

  package func count(_ section: Section, _ kind: Kind) -> Int { changes.count { $0.section == section && $0.kind == kind } }

  package var json: JSONValue {
    [
      "schema": .string(Self.schema), "before": JSONValue(time: before), "after": JSONValue(time: after),
      "changes": .array(
        changes.map { change in
          [
            "section": .string(change.section.rawValue), "kind": .string(change.kind.rawValue), "store": JSONValue(text: change.store),
            "id": .string(change.id),
            "fields": .array(change.fields.map { ["name": .string($0.name), "before": $0.before, "after": $0.after] }),
          ]
        }),
    ]
  }

  private struct Row {
    var store: String?
    var label: String
    var json: JSONValue
  }

  private static func hidden(_ snapshot: InventorySnapshot) -> Set<String> {
    Set(snapshot.stores.filter { $0.visibility != .full }.map { $0.id.lowercased() })
  }

  private static func rows(_ snapshot: InventorySnapshot, _ section: Section) -> [String: Row] {
    switch section {
    case .stores: unique(snapshot.stores.map { (nil, $0.id, $0.id, $0.json) })
    case .keys:
      unique(snapshot.keys.map { ($0.store, "\($0.store)/\($0.name)/\($0.version ?? "")", "\($0.store)/\($0.name)" + ($0.version.map { "/\($0)" } ?? ""), $0.json) })
    case .roles:
      unique(snapshot.roles.map { ($0.store, "\($0.store ?? "")\u{0}\(RoleReference.folded($0.id))", "\($0.store.map { $0 + "/" } ?? "")\($0.name ?? $0.id)", $0.json) })
    case .grants:
      unique(snapshot.grants.map { ($0.store, "\($0.store ?? "")\u{0}\(RoleReference.folded($0.id))\u{0}\($0.principal)\u{0}\($0.scope)", "\($0.principal) at \($0.store ?? "")\($0.scope) (\($0.id))", $0.json) })
    case .identities: unique(snapshot.identities.map { (nil, $0.objectId, $0.name.map { name in "\(name)" } ?? $0.objectId, $0.json) })
    case .groups: unique(snapshot.groups.map { group in (nil, group.objectId, group.name ?? group.objectId, sorted(group).json) })
    case .artifacts: unique(snapshot.artifacts.map { (nil, $0.digest, $0.digest, $0.json) })
    }
  }

  private static func sorted(_ group: InventorySnapshot.Group) -> InventorySnapshot.Group {
    var group = group
    group.members?.sort()
    return group
  }

  /// Rows by id; several of one id (the entries of one role) are numbered.
  private static func unique(_ rows: [(store: String?, id: String, label: String, json: JSONValue)]) -> [String: Row] {
    var result: [String: Row] = [:]
    result.reserveCapacity(rows.count)
    for row in rows {
      var id = row.id.lowercased()
      var number = 1
      while result[id] != nil {
        number += 1
        id = "\(row.id.lowercased())\u{0}\(number)"
      }
      result[id] = Row(store: row.store, label: row.label, json: row.json)
    }
    return result
  }

  private static func differences(_ a: JSONValue, _ b: JSONValue) -> [Field] {
    guard let was = a.object, let now = b.object else { return [] }
    let names = now.names + was.names.filter { now[$0] == nil }
    return names.compactMap { name in
      let (before, after) = (was[name] ?? .null, now[name] ?? .null)
      return name == "observedAt" || before == after ? nil : Field(name: name, before: before, after: after)
    }
  }
}
