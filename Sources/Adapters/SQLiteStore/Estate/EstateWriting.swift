import Clocks
import Encodings
import Estate
import GRDB

/// Writes the rows of one import. Lives inside one transaction.
struct EstateWriting {
  let database: Database
  private var materials: [String: Int64] = [:]
  private var versions: [String: Int64] = [:]
  private var principals: [String: Int64] = [:]

  /// What is remembered of names at most; beyond it the database is asked again.
  private static let maxRemembered = 200_000

  init(_ database: Database) { self.database = database }

  func run(_ sql: String, _ arguments: StatementArguments) throws {
    try database.cachedStatement(sql: sql).execute(arguments: arguments)
  }

  func one<Value: DatabaseValueConvertible>(_ sql: String, _ arguments: StatementArguments) throws -> Value? {
    try Value.fetchOne(database.cachedStatement(sql: sql), arguments: arguments)
  }

  // MARK: Names

  mutating func material(_ name: String) throws -> Int64 {
    let name = name.lowercased()
    if let id = materials[name] { return id }
    let id: Int64
    if let known: Int64 = try one("SELECT id FROM material WHERE name = ?", [name]) { id = known } else {
      try run("INSERT INTO material (name) VALUES (?)", [name])
      id = database.lastInsertedRowID
    }
    if materials.count >= Self.maxRemembered { materials = [:] }
    materials[name] = id
    return id
  }

  /// A version that the source does not name is the empty one.
  mutating func version(store: String, name: String, version: String) throws -> Int64 {
    let whole = "\(store)/\(name)/\(version)".lowercased()
    if let id = versions[whole] { return id }
    let id: Int64
    if let known: Int64 = try one("SELECT id FROM key_version WHERE store = ? AND name = ? AND version = ?", [store, name, version]) { id = known } else {
      try run("INSERT INTO key_version (store, name, version) VALUES (?, ?, ?)", [store, name, version])
      id = database.lastInsertedRowID
    }
    if versions.count >= Self.maxRemembered { versions = [:] }
    versions[whole] = id
    return id
  }

  mutating func principal(_ record: OperationRecord) throws -> Int64? {
    guard let name = record.objectID ?? record.clientID ?? record.subject.map({ "\(record.issuer ?? "") \($0)" }) else { return nil }
    let folded = name.lowercased()
    if let id = principals[folded] { return id }
    let id: Int64
    if let known: Int64 = try one("SELECT id FROM principal WHERE name = ?", [name]) { id = known } else {
      try run(
        "INSERT INTO principal (name, objectId, clientId, issuer, subject) VALUES (?, ?, ?, ?, ?)",
        [name, record.objectID, record.clientID, record.issuer, record.subject])
      id = database.lastInsertedRowID
    }
    if principals.count >= Self.maxRemembered { principals = [:] }
    principals[folded] = id
    return id
  }

  // MARK: Keys

  /// Ties versions to what signatures show of them. Records that came before their key are tied again.
  mutating func keys(_ keys: [InventorySnapshot.Key]) throws {
    var fresh: Set<Int64> = []
    for key in keys {
      guard let version = key.version ?? key.kid?.split(separator: "/").last.map(String.init) else { continue }
      let id = try self.version(store: key.store, name: key.name, version: version)
      for name in [key.spkiSha256, key.kid.map { "kid:\($0)" }].compactMap(\.self) {
        try run("INSERT OR IGNORE INTO key_material (version, material) VALUES (?, ?)", [id, try material(name)])
        if database.changesCount > 0 { fresh.insert(id) }
      }
    }
    for id in fresh {
      for event in try Int64.fetchAll(database, sql: "SELECT id FROM event WHERE version = ?", arguments: [id]) { try tie(event: event) }
    }
  }

  // MARK: Records

