/// The right edge of an RFC 6962 tree: all that an appender needs. One hash per bit set in `size`.
package struct MerkleFrontier: Sendable, Equatable {
  package private(set) var size: UInt64
  /// Roots of the complete subtrees, largest (leftmost) first.
  package private(set) var hashes: [MerkleHash]

  /// The empty log.
  package init() {
    size = 0
    hashes = []
    hashes.reserveCapacity(64)
  }

  /// Resumes at `size`; nil unless there is one hash per set bit. That the hashes are right shows only in `root()`.
  package init?(size: UInt64, hashes: [MerkleHash]) {
    guard hashes.count == size.nonzeroBitCount else { return nil }
    self.size = size
    self.hashes = hashes
  }

  /// Takes the next leaf. Costs its hash and one node hash on average.
  package mutating func append(leaf: UnsafeRawBufferPointer) { append(MerkleHash(leaf: leaf)) { _, _, _ in } }

  package mutating func append(leaf: [UInt8]) { append(MerkleHash(leaf: leaf)) { _, _, _ in } }

  /// Takes the next leaf by its hash and tells every complete subtree this finishes, the leaf itself (level 0) first.
  package mutating func append(
    _ leaf: MerkleHash, completed: (_ level: Int, _ index: UInt64, _ hash: MerkleHash) -> Void
  ) {
    var hash = leaf
    var index = size
    var level = 0
    completed(level, index, hash)
    while index & 1 == 1 {
      hash = MerkleHash(left: hashes.removeLast(), right: hash)
      index >>= 1
      level += 1
      completed(level, index, hash)
    }
    hashes.append(hash)
    size += 1
  }

  /// The tree's root; `SHA-256("")` for the empty log.
  package func root() -> MerkleHash {
    guard var hash = hashes.last else { return .empty }
    for left in hashes.dropLast().reversed() { hash = MerkleHash(left: left, right: hash) }
    return hash
  }
}
