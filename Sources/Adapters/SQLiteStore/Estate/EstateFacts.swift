package import Clocks
import Encodings
package import Estate
import GRDB

/// The rows of a snapshot that are kept as facts over time.
enum FactSection: Int, CaseIterable {
  case stores = 1, keys, roles, grants, identities, groups

  var name: String { String(describing: self) }
}

/// One row of a snapshot as the history keeps it.
struct Fact: Hashable {
  var section: FactSection
  /// The store whose visibility decides whether the fact's absence means anything; empty for facts of no store.
  var owner: String
  var name: String
  /// Another name to find it by: a key's identifier, the GUID of a grant or role, an identity's client id.
  var ref: String?
  /// The principal of a grant; the name for people of an identity or group.
  var also: String?
  var body: String
}

extension Fact {
  /// Everything but artifacts.
  static func all(of snapshot: InventorySnapshot) -> [Fact] {
    var rest = snapshot
    rest.artifacts = []
    let json = rest.json
    var facts: [Fact] = []
    for section in FactSection.allCases {
      var seen: [String: Int] = [:]
      for row in json[section.name]?.array ?? [] {
        let store = row["store"]?.string ?? ""
        let name: String =
          switch section {
          case .stores, .roles: "\(store)/\(row["id"]?.string ?? "")"
          case .keys: "\(store)/\(row["name"]?.string ?? "")/\(row["version"]?.string ?? "")"
          case .grants: "\(store)/\(row["id"]?.string ?? "")/\(row["principal"]?.string ?? "")"
          case .identities, .groups: row["objectId"]?.string ?? ""
          }
        // Several rows of one role are its several entries.
        let turn = seen[name, default: 0]
        seen[name] = turn + 1
        let owner = section == .stores ? row["id"]?.string ?? "" : store
        facts.append(
          Fact(
            section: section, owner: owner, name: turn == 0 ? name : "\(name)#\(turn)", ref: ref(section, row), also: also(section, row), body: row.text()))
      }
    }
    return facts
  }

  private static func ref(_ section: FactSection, _ row: JSONValue) -> String? {
    switch section {
    case .stores, .groups: nil
    case .keys: row["kid"]?.string
    case .roles, .grants: row["id"]?.string.map(AssignmentFact.guid)
    case .identities: row["clientId"]?.string
    }
  }

  private static func also(_ section: FactSection, _ row: JSONValue) -> String? {
    switch section {
    case .stores, .keys, .roles: nil
    case .grants: row["principal"]?.string
    case .identities, .groups: row["name"]?.string
    }
  }

  /// Opens, prolongs and ends the facts of the history. What the snapshot could not have seen is left as it was.
  static func keep(_ snapshot: InventorySnapshot, _ database: Database) throws {
    let taken = snapshot.takenAt.nanoseconds
    let find = try database.cachedStatement(sql: "SELECT id, body FROM fact WHERE section = ? AND name = ? AND gone IS NULL")
    let prolong = try database.cachedStatement(sql: "UPDATE fact SET seen = ? WHERE id = ?")
    let end = try database.cachedStatement(sql: "UPDATE fact SET gone = ? WHERE id = ?")
    let insert = try database.cachedStatement(sql: "INSERT INTO fact (section, owner, name, ref, also, body, since, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
    for fact in all(of: snapshot) {
      if let row = try Row.fetchOne(find, arguments: [fact.section.rawValue, fact.name]) {
        let id: Int64 = row["id"]
        if row["body"] as String == fact.body {
          try prolong.execute(arguments: [taken, id])
          continue
        }
        try end.execute(arguments: [taken, id])
      }
      try insert.execute(arguments: [fact.section.rawValue, fact.owner, fact.name, fact.ref, fact.also, fact.body, taken, taken])
    }
    // Only a store that was read in full can show that something is gone.
    for store in snapshot.stores where store.visibility == .full {
      try database.execute(
        sql: "UPDATE fact SET gone = ? WHERE section IN (2, 3, 4) AND owner = ? AND gone IS NULL AND seen < ?", arguments: [taken, store.id, taken])
    }
  }
}

extension EstateStore {
  /// What was true at the time, as far as snapshots up to then saw it; nil when all are later. Without artifacts.
  package func estate(at time: Instant) throws(EstateStoreError) -> InventorySnapshot? {
    try read { try Self.estate(at: time.nanoseconds, $0) }
  }

  /// Times of the snapshots there are, oldest first.
  package func snapshotTimes() throws(EstateStoreError) -> [Instant] {
    try read { try Int64.fetchAll($0, sql: "SELECT taken FROM snapshot ORDER BY taken").map { Instant(nanoseconds: $0) } }
  }

  /// - Parameter sections: what to read; the others are left empty.
  static func estate(at time: Int64, _ database: Database, sections: [FactSection] = FactSection.allCases) throws -> InventorySnapshot? {
    guard let taken = try Int64.fetchOne(database, sql: "SELECT max(taken) FROM snapshot WHERE taken <= ?", arguments: [time]) else { return nil }
    var document: JSONObject = ["schema": .string(InventorySnapshot.schema), "takenAt": .string(ISO8601.format(nanoseconds: taken, fractionDigits: 9))]
    for section in sections {
      let bodies = try String.fetchAll(
        database, sql: "SELECT body FROM fact WHERE section = ? AND since <= ? AND (gone IS NULL OR gone > ?) ORDER BY id",
        arguments: [section.rawValue, time, time])
      document[section.name] = .array(try bodies.map { try JSONValue.parse(Array($0.utf8)) })
    }
    do { return try InventorySnapshot(.object(document)) } catch { throw EstateStoreError.unusable(detail: "a row of the history does not read back") }
  }
}
