import Clocks
import Encodings
import Estate
import GRDB

extension EstateReaching {
  func subject() throws -> Subject {
    switch question {
    case .key(let store, let name, let version): try key(store, name, version)
    case .identity(let id): try identity(id)
    case .assignment(let id): try assignment(AssignmentFact.guid(id))
    }
  }

  private static let ofEvents = "SELECT s.id, s.artifact, s.time FROM event e JOIN signature s ON s.event = e.id WHERE e.id IN"

  private func key(_ store: String, _ name: String, _ version: String?) throws -> Subject {
    var subject = Subject()
    let rows = try Row.fetchAll(
      database, sql: "SELECT id, version FROM key_version WHERE store = ? AND name = ? AND (?3 IS NULL OR version = ?3) ORDER BY version",
      arguments: [store, name, version])
    subject.isKnown = !rows.isEmpty
    let owned = try Int.fetchOne(database, sql: "SELECT 1 FROM fact WHERE section = 1 AND owner = ? LIMIT 1", arguments: [store]) != nil
    subject.gaps = try EstateGaps.stores(database, only: owned ? store : nil)
    if subject.isKnown, !owned { subject.gaps.append("store \(store) is named by records only; no inventory has it") }
    let ids = rows.map { String($0["id"] as Int64) }.joined(separator: ", ")
    subject.hits = """
      SELECT id, artifact, time FROM signature WHERE material IN (SELECT material FROM key_material WHERE version IN (\(ids)))
      UNION SELECT s.id, s.artifact, s.time FROM event e JOIN signature s ON s.event = e.id WHERE e.version IN (\(ids)) AND s.material IS NULL
      """
    subject.events = "SELECT id FROM event WHERE version IN (\(ids))"
    let versions = rows.map { $0["version"] as String }.filter { !$0.isEmpty }
    subject.json = ["store": .string(store), "key": .string(name), "versions": .array(versions.map { .string($0) })]
    let bare = try String.fetchAll(
      database,
      sql: "SELECT k.version FROM key_version k WHERE k.id IN (\(ids)) AND k.version <> '' AND NOT EXISTS (SELECT 1 FROM key_material m JOIN material n ON n.id = m.material WHERE m.version = k.id AND n.name NOT LIKE 'kid:%')")
    if !bare.isEmpty { subject.gaps.append("key: the public key of \(bare.count) versions was not seen (\(bare.prefix(3).joined(separator: ", "))); signatures cannot be known by it") }
    if version != nil,
      let unversioned = try Int.fetchOne(
        database, sql: "SELECT count(*) FROM event e JOIN key_version k ON k.id = e.version WHERE k.store = ? AND k.name = ? AND k.version = ''", arguments: [store, name]),
      unversioned > 0
    {
      subject.gaps.append("\(unversioned) signings on record do not name the version")
    }
    return subject
  }

  private func identity(_ id: String) throws -> Subject {
    var subject = Subject()
    let facts = try Row.fetchAll(
      database,
      sql: """
        SELECT body FROM fact WHERE section = 5 AND name = ?1 UNION SELECT body FROM fact WHERE section = 5 AND ref = ?1
        UNION SELECT body FROM fact WHERE section = 5 AND also = ?1
        """, arguments: [id]
    ).map { try JSONValue.parse(Array(($0["body"] as String).utf8)) }
    var objects = Set(facts.compactMap { $0["objectId"]?.string?.lowercased() })
    let clients = Set(facts.compactMap { $0["clientId"]?.string?.lowercased() })
    if objects.isEmpty { objects = [id.lowercased()] }
    if objects.count > 1 { subject.gaps.append("\(objects.count) identities go by the name \(id); all of them count") }
    var events: Set<Int64> = []
    for value in objects.union(clients).union([id.lowercased()]) {
      events.formUnion(
        try Int64.fetchAll(
          database,
          sql: "SELECT id FROM principal WHERE name = ?1 UNION SELECT id FROM principal WHERE objectId = ?1 UNION SELECT id FROM principal WHERE clientId = ?1",
          arguments: [value]))
    }
    events.formUnion(try Int64.fetchAll(database, sql: "SELECT id FROM principal WHERE subject = ?", arguments: [id]))
    subject.isKnown = !facts.isEmpty || !events.isEmpty
    let ids = events.sorted().map(String.init).joined(separator: ", ")
    subject.events = "SELECT id FROM event WHERE principal IN (\(ids))"
    subject.hits = "SELECT s.id, s.artifact, s.time FROM event e JOIN signature s ON s.event = e.id WHERE e.principal IN (\(ids))"
    subject.json = ["objectIds": .array(objects.sorted().map { .string($0) }), "names": .array(Set(facts.compactMap { $0["name"]?.string }).sorted().map { .string($0) })]
    subject.gaps += try EstateGaps.stores(database)
    if subject.isKnown {
      let rights = try rights()
      subject.gaps += try unrecorded(objects.flatMap { rights.rights(of: $0) }, by: "this identity")
    }
    return subject
  }

