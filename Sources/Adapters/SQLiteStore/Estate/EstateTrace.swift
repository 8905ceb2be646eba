package import Encodings
package import Estate
package import Trust

/// What the estate database knows of one artifact. Signatures are not verified again: what the sweep that saw them found is told.
package struct EstateTrace: Sendable, Hashable {
  package var verdict: TraceVerdict
  /// `hallmark.trace/v1`.
  package var json: JSONValue
  /// Why, and what could not be seen.
  package var reasons: [String]

  /// Adds what the caller could not see.
  package mutating func add(reasons more: [String]) {
    guard !more.isEmpty, var object = json.object else { return }
    reasons += more
    object["reasons"] = .array(reasons.map { .string($0) })
    json = .object(object)
  }
}

extension EstateStore {
  /// The statement of a trace: from a digest over everything that shares content with it to signature, key version, record, grant and identity.
  /// Every step is a search by an index.
  static let traceQuery = """
    WITH asked (id) AS (SELECT id FROM artifact WHERE digest = ?1 UNION SELECT artifact FROM closure WHERE digest = ?1),
      own (digest) AS (SELECT a.digest FROM asked JOIN artifact a ON a.id = asked.id
        UNION SELECT c.digest FROM asked JOIN closure c ON c.artifact = asked.id),
      family (id) AS (SELECT a.id FROM own JOIN artifact a ON a.digest = own.digest
        UNION SELECT c.artifact FROM own JOIN closure c ON c.digest = own.digest)
    SELECT a.digest AS signed, s.format, s.time AS signedAt, s.verified, s.request, s.material, s.tie, m.name AS material_name,
      k.id AS version, k.store, k.name AS key_name, k.version AS key_version, e.id AS event, e.name AS event_name, e.time, e.sequence, e.assignment,
      e.digest, e.algorithm, e.status, e.caller, e.engine, e.client, e.claims, p.objectId, p.clientId, p.issuer, p.subject,
      (SELECT body FROM fact WHERE section = 2 AND name = k.store || '/' || k.name || '/' || k.version ORDER BY since DESC LIMIT 1) AS key_body,
      (SELECT min(since) FROM fact WHERE section = 4 AND ref = e.assignment) AS grant_since,
      (SELECT body FROM fact WHERE section = 4 AND ref = e.assignment ORDER BY since DESC LIMIT 1) AS grant_body,
      (SELECT gone FROM fact WHERE section = 4 AND ref = e.assignment ORDER BY since DESC LIMIT 1) AS grant_gone,
      (SELECT body FROM fact WHERE section = 5 AND name = p.objectId ORDER BY since DESC LIMIT 1) AS identity_body
    FROM family JOIN artifact a ON a.id = family.id JOIN signature s ON s.artifact = a.id
      LEFT JOIN material m ON m.id = s.material
      LEFT JOIN event e ON e.id = s.event
      LEFT JOIN key_version k ON k.id = coalesce(
        (SELECT km.version FROM key_material km WHERE km.material = s.material AND km.version = e.version),
        (SELECT km.version FROM key_material km WHERE km.material = s.material LIMIT 1), e.version)
      LEFT JOIN principal p ON p.id = e.principal
    LIMIT 1001
    """

  /// Where what shares content with the digest runs, newest first.
  static let placesQuery = """
    WITH asked (id) AS (SELECT id FROM artifact WHERE digest = ?1 UNION SELECT artifact FROM closure WHERE digest = ?1)
    SELECT DISTINCT r.cluster, r.namespace, r.workload, r.began, r.seen, a.digest
    FROM asked JOIN place ON place.artifact = asked.id JOIN running r ON r.id = place.running JOIN artifact a ON a.id = r.artifact
    WHERE r.gone IS NULL ORDER BY r.seen DESC, r.cluster, r.workload LIMIT 1001
    """

  /// The most chains or places of one answer; that there are more is said.
  package static let maxRows = 1000

  /// Traces a digest (`sha256:hex`). A bounded number of searches by index, whatever the size of the database.
  ///
  /// - Parameter revocations: of key versions, by fingerprint. A signing on record before the revocation stays good.
  package func trace(digest: String, revocations: [TrustPolicy.Revocation] = []) throws(EstateStoreError) -> EstateTrace {
    let digest = digest.lowercased()
    return try read { try EstateTracing($0, digest: digest, revocations: revocations).trace() }
  }
}
