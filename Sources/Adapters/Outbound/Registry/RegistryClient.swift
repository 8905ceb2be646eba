package import Clocks
package import OCI

/// Reads from and writes to registries that follow the OCI distribution specification 1.1 or came before it.
///
/// Everything it returns has the digest it was asked by. Every exchange has a deadline, a size limit and bounded retries (429 and 503 with
/// `Retry-After` included); redirects are followed for reads only, at most five, and never with credentials to another host; plain HTTP
/// is spoken only to hosts the settings name. Concurrent calls are fine.
package final class RegistryClient: Sendable {
  package let settings: RegistrySettings
  let exchange: RegistryExchange
  let wait: TransferWait

  /// - Parameters:
  ///   - credentials: asked in this order, once per registry; without any, all is anonymous.
  ///   - jitter: 0…1, uniform.
  package init(
    transport: any Transport, settings: RegistrySettings, credentials: [any RegistryCredentialSource], policy: RetryPolicy = RetryPolicy(),
    pause: Pause = .system, clock: TimeSource = .system, jitter: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }
  ) {
    self.settings = settings
    let retrying = RetryingExchange(transport, policy: policy, pause: pause, jitter: jitter)
    exchange = RegistryExchange(
      settings: settings, exchange: retrying,
      access: RegistryAccess(sources: credentials, settings: settings, exchange: retrying, clock: clock))
    wait = TransferWait(pause: pause, jitter: jitter)
  }

  // MARK: Reading

  /// Finds what a tag or digest stands for: one GET, the digest computed from the bytes and compared with what was asked and what the
  /// registry says.
  package func resolve(_ reference: ImageReference) async throws(RegistryError) -> ResolvedManifest {
    try await read(reference).manifest
  }

  /// The manifest a tag points to, nil when there is no such tag.
  package func tagged(_ tag: String, in home: ImageRepository) async throws(RegistryError) -> ResolvedManifest? {
    try await tagState(tag, in: home)?.manifest
  }

  /// The manifest of this digest.
  package func manifest(_ digest: ContentDigest, in home: ImageRepository) async throws(RegistryError) -> ResolvedManifest {
    try await resolve(ImageReference(home: home, digest: digest))
  }

  /// Content of this descriptor: from the descriptor itself when embedded, else one GET. Size and digest are checked.
  ///
  /// - Throws: `.tooLarge` before asking when the descriptor says more than `maxBytes`.
  package func blob(_ descriptor: Descriptor, in home: ImageRepository, maxBytes: Int = 32 << 20) async throws(RegistryError) -> [UInt8] {
    let address = address(home, "blobs/\(descriptor.digest.text)")
    guard descriptor.size <= Int64(maxBytes) else { throw .tooLarge(place: address.place, limit: maxBytes) }
    let content: [UInt8]
    if let data = descriptor.data {
      content = data
    } else {
      var call = call("GET", address, home: home, scopes: "pull")
      call.followsRedirects = true
      call.maxReplyBytes = max(Int(descriptor.size), 64 << 10)
      call.expectedBytes = Int(descriptor.size)
      let reply = try await exchange.send(call)
      guard reply.status == 200 else { throw RegistryError(reply, place: address.place) }
      content = reply.body
    }
    guard content.count == Int(descriptor.size) else {
      throw .wrongContent(place: address.place, wanted: "\(descriptor.size) bytes", found: "\(content.count)")
    }
    let found = ContentDigest(of: content, algorithm: descriptor.digest.algorithm)
    guard found == descriptor.digest else { throw .wrongContent(place: address.place, wanted: descriptor.digest.text, found: found.text) }
    return content
  }

  package func hasBlob(_ digest: ContentDigest, in home: ImageRepository) async throws(RegistryError) -> Bool {
    var call = call("HEAD", address(home, "blobs/\(digest.text)"), home: home, scopes: "pull")
    call.followsRedirects = true
    let reply = try await exchange.send(call)
    guard reply.status == 200 || reply.status == 404 else { throw RegistryError(reply, place: call.address.place) }
    return reply.status == 200
  }

  /// All that refers to the subject: API, else fallback tag; all pages. Junk is skipped and reported.
  ///
  /// - Parameter artifactType: only these; filtered here when the registry did not. Entries that other tools wrote under a fallback tag may carry
  ///   a wrong type (cosign's do): who looks for signatures should ask for all and look at the manifests.
  /// - Throws: whatever kept the list from being read; an unreadable list is not an empty one.
  package func referrers(
    of subject: ContentDigest, in home: ImageRepository, artifactType: String? = nil
  ) async throws(RegistryError) -> ReferrersListing {
    try await ReferrersReading(client: self, home: home, subject: subject).list(artifactType)
  }

  // MARK: Writing

  /// Uploads unless it is there already (HEAD first). Long content goes in pieces and is resumed where the registry says it stands.
  package func upload(_ content: BlobContent, to home: ImageRepository) async throws(RegistryError) {
    try await BlobUpload(exchange: exchange, home: home, content: content, wait: wait).run()
  }

  /// Puts a manifest under its digest, or under a tag as well.
  ///
  /// - Returns: its descriptor, and whether the registry says that it keeps the list of referrers itself (`OCI-Subject`).
  package func put(
    _ bytes: [UInt8], mediaType: String, tag: String? = nil, in home: ImageRepository
  ) async throws(RegistryError) -> (descriptor: Descriptor, isListedByRegistry: Bool) {
    let descriptor = Descriptor(of: bytes, mediaType: mediaType)
    let reply = try await write(bytes, mediaType: mediaType, reference: tag ?? descriptor.digest.text, in: home)
    return (descriptor, reply.header("oci-subject") != nil)
  }

  /// Pushes a referrer such that it is not lost: blobs, manifest by digest, then the registry's list or the fallback tag, until it is seen
  /// there. The same referrer again changes nothing.
  ///
  /// - Parameters:
  ///   - manifest: with a `subject`. The empty config `{}` is uploaded by itself.
  ///   - blobs: the content of its layers, and of its config when that is not empty.
  package func attach(
    _ manifest: ImageManifest, blobs: [BlobContent], in home: ImageRepository
  ) async throws(RegistryError) -> Attachment {
    try await ReferrerAttachment(client: self, home: home, manifest: manifest, blobs: blobs).run()
  }

  /// Appends a layer to a legacy tag (`sha256-….sig`, `.att`), creating it when missing; the layers of others stay. Done when it is seen.
  ///
  /// - Returns: the descriptor of the tag's manifest in which it was seen.
  package func append(_ layer: LegacyLayer, toTag tag: String, in home: ImageRepository) async throws(RegistryError) -> Descriptor {
    try await LegacyTag(client: self, home: home, tag: tag).append(layer)
  }

  /// What registries said in `Warning` headers so far, each text once.
  package var warnings: [String] { exchange.warnings }
}
