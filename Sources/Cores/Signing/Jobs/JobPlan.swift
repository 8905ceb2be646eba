internal import Encodings
package import SigstoreFormats
package import Trust

/// What one job will do: nothing in it has happened yet, apart from reading the artifact and looking its keys up.
package struct JobPlan: Sendable, Hashable {
  package let job: SigningJob
  package let signers: [Signer]
  /// One for each output of each signer.
  package let documents: [PlannedDocument]
  /// Seconds since the epoch, written into documents that carry a time.
  package let madeAt: Int64

  /// Each digest once for each key and algorithm, in the order of the documents: one HSM operation each.
  package var calls: [SigningCall] { Self.distinct(documents) }

  package static func distinct(_ documents: some Sequence<PlannedDocument>) -> [SigningCall] {
    var seen: Set<SigningCall> = []
    return documents.map(\.call).filter { seen.insert($0).inserted }
  }
}

/// One sign call: a key version, an algorithm and a digest.
package struct SigningCall: Sendable, Hashable {
  package var kid: String
  package var scheme: SignatureScheme
  package var digest: MessageDigest
}

/// One document of a plan.
package struct PlannedDocument: Sendable, Hashable {
  package let format: SignatureFormat
  /// Name of the signer.
  package let signer: String
  package let call: SigningCall
  package let placement: Placement
  package let cacheKey: CacheKey
  let form: UnsignedForm

  /// What a journal knows the document by: everything that makes it this document, and where it goes.
  package var identity: MessageDigest {
    let value: JSONValue = [
      "artifact": .string(cacheKey.artifact.text), "repository": cacheKey.repository.map { .string($0) } ?? .null,
      "predicateType": cacheKey.predicateType.map { .string($0) } ?? .null, "claim": .string(cacheKey.claim.text),
      "kid": .string(cacheKey.kid), "format": .string(format.rawValue), "scheme": .string(call.scheme.rawValue),
      "placement": .string(placement.text),
    ]
    return UnsignedForm.digest(of: value.serialized(), .sha256)
  }

  /// Whether these bytes are this document already, signed by this key: what a killed run may have left behind. Only bundles are recognised.
  package func isSatisfied(by bytes: [UInt8], key: PublicKey, verifier: any SignatureVerifier) -> Bool {
    guard format == .bundle, let bundle = try? SigstoreBundle.parse(bytes), bundle.keyFingerprint == key.fingerprint else { return false }
    let signature: [UInt8]
    switch (bundle.content, form) {
    case (.message(let message), .message(let digest)) where message.digest == digest: signature = message.signature
    case (.envelope(let envelope), .envelope(let wanted, _)) where envelope.unsigned == wanted: signature = envelope.signature
    default: return false
    }
    return verifier.check(signature, over: call.digest, scheme: call.scheme, key: key) == .valid
  }
}

extension JobPlan {
  /// Plans a job, or says why it cannot be done, before any HSM operation is spent.
  ///
  /// - Parameters:
  ///   - signers: one or more with distinct names; each output is made once by each.
  ///   - purpose: what the keys are for, see `CacheKey.purpose`.
  ///   - now: seconds since the epoch; compared with each key's own nbf…exp and with certificates.
  package static func make(_ job: SigningJob, signers: [Signer], purpose: String = "", now: Int64) throws(SigningError) -> JobPlan {
    var documents: [PlannedDocument] = []
    var places: Set<Placement> = []
    let claim = claimDigest(job.claim)
    for (index, signer) in signers.enumerated() {
      try checkUsable(signer.key, now: now)
      for output in job.outputs {
        let scheme = try output.format.scheme(for: signer.key, wanted: signer.scheme)
        let form = try UnsignedForm.make(job, format: output.format, scheme: scheme, signer: signer, now: now)
        let placement = try placement(job, output, signer: signer, isFirst: index == 0)
        if case .file(let path) = placement, !places.insert(placement).inserted { throw .placeTakenTwice(path) }
        let digest = form.digest(scheme.hash)
        documents.append(
          PlannedDocument(
            format: output.format, signer: signer.name, call: SigningCall(kid: signer.key.kid, scheme: scheme, digest: digest),
            placement: placement,
            cacheKey: cacheKey(job, claim: claim, signer: signer, format: output.format, scheme: scheme, purpose: purpose), form: form))
      }
    }
    return JobPlan(job: job, signers: signers, documents: documents, madeAt: now)
  }

  static func checkUsable(_ key: PinnedKey, now: Int64) throws(SigningError) {
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
  }

  private static func placement(
    _ job: SigningJob, _ output: SigningJob.Output, signer: Signer, isFirst: Bool
  ) throws(SigningError) -> Placement {
    switch job.artifact {
    case .blob(let blob):
      let path = output.path ?? blob.path + (output.format == .signature ? ".sig" : ".sigstore.json")
      return .file(path: Placement.path(path, signer: signer.name, isFirst: isFirst))
    case .image(let image):
      guard output.format == .legacy else { return .referrer(image) }
      if case .attestation = job.claim { return .tag(image, kind: .attestation) }
      return .tag(image, kind: .signature)
    }
  }

  private static func cacheKey(
    _ job: SigningJob, claim: MessageDigest, signer: Signer, format: SignatureFormat, scheme: SignatureScheme, purpose: String
  ) -> CacheKey {
    var predicateType: String?
    if case .attestation(let predicate) = job.claim { predicateType = predicate.type }
    let artifact: MessageDigest?
    var repository: String?
    switch job.artifact {
    case .blob(let blob): artifact = predicateType == nil ? blob.digests[scheme.hash] : blob.digests[.sha256]
    case .image(let image):
      artifact = image.digest
      repository = image.repository
    }
    return CacheKey(
      artifact: artifact ?? MessageDigest(algorithm: .sha256, bytes: []), repository: repository, predicateType: predicateType,
      claim: claim, kid: signer.key.kid, keyFingerprint: signer.key.publicKey.fingerprint, format: format, purpose: purpose)
  }

  private static func claimDigest(_ claim: SigningJob.Claim) -> MessageDigest {
    switch claim {
    case .attestation(let predicate): return UnsignedForm.digest(of: predicate.bytes, .sha256)
    case .signature(let annotations):
      var object: JSONObject = [:]
      for annotation in annotations { object[annotation.name] = .string(annotation.value) }
      return UnsignedForm.digest(of: JSONValue.object(object).serialized(sortedKeys: true), .sha256)
    }
  }
}
