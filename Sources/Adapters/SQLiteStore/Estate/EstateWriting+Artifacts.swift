import Clocks
import Encodings
import Estate
import GRDB

extension EstateWriting {
  /// Artifacts, their signatures and where they run. Signatures are kept for ever; a place is closed when its cluster was read and it is not there.
  mutating func artifacts(_ snapshot: InventorySnapshot, _ result: inout EstateImport) throws {
    let taken = snapshot.takenAt.nanoseconds
    var clusters: Set<String> = []
    for artifact in snapshot.artifacts {
      let (id, isNew) = try upsert(artifact)
      if isNew { result.newArtifacts += 1 }
      var moved = false
      for digest in artifact.closure {
        try run("INSERT OR IGNORE INTO closure (digest, artifact) VALUES (?, ?)", [digest.lowercased(), id])
        moved = moved || database.changesCount > 0
      }
      if let running = artifact.running {
        clusters.formUnion(running.map(\.cluster))
        if try places(running, of: id, isNew: isNew, taken) { moved = true }
      }
      if moved || (isNew && artifact.closure.isEmpty) { try relate(id) }
      try signatures(artifact.signatures ?? [], of: id, digest: artifact.digest.lowercased(), isNew: isNew, &result)
    }
    for cluster in clusters {
      try run("UPDATE running SET gone = ?1 WHERE cluster = ?2 AND gone IS NULL AND seen < ?1", [taken, cluster])
    }
  }

  private func upsert(_ artifact: InventorySnapshot.Artifact) throws -> (id: Int64, isNew: Bool) {
    let digest = artifact.digest.lowercased()
    let looked = artifact.signatures != nil
    let asked = artifact.running != nil
    let row = try Row.fetchOne(database.cachedStatement(sql: "SELECT id, names, looked, asked FROM artifact WHERE digest = ?"), arguments: [digest])
    guard let row else {
      try run(
        "INSERT INTO artifact (digest, names, looked, asked) VALUES (?, ?, ?, ?)",
        [digest, JSONValue.array(artifact.names.map { .string($0) }).text(), looked, asked])
      return (database.lastInsertedRowID, true)
    }
    let id: Int64 = row["id"]
    let old = try JSONValue.parse(Array((row["names"] as String).utf8)).array?.compactMap(\.string) ?? []
    let names = old + artifact.names.filter { !old.contains($0) }
    if names.count > old.count || (looked && !(row["looked"] as Bool)) || (asked && !(row["asked"] as Bool)) {
      try run(
        "UPDATE artifact SET names = ?, looked = max(looked, ?), asked = max(asked, ?) WHERE id = ?",
        [JSONValue.array(names.map { .string($0) }).text(), looked, asked, id])
    }
    return (id, false)
  }

  /// - Returns: whether a place is new.
  private func places(_ running: [InventorySnapshot.Running], of artifact: Int64, isNew: Bool, _ taken: Int64) throws -> Bool {
    var added = false
    for place in running {
      if !isNew {
        try run(
          """
          UPDATE running SET seen = ?1, began = coalesce(began, ?6)
          WHERE artifact = ?2 AND cluster = ?3 AND namespace IS ?4 AND workload = ?5 AND gone IS NULL
          """, [taken, artifact, place.cluster, place.namespace, place.workload, place.since?.seconds])
        if database.changesCount > 0 { continue }
      }
      try run(
        "INSERT INTO running (artifact, cluster, namespace, workload, began, since, seen) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [artifact, place.cluster, place.namespace, place.workload, place.since?.seconds, taken, taken])
      added = true
    }
    if !isNew { try run("UPDATE running SET gone = ?1 WHERE artifact = ?2 AND gone IS NULL AND seen < ?1", [taken, artifact]) }
    return added
  }

  /// Whatever shares a digest with the artifact runs where it runs, and the other way round.
  private func relate(_ artifact: Int64) throws {
    let family = try Int64.fetchAll(
      database.cachedStatement(
        sql: """
          WITH own (digest) AS (SELECT digest FROM artifact WHERE id = ?1 UNION SELECT digest FROM closure WHERE artifact = ?1)
          SELECT a.id FROM own JOIN artifact a ON a.digest = own.digest UNION SELECT c.artifact FROM own JOIN closure c ON c.digest = own.digest
          """), arguments: [artifact])
    for member in family {
      try run("INSERT OR IGNORE INTO place (artifact, running) SELECT ?1, id FROM running WHERE artifact = ?2", [member, artifact])
      try run("INSERT OR IGNORE INTO place (artifact, running) SELECT ?1, id FROM running WHERE artifact = ?2", [artifact, member])
    }
  }

  private struct Known: Hashable {
    var format: String
    var material: Int64?
    var time: Int64?
    var request: String?
  }

  private mutating func signatures(
    _ signatures: [InventorySnapshot.Signature], of artifact: Int64, digest: String, isNew: Bool, _ result: inout EstateImport
  ) throws {
    guard !signatures.isEmpty else { return }
    var known: [Known: (id: Int64, verified: Bool?)] = [:]
    if !isNew {
      let rows = try Row.fetchAll(
        database.cachedStatement(sql: "SELECT id, format, material, time, request, verified FROM signature WHERE artifact = ?"), arguments: [artifact])
      for row in rows {
        known[Known(format: row["format"], material: row["material"], time: row["time"], request: row["request"])] = (row["id"], row["verified"])
      }
    }
    for signature in signatures {
      let material = try (signature.spkiSha256 ?? signature.kid.map { "kid:\($0)" }).map { try self.material($0) }
      let request = signature.requestId?.lowercased()
      let name = Known(format: signature.format.rawValue, material: material, time: signature.time?.seconds, request: request)
      if let old = known[name] {
        if let verified = signature.verified, verified != old.verified {
          try run("UPDATE signature SET verified = ? WHERE id = ?", [verified, old.id])
          known[name] = (old.id, verified)
        }
        continue
      }
      let record = try record(request: request, digest: digest, material: material)
      try run(
        "INSERT INTO signature (artifact, format, time, verified, request, material, event, tie) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [artifact, name.format, name.time, signature.verified, request, material, record?.event, record?.tie ?? 0])
      known[name] = (database.lastInsertedRowID, signature.verified)
      result.newSignatures += 1
    }
  }
}
