internal import SigstoreFormats
internal import Trust

/// What is to be verified: a file, or an image's manifest.
public struct Artifact: Sendable, Hashable {
  let judged: JudgedArtifact

  /// A file whose bytes are at hand.
  public static func blob(_ bytes: [UInt8]) -> Artifact { Artifact(judged: .blob(ArtifactDigests(of: bytes))) }

  /// A file that was hashed elsewhere. Signatures over a digest that is not given are undetermined.
  ///
  /// - Returns: nil when a digest does not have 32, 48 or 64 bytes, or none is given.
  public static func blob(sha256: [UInt8]? = nil, sha384: [UInt8]? = nil, sha512: [UInt8]? = nil, byteCount: Int64? = nil) -> Artifact? {
    guard sha256.map({ $0.count == 32 }) ?? true, sha384.map({ $0.count == 48 }) ?? true, sha512.map({ $0.count == 64 }) ?? true,
      sha256 != nil || sha384 != nil || sha512 != nil
    else { return nil }
    return Artifact(judged: .blob(ArtifactDigests(sha256: sha256, sha384: sha384, sha512: sha512, byteCount: byteCount)))
  }

  /// An image, by the bytes of its manifest or index as the registry gave them.
  ///
  /// - Parameters:
  ///   - repository: `registry/repository` without tag and digest: the policy's scopes are compared with it.
  ///   - mediaType: of the manifest, as the registry stated it.
  ///   - manifest: exactly as received. Its SHA-256 is the image's digest; compare it with the one you asked for.
  public static func image(repository: String, mediaType: String, manifest: [UInt8]) -> Artifact {
    Artifact(
      judged: JudgedArtifact(
        digests: ArtifactDigests(of: manifest), image: .init(repository: repository, mediaType: mediaType, size: Int64(manifest.count))))
  }

  /// An image by a digest that you checked already.
  ///
  /// - Returns: nil when the digest does not have 32 bytes.
  public static func image(repository: String, mediaType: String, sha256: [UInt8], size: Int64) -> Artifact? {
    guard sha256.count == 32 else { return nil }
    return Artifact(
      judged: .image(repository: repository, mediaType: mediaType, digest: MessageDigest(algorithm: .sha256, bytes: sha256), size: size))
  }
}
