internal import SigstoreFormats

/// Keeps cache entries by name on this machine. Not trusted: an entry is checked as if a stranger had written it.
///
/// Several processes use one store at the same time: a write must be seen whole or not at all. Losing an entry costs one HSM operation.
package protocol SignatureStore: Sendable {
  /// - Parameter name: 64 lower-case hexadecimal digits. - Returns: nil when there is none.
  func read(_ name: String) async throws -> [UInt8]?
  func write(_ name: String, _ bytes: [UInt8]) async throws
  func remove(_ name: String) async throws
}

/// Finds documents that already lie beside an image. Not trusted either.
package protocol PlacedSignatures: Sendable {
  /// The documents of this format at the job's image, at most `limit`, newest first where that is known; those that cannot be read are left out.
  func documents(_ format: SignatureFormat, of image: SigningJob.Image, limit: Int) async throws -> [FoundDocument]
}

/// A document as a registry holds it.
package struct FoundDocument: Sendable, Hashable {
  package var document: SealedDocument
  /// `repository@digest`.
  package var source: String
  /// Seconds since the epoch, as the manifest says; nil when it does not.
  package var createdAt: Int64?

  package init(document: SealedDocument, source: String, createdAt: Int64?) {
    self.document = document
    self.source = source
    self.createdAt = createdAt
  }
}

/// Something about the cache that people should know; none of it fails a job.
package enum CacheReport: Sendable, Hashable, CustomStringConvertible {
  /// It cannot be read, or its content does not fit its name.
  case corrupt(source: String, why: String)
  /// It is in form, but not what this job would sign, or the signature is not by this key.
  case poisoned(source: String, why: String)
  case unavailable(String)
  case revoked(kid: String)

  package var description: String {
    switch self {
    case .corrupt(let source, let why): "cache entry \(source) is not usable (\(why)); it is signed again"
    case .poisoned(let source, let why):
      "\(source) says to be a finished signature and is not (\(why)); it is signed again. Somebody else may have written it"
    case .unavailable(let why): "the signature cache cannot be used (\(why)); everything is signed"
    case .revoked(let kid): "signatures of \(kid) are not used again: the signing policy revokes it"
    }
  }
}