  /// A record of a signing that happened; others are counted as skipped.
  mutating func record(_ record: OperationRecord, _ result: inout EstateImport) throws {
    guard record.operation.lowercased() == "sign", record.allowed, record.status.map({ (200..<300).contains($0) }) ?? true else {
      result.skipped += 1
      return
    }
    let version = try record.key.map { try self.version(store: record.store ?? "", name: $0, version: record.version ?? "") }
    let principal = try principal(record)
    let claims = record.claims.isEmpty ? nil : JSONValue.object(record.claims.reduce(into: JSONObject()) { $0[$1.name] = .string($1.value) }).text()
    let assignment = record.assignment.map(AssignmentFact.guid)
    let name = Self.name(record)
    if let known: Int64 = try one("SELECT id FROM event WHERE name = ?", [name]) {
      try run(
        """
        UPDATE event SET version = coalesce(version, ?2), principal = coalesce(principal, ?3), assignment = coalesce(assignment, ?4),
          digest = coalesce(digest, ?5), claims = coalesce(claims, ?6), sequence = coalesce(sequence, ?7)
        WHERE id = ?1 AND ((version IS NULL AND ?2 IS NOT NULL) OR (principal IS NULL AND ?3 IS NOT NULL) OR (assignment IS NULL AND ?4 IS NOT NULL)
          OR (digest IS NULL AND ?5 IS NOT NULL) OR (claims IS NULL AND ?6 IS NOT NULL) OR (sequence IS NULL AND ?7 IS NOT NULL))
        """, [known, version, principal, assignment, record.digest?.lowercased(), claims, record.sequence])
      if database.changesCount > 0 {
        result.completed += 1
        try tie(event: known)
      }
      return
    }
    try run(
      """
      INSERT INTO event (name, time, sequence, version, principal, assignment, digest, algorithm, status, caller, engine, client, claims)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        name, record.time, record.sequence, version, principal, assignment, record.digest?.lowercased(), record.algorithm, record.status,
        record.callerAddress, record.engine, record.clientRequestID, claims,
      ])
    result.newEvents += 1
    try tie(event: database.lastInsertedRowID)
  }

  /// What tells a record from every other: the service's request id, else its place in the trail, else all of it.
  static func name(_ record: OperationRecord) -> String {
    if let id = record.requestID { return "r:\(id.lowercased())" }
    if let sequence = record.sequence { return "s:\(record.store ?? "")/\(sequence)/\(record.time)" }
    let parts = [record.store, record.key, record.version, record.digest, record.objectID, record.clientRequestID].map { $0 ?? "" }
    return "x:\(record.time)/\(parts.joined(separator: "/"))"
  }

  // MARK: Ties

  /// Ties signatures to a record: by the request id that was kept beside the signature, or else by the digest and the key. A record whose key
  /// is known and is another one contradicts the signature and is not tied to it.
  func tie(event: Int64) throws {
    try run(
      """
      UPDATE signature SET event = ?1, tie = 2 WHERE tie < 2 AND request = (SELECT substr(name, 3) FROM event WHERE id = ?1 AND name LIKE 'r:%')
        AND (material IS NULL OR NOT EXISTS (SELECT 1 FROM event e JOIN key_material k ON k.version = e.version WHERE e.id = ?1)
          OR EXISTS (SELECT 1 FROM event e JOIN key_material k ON k.version = e.version WHERE e.id = ?1 AND k.material = signature.material))
      """, [event])
    try run(
      """
      UPDATE signature SET event = ?1, tie = 1 WHERE id IN (
        SELECT s.id FROM event e JOIN artifact a ON a.digest = e.digest JOIN signature s ON s.artifact = a.id
          JOIN key_material k ON k.version = e.version AND k.material = s.material
        WHERE e.id = ?1 AND s.tie = 0 AND s.request IS NULL)
      """, [event])
  }

  /// The record of a new signature, and how it was found.
  func record(request: String?, digest: String, material: Int64?) throws -> (event: Int64, tie: Int)? {
    if let request {
      guard
        let row = try Row.fetchOne(
          database.cachedStatement(
            sql: """
              SELECT e.id, EXISTS (SELECT 1 FROM key_material k WHERE k.version = e.version) AS known,
                EXISTS (SELECT 1 FROM key_material k WHERE k.version = e.version AND k.material = ?2) AS same
              FROM event e WHERE e.name = ?1
              """), arguments: ["r:\(request)", material])
      else { return nil }
      let known: Bool = row["known"]
      let same: Bool = row["same"]
      return material == nil || !known || same ? (row["id"], 2) : nil
    }
    guard let material else { return nil }
    let found: Int64? = try one(
      "SELECT e.id FROM event e JOIN key_material k ON k.version = e.version WHERE e.digest = ? AND k.material = ? ORDER BY e.time, e.id LIMIT 1",
      [digest, material])
    return found.map { ($0, 1) }
  }
}
