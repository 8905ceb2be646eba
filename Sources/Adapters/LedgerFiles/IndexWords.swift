import Audit
import GRDB

/// Short numbers for the texts that repeat in every record, so that the index stays small. Lives for one catch-up.
struct IndexWords {
  private let database: Database
  private var names: [String: Int64] = [:]
  private var principals: [Who: Int64] = [:]

  private struct Who: Hashable {
    let object: String
    let client: String?
    let subject: String
  }

  /// Texts remembered before the cache starts anew.
  private static let cacheLimit = 10_000

  init(_ database: Database) { self.database = database }

  mutating func id(of name: String) throws -> Int64 {
    if let known = names[name] { return known }
    try database.execute(sql: "INSERT OR IGNORE INTO name (text) VALUES (?)", arguments: [name])
    guard let id = try Int64.fetchOne(database, sql: "SELECT id FROM name WHERE text = ?", arguments: [name]) else {
      throw DatabaseError(resultCode: .SQLITE_CORRUPT)
    }
    if names.count >= Self.cacheLimit { names = [:] }
    names[name] = id
    return id
  }

  mutating func id(of principal: AuditPrincipal) throws -> Int64 {
    let who = Who(object: principal.objectID, client: principal.clientID, subject: principal.subject)
    if let known = principals[who] { return known }
    let find = "SELECT id FROM principal WHERE object = ? AND client IS ? AND subject = ?"
    let arguments: StatementArguments = [who.object, who.client, who.subject]
    let id: Int64
    if let found = try Int64.fetchOne(database, sql: find, arguments: arguments) {
      id = found
    } else {
      try database.execute(sql: "INSERT INTO principal (object, client, subject) VALUES (?, ?, ?)", arguments: arguments)
      id = database.lastInsertedRowID
    }
    if principals.count >= Self.cacheLimit { principals = [:] }
    principals[who] = id
    return id
  }

  /// FNV-1a: a number to search by. Whoever can choose the bytes can make two collide, so a hit is always compared in full.
  static func mark(_ bytes: [UInt8]) -> Int64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return Int64(bitPattern: hash)
  }
}
