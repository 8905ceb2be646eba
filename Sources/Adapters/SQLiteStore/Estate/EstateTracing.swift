import Clocks
import Encodings
import Estate
import GRDB
import Trust

/// One trace over the database.
struct EstateTracing {
  let database: Database
  let digest: String
  let revocations: [TrustPolicy.Revocation]
  private var reasons: [String] = []
  private var hidden: [String] = []

  init(_ database: Database, digest: String, revocations: [TrustPolicy.Revocation]) {
    self.database = database
    self.digest = digest
    self.revocations = revocations
  }

  mutating func run() throws -> EstateTrace {
    var rows = try Row.fetchAll(database.cachedStatement(sql: EstateStore.traceQuery), arguments: [digest])
    var places = try Row.fetchAll(database.cachedStatement(sql: EstateStore.placesQuery), arguments: [digest])
    if rows.count > EstateStore.maxRows {
      reasons.append("more than \(EstateStore.maxRows) signatures; the rest is left out")
      rows.removeLast()
    }
    if places.count > EstateStore.maxRows {
      reasons.append("more than \(EstateStore.maxRows) places; the rest is left out")
      places.removeLast()
    }
    hidden = try EstateGaps.stores(database)
    let known = try Row.fetchAll(
      database,
      sql: """
        WITH asked (id) AS (SELECT id FROM artifact WHERE digest = ?1 UNION SELECT artifact FROM closure WHERE digest = ?1)
        SELECT a.id, a.digest, a.names, a.looked, a.asked FROM asked JOIN artifact a ON a.id = asked.id
        """, arguments: [digest])
    let asked = known.contains { $0["asked"] as Bool }
    let deployments = places.map(Self.deployment)
    let chains = try rows.map { try chain($0, deployments, asked: asked) }
    let verdict = self.verdict(chains.map(\.verdict), known)
    let closure = try String.fetchAll(
      database, sql: "SELECT c.digest FROM artifact a JOIN closure c ON c.artifact = a.id WHERE a.digest = ? ORDER BY c.digest LIMIT 10000", arguments: [digest])
    let names = try known.flatMap { try JSONValue.parse(Array(($0["names"] as String).utf8)).array ?? [] }
    let json: JSONValue = [
      "schema": "hallmark.trace/v1", "verdict": .string(verdict.rawValue),
      "artifact": ["digest": .string(digest), "refs": .array(names), "closure": .array(closure.map { .string($0) })],
      "chains": .array(chains.map(\.json)), "reasons": .array(reasons.map { .string($0) }),
    ]
    return EstateTrace(verdict: verdict, json: json, reasons: reasons)
  }

  func trace() throws -> EstateTrace {
    var copy = self
    return try copy.run()
  }

  private struct Chain {
    var verdict: TraceVerdict
    var json: JSONValue
  }

  private mutating func verdict(_ verdicts: [TraceVerdict], _ known: [Row]) -> TraceVerdict {
    reasons += hidden
    guard !known.isEmpty else {
      reasons.append("no inventory named this digest")
      return .unknown
    }
    guard !verdicts.isEmpty else {
      guard known.contains(where: { $0["looked"] as Bool }) else {
        reasons.append("its signatures could not be looked for")
        return .unknown
      }
      reasons.append("no signature was found")
      return .unsigned
    }
    reasons.append("signatures were verified when the inventory was taken, not now")
    for verdict in [TraceVerdict.ours, .oursProbable, .oursKeyUnlogged, .untrusted] where verdicts.contains(verdict) { return verdict }
    if verdicts.contains(.unknown) || !hidden.isEmpty { return .unknown }
    return verdicts.contains(.invalid) ? .invalid : .foreign
  }

