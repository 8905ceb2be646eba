package import Clocks
package import Encodings

/// An artifact that runs, and the key versions that signed it.
package struct SignedArtifact: Sendable, Hashable {
  package struct Signer: Sendable, Hashable {
    package var format: InventorySnapshot.SignatureFormat
    package var time: Instant?
    package var verified: Bool?
    package var spkiSha256: String?
    /// nil when no key of the inventory has this public key.
    package var store: String?
    package var key: String?
    package var version: String?
    package var deleted: Bool?
    package var enabled: Bool?
  }

  package var digest: String
  package var names: [String]
  package var running: [InventorySnapshot.Running]
  package var signers: [Signer]
  /// `signed`, `unsigned`, `foreign` (signed, by no key of the inventory), `unknown`.
  package var state: State

  package enum State: String, Sendable, Hashable, CaseIterable { case signed, unsigned, foreign, unknown }

  package var json: JSONValue {
    [
      "digest": .string(digest), "names": JSONValue(texts: names), "state": .string(state.rawValue), "running": .array(running.map(\.json)),
      "signers": .array(
        signers.map { signer in
          [
            "format": .string(signer.format.rawValue), "time": JSONValue(time: signer.time), "verified": JSONValue(flag: signer.verified),
            "spkiSha256": JSONValue(text: signer.spkiSha256), "store": JSONValue(text: signer.store), "key": JSONValue(text: signer.key),
            "version": JSONValue(text: signer.version), "deleted": JSONValue(flag: signer.deleted), "enabled": JSONValue(flag: signer.enabled),
          ]
        }),
    ]
  }
}

extension EstateQuestions {
  /// Which artifacts that run were signed with which key version. Signatures of any digest of an artifact's closure count for it.
  package func artifacts() -> EstateAnswer<SignedArtifact> {
    let byKey = Dictionary(grouping: snapshot.keys.filter { $0.spkiSha256 != nil }) { $0.spkiSha256 ?? "" }
    var related: [String: [InventorySnapshot.Artifact]] = [:]
    for artifact in snapshot.artifacts {
      for digest in Set([artifact.digest] + artifact.closure) { related[digest, default: []].append(artifact) }
    }
    var gaps = storeGaps
    if !snapshot.artifacts.isEmpty, snapshot.artifacts.allSatisfy({ $0.running == nil }) { gaps.append("no cluster was asked what runs") }
    let hidden = !storeGaps.isEmpty
    let rows = snapshot.artifacts.compactMap { artifact -> SignedArtifact? in
      guard let running = artifact.running, !running.isEmpty else { return nil }
      let family = ([artifact] + ([artifact.digest] + artifact.closure).flatMap { related[$0] ?? [] }).uniqued
      let signatures = family.flatMap { $0.signatures ?? [] }.uniqued
      let signers = signatures.map { Self.signer($0, byKey) }
      let state: SignedArtifact.State =
        if signers.contains(where: { $0.key != nil && $0.verified == true }) {
          .signed
        } else if signatures.isEmpty {
          family.allSatisfy { $0.signatures == nil } ? .unknown : .unsigned
        } else if signers.allSatisfy({ $0.key == nil && $0.spkiSha256 != nil }) {
          hidden ? .unknown : .foreign
        } else {
          .unknown
        }
      if state == .unknown { gaps.append("who signed \(artifact.digest) could not be told") }
      return SignedArtifact(digest: artifact.digest, names: artifact.names, running: running, signers: signers, state: state)
    }
    return EstateAnswer(rows: rows.sorted { $0.digest < $1.digest }, gaps: gaps.uniqued)
  }

  private static func signer(
    _ signature: InventorySnapshot.Signature, _ keys: [String: [InventorySnapshot.Key]]
  ) -> SignedArtifact.Signer {
    let candidates = signature.spkiSha256.flatMap { keys[$0] } ?? []
    let key = candidates.first { $0.kid != nil && $0.kid == signature.kid } ?? candidates.first { !$0.deleted } ?? candidates.first
    return SignedArtifact.Signer(
      format: signature.format, time: signature.time, verified: signature.verified, spkiSha256: signature.spkiSha256, store: key?.store,
      key: key?.name, version: key?.version, deleted: key?.deleted, enabled: key?.enabled)
  }
}
