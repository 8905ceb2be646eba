package import SigstoreFormats

/// Under what a finished document may be used again: equal keys mean that signing once more would say the same by the same key.
package struct CacheKey: Sendable, Hashable {
  /// The blob's digest in the scheme's hash, or the manifest's digest.
  package var artifact: MessageDigest
  /// `registry/repository` for images, nil for blobs: a legacy payload names the repository.
  package var repository: String?
  /// Nil for plain signatures.
  package var predicateType: String?
  /// SHA-256 over the claim: annotations in order of their names, or the predicate's bytes.
  package var claim: MessageDigest
  /// The key version's identifier and the SHA-256 of its SubjectPublicKeyInfo.
  package var kid: String
  package var keyFingerprint: [UInt8]
  package var format: SignatureFormat
  /// What the key version is for: `release`, `dev`, …; one purpose never answers for another. Empty when nobody said.
  package var purpose: String

  package init(
    artifact: MessageDigest, repository: String?, predicateType: String?, claim: MessageDigest, kid: String, keyFingerprint: [UInt8],
    format: SignatureFormat, purpose: String
  ) {
    self.artifact = artifact
    self.repository = repository
    self.predicateType = predicateType
    self.claim = claim
    self.kid = kid
    self.keyFingerprint = keyFingerprint
    self.format = format
    self.purpose = purpose
  }
}

/// What a cache found.
package struct CachedDocument: Sendable, Hashable {
  package var document: SealedDocument
  /// Where: a path, a referrer's digest; for people.
  package var source: String
  /// True when it already is where the job wants it: nothing is pushed again.
  package var isPlaced: Bool

  package init(document: SealedDocument, source: String, isPlaced: Bool) {
    self.document = document
    self.source = source
    self.isPlaced = isPlaced
  }
}

/// Finished documents by what they say. Asked before every sign call, told after every placed document.
///
/// Trusted for what it returns: an implementer verifies the document with the key of `subject` and applies its freshness rule before it
/// answers. A failure of its own must answer nil, or throw to stop the job; it is never taken for a hit.
package protocol SignatureCache: Sendable {
  /// - Parameters:
  ///   - key: under what.
  ///   - signer: whose key version must have signed.
  ///   - job: what the document must be about, and where it is to go.
  ///   - now: seconds since the epoch.
  func lookup(_ key: CacheKey, signer: Signer, job: SigningJob, now: Int64) async throws -> CachedDocument?
  func store(_ document: SealedDocument, for key: CacheKey, signer: Signer, job: SigningJob, now: Int64) async throws
}
