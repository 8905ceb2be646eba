import Clocks
import Encodings
import Estate
import GRDB

/// The assignment behind one record: named by it, or found in the history by principal, scope and time.
struct EstateGrant {
  var json: JSONValue = ["assignmentId": .null, "reconstructed": false]
  var gaps: [String] = []
  /// The record named it, it was seen, and it fits.
  var isExact = false

  init(gaps: [String]) { self.gaps = gaps }

  private init() {}

  static func of(_ row: Row, _ database: Database) throws -> EstateGrant {
    var grant = EstateGrant()
    let principal: String? = row["objectId"]
    guard let assignment = row["assignment"] as String? else { return try reconstructed(row, principal, database) }
    guard let text = row["grant_body"] as String? else {
      grant.json = ["assignmentId": .string(assignment), "reconstructed": false]
      grant.gaps.append("grant: assignment \(assignment) was not seen")
      return grant
    }
    let body = try JSONValue.parse(Array(text.utf8))
    grant.json = try json(body, row["grant_since"], row["grant_gone"], reconstructed: false, database)
    let holders = try principal.map { try groups(of: $0, row["time"], database) } ?? []
    grant.isExact = holders.contains((body["principal"]?.string ?? "").lowercased()) && reaches(body, row)
    if !grant.isExact { grant.gaps.append("grant: the assignment the record names does not fit it (principal or scope differ)") }
    return grant
  }

  private static func reconstructed(_ row: Row, _ principal: String?, _ database: Database) throws -> EstateGrant {
    var grant = EstateGrant()
    guard let principal else {
      grant.gaps.append("grant: the record names neither assignment nor principal")
      return grant
    }
    let time = (row["time"] as Int64) * 1_000_000_000
    var found: [(body: JSONValue, since: Int64, gone: Int64?)] = []
    for holder in try groups(of: principal, row["time"], database) {
      let rows = try Row.fetchAll(
        database.cachedStatement(sql: "SELECT body, since, gone FROM fact WHERE section = 4 AND also = ? AND (gone IS NULL OR gone > ?)"),
        arguments: [holder, time])
      for row in rows { found.append((try JSONValue.parse(Array((row["body"] as String).utf8)), row["since"], row["gone"])) }
    }
    let possible = found.filter { reaches($0.body, row) && holds($0.body, row["time"]) && permitsSigning($0.body) }
    if let first = possible.first { grant.json = try json(first.body, first.since, first.gone, reconstructed: true, database) }
    grant.gaps.append(
      possible.isEmpty
        ? "grant: the record names no assignment and none that would permit it was seen"
        : "grant: the record names no assignment; reconstructed from \(possible.count) that reach the key")
    return grant
  }

  /// The principal and every group it was in, lower case; groups in groups up to a bound.
  static func groups(of principal: String, _ seconds: Int64, _ database: Database) throws -> [String] {
    let time = seconds * 1_000_000_000
    let all = try String.fetchAll(
      database.cachedStatement(sql: "SELECT body FROM fact WHERE section = 6 AND (gone IS NULL OR gone > ?)"), arguments: [time]
    ).map { try JSONValue.parse(Array($0.utf8)) }
    var result = [principal.lowercased()]
    var next = 0
    while next < result.count, result.count < 1000 {
      for group in all {
        guard let id = group["objectId"]?.string?.lowercased(), !result.contains(id) else { continue }
        if group["members"]?.array?.contains(where: { $0.string?.lowercased() == result[next] }) == true { result.append(id) }
      }
      next += 1
    }
    return result
  }

  private static func reaches(_ body: JSONValue, _ row: Row) -> Bool {
    let store: String = row["store"] ?? ""
    if let own = body["store"]?.string, own.lowercased() != store.lowercased() { return false }
    guard let scope = body["scope"]?.string?.lowercased(), scope.hasPrefix("/keys/") else { return true }
    return scope == "/keys/\((row["key_name"] as String? ?? "").lowercased())"
  }

  private static func holds(_ body: JSONValue, _ time: Int64) -> Bool {
    let since = body["since"]?.string.flatMap { try? ISO8601.parse($0) }.map { $0 / 1_000_000_000 }
    let until = body["until"]?.string.flatMap { try? ISO8601.parse($0) }.map { $0 / 1_000_000_000 }
    return (since ?? .min) <= time && time <= (until ?? .max) && body["latent"]?.bool != true
  }

  /// Only what is known not to sign is left out.
  private static func permitsSigning(_ body: JSONValue) -> Bool {
    guard let words = body["capabilities"]?.array else { return true }
    return words.contains { $0.string == Capability.sign.rawValue }
  }

  private static func json(_ body: JSONValue, _ since: Int64?, _ gone: Int64?, reconstructed: Bool, _ database: Database) throws -> JSONValue {
    let role = try body["role"]?.string.flatMap {
      try String.fetchOne(
        database.cachedStatement(sql: "SELECT body FROM fact WHERE section = 3 AND ref = ? ORDER BY since DESC LIMIT 1"), arguments: [AssignmentFact.guid($0)])
    }.map { try JSONValue.parse(Array($0.utf8)) }
    return [
      "assignmentId": body["id"]?.string.map { .string(AssignmentFact.guid($0)) } ?? .null, "roleId": body["role"] ?? .null,
      "roleName": role?["name"] ?? .null, "scope": body["scope"] ?? .null, "principal": body["principal"] ?? .null, "validFrom": body["since"] ?? .null,
      "validTo": body["until"] ?? .null, "via": body["via"] ?? .null, "seenFrom": EstateTracing.time(since.map { $0 / 1_000_000_000 }),
      "seenGoneAt": EstateTracing.time(gone.map { $0 / 1_000_000_000 }), "reconstructed": .bool(reconstructed),
    ]
  }
}

/// What the newest view of each store left out.
enum EstateGaps {
  /// One sentence for each store that was not read in full; `store` narrows to one.
  static func stores(_ database: Database, only store: String? = nil) throws -> [String] {
    let rows = try Row.fetchAll(
      database, sql: "SELECT owner, body FROM fact WHERE section = 1 AND gone IS NULL AND (?1 IS NULL OR owner = ?1) ORDER BY owner", arguments: [store])
    return try rows.compactMap { row in
      let visibility = try JSONValue.parse(Array((row["body"] as String).utf8))["visibility"]?.string ?? "denied"
      return visibility == "full" ? nil : "store \(row["owner"] as String) was read with visibility \(visibility)"
    }
  }
}
