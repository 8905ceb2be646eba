/// Merkle: the hash trees of RFC 6962, and the tiles of C2SP tlog-tiles they are kept in.
///
/// Hashing of leaves and nodes (SHA-256), the frontier an appender keeps, inclusion and consistency proofs made and checked, and
/// which hash lies in which tile. Pure functions of bytes.
///
/// Must never know: what a leaf means, where tiles are kept, who signs a root, what time it is.
/// Allowed imports: Crypto.

/// Why a proof cannot be made or does not hold.
package enum MerkleError: Error, Equatable, Sendable {
  /// The leaf, or the older size, lies outside the tree.
  case outOfRange
  /// The proof has too few or too many hashes for these sizes.
  case wrongProofLength
  /// The proof leads to another root.
  case rootMismatch
  /// A tile holds another number of hashes than it must.
  case badTile
}
