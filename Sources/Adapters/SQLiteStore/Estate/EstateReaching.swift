import Clocks
import Encodings
import Estate
import GRDB

/// One reverse question over the database.
struct EstateReaching {
  let database: Database
  let question: EstateQuestion
  let limit: Int
  /// Nanoseconds, and seconds.
  let time: Int64
  let seconds: Int64

  init(_ database: Database, _ question: EstateQuestion, time: Instant?, limit: Int) {
    self.database = database
    self.question = question
    self.limit = limit
    self.time = time?.nanoseconds ?? .max
    seconds = time?.seconds ?? .max
  }

  /// What the question comes down to: rows of names, and the statements over them.
  struct Subject {
    var isKnown = false
    var json: JSONValue = .null
    /// Yields signature id, artifact and time of what depends on the subject.
    var hits = EstateReaching.noHits
    /// Yields the ids of the records.
    var events = "SELECT id FROM event WHERE 0"
    var names: StatementArguments = []
    var gaps: [String] = []
  }

  static let noHits = "SELECT id, artifact, time FROM signature WHERE 0"

  mutating func run() throws -> EstateReach {
    let subject = try self.subject()
    var counts = EstateReach.Counts()
    let with = "WITH hit (id, artifact, time) AS (\(subject.hits)), per (artifact, n, first, last) AS (SELECT artifact, count(*), min(time), max(time) FROM hit WHERE time IS NULL OR time <= \(seconds) GROUP BY artifact)"
    let here = "r.since <= \(time) AND (r.gone IS NULL OR r.gone > \(time))"
    let runs = "EXISTS (SELECT 1 FROM place JOIN running r ON r.id = place.running WHERE place.artifact = per.artifact AND \(here))"
    let names = subject.names
    if let row = try Row.fetchOne(
      database, sql: "\(with) SELECT coalesce(sum(n), 0), count(*), coalesce(sum(\(runs)), 0) FROM per", arguments: names)
    {
      (counts.signatures, counts.artifacts, counts.runningArtifacts) = (row[0], row[1], row[2])
    }
    let artifacts = try Row.fetchAll(
      database,
      sql: """
        \(with), top AS (SELECT per.*, \(runs) AS running FROM per ORDER BY running DESC, last DESC, artifact DESC LIMIT \(limit))
        SELECT a.digest, a.names, top.* FROM top JOIN artifact a ON a.id = top.artifact ORDER BY top.running DESC, top.last DESC, top.artifact DESC
        """, arguments: names
    ).map(Self.artifact)
    let placed = "SELECT DISTINCT place.running FROM per JOIN place ON place.artifact = per.artifact"
    let inForce = "\(with) SELECT {} FROM (\(placed)) AS hitting JOIN running r ON r.id = hitting.running JOIN artifact a ON a.id = r.artifact WHERE \(here)"
    counts.deployments = try Int.fetchOne(database, sql: inForce.replacing("{}", with: "count(*)"), arguments: names) ?? 0
    let deployments = try Row.fetchAll(
      database,
      sql: inForce.replacing("{}", with: "r.cluster, r.namespace, r.workload, r.began, r.seen, a.digest")
        + " ORDER BY r.cluster, r.namespace, r.workload, a.digest LIMIT \(limit)", arguments: names
    ).map(EstateTracing.deployment)
    let unmatched = try signings(subject, names, &counts)
    let gaps = try subject.gaps + self.gaps(subject, with, names, counts)
    return EstateReach(
      question: question, isKnown: subject.isKnown, subject: subject.json, counts: counts, artifacts: artifacts, deployments: deployments,
      unmatched: unmatched, gaps: gaps)
  }

  private static func artifact(_ row: Row) throws -> JSONValue {
    [
      "digest": .string(row["digest"]), "names": try JSONValue.parse(Array((row["names"] as String).utf8)), "signatures": .integer(row["n"] as Int),
      "firstSigned": EstateTracing.time(row["first"]), "lastSigned": EstateTracing.time(row["last"]), "running": .bool(row["running"]),
    ]
  }

  private func signings(_ subject: Subject, _ names: StatementArguments, _ counts: inout EstateReach.Counts) throws -> [JSONValue] {
    let open = "NOT EXISTS (SELECT 1 FROM signature s WHERE s.event = e.id)"
    let from = "FROM event e WHERE e.id IN (\(subject.events)) AND e.time <= \(seconds)"
    guard let row = try Row.fetchOne(database, sql: "SELECT count(*), coalesce(sum(\(open)), 0) \(from)", arguments: names) else { return [] }
    (counts.signings, counts.unmatchedSignings) = (row[0], row[1])
    guard counts.unmatchedSignings > 0 else { return [] }
    return try Row.fetchAll(
      database,
      sql: """
        SELECT e.name, e.time, e.digest, k.store, k.name AS key, k.version, p.name AS principal FROM event e LEFT JOIN key_version k ON k.id = e.version
          LEFT JOIN principal p ON p.id = e.principal WHERE e.id IN (\(subject.events)) AND e.time <= \(seconds) AND \(open) ORDER BY e.time DESC LIMIT \(limit)
        """, arguments: names
    ).map { row in
      [
        "time": EstateTracing.time(row["time"]), "requestId": EstateTracing.text(EstateTracing.request(row["name"])), "digest": EstateTracing.text(row["digest"]),
        "store": EstateTracing.text(row["store"]), "key": EstateTracing.text(row["key"]), "version": EstateTracing.text(row["version"]),
        "principal": EstateTracing.text(row["principal"]),
      ]
    }
  }

  private func gaps(_ subject: Subject, _ with: String, _ names: StatementArguments, _ counts: EstateReach.Counts) throws -> [String] {
    var gaps: [String] = []
    if try Int.fetchOne(database, sql: "SELECT 1 FROM snapshot LIMIT 1") == nil { gaps.append("no inventory was given") }
    let unlooked = try Int.fetchOne(database, sql: "SELECT count(*) FROM artifact WHERE looked = 0") ?? 0
    if unlooked > 0 { gaps.append("the signatures of \(unlooked) artifacts could not be looked for") }
    if counts.unmatchedSignings > 0 { gaps.append("\(counts.unmatchedSignings) signings on record belong to no signature that was seen") }
    if try Int.fetchOne(database, sql: "SELECT 1 FROM artifact WHERE asked = 1 LIMIT 1") == nil {
      gaps.append("deployments: no source of running workloads was asked")
    } else if counts.artifacts > 0 {
      let unasked = try Int.fetchOne(
        database,
        sql: "\(with) SELECT count(*) FROM per JOIN artifact a ON a.id = per.artifact WHERE a.asked = 0 AND NOT EXISTS (SELECT 1 FROM place WHERE place.artifact = a.id)",
        arguments: names) ?? 0
      if unasked > 0 { gaps.append("deployments: where \(unasked) of the artifacts run was not asked") }
    }
    return gaps
  }
}
