internal import Clocks

/// What the rules remember between two runs. One value, written as JSON: a restart loses nothing and repeats nothing.
///
/// Keys of maps are texts joined with `|`; times are nanoseconds since the epoch.
package struct WatchState: Sendable, Hashable {
  package static let schema = "hallmark.watch-state/v1"

  /// A request that waits for its counterpart.
  package struct Pending: Sendable, Hashable {
    package var time: Int64
    package var store: String
    package var key: String
    package var principal: String
    package var hint: String
    package var source: String
    package var line: Int
  }

  /// An alert that may still grow.
  package struct Open: Sendable, Hashable {
    package var alert: Alert
    package var isEmitted: Bool
  }

  /// How far a source was read and what stood before that place.
  package struct Blob: Sendable, Hashable {
    package var offset: Int
    package var line: Int
    package var size: Int
    /// SHA-256 of the first `size` bytes, hexadecimal.
    package var sha256: String

    package init(offset: Int, line: Int, size: Int, sha256: String) {
      self.offset = offset
      self.line = line
      self.size = size
      self.sha256 = sha256
    }
  }

  /// Latest and first row of a store, longest and usual time between two rows.
  package var watermarks: [String: Int64] = [:]
  package var firstRows: [String: Int64] = [:]
  package var longestGaps: [String: Int64] = [:]
  package var usualGaps: [String: Int64] = [:]
  /// `principal|store|key|operation` to its last success.
  package var uses: [String: Int64] = [:]
  package var lastSigns: [String: Int64] = [:]
  /// `principal|tool` to how often.
  package var agents: [String: Int64] = [:]
  /// `store/key|principal` to counts by ten minutes.
  package var rates: [String: [Int64: Int64]] = [:]
  /// `ip|…`, `oid|…` to the times of failures; `ip|…` to who failed.
  package var failures: [String: [Int64]] = [:]
  package var failed: [String: [String: Int64]] = [:]
  /// `store|key` to the latest deletion, creation and recovery.
  package var deletions: [String: Int64] = [:]
  package var creations: [String: Int64] = [:]
  package var recoveries: [String: Int64] = [:]
  package var backups: [String: Int64] = [:]
  package var drills: [String: Int64] = [:]
  package var domainDownloads: [String: Int64] = [:]
  /// Assignment to `principal` who wrote it.
  package var roleWriters: [String: String] = [:]
  /// `store|minute|principal` to how many certificates.
  package var certificates: [String: Int64] = [:]
  package var signs: [String: Pending] = [:]
  package var ledger: [String: Pending] = [:]
  package var canaries: [String: Pending] = [:]
  /// `store/key|principal|hint` to the times of matched signs.
  package var matched: [String: [Int64]] = [:]
  package var ledgerActivity: [String: Int64] = [:]
  /// Latest sequence of each node's ledger, and a hash of that record.
  package var sequences: [String: Int64] = [:]
  package var sequenceHashes: [String: Int64] = [:]
  package var unknownActivation: [String: Int64] = [:]
  /// Hour to what was seen in it.
  package var seen: [Int64: Set<UInt64>] = [:]
  package var open: [String: Open] = [:]
  package var blobs: [String: Blob] = [:]
  /// Lines that were about to be handed over when the state was written.
  package var outbox: [String] = []
  package var late: Int64 = 0
  package var events: Int64 = 0
  package var duplicates: Int64 = 0

  package init() {}

  /// Latest event of any store.
  package var latest: Int64? { watermarks.values.max() }
}