  private func chain(_ row: Row, _ deployments: [JSONValue], asked: Bool) throws -> Chain {
    var gaps: [String] = []
    let hasKey = row["version"] as Int64? != nil
    let hasEvent = row["event"] as Int64? != nil
    var join: JoinStrength = hasEvent ? .exact : .none
    var candidates: [JSONValue] = []
    if hasEvent, row["tie"] as Int == 1, let digest = row["digest"] as String?, let version = row["version"] as Int64? {
      // The digest alone tied them: another record of it by somebody else makes the tie uncertain.
      let others = try Row.fetchAll(
        database.cachedStatement(sql: "SELECT id, name, time, sequence, principal, assignment, claims FROM event WHERE digest = ? AND version = ? LIMIT 21"),
        arguments: [digest, version])
      let stories = Set(others.map { "\($0["principal"] as Int64? ?? 0) \($0["assignment"] as String? ?? "") \($0["claims"] as String? ?? "")" })
      candidates = others.map(Self.candidate)
      if stories.count > 1 {
        join = .probable
        gaps.append("event: this digest was signed by different identities or runs")
      }
    } else if !hasEvent, let version = row["version"] as Int64?, let time = row["signedAt"] as Int64? {
      let near = try Row.fetchAll(
        database.cachedStatement(
          sql: "SELECT id, name, time, sequence FROM event WHERE version = ? AND time BETWEEN ? AND ? AND digest IS NULL ORDER BY time LIMIT 21"),
        arguments: [version, time - Self.nearSeconds, time + Self.nearSeconds])
      candidates = near.map(Self.candidate)
      if !near.isEmpty { join = .probable }
      gaps.append(
        near.isEmpty ? "event: no audit record of this signing was found" : "event: the log does not name digests; \(near.count) signings near that time are possible")
    } else if !hasEvent {
      gaps.append("event: no audit record of this signing was found")
    }
    let grant = try hasEvent ? EstateGrant.of(row, database) : EstateGrant(gaps: ["grant: without an audit record it is not known which assignment permitted the signing"])
    gaps += grant.gaps
    if hasKey, row["key_body"] as String? == nil { gaps.append("key: only records name it, no inventory does") }
    if hasEvent, row["identity_body"] as String? == nil { gaps.append("identity: it is not in the directory that was seen") }
    if !hasEvent { gaps.append("identity: without an audit record it is not known who asked") }
    if !asked && deployments.isEmpty { gaps.append("deployments: no source of running workloads was asked") }
    var verdict = Self.verdict(row, hasKey: hasKey, join: join, grant: grant, hidden: !hidden.isEmpty, &gaps)
    if [.ours, .oursProbable, .oursKeyUnlogged].contains(verdict), let why = revoked(row, join) {
      verdict = .untrusted
      gaps.append("key: \(why)")
    }
    return Chain(
      verdict: verdict,
      json: [
        "signature": signature(row), "key": try key(row), "event": event(row, join, candidates), "grant": grant.json, "identity": try identity(row),
        "workload": try workload(row, join), "deployments": .array(deployments), "gaps": .array(gaps.map { .string($0) }), "verdict": .string(verdict.rawValue),
      ])
  }

  /// Why the key's revocation counts against this signature; nil when there is none, or a record proves that the signing came first.
  private func revoked(_ row: Row, _ join: JoinStrength) -> String? {
    guard let material = row["material_name"] as String? else { return nil }
    guard let revocation = revocations.first(where: { $0.fingerprint.map { Hex.encode($0) } == material }) else { return nil }
    if join == .exact, let time = row["time"] as Int64?, time < revocation.at { return nil }
    return "revoked from \(ISO8601.format(seconds: revocation.at)), \(revocation.reason); no record proves that the signing came first"
  }

  /// How far apart a signature's time and a record without digests may be and still belong together.
  private static let nearSeconds: Int64 = 300

  private static func verdict(_ row: Row, hasKey: Bool, join: JoinStrength, grant: EstateGrant, hidden: Bool, _ gaps: inout [String]) -> TraceVerdict {
    switch row["verified"] as Bool? {
    case false?: return .invalid
    case nil:
      gaps.append("signature: nobody verified it")
      return .unknown
    case true?: break
    }
    guard hasKey else { return row["material"] as Int64? == nil || hidden ? .unknown : .foreign }
    switch join {
    case .none: return hidden ? .oursProbable : .oursKeyUnlogged
    case .probable: return .oursProbable
    case .exact: return grant.isExact && row["objectId"] as String? != nil ? .ours : .oursProbable
    }
  }

  private static func candidate(_ row: Row) -> JSONValue {
    [
      "sequence": (row["sequence"] as Int64?).map { .integer($0) } ?? .null, "correlationId": text(request(row["name"])),
      "time": .string(ISO8601.format(seconds: row["time"])),
    ]
  }

  static func request(_ name: String?) -> String? { name.flatMap { $0.hasPrefix("r:") ? String($0.dropFirst(2)) : nil } }
  static func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
  static func time(_ seconds: Int64?) -> JSONValue { seconds.map { .string(ISO8601.format(seconds: $0)) } ?? .null }

  static func deployment(_ row: Row) -> JSONValue {
    [
      "cluster": .string(row["cluster"]), "namespace": text(row["namespace"]), "workload": .string(row["workload"]), "since": time(row["began"]),
      "digest": .string(row["digest"]), "seenAt": time((row["seen"] as Int64) / 1_000_000_000),
    ]
  }

