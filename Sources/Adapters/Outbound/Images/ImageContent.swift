package import OCI

/// Reads images and what refers to them: a registry, or an OCI image layout on disk.
///
/// Everything returned has the digest and size it was asked by. Concurrent calls are fine.
package protocol ImageContent: Sendable {
  func resolve(_ reference: ImageReference) async throws(RegistryError) -> ResolvedManifest
  func tagged(_ tag: String, in home: ImageRepository) async throws(RegistryError) -> ResolvedManifest?
  func manifest(_ digest: ContentDigest, in home: ImageRepository) async throws(RegistryError) -> ResolvedManifest
  func blob(_ descriptor: Descriptor, in home: ImageRepository, maxBytes: Int) async throws(RegistryError) -> [UInt8]
  func referrers(of subject: ContentDigest, in home: ImageRepository, artifactType: String?) async throws(RegistryError) -> ReferrersListing
}

extension RegistryClient: ImageContent {}
