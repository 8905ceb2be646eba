internal import Crypto
internal import Encodings
internal import NotaryFormats
internal import OCI
internal import SigstoreFormats
internal import Trust

/// A document before it is signed: what its signature is over, and how it is finished with one.
enum UnsignedForm: Sendable, Hashable {
  /// A bundle over a blob: the signature is over the blob itself.
  case message(MessageDigest)
  /// The signature alone.
  case detached(MessageDigest)
  /// A bundle over a statement.
  case envelope(UnsignedEnvelope, predicateType: String)
  /// cosign's older image payload.
  case legacyPayload([UInt8])
  /// cosign's older attestation layer.
  case legacyEnvelope(UnsignedEnvelope, predicateType: String)
  case notary(UnsignedNotaryEnvelope)

  /// What the key signs.
  func digest(_ hash: HashAlgorithm) -> MessageDigest {
    switch self {
    case .message(let digest), .detached(let digest): digest
    case .envelope(let envelope, _), .legacyEnvelope(let envelope, _): envelope.digest(hash)
    case .legacyPayload(let bytes): Self.digest(of: bytes, hash)
    case .notary(let envelope): Self.digest(of: envelope.signedBytes, hash)
    }
  }

  static func digest(of bytes: [UInt8], _ hash: HashAlgorithm) -> MessageDigest {
    let digest =
      switch hash {
      case .sha256: Array(SHA256.hash(data: bytes))
      case .sha384: Array(SHA384.hash(data: bytes))
      case .sha512: Array(SHA512.hash(data: bytes))
      }
    return MessageDigest(algorithm: hash, bytes: digest)
  }

  /// Finishes the document.
  ///
  /// - Parameters:
  ///   - signature: checked; DER for EC keys, octets for RSA.
  ///   - createdAt: seconds since the epoch, for annotations that carry a time.
  func sealed(
    _ format: SignatureFormat, signature: [UInt8], signer: Signer, createdAt: Int64
  ) throws(SigningError) -> SealedDocument {
    let key = signer.key.publicKey
    switch self {
    case .message(let digest):
      let bundle = SigstoreBundle(blob: MessageSignature(digest: digest, signature: signature), spkiDigest: key.fingerprint)
      return SealedDocument(format: format, mediaType: SigstoreBundle.mediaType, bytes: bundle.serialized())
    case .detached:
      return SealedDocument(format: format, mediaType: "application/octet-stream", bytes: signature)
    case .envelope(let envelope, let predicateType):
      let bundle = SigstoreBundle(
        material: .publicKey(hint: Base64.encode(key.fingerprint)), content: .envelope(envelope.sealed(signature: signature)))
      return SealedDocument(
        format: format, mediaType: SigstoreBundle.mediaType, bytes: bundle.serialized(),
        annotations: [
          .init(name: CosignImage.Annotation.created, value: ISO8601.format(seconds: createdAt)),
          .init(name: CosignImage.Annotation.content, value: CosignImage.envelopeContent),
          .init(name: CosignImage.Annotation.predicateType, value: predicateType),
        ])
    case .legacyPayload(let bytes):
      return SealedDocument(
        format: format, mediaType: CosignImage.Legacy.payloadType, bytes: bytes,
        annotations: [.init(name: CosignImage.Legacy.signature, value: Base64.encode(signature))])
    case .legacyEnvelope(let envelope, let predicateType):
      return SealedDocument(
        format: format, mediaType: CosignImage.Legacy.envelopeType, bytes: envelope.sealed(signature: signature).serialized(),
        annotations: [
          .init(name: CosignImage.Legacy.signature, value: ""), .init(name: CosignImage.Legacy.predicateType, value: predicateType),
        ])
    case .notary(let envelope):
      return try Self.sealed(envelope, format, signature: signature, signer: signer, createdAt: createdAt)
    }
  }

  private static func sealed(
    _ envelope: UnsignedNotaryEnvelope, _ format: SignatureFormat, signature: [UInt8], signer: Signer, createdAt: Int64
  ) throws(SigningError) -> SealedDocument {
    var octets = signature
    if case .ec(let curve) = signer.key.publicKey.kind {
      guard let raw = ECDSASignatureForm.raw(der: signature, fieldBytes: curve.fieldBytes) else {
        throw .signatureDoesNotVerify(key: signer.key.kid, why: "not an ECDSA signature of this curve")
      }
      octets = raw
    }
    let bytes: [UInt8]
    do { bytes = try envelope.sealed(signature: octets, chain: signer.chain) } catch {
      throw .certificateDoesNotFit(key: signer.key.kid, why: error.description)
    }
    return SealedDocument(
      format: format, mediaType: envelope.format.mediaType, bytes: bytes,
      annotations: NotarySignatureManifest.annotations(chain: signer.chain, signingTime: createdAt).map { .init(name: $0.name, value: $0.value) })
  }
}

