/// Ledger: an append-only Merkle log.
///
/// Leaves are opaque byte strings. A leaf's *sequence* starts at 1, so that a checkpoint of size *n* covers the
/// sequences 1…n; its hash is `SHA-256(0x00 ‖ leaf)` and the tree above is RFC 6962 §2.1. A *checkpoint* is a
/// C2SP signed note (c2sp.org/tlog-checkpoint, c2sp.org/signed-note): origin, size and root, signed by a key that the
/// surface supplies. Audit trail, artifact log and CT log are three uses.
///
/// The ledger must never know what a leaf means, where the bytes are kept, or who holds the signing key.
/// Durability is the job of an adapter behind `LedgerWriter`; this target says what is promised and checks it
/// (`LedgerChecker`).
///
/// The store under a ledger is **not trusted for truth**: whoever can write to it can lose the tail that no checkpoint
/// covers yet, and can roll back to an older checkpoint unless the auditor kept a newer one (an *anchor*). Everything
/// else that is changed, removed, added or reordered is found by the checker.
///
/// Allowed imports: Merkle, Encodings, Clocks, Secrets, Crypto.
