package import Clocks
internal import Encodings
package import Estate
package import OCI
package import Trust

/// Reads what repositories of a registry hold: for each tag the digest, its closure (index, manifests, configs) and the signatures with their keys.
package struct ArtifactReader<Content: ImageContent>: Sendable {
  let content: Content
  let policy: TrustPolicy
  let verifier: any SignatureVerifier
  let clock: TimeSource
  private static var maxChildren: Int { 64 }

  /// - Parameter keys: public keys of the estate: a signature is `verified` when one of them made it.
  package init(_ content: Content, keys: [PublicKey], verifier: any SignatureVerifier, clock: TimeSource = .system) {
    self.content = content
    self.verifier = verifier
    self.clock = clock
    policy = TrustPolicy(keys: keys.map { TrustPolicy.Key(name: String($0.fingerprintHex.prefix(16)), key: $0) })
  }

  /// One image, under every digest that means it.
  ///
  /// - Throws: when the image itself cannot be had; unreadable signatures are gaps.
  package func read(_ reference: ImageReference) async throws(RegistryError) -> EstateFragment {
    var result = EstateFragment()
    let root = try await ImageEvidence.gather(reference, from: content)
    let home = root.image.home
    let digest = root.image.descriptor.digest
    var closure = [digest.text]
    var evidence = [root]
    switch try root.image.document() {
    case .image(let manifest): closure.append(manifest.config.digest.text)
    case .index(let index):
      if index.manifests.count > Self.maxChildren {
        result.gaps.append(EstateGap("\(home.name)@\(digest.text)", .incomplete, why: "only \(Self.maxChildren) of the \(index.manifests.count) manifests of its index were read"))
      }
      for child in index.manifests.prefix(Self.maxChildren) {
        closure.append(child.digest.text)
        do throws(RegistryError) {
          // A signature may stand on a platform's manifest as well as on the index.
          let found = try await ImageEvidence.gather(ImageReference(home: home, digest: child.digest), from: content)
          evidence.append(found)
          if case .image(let manifest) = try found.image.document() { closure.append(manifest.config.digest.text) }
        } catch {
          if case .notFound = error { continue }  // sparse indexes are common
          result.gaps.append(EstateGap("\(home.name)@\(child.digest.text)", .incomplete, why: error.description))
        }
      }
    }
    var signatures: [InventorySnapshot.Signature] = []
    for found in evidence { signatures += self.signatures(found, &result) }
    result.artifacts = [InventorySnapshot.Artifact(digest: digest.text, names: [home.name], closure: closure, signatures: signatures, running: nil)]
    return result
  }

  private func signatures(_ found: ImageEvidence, _ result: inout EstateFragment) -> [InventorySnapshot.Signature] {
    let decision = policy.decide(on: found.artifact, evidence: found.signatures, at: clock.now().seconds, verifier: verifier)
    return zip(found.signatures, decision.findings).compactMap { evidence, finding in
      if case .unavailable(let why) = evidence.content { result.gaps.append(EstateGap(evidence.source, .incomplete, why: why)) }
      // A statement about the image, an SBOM say, does not sign it.
      guard finding.role != .attestation, let format = InventorySnapshot.SignatureFormat(finding.form) else { return nil }
      let spki = finding.key?.fingerprintHex ?? evidence.namedKey.map { Hex.encode($0) }
      // A key nobody in the estate has cannot be checked here: that is no verdict.
      let known = spki.map { hex in policy.keys.contains { Hex.encode($0.fingerprint) == hex } } ?? false
      let verified: Bool? = finding.key != nil ? finding.verdict == .trusted : known ? false : nil
      return InventorySnapshot.Signature(
        format: format, spkiSha256: spki, kid: nil, requestId: nil, time: finding.provenAt.map { Instant(seconds: $0) }, verified: verified)
    }
  }
}
