package import Encodings
package import SigstoreFormats
package import Trust

/// One artifact of a job.
package struct PlannedArtifact: Sendable, Hashable {
  /// Where a result goes.
  package enum Placement: Sendable, Hashable {
    /// A Sigstore bundle of version 0.3.
    case bundle(path: String)
    /// The signature alone: DER for EC keys, the signature octets for RSA.
    case signature(path: String)

    package var path: String {
      switch self {
      case .bundle(let path), .signature(let path): path
      }
    }
  }

  package var name: String
  package var digest: MessageDigest
  package var byteCount: Int64?
  package var placements: [Placement]
}

/// What a signing job will do: nothing in it has happened yet, apart from hashing and looking the key up.
package struct SigningPlan: Sendable, Hashable {
  package let key: PinnedKey
  package let scheme: SignatureScheme
  package let artifacts: [PlannedArtifact]

  /// Each digest once, in the order of the artifacts: one HSM operation each.
  package var calls: [MessageDigest] {
    var seen: Set<MessageDigest> = []
    return artifacts.map(\.digest).filter { seen.insert($0).inserted }
  }

  /// Which algorithm a job uses with this key, so that the caller knows what to hash.
  package static func scheme(for key: PinnedKey, wanted: SignatureScheme?) throws(SigningError) -> SignatureScheme {
    let scheme = wanted ?? .preferred(for: key.publicKey.kind)
    guard scheme.fits(key.publicKey.kind) else {
      throw .algorithmDoesNotFit(scheme.rawValue, key: "\(key.name) (\(key.publicKey.kindText))")
    }
    return scheme
  }

  /// Plans a job, or says why the key cannot do it, before any HSM operation is spent.
  ///
  /// - Parameter now: seconds since the epoch; compared with the key's own nbf…exp.
  package static func make(
    key: PinnedKey, scheme: SignatureScheme? = nil,
    artifacts: [(name: String, digests: ArtifactDigests, placements: [PlannedArtifact.Placement])], now: Int64
  ) throws(SigningError) -> SigningPlan {
    let scheme = try Self.scheme(for: key, wanted: scheme)
    guard key.enabled else { throw .keyNotUsable(key: key.kid, why: "this version is disabled") }
    if let operations = key.operations, !operations.contains("sign") {
      throw .keyNotUsable(key: key.kid, why: "its key_ops do not contain sign")
    }
    if let notBefore = key.notBefore, now < notBefore {
      throw .keyNotUsable(key: key.kid, why: "it is not valid before \(ISO8601.format(seconds: notBefore))")
    }
    if let expires = key.expires, now >= expires {
      throw .keyNotUsable(key: key.kid, why: "it expired at \(ISO8601.format(seconds: expires))")
    }
    var planned: [PlannedArtifact] = []
    for artifact in artifacts {
      guard let digest = artifact.digests[scheme.hash] else {
        throw .digestMissing(artifact: artifact.name, hash: scheme.hash.rawValue)
      }
      planned.append(
        PlannedArtifact(
          name: artifact.name, digest: digest, byteCount: artifact.digests.byteCount, placements: artifact.placements))
    }
    return SigningPlan(key: key, scheme: scheme, artifacts: planned)
  }

  package var json: JSONValue {
    [
      "schema": "hallmark.plan/v1", "kid": .string(key.kid), "key": .string(key.name), "version": .string(key.version),
      "algorithm": .string(scheme.rawValue), "spkiSha256": .string(key.publicKey.fingerprintHex), "hsmOperations": .integer(calls.count),
      "artifacts": .array(
        artifacts.map { artifact in
          [
            "name": .string(artifact.name), "digest": .string(artifact.digest.text),
            "bytes": artifact.byteCount.map { .integer($0) } ?? .null,
            "placements": .array(
              artifact.placements.map {
                switch $0 {
                case .bundle(let path): ["kind": "bundle", "path": .string(path)]
                case .signature(let path): ["kind": "signature", "path": .string(path)]
                }
              }),
          ]
        }),
    ]
  }

  /// The plan for people, one step a line.
  package var lines: [String] {
    var lines = ["key      \(key.kid) (\(key.publicKey.kindText), pinned)"]
    for artifact in artifacts { lines.append("hash     \(artifact.name) -> \(artifact.digest.text)") }
    for digest in calls { lines.append("sign     \(scheme.rawValue) over \(digest.text): one HSM operation") }
    for artifact in artifacts {
      for placement in artifact.placements {
        switch placement {
        case .bundle(let path): lines.append("write    bundle \(path)")
        case .signature(let path): lines.append("write    signature \(path)")
        }
      }
    }
    return lines
  }
}
