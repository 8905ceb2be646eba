package import Encodings
internal import SigstoreFormats
internal import Trust

/// The plans of one artifact or of thousands, as people and machines read them before anything is done.
package struct SigningPlan: Sendable, Hashable {
  package var jobs: [JobPlan]

  package init(_ jobs: [JobPlan]) { self.jobs = jobs }

  /// Equal digests are signed once, across all jobs.
  package var calls: [SigningCall] { JobPlan.distinct(jobs.flatMap(\.documents)) }

  package var json: JSONValue {
    var signers: [Signer] = []
    for signer in jobs.flatMap(\.signers) where !signers.contains(signer) { signers.append(signer) }
    return [
      "schema": "hallmark.plan/v1", "hsmOperations": .integer(calls.count), "signers": .array(signers.map(\.json)),
      "artifacts": .array(jobs.map(\.json)),
    ]
  }

  /// One step a line.
  package var lines: [String] {
    var lines: [String] = []
    var signers: Set<Signer> = []
    for signer in jobs.flatMap(\.signers) where signers.insert(signer).inserted {
      lines.append("key      \(signer.key.kid) (\(signer.key.publicKey.kindText), pinned, \(signer.name))")
    }
    var called: Set<SigningCall> = []
    for plan in jobs {
      lines.append("artifact \(plan.job.name)\(plan.job.detail)")
      for document in plan.documents {
        lines.append("hash     \(document.format.rawValue) by \(document.signer) -> \(document.call.digest.text)")
        if called.insert(document.call).inserted {
          lines.append("sign     \(document.call.scheme.rawValue) over \(document.call.digest.text): one HSM operation")
        }
        lines.append("\(document.placement.verb) \(document.placement.text)")
      }
    }
    return lines
  }
}

extension Signer {
  package var json: JSONValue {
    [
      "name": .string(name), "kid": .string(key.kid), "key": .string(key.name), "version": .string(key.version),
      "kind": .string(key.publicKey.kindText), "spkiSha256": .string(key.publicKey.fingerprintHex), "certificates": .integer(chain.count),
    ]
  }
}

extension JobPlan {
  package var json: JSONValue {
    var object: JSONObject = ["name": .string(job.name)]
    switch job.artifact {
    case .blob(let blob):
      object["kind"] = "blob"
      object["digest"] = .string(documents.first?.cacheKey.artifact.text ?? "")
      object["bytes"] = blob.digests.byteCount.map { .integer($0) } ?? .null
    case .image(let image):
      object["kind"] = "image"
      object["digest"] = .string(image.digest.text)
      object["bytes"] = .integer(image.size)
      object["mediaType"] = .string(image.mediaType)
      object.set("tag", ifPresent: image.tag.map { .string($0) })
    }
    if case .attestation(let predicate) = job.claim { object["predicateType"] = .string(predicate.type) }
    object["documents"] = .array(documents.map(\.json))
    return .object(object)
  }
}

extension PlannedDocument {
  package var json: JSONValue {
    [
      "format": .string(format.rawValue), "signer": .string(signer), "kid": .string(call.kid), "algorithm": .string(call.scheme.rawValue),
      "digest": .string(call.digest.text), "placement": placement.json,
    ]
  }
}

extension Placement {
  package var json: JSONValue {
    switch self {
    case .file(let path): ["kind": "file", "path": .string(path)]
    case .referrer(let image):
      ["kind": "referrer", "repository": .string(image.repository), "subject": .string(image.digest.text)]
    case .tag(let image, _): ["kind": "tag", "repository": .string(image.repository), "tag": .string(tagName ?? "")]
    }
  }

  fileprivate var verb: String {
    switch self {
    case .file: "write   "
    case .referrer, .tag: "push    "
    }
  }
}

extension SigningJob {
  /// What a plan line adds to the name.
  fileprivate var detail: String {
    switch claim {
    case .attestation(let predicate): ": \(predicate.type), \(predicate.bytes.count) bytes"
    case .signature: ""
    }
  }
}
