/// The tables of the estate database, version by version. A step that was released is never changed.
///
/// - `fact`: what snapshots said, with the time it was first seen, last seen and first seen to be gone. One row per spelling of a fact.
/// - `material`: what a signature shows of its key, a public key's fingerprint or `kid:` and a key identifier; `key_material` ties it to versions.
/// - `signature`: of one artifact, with the `event` (audit record) that was tied to it and how: 0 not, 1 by the digest, 2 by the request id.
/// - `place`: where an artifact runs, by any digest of its closure.
enum EstateSchema {
  static let first = """
    CREATE TABLE snapshot (id INTEGER PRIMARY KEY, taken INTEGER NOT NULL UNIQUE, mark INTEGER NOT NULL);
    CREATE TABLE fact (
      id INTEGER PRIMARY KEY, section INTEGER NOT NULL, owner TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL COLLATE NOCASE,
      ref TEXT COLLATE NOCASE, also TEXT COLLATE NOCASE, body TEXT NOT NULL, since INTEGER NOT NULL, seen INTEGER NOT NULL, gone INTEGER);
    CREATE INDEX fact_name ON fact (section, name, since);
    CREATE INDEX fact_ref ON fact (section, ref, since) WHERE ref IS NOT NULL;
    CREATE INDEX fact_also ON fact (section, also, since) WHERE also IS NOT NULL;
    CREATE INDEX fact_open ON fact (section, owner) WHERE gone IS NULL;

    CREATE TABLE material (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE);
    CREATE TABLE key_version (
      id INTEGER PRIMARY KEY, store TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL COLLATE NOCASE, version TEXT NOT NULL COLLATE NOCASE,
      UNIQUE (store, name, version));
    CREATE TABLE key_material (
      version INTEGER NOT NULL REFERENCES key_version (id), material INTEGER NOT NULL REFERENCES material (id),
      PRIMARY KEY (version, material)) WITHOUT ROWID;
    CREATE INDEX key_material_back ON key_material (material, version);

    CREATE TABLE principal (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, objectId TEXT COLLATE NOCASE, clientId TEXT COLLATE NOCASE, issuer TEXT,
      subject TEXT);
    CREATE INDEX principal_object ON principal (objectId);
    CREATE INDEX principal_client ON principal (clientId);
    CREATE INDEX principal_subject ON principal (subject);

    CREATE TABLE event (
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, time INTEGER NOT NULL, sequence INTEGER, version INTEGER REFERENCES key_version (id),
      principal INTEGER REFERENCES principal (id), assignment TEXT, digest TEXT, algorithm TEXT, status INTEGER, caller TEXT, engine TEXT,
      client TEXT, claims TEXT);
    CREATE INDEX event_version ON event (version, time);
    CREATE INDEX event_principal ON event (principal, time);
    CREATE INDEX event_assignment ON event (assignment, time) WHERE assignment IS NOT NULL;
    CREATE INDEX event_digest ON event (digest) WHERE digest IS NOT NULL;

    CREATE TABLE artifact (
      id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, names TEXT NOT NULL, looked INTEGER NOT NULL, asked INTEGER NOT NULL);
    CREATE INDEX artifact_unlooked ON artifact (id) WHERE looked = 0;
    CREATE INDEX artifact_asked ON artifact (asked) WHERE asked = 1;
    CREATE TABLE closure (digest TEXT NOT NULL, artifact INTEGER NOT NULL REFERENCES artifact (id), PRIMARY KEY (digest, artifact)) WITHOUT ROWID;
    CREATE INDEX closure_back ON closure (artifact, digest);

    CREATE TABLE signature (
      id INTEGER PRIMARY KEY, artifact INTEGER NOT NULL REFERENCES artifact (id), format TEXT NOT NULL, time INTEGER, verified INTEGER,
      request TEXT, material INTEGER REFERENCES material (id), event INTEGER REFERENCES event (id), tie INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX signature_artifact ON signature (artifact);
    CREATE INDEX signature_material ON signature (material, artifact, time);
    CREATE INDEX signature_event ON signature (event, artifact, time) WHERE event IS NOT NULL;
    CREATE INDEX signature_request ON signature (request) WHERE request IS NOT NULL AND tie < 2;
    CREATE INDEX signature_unrecorded ON signature (material) WHERE event IS NULL;

    CREATE TABLE running (
      id INTEGER PRIMARY KEY, artifact INTEGER NOT NULL REFERENCES artifact (id), cluster TEXT NOT NULL, namespace TEXT,
      workload TEXT NOT NULL, began INTEGER, since INTEGER NOT NULL, seen INTEGER NOT NULL, gone INTEGER);
    CREATE INDEX running_artifact ON running (artifact);
    CREATE INDEX running_open ON running (cluster) WHERE gone IS NULL;
    CREATE TABLE place (
      artifact INTEGER NOT NULL REFERENCES artifact (id), running INTEGER NOT NULL REFERENCES running (id),
      PRIMARY KEY (artifact, running)) WITHOUT ROWID;
    CREATE INDEX place_back ON place (running);
    """

  /// In order; the schema's version is their number.
  static let steps = [first]
}