  private func signature(_ row: Row) -> JSONValue {
    let name: String? = row["material_name"]
    return [
      "format": .string(row["format"]), "location": .string(row["signed"]), "algorithm": Self.text(row["algorithm"]), "digest": Self.text(row["digest"]),
      "verifiedBy": Self.text(row["verified"] as Bool? == true ? row["key_name"] : nil),
      "spkiSha256": Self.text(name.flatMap { $0.hasPrefix("kid:") ? nil : $0 }), "timestamp": Self.time(row["signedAt"]),
      "requestId": Self.text(row["request"]), "verified": (row["verified"] as Bool?).map { .bool($0) } ?? .null,
    ]
  }

  private func key(_ row: Row) throws -> JSONValue {
    guard row["version"] as Int64? != nil else { return .null }
    let body = try (row["key_body"] as String?).map { try JSONValue.parse(Array($0.utf8)) }
    let deleted = body?["deleted"]?.bool
    return [
      "kid": body?["kid"] ?? .null, "store": Self.text(row["store"]), "name": Self.text(row["key_name"]), "version": Self.text(row["key_version"]),
      "type": body?["kty"] ?? .null, "created": body?["created"] ?? .null, "enabled": body?["enabled"] ?? .null,
      "state": deleted.map { $0 ? "deleted" : "active" } ?? .null, "keyOps": body?["keyOps"] ?? .null, "recoveryLevel": body?["recoveryLevel"] ?? .null,
      "spkiSha256": body?["spkiSha256"] ?? .null,
    ]
  }

  private func event(_ row: Row, _ join: JoinStrength, _ candidates: [JSONValue]) -> JSONValue {
    var object: JSONObject = ["join": .string(join.rawValue), "candidates": .array(candidates)]
    guard row["event"] as Int64? != nil else { return .object(object) }
    object["time"] = Self.time(row["time"])
    object["sequence"] = (row["sequence"] as Int64?).map { .integer($0) } ?? .null
    object["correlationId"] = Self.text(Self.request(row["event_name"]))
    object["clientRequestId"] = Self.text(row["client"])
    object["operation"] = "sign"
    object["store"] = Self.text(row["store"])
    object["digest"] = Self.text(row["digest"])
    object["algorithm"] = Self.text(row["algorithm"])
    object["httpStatus"] = (row["status"] as Int64?).map { .integer($0) } ?? .null
    object["callerIp"] = Self.text(row["caller"])
    object["engine"] = Self.text(row["engine"])
    return .object(object)
  }

  private func identity(_ row: Row) throws -> JSONValue {
    guard row["event"] as Int64? != nil else { return .null }
    let body = try (row["identity_body"] as String?).map { try JSONValue.parse(Array($0.utf8)) }
    let subject: String? = row["subject"]
    let federated = body?["federated"]?.array ?? []
    let claims = try claims(row) ?? JSONValue.object([:])
    let fic = federated.first { $0["subject"]?.string == subject && subject != nil } ?? (federated.count == 1 ? federated[0] : JSONValue.null)
    return [
      "objectId": Self.text(row["objectId"]), "clientId": Self.text(row["clientId"] ?? body?["clientId"]?.string),
      "name": body?["name"] ?? .null, "type": body?["kind"] ?? .null, "issuer": Self.text(row["issuer"]), "subject": Self.text(subject),
      "fic": fic, "claims": claims,
    ]
  }

  private func claims(_ row: Row) throws -> JSONValue? { try (row["claims"] as String?).map { try JSONValue.parse(Array($0.utf8)) } }

  private func workload(_ row: Row, _ join: JoinStrength) throws -> JSONValue {
    guard let claims = try claims(row)?.object else { return .null }
    var record = OperationRecord(time: row["time"], operation: "sign", allowed: true)
    record.issuer = row["issuer"]
    record.subject = row["subject"]
    record.claims = claims.members.compactMap { member in member.value.string.map { .init(name: member.name, value: $0) } }
    var chain = TraceChain(verdict: .unknown)
    chain.event = record
    guard let workload = chain.workload else { return .null }
    return [
      "platform": .string(workload.platform), "repo": Self.text(workload.repository), "workflow": Self.text(workload.workflow),
      "ref": Self.text(workload.ref), "runId": Self.text(workload.runID), "commit": Self.text(workload.commit), "joinStrength": .string(join.rawValue),
    ]
  }
}
