package import Merkle
package import SigstoreFormats

extension BatchProof {
  /// The hash of the artifact's leaf.
  package var leafHash: MerkleHash { MerkleHash(leaf: leaf.encoded) }

  /// Proves that the artifact is in the batch whose statement the bundle carries. Says nothing about the signature over that statement.
  ///
  /// - Cost: at most 21 hashes. - Throws: `notIncluded`.
  package func verifyInclusion() throws(ExtensionError) {
    guard let root = MerkleHash(batch.root) else { throw .badTree("a root of \(batch.root.count) bytes") }
    let hashes = path.compactMap { MerkleHash($0) }
    do throws(MerkleError) {
      try MerkleProof.verifyInclusion(of: leafHash, at: index, size: batch.size, root: root, proof: hashes)
    } catch {
      switch error {
      case .outOfRange: throw .notIncluded("the index lies outside the tree")
      case .wrongProofLength: throw .notIncluded("the path has a wrong length for leaf \(index) of \(batch.size)")
      case .rootMismatch: throw .notIncluded("the path leads to another root than the signed one")
      case .badTile: throw .notIncluded("the path is malformed")
      }
    }
  }
}
