package import Clocks
package import OCI

/// Reads from and writes to registries that follow the OCI distribution specification 1.1 or came before it.
///
/// Everything it returns has the digest it was asked by. Every exchange has a deadline, a size limit and bounded retries (429 and 503 with
/// `Retry-After` included); redirects are followed for reads only, at most five, and never with credentials to another host; plain HTTP
/// is spoken only to hosts the settings name. Concurrent calls are fine.
package final class RegistryClient: Sendable {
  package let settings: RegistrySettings

  package init(
    transport: any Transport, settings: RegistrySettings, credentials: [any RegistryCredentialSource], policy: RetryPolicy = RetryPolicy(),
    pause: Pause = .system, clock: TimeSource = .system
  ) {
    self.settings = settings
  }

  /// Finds what a tag or digest stands for: one GET, the digest computed from the bytes and compared with what was asked and what the
  /// registry says.
  package func resolve(_ reference: ImageReference) async throws(RegistryError) -> ResolvedManifest { throw .cancelled }

  /// The manifest a tag points to, nil when there is no such tag.
  package func tagged(_ tag: String, in home: ImageRepository) async throws(RegistryError) -> ResolvedManifest? { throw .cancelled }

  /// The manifest of this digest.
  package func manifest(_ digest: ContentDigest, in home: ImageRepository) async throws(RegistryError) -> ResolvedManifest { throw .cancelled }

  /// Content of this descriptor: from the descriptor itself when embedded, else one GET. Size and digest are checked.
  ///
  /// - Throws: `.tooLarge` before asking when the descriptor says more than `maxBytes`.
  package func blob(_ descriptor: Descriptor, in home: ImageRepository, maxBytes: Int = 32 << 20) async throws(RegistryError) -> [UInt8] {
    throw .cancelled
  }

  package func hasBlob(_ digest: ContentDigest, in home: ImageRepository) async throws(RegistryError) -> Bool { throw .cancelled }

  /// Uploads unless it is there already (HEAD first). Long content goes in pieces and is resumed where the registry says it stands.
  package func upload(_ content: BlobContent, to home: ImageRepository) async throws(RegistryError) { throw .cancelled }

  /// Puts a manifest under its digest, or under a tag as well.
  ///
  /// - Returns: its descriptor, and whether the registry says that it keeps the list of referrers itself (`OCI-Subject`).
  package func put(
    _ bytes: [UInt8], mediaType: String, tag: String? = nil, in home: ImageRepository
  ) async throws(RegistryError) -> (descriptor: Descriptor, isListedByRegistry: Bool) { throw .cancelled }

  /// All that refers to the subject: API, else fallback tag; all pages. Junk is skipped and reported.
  ///
  /// - Parameter artifactType: only these; filtered here when the registry did not.
  package func referrers(
    of subject: ContentDigest, in home: ImageRepository, artifactType: String? = nil
  ) async throws(RegistryError) -> ReferrersListing { throw .cancelled }

  /// Pushes a referrer such that it is not lost: blobs, manifest by digest, then the registry's list or the fallback tag, until it is seen
  /// there.
  ///
  /// - Parameters:
  ///   - manifest: with a `subject`. The empty config `{}` is uploaded by itself.
  ///   - blobs: the content of its layers, and of its config when that is not empty.
  package func attach(
    _ manifest: ImageManifest, blobs: [BlobContent], in home: ImageRepository
  ) async throws(RegistryError) -> Attachment { throw .cancelled }

  /// Appends a layer to a legacy tag (`sha256-….sig`, `.att`), creating it when missing; the layers of others stay. Done when it is seen.
  ///
  /// - Returns: the descriptor of the tag's manifest in which it was seen.
  package func append(_ layer: LegacyLayer, toTag tag: String, in home: ImageRepository) async throws(RegistryError) -> Descriptor { throw .cancelled }

  /// What registries said in `Warning` headers so far, each text once.
  package var warnings: [String] { [] }
}
