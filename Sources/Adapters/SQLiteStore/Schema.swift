/// The tables, version by version. A step that was released is never changed.
enum Schema {
  static let first = """
    CREATE TABLE access_row (
      kind TEXT NOT NULL, id TEXT NOT NULL CHECK (length(id) <= 128),
      body BLOB NOT NULL, mac BLOB NOT NULL CHECK (length(mac) = 32),
      PRIMARY KEY (kind, id)) WITHOUT ROWID;
    CREATE TABLE key_row (
      name TEXT NOT NULL PRIMARY KEY, ordinal INTEGER NOT NULL UNIQUE CHECK (ordinal > 0),
      revision INTEGER NOT NULL CHECK (revision > 0), deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
      payload BLOB NOT NULL, mac BLOB NOT NULL CHECK (length(mac) = 32));
    CREATE INDEX key_order ON key_row (deleted, ordinal);
    CREATE TABLE version_row (
      name TEXT NOT NULL REFERENCES key_row (name) ON DELETE CASCADE,
      version TEXT NOT NULL, ordinal INTEGER NOT NULL UNIQUE CHECK (ordinal > 0),
      payload BLOB NOT NULL, mac BLOB NOT NULL CHECK (length(mac) = 32),
      PRIMARY KEY (name, version));
    CREATE INDEX version_order ON version_row (name, ordinal);
    CREATE TABLE state (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    """

  static let certificateChains = """
    CREATE TABLE chain_row (
      name TEXT NOT NULL, version TEXT NOT NULL,
      payload BLOB NOT NULL, mac BLOB NOT NULL CHECK (length(mac) = 32),
      PRIMARY KEY (name, version),
      FOREIGN KEY (name, version) REFERENCES version_row (name, version) ON DELETE CASCADE);
    """

  /// In order; the schema's version is their number.
  static let steps = [first, certificateChains]
}
