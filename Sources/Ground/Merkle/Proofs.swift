/// Inclusion and consistency proofs: RFC 6962 §2.1.1, §2.1.2; their verification by RFC 9162 §2.1.3.2, §2.1.4.2.
///
/// Makers read the tree through `node(level, index)`: the root of the complete subtree that covers the leaves
/// `index·2^level ..< (index+1)·2^level`. `HashTiles.node` is such a reader.
package enum MerkleProof {
  /// The root of the tree of the first `size` leaves.
  package static func root<E: Error>(
    size: UInt64, node: (_ level: Int, _ index: UInt64) throws(E) -> MerkleHash
  ) throws(E) -> MerkleHash {
    size == 0 ? .empty : try root(of: 0..<size, node)
  }

  /// The hashes that lead from leaf `index` to the root of the tree of `size` leaves, nearest first.
  ///
  /// - Returns: nil when the leaf is not in that tree.
  package static func inclusion<E: Error>(
    of index: UInt64, size: UInt64, node: (_ level: Int, _ index: UInt64) throws(E) -> MerkleHash
  ) throws(E) -> [MerkleHash]? {
    guard index < size else { return nil }
    var range = 0..<size
    var siblings: [Range<UInt64>] = []
    while range.upperBound - range.lowerBound > 1 {
      let middle = split(range)
      if index < middle {
        siblings.append(middle..<range.upperBound)
        range = range.lowerBound..<middle
      } else {
        siblings.append(range.lowerBound..<middle)
        range = middle..<range.upperBound
      }
    }
    var proof: [MerkleHash] = []
    for sibling in siblings.reversed() { proof.append(try root(of: sibling, node)) }
    return proof
  }

  /// The hashes that prove the tree of `older` leaves to be a prefix of the tree of `size` leaves.
  ///
  /// - Returns: nil unless 0 < `older` ≤ `size`; empty when they are equal.
  package static func consistency<E: Error>(
    from older: UInt64, to size: UInt64, node: (_ level: Int, _ index: UInt64) throws(E) -> MerkleHash
  ) throws(E) -> [MerkleHash]? {
    guard older > 0, older <= size else { return nil }
    var range = 0..<size
    var parts: [Range<UInt64>] = []
    // Once we went right, the older root is not known to the verifier as a whole, so the last part must be given.
    var wentRight = false
    while older != range.upperBound {
      let middle = split(range)
      if older <= middle {
        parts.append(middle..<range.upperBound)
        range = range.lowerBound..<middle
      } else {
        parts.append(range.lowerBound..<middle)
        range = middle..<range.upperBound
        wentRight = true
      }
    }
    if wentRight { parts.append(range) }
    var proof: [MerkleHash] = []
    for part in parts.reversed() { proof.append(try root(of: part, node)) }
    return proof
  }

  /// Proves that the leaf lies at `index` in the tree of `size` leaves whose root is `root`.
  package static func verifyInclusion(
    of leaf: MerkleHash, at index: UInt64, size: UInt64, root: MerkleHash, proof: [MerkleHash]
  ) throws(MerkleError) {
    guard index < size else { throw .outOfRange }
    var own = index
    var last = size - 1
    var hash = leaf
    for sibling in proof {
      guard last > 0 else { throw .wrongProofLength }
      if own & 1 == 1 || own == last {
        hash = MerkleHash(left: sibling, right: hash)
        while own & 1 == 0, own != 0 { own >>= 1; last >>= 1 }
      } else {
        hash = MerkleHash(left: hash, right: sibling)
      }
      own >>= 1
      last >>= 1
    }
    guard last == 0 else { throw .wrongProofLength }
    guard hash == root else { throw .rootMismatch }
  }

  /// Proves that the tree of `older` leaves with `olderRoot` is a prefix of the tree of `size` leaves with `root`.
  ///
  /// The empty tree is a prefix of every tree and needs an empty proof.
  package static func verifyConsistency(
    from older: UInt64, olderRoot: MerkleHash, to size: UInt64, root: MerkleHash, proof: [MerkleHash]
  ) throws(MerkleError) {
    guard older <= size else { throw .outOfRange }
    if older == 0 || older == size {
      guard proof.isEmpty else { throw .wrongProofLength }
      guard older == size ? olderRoot == root : olderRoot == .empty else { throw .rootMismatch }
      return
    }
    var rest = proof[...]
    // When the older size is a power of two its root is itself the first hash of the path.
    let first = older.nonzeroBitCount == 1 ? olderRoot : rest.popFirst()
    guard let first else { throw .wrongProofLength }
    var own = older - 1
    var last = size - 1
    while own & 1 == 1 { own >>= 1; last >>= 1 }
    var olderHash = first
    var hash = first
    for sibling in rest {
      guard last > 0 else { throw .wrongProofLength }
      if own & 1 == 1 || own == last {
        olderHash = MerkleHash(left: sibling, right: olderHash)
        hash = MerkleHash(left: sibling, right: hash)
        while own & 1 == 0, own != 0 { own >>= 1; last >>= 1 }
      } else {
        hash = MerkleHash(left: hash, right: sibling)
      }
      own >>= 1
      last >>= 1
    }
    guard last == 0 else { throw .wrongProofLength }
    guard olderHash == olderRoot, hash == root else { throw .rootMismatch }
  }

  /// The root over some leaves that start at a multiple of the largest power of two within them.
  private static func root<E: Error>(
    of range: Range<UInt64>, _ node: (Int, UInt64) throws(E) -> MerkleHash
  ) throws(E) -> MerkleHash {
    let count = range.upperBound - range.lowerBound
    if count.nonzeroBitCount == 1 {
      let level = count.trailingZeroBitCount
      return try node(level, range.lowerBound >> UInt64(level))
    }
    let middle = split(range)
    return MerkleHash(
      left: try root(of: range.lowerBound..<middle, node), right: try root(of: middle..<range.upperBound, node))
  }

  /// Where the left subtree ends: the largest power of two below the count.
  private static func split(_ range: Range<UInt64>) -> UInt64 {
    let count = range.upperBound - range.lowerBound
    return range.lowerBound + (1 << UInt64(63 - (count - 1).leadingZeroBitCount))
  }
}
