internal import SigstoreFormats
package import Trust

/// The attestation cache: local entries first, then what lies beside the image already. Everything found is verified before it is used again.
///
/// The freshness rule: not older than the channel allows, the key version enabled, inside its own window and not revoked, and the same signing policy in
/// force. The age of a local entry is what this machine wrote down; that of a registry's document is what its manifest says, or the signing time of a
/// Notary envelope. A document without age is stale. Nothing of one purpose answers for another.
package struct CachedSignatures: SignatureCache {
  /// How far two clocks may be apart, seconds.
  static let clockTolerance: Int64 = 300
  /// Documents of one image that are looked at.
  static let maxFound = 32

  private let store: any SignatureStore
  private let placed: (any PlacedSignatures)?
  private let rule: SigningPolicy.CacheRule
  private let policy: SigningPolicy?
  private let verifier: any SignatureVerifier
  private let report: @Sendable (CacheReport) -> Void

  /// - Parameters:
  ///   - placed: nil in runs without a registry.
  ///   - rule: of the channel; `CacheRule.standard` without a policy.
  ///   - policy: whose digest is part of every question, and whose revocations hold; nil: none.
  ///   - report: told of entries that are not what they should be.
  package init(
    store: any SignatureStore, placed: (any PlacedSignatures)? = nil, rule: SigningPolicy.CacheRule = .standard, policy: SigningPolicy? = nil,
    verifier: any SignatureVerifier, report: @escaping @Sendable (CacheReport) -> Void
  ) {
    self.store = store
    self.placed = placed
    self.rule = rule
    self.policy = policy
    self.verifier = verifier
    self.report = report
  }

  package func lookup(_ key: CacheKey, signer: Signer, job: SigningJob, now: Int64) async throws -> CachedDocument? {
    guard case .maxAge(let maxAge) = rule, Self.fits(key, signer) else { return nil }
    guard policy?.isRevoked(signer.key.publicKey) != true else {
      report(.revoked(kid: signer.key.kid))
      return nil
    }
    let check = ReuseCheck(signer: signer, job: job, now: now, verifier: verifier)
    if let found = await local(key, check, maxAge) { return found }
    return await beside(key, check, maxAge)
  }

  package func store(_ document: SealedDocument, for key: CacheKey, signer: Signer, job: SigningJob, now: Int64) async throws {
    guard case .maxAge = rule, Self.fits(key, signer), document.format == key.format, document.bytes.count <= CacheEntry.maxDocumentBytes,
      policy?.isRevoked(signer.key.publicKey) != true
    else { return }
    let entry = CacheEntry(key: key, policy: policy?.digest, storedAt: now, document: document)
    do { try await store.write(CacheEntry.name(key, policy: policy?.digest), entry.serialized()) } catch {
      report(.unavailable("\(error)"))
    }
  }

  /// The question must be about the key that is at hand.
  private static func fits(_ key: CacheKey, _ signer: Signer) -> Bool {
    key.kid == signer.key.kid && key.keyFingerprint == signer.key.publicKey.fingerprint
  }

  private static func isFresh(_ at: Int64, _ now: Int64, _ maxAge: Int64) -> Bool { at <= now + clockTolerance && at >= now - maxAge }

  private func local(_ key: CacheKey, _ check: ReuseCheck, _ maxAge: Int64) async -> CachedDocument? {
    let name = CacheEntry.name(key, policy: policy?.digest)
    let source = "cache:\(name.prefix(16))"
    let bytes: [UInt8]
    do {
      guard let found = try await store.read(name) else { return nil }
      bytes = found
    } catch {
      report(.unavailable("\(error)"))
      return nil
    }
    switch CacheEntry.parse(bytes, for: key, policy: policy?.digest) {
    case .failure(let error):
      report(.corrupt(source: source, why: error.description))
      try? await store.remove(name)
      return nil
    case .success(let entry):
      guard Self.isFresh(entry.storedAt, check.now, maxAge) else { return nil }
      if let why = check.objection(to: entry.document) {
        report(.poisoned(source: source, why: why))
        try? await store.remove(name)
        return nil
      }
      return CachedDocument(document: entry.document, source: source, isPlaced: false)
    }
  }

  private func beside(_ key: CacheKey, _ check: ReuseCheck, _ maxAge: Int64) async -> CachedDocument? {
    guard let placed, case .image(let image) = check.job.artifact else { return nil }
    let documents: [FoundDocument]
    do { documents = try await placed.documents(key.format, of: image, limit: Self.maxFound) } catch {
      report(.unavailable("\(error)"))
      return nil
    }
    for found in documents where found.document.format == key.format {
      guard let created = found.createdAt, Self.isFresh(created, check.now, maxAge) else { continue }
      // Others sign the same image with other keys and claims: that is no reason to complain.
      if check.objection(to: found.document) == nil {
        return CachedDocument(document: found.document, source: found.source, isPlaced: true)
      }
    }
    return nil
  }
}
