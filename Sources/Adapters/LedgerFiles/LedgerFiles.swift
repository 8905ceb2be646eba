/// LedgerFiles: a ledger in a folder of append-only files, and the audit trail's index beside it.
///
///     lock                            held by the one process that writes
///     entries-00000000000000000001.jsonl   leaves, one a line; the name is the sequence of its first leaf
///     checkpoint                      the newest signed checkpoint, replaced as a whole
///     checkpoints.jsonl               older ones, one at least every `checkpointInterval` leaves
///     audit-index.sqlite              answers queries; thrown away and rebuilt at will
///
/// A leaf's hash covers the exact bytes of its line (without line feed). One writer thread takes all leaves that queued
/// while the previous flush ran, writes them, flushes once and answers all. There is no timer in that path.
///
/// What an attacker who can write to this folder gains: he can remove entries that no checkpoint covers yet (at most
/// `checkpointInterval`, normally those of the last second), and can put back an older state of the whole
/// folder, which only a checkpoint kept elsewhere (an anchor) reveals. Any other change is found when the log is opened or verified.
/// Once the process runs, whoever can write here can deny service, and the trail then stops.
///
/// This target must never know what a request was, who may read records, or the checkpoint key itself.
/// Allowed imports: Ledger, Audit, Merkle, Encodings, Clocks, Telemetry, GRDB.