extension UnsignedForm {
  /// What stands behind one output of one signer.
  static func make(
    _ job: SigningJob, format: SignatureFormat, scheme: SignatureScheme, signer: Signer, now: Int64
  ) throws(SigningError) -> UnsignedForm {
    switch (job.artifact, job.claim, format) {
    case (.blob(let blob), .signature(let annotations), .bundle), (.blob(let blob), .signature(let annotations), .signature):
      guard annotations.isEmpty else {
        throw .claimDoesNotFit(artifact: job.name, why: "a signature over a file carries no annotations")
      }
      guard let digest = blob.digests[scheme.hash] else { throw .digestMissing(artifact: job.name, hash: scheme.hash.rawValue) }
      return format == .bundle ? .message(digest) : .detached(digest)
    case (.image(let image), .signature(let annotations), .bundle):
      let statement: Statement
      do {
        statement = try Statement.cosignImage(
          repository: image.repository, manifestSHA256: try sha256(image), annotations: annotations.map { ($0.name, $0.value) })
      } catch let error as DocumentError {
        throw .claimDoesNotFit(artifact: job.name, why: error.description)
      } catch let error as SigningError { throw error } catch { throw .claimDoesNotFit(artifact: job.name, why: "\(error)") }
      return .envelope(statement.unsigned(), predicateType: PredicateType.cosignImage.rawValue)
    case (.image(let image), .signature(let annotations), .legacy):
      var optional: JSONObject = [:]
      for annotation in annotations { optional[annotation.name] = .string(annotation.value) }
      return .legacyPayload(
        SimpleSigning(repository: image.repository, manifestSHA256: try sha256(image), optional: optional).serialized())
    case (.image(let image), .signature(let annotations), .notaryJWS), (.image(let image), .signature(let annotations), .notaryCOSE):
      return .notary(try notary(image, annotations, format == .notaryJWS ? .jws : .cose, scheme, signer, job, now: now))
    case (_, .attestation(let predicate), .bundle):
      return .envelope(try statement(job, predicate).unsigned(), predicateType: predicate.type)
    case (.image, .attestation(let predicate), .legacy):
      return .legacyEnvelope(try statement(job, predicate).unsigned(), predicateType: predicate.type)
    case (.blob, _, .legacy), (.blob, _, .notaryJWS), (.blob, _, .notaryCOSE):
      throw .formatDoesNotFit(format: format.rawValue, artifact: job.name, why: "it is for images, this is a file")
    case (.image, .attestation, .notaryJWS), (.image, .attestation, .notaryCOSE):
      throw .formatDoesNotFit(format: format.rawValue, artifact: job.name, why: "the Notary Project has no attestations")
    case (_, .attestation, .signature):
      throw .formatDoesNotFit(format: format.rawValue, artifact: job.name, why: "an attestation without its statement says nothing")
    case (.image, .signature, .signature):
      throw .formatDoesNotFit(format: format.rawValue, artifact: job.name, why: "it is for files; for images take bundle or legacy")
    }
  }

  private static func sha256(_ image: SigningJob.Image) throws(SigningError) -> [UInt8] {
    guard image.digest.algorithm == .sha256 else {
      throw .claimDoesNotFit(
        artifact: "\(image.repository)@\(image.digest.text)", why: "verifiers of this format need a sha256 digest; notary-jws and notary-cose sign this one")
    }
    return image.digest.bytes
  }

  private static func statement(_ job: SigningJob, _ predicate: Predicate) throws(SigningError) -> Statement {
    let subject: Statement.Subject
    switch job.artifact {
    case .blob(let blob):
      guard let digest = blob.digests.sha256 else { throw .digestMissing(artifact: job.name, hash: "sha256") }
      subject = .init(name: blob.baseName, sha256: digest)
    case .image(let image): subject = .init(name: image.repository, sha256: try sha256(image))
    }
    do { return try Statement(subjects: [subject], predicateType: predicate.type, predicate: predicate.bytes) } catch {
      throw .claimDoesNotFit(artifact: job.name, why: error.description)
    }
  }

  private static func notary(
    _ image: SigningJob.Image, _ annotations: [SigningJob.Annotation], _ format: NotaryEnvelope.Format, _ scheme: SignatureScheme,
    _ signer: Signer, _ job: SigningJob, now: Int64
  ) throws(SigningError) -> UnsignedNotaryEnvelope {
    if let reserved = annotations.first(where: { $0.name.hasPrefix(NotaryPayload.reservedAnnotationPrefix) }) {
      throw .claimDoesNotFit(artifact: job.name, why: "annotation names that begin with \(NotaryPayload.reservedAnnotationPrefix) are reserved (\(reserved.name))")
    }
    let spec = try checkedKeySpec(signer, scheme, now: now)
    let payload = NotaryPayload(
      artifactMediaType: image.mediaType, digest: image.digest.text, size: image.size,
      annotations: annotations.map { .init(name: $0.name, value: $0.value) })
    do {
      return try UnsignedNotaryEnvelope(
        payload: payload, format: format, keySpec: spec, attributes: .init(signingTime: now), signingAgent: "hallmark")
    } catch { throw .claimDoesNotFit(artifact: job.name, why: error.description) }
  }

  /// The chain's leaf must be a certificate of exactly this key version, and the chain one that verifiers accept now: checked before an HSM
  /// operation is spent.
  private static func checkedKeySpec(_ signer: Signer, _ scheme: SignatureScheme, now: Int64) throws(SigningError) -> NotaryKeySpec {
    func refusal(_ why: String) -> SigningError { .certificateDoesNotFit(key: signer.key.kid, why: why) }
    guard !signer.chain.isEmpty else { throw refusal("there is none") }
    let chain: NotaryCertificateChain
    do { chain = try NotaryCertificateChain(der: signer.chain) } catch { throw refusal(error.description) }
    guard chain.leaf.publicKey == signer.key.publicKey.spki else {
      throw refusal("its leaf certificate is for another key than version \(signer.key.version)")
    }
    guard let spec = chain.keySpec, spec.jwsAlgorithm == scheme.rawValue else { throw refusal("its leaf is of a kind Notary does not know") }
    let violations = NotaryCertificateProfile.violations(of: chain, at: now)
    guard violations.isEmpty else { throw refusal(violations.map { "\($0)" }.joined(separator: "; ")) }
    return spec
  }
}
