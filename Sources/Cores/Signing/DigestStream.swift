internal import Crypto
package import SigstoreFormats
package import Trust

/// Hashes an artifact piece by piece: the whole of it is never in memory.
package struct DigestStream {
  private var sha256: SHA256?
  private var sha384: SHA384?
  private var sha512: SHA512?
  private var count: Int64 = 0

  /// - Parameter hashes: those to compute; each costs one pass over the bytes.
  package init(_ hashes: some Sequence<HashAlgorithm>) {
    for hash in hashes {
      switch hash {
      case .sha256: sha256 = SHA256()
      case .sha384: sha384 = SHA384()
      case .sha512: sha512 = SHA512()
      }
    }
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    sha256?.update(bufferPointer: bytes)
    sha384?.update(bufferPointer: bytes)
    sha512?.update(bufferPointer: bytes)
    count += Int64(bytes.count)
  }

  package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

  package func finish() -> ArtifactDigests {
    ArtifactDigests(
      sha256: sha256.map { Array($0.finalize()) }, sha384: sha384.map { Array($0.finalize()) },
      sha512: sha512.map { Array($0.finalize()) }, byteCount: count)
  }
}
