import Crypto

/// One 32-byte node of the tree.
package struct MerkleHash: Sendable, Hashable {
  private var words: (UInt64, UInt64, UInt64, UInt64)

  package static let byteCount = 32

  /// Nil unless there are 32 bytes.
  package init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    words = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
  }

  private init(_ digest: SHA256.Digest) {
    words = digest.withUnsafeBytes { $0.loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self) }
  }

  /// The hash of a leaf: `SHA-256(00 ‖ leaf)`, RFC 6962 §2.1.
  package init(leaf: UnsafeRawBufferPointer) {
    var hasher = SHA256()
    withUnsafeBytes(of: UInt8(0)) { hasher.update(bufferPointer: $0) }
    hasher.update(bufferPointer: leaf)
    self.init(hasher.finalize())
  }

  package init(leaf: [UInt8]) { self = leaf.withUnsafeBytes { MerkleHash(leaf: $0) } }

  /// The hash of an inner node: `SHA-256(01 ‖ left ‖ right)`.
  package init(left: MerkleHash, right: MerkleHash) {
    var hasher = SHA256()
    withUnsafeBytes(of: UInt8(1)) { hasher.update(bufferPointer: $0) }
    left.withBytes { hasher.update(bufferPointer: $0) }
    right.withBytes { hasher.update(bufferPointer: $0) }
    self.init(hasher.finalize())
  }

  /// The root of the tree without leaves: `SHA-256("")`.
  package static let empty = MerkleHash(SHA256().finalize())

  package var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0) } }

  package static func == (a: MerkleHash, b: MerkleHash) -> Bool { a.words == b.words }
  package func hash(into hasher: inout Hasher) { withUnsafeBytes(of: words) { hasher.combine(bytes: $0) } }

  private func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { withUnsafeBytes(of: words, body) }
}
