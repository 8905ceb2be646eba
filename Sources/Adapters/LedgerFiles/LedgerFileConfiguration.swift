package import Ledger

/// How one log is kept in a folder.
package struct LedgerFileConfiguration: Sendable {
  /// Created with mode 0700 when missing.
  package var folder: String
  /// The checkpoint's first line; names this log for ever.
  package var origin: String
  package var signer: any CheckpointSigner
  /// A new file starts when the current one is at least this long.
  package var segmentBytes: UInt64 = 64 << 20
  /// At most this many leaves (and one batch) are ever without a signed checkpoint.
  package var checkpointInterval: UInt64 = 16_384
  /// Leaves are signed when the log was idle this long, and after five times this long without a pause.
  package var idleSeconds = 1
  /// Leaves that may wait for the medium; more are refused with `.queueFull`.
  package var queueLimit = 16_384
  package var leafLimit = 192 * 1024
  /// A log up to this long is checked from its first leaf when it is opened, a longer one from its newest checkpoint.
  package var fullCheckBytes: UInt64 = 256 << 20
  /// Reads the sequence that a leaf states about itself; nil for one that is no leaf.
  package var sequence: @Sendable (UnsafeRawBufferPointer) -> UInt64?

  package init(
    folder: String, origin: String, signer: any CheckpointSigner,
    sequence: @escaping @Sendable (UnsafeRawBufferPointer) -> UInt64?
  ) {
    self.folder = folder
    self.origin = origin
    self.signer = signer
    self.sequence = sequence
  }

  var trust: CheckpointTrust { CheckpointTrust(origin: origin, verifier: signer.verifier) }
}