  private func assignment(_ id: String) throws -> Subject {
    var subject = Subject()
    let bodies = try Row.fetchAll(database, sql: "SELECT body, since, gone FROM fact WHERE section = 4 AND ref = ? ORDER BY since", arguments: [id])
    let recorded = try Int.fetchOne(database, sql: "SELECT 1 FROM event WHERE assignment = ? LIMIT 1", arguments: [id]) != nil
    subject.isKnown = !bodies.isEmpty || recorded
    subject.names = [id]
    subject.events = "SELECT id FROM event WHERE assignment = ?1"
    subject.gaps = try EstateGaps.stores(database)
    var reconstructed = 0
    if let last = bodies.last {
      let body = try JSONValue.parse(Array((last["body"] as String).utf8))
      subject.json = body
      let rights = try rights(at: (last["gone"] as Int64?).map { max($0 - 1, last["since"]) })
      let own = rights.principals.flatMap { rights.rights(of: $0) }.filter { AssignmentFact.guid($0.grant) == id && $0.capabilities.contains(.sign) && !$0.latent }
      let from = body["since"]?.string.flatMap { try? ISO8601.parse($0) }.map { $0 / 1_000_000_000 } ?? .min
      let to = [body["until"]?.string.flatMap { try? ISO8601.parse($0) }, last["gone"] as Int64?].compactMap(\.self).min().map { $0 / 1_000_000_000 } ?? .max
      for right in own.prefix(Self.maxHolders) {
        // Records that name no assignment: what this one would have permitted.
        let (keys, arguments) = Self.keys(right)
        let found = try Int64.fetchAll(
          database,
          sql: """
            SELECT e.id FROM principal p JOIN event e ON e.principal = p.id JOIN key_version k ON k.id = e.version
            WHERE p.objectId = ? AND e.assignment IS NULL AND e.time BETWEEN ? AND ? AND \(keys) LIMIT \(Self.maxReconstructed)
            """, arguments: ([right.principal, from, to] as StatementArguments) + arguments)
        guard !found.isEmpty else { continue }
        reconstructed += found.count
        if found.count == Self.maxReconstructed { subject.gaps.append("more than \(found.count) signings of \(right.principal) would have been permitted by it; the rest is left out") }
        subject.events += " UNION SELECT value FROM json_each('[\(found.map(String.init).joined(separator: ","))]')"
      }
      if own.count > Self.maxHolders { subject.gaps.append("\(own.count) holders; the signings of the first \(Self.maxHolders) were looked at") }
      if reconstructed > 0 { subject.gaps.append("\(reconstructed) signings name no assignment; that this one permitted them is reconstructed from principal, scope and time") }
      subject.gaps += try unrecorded(own, by: "its holders")
    } else if recorded {
      subject.json = ["id": .string(id)]
      subject.gaps.append("grant: assignment \(id) was not seen; only records name it")
    }
    subject.hits = "\(Self.ofEvents) (\(subject.events))"
    return subject
  }

  private static let maxHolders = 1000
  private static let maxReconstructed = 100_000

  /// Rights as they were at the time of the question, or at an earlier one.
  private func rights(at earlier: Int64? = nil) throws -> EstateRights {
    let estate = try EstateStore.estate(at: min(earlier ?? .max, time), database, sections: [.stores, .roles, .grants, .identities, .groups])
    return EstateRights(estate ?? InventorySnapshot(takenAt: Instant(nanoseconds: 0)))
  }

  /// A condition on `k`.
  private static func keys(_ right: EffectiveRight) -> (String, StatementArguments) {
    switch (right.store, right.key) {
    case (let store?, let key?): ("k.store = ? AND k.name = ?", [store, key])
    case (let store?, nil): ("k.store = ?", [store])
    case (nil, _): ("1", [])
    }
  }

  /// Signatures of which no record says who asked for them, by keys that could be used: some of them may be theirs.
  private func unrecorded(_ rights: [EffectiveRight], by who: String) throws -> [String] {
    var versions: Set<Int64> = []
    for right in rights where right.capabilities.contains(.sign) && !right.latent {
      let (keys, arguments) = Self.keys(right)
      versions.formUnion(try Int64.fetchAll(database, sql: "SELECT k.id FROM key_version k WHERE \(keys)", arguments: arguments))
    }
    guard !versions.isEmpty else { return [] }
    let ids = versions.sorted().map(String.init).joined(separator: ",")
    let count = try Int.fetchOne(
      database,
      sql: "SELECT count(*) FROM signature WHERE event IS NULL AND material IN (SELECT material FROM key_material WHERE version IN (\(ids)))") ?? 0
    return count == 0 ? [] : ["\(count) signatures by keys that \(who) may sign with have no record of who asked"]
  }
}
