package import Clocks
package import SigstoreFormats
package import Trust

/// A file to write when a job has ended well.
package struct PlacedOutput: Sendable, Hashable {
  package var path: String
  package var bytes: [UInt8]
}

/// One signature of a finished job.
package struct CompletedSignature: Sendable, Hashable {
  package var digest: MessageDigest
  /// DER for EC, octets for RSA.
  package var signature: [UInt8]
  /// Whether it was checked against the pinned key; false only where no verifier for the kind of key is at hand.
  package var isChecked: Bool
  package var requestID: String?
  package var attempts: Int
  package var milliseconds: Int64
}

/// What a job produced. Nothing has been written yet.
package struct SigningResult: Sendable, Hashable {
  package var plan: SigningPlan
  package var signatures: [CompletedSignature]
  package var outputs: [PlacedOutput]
}

extension SigningPlan {
  /// Performs the plan's sign calls one after the other and assembles the outputs.
  ///
  /// All or nothing: when a call fails or a signature does not verify, it throws and there is nothing to write. A signature of a kind that
  /// `verifier` does not support passes, marked as not checked.
  /// - Throws: what the service threw, or `SigningError`.
  package func run(
    with service: some SigningService, verifier: any SignatureVerifier, clock: TimeSource = .system
  ) async throws -> SigningResult {
    var signatures: [CompletedSignature] = []
    for digest in calls {
      let start = clock.now()
      let answer = try await service.sign(digest, scheme: scheme, key: key)
      let (signature, isChecked) = try checked(answer, digest, verifier)
      signatures.append(
        CompletedSignature(
          digest: digest, signature: signature, isChecked: isChecked, requestID: answer.requestID, attempts: answer.attempts,
          milliseconds: (clock.now().nanoseconds - start.nanoseconds) / 1_000_000))
    }
    return SigningResult(plan: self, signatures: signatures, outputs: outputs(signatures))
  }

  private func checked(
    _ answer: SignedDigest, _ digest: MessageDigest, _ verifier: any SignatureVerifier
  ) throws(SigningError) -> (signature: [UInt8], isChecked: Bool) {
    // Services name the key by their own public authority, which may be another host than the one we reached: compare name and version.
    guard answer.kid.hasSuffix("/keys/\(key.name)/\(key.version)") else { throw .wrongKeyVersion(wanted: key.kid, got: answer.kid) }
    var signature = answer.signature
    if case .ec(let curve) = key.publicKey.kind {
      guard let der = ECDSASignatureForm.der(raw: signature, fieldBytes: curve.fieldBytes) else {
        throw .signatureDoesNotVerify(key: key.kid, why: "wrong length \(signature.count)")
      }
      signature = der
    }
    switch verifier.check(signature, over: digest, scheme: scheme, key: key.publicKey) {
    case .valid: return (signature, true)
    case .invalid: throw .signatureDoesNotVerify(key: key.kid, why: "\(scheme.rawValue) check failed")
    case .unsupported: return (signature, false)
    }
  }

  private func outputs(_ signatures: [CompletedSignature]) -> [PlacedOutput] {
    var outputs: [PlacedOutput] = []
    for artifact in artifacts {
      guard let made = signatures.first(where: { $0.digest == artifact.digest }) else { continue }
      for placement in artifact.placements {
        switch placement {
        case .bundle(let path):
          let bundle = SigstoreBundle(
            blob: MessageSignature(digest: artifact.digest, signature: made.signature), spkiDigest: key.publicKey.fingerprint)
          outputs.append(PlacedOutput(path: path, bytes: bundle.serialized()))
        case .signature(let path):
          outputs.append(PlacedOutput(path: path, bytes: made.signature))
        }
      }
    }
    return outputs
  }
}
