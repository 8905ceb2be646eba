import OCI

enum OCITargets {
  /// Law: a reference that is read is written in one full form, which reads back as itself; no part of it can leave its place in a URL.
  static func reference(_ bytes: UnsafeRawBufferPointer) {
    guard let reference = try? ImageReference(text(bytes)) else { return }
    let again = try? ImageReference(reference.description)
    precondition(again?.description == reference.description && again?.home == reference.home)
    precondition(!reference.repository.isEmpty && !reference.registry.isEmpty)
    for part in reference.repository.split(separator: "/", omittingEmptySubsequences: false) { precondition(!part.isEmpty && part != "." && part != "..") }
    precondition(reference.description.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"?#%&\\".utf8.contains($0) })
    if let digest = reference.digest { precondition((try? ContentDigest(digest.text)) == digest) }
  }

  /// Law: a manifest that is read is written as one that reads the same; it is never an index as well.
  static func manifest(_ bytes: UnsafeRawBufferPointer) {
    for contentType in [nil, MediaType.imageManifest, MediaType.dockerManifest] {
      guard let manifest = try? ImageManifest.parse(Array(bytes), contentType: contentType) else { continue }
      precondition((try? ImageIndex.parse(Array(bytes), contentType: contentType)) == nil)
      let written = manifest.serialized()
      guard let again = try? ImageManifest.parse(written, contentType: contentType) else { preconditionFailure("cannot be read again") }
      precondition(again.layers == manifest.layers && again.config == manifest.config && again.subject == manifest.subject)
      precondition(again.annotations == manifest.annotations && again.serialized() == written)
    }
    _ = try? ManifestDocument.parse(Array(bytes), contentType: nil)
  }

  /// Law: an entry appended to whatever was read comes last, once, and takes nothing away.
  static func index(_ bytes: UnsafeRawBufferPointer) {
    guard let index = try? ImageIndex.parseReferrers(Array(bytes), contentType: MediaType.imageIndex) else { return }
    let added = Descriptor(of: Array(bytes), mediaType: MediaType.imageManifest, artifactType: "a/b", annotations: ["n": "1"])
    let longer = index.appending(added).appending(added)
    guard !index.contains(added.digest) else { return }
    guard let again = try? ImageIndex.parseReferrers(longer.serialized(), contentType: MediaType.imageIndex) else { preconditionFailure("cannot be read again") }
    precondition(again.manifests == index.manifests + [added] && again.unreadable.count == index.unreadable.count)
  }

  static func challenge(_ bytes: UnsafeRawBufferPointer) {
    for challenge in (try? AuthenticationChallenge.parse(text(bytes))) ?? [] { precondition(challenge.scheme == challenge.scheme.lowercased() && !challenge.scheme.isEmpty) }
  }

  /// Law: a link that is followed is printable ASCII without spaces.
  static func link(_ bytes: UnsafeRawBufferPointer) {
    if let next = try? LinkHeader.next(text(bytes)) { precondition(next.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }) }
  }

  /// Law: a helper's name cannot leave the search path, and what is shown of an error is printable.
  static func registryDocuments(_ bytes: UnsafeRawBufferPointer) {
    if let configuration = try? DockerConfiguration.parse(Array(bytes)), let helper = configuration.helper(for: "example.org") {
      precondition(!helper.isEmpty && !helper.contains("/") && !helper.utf8.contains(0))
    }
    _ = try? CredentialHelperAnswer.parse(Array(bytes))
    for entry in RegistryErrorDocument(Array(bytes))?.entries ?? [] { precondition((entry.code + (entry.message ?? "")).utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }) }
  }
}
